package fleet

// scoresMax bounds how many asks have columns of scores; beyond it the one not asked for the longest gives way.
const scoresMax = 64

// changesMax is how many changes of rows are remembered; a column further behind is made anew.
const changesMax = 1024

// Fit names the amounts that a row must have free, and how the rows that have them are scored.
type Fit struct {
	CPU, MemoryMB, DiskMB int64
	Spread                bool // prefer empty rows to full ones
}

// What a row may lack for a fit, in the order it is looked at.
const (
	LackCPU = iota
	LackMemory
	LackDisk
	LackSlot
	lacks
)

// Scores are the columns of one fit. They follow the rows: what a placement changed is computed anew when they are next asked
// for, and nothing else.
type Scores struct {
	Room Bitmap        // rows with room
	Lack [lacks]Bitmap // the others, by the first thing that they lack
	Of   []float64     // the fits of rows with room, see Scorer.Fit, 0 to 1
	Best []float64     // the highest score of each 64 rows, a word of a bitmap; below 0 where none has room

	fit        Fit
	seen, used uint64
}

// changes are the rows whose amounts changed, oldest first, the last changesMax of them.
type changes struct {
	rows  [changesMax]int32
	total uint64
}

func (c *changes) add(row int32) {
	c.rows[c.total%changesMax] = row
	c.total++
}

// Scores finds or makes the columns of a fit. They are valid until the fleet changes or another fit is asked for. Do not change
// them.
func (f *Fleet) Scores(fit Fit) *Scores {
	s, ok := f.scores[fit]
	if !ok {
		s = f.makeScores(fit)
	}
	f.asked++
	s.used = f.asked
	if s.seen != f.changes.total {
		f.follow(s)
	}
	return s
}

func (f *Fleet) makeScores(fit Fit) *Scores {
	s := &Scores{}
	if len(f.scores) >= scoresMax {
		for _, o := range f.scores {
			if s.used == 0 || o.used < s.used {
				s = o
			}
		}
		delete(f.scores, s.fit)
	}
	f.scores[fit] = s
	s.fit, s.seen = fit, 0
	f.fill(s)
	return s
}

// follow takes the changes over that the columns have not seen.
func (f *Fleet) follow(s *Scores) {
	if f.changes.total-s.seen > changesMax {
		f.fill(s)
		return
	}
	s.grow(len(f.nodes), f.words)
	scorer := f.Scorer(s.fit.CPU, s.fit.MemoryMB, s.fit.Spread)
	for ; s.seen < f.changes.total; s.seen++ {
		row := f.changes.rows[s.seen%changesMax]
		was := s.Of[row]
		is := f.rescore(s, &scorer, row)
		if best := &s.Best[row>>6]; is >= *best {
			*best = is
		} else if was == *best {
			*best = s.bestOf(int(row >> 6))
		}
	}
}

// fill makes the columns anew.
func (f *Fleet) fill(s *Scores) {
	s.grow(len(f.nodes), f.words)
	scorer := f.Scorer(s.fit.CPU, s.fit.MemoryMB, s.fit.Spread)
	for row := range int32(len(f.nodes)) {
		f.rescore(s, &scorer, row)
	}
	for word := range s.Best {
		s.Best[word] = s.bestOf(word)
	}
	s.seen = f.changes.total
}

func (s *Scores) grow(rows, words int) {
	for len(s.Of) < rows {
		s.Of = append(s.Of, noRoom)
	}
	for len(s.Best) < words {
		s.Best = append(s.Best, noRoom)
		s.Room = append(s.Room, 0)
		for i := range s.Lack {
			s.Lack[i] = append(s.Lack[i], 0)
		}
	}
}

// noRoom stands for the score of a row without room: less than any.
const noRoom = -1.0

func (f *Fleet) rescore(s *Scores, scorer *Scorer, row int32) float64 {
	lack := f.lack(row, &s.fit)
	score := noRoom
	if lack == lacks {
		score = scorer.Fit(row)
	}
	s.Room.Put(row, lack == lacks)
	for i := range s.Lack {
		s.Lack[i].Put(row, lack == i)
	}
	s.Of[row] = score
	return score
}

// lack is the first thing that the row lacks, lacks for nothing.
func (f *Fleet) lack(row int32, fit *Fit) int {
	switch {
	case f.freeCPU[row] < fit.CPU:
		return LackCPU
	case f.freeMem[row] < fit.MemoryMB:
		return LackMemory
	case f.freeDisk[row] < fit.DiskMB:
		return LackDisk
	case f.Full(row):
		return LackSlot
	}
	return lacks
}

func (s *Scores) bestOf(word int) float64 {
	best := noRoom
	for _, score := range s.Of[word<<6 : min(word<<6+64, len(s.Of))] {
		best = max(best, score)
	}
	return best
}
