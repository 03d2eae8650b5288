package fleet

import "berth/structs"

// talliesMax bounds how many tallies are kept; beyond it all are forgotten and counted again when asked for.
const talliesMax = 256

// Counts are numbers of allocations by row, and the rows that have any.
type Counts struct {
	Of    []int32
	Rows  Bitmap
	Total int
}

func (f *Fleet) newCounts() Counts {
	return Counts{Of: make([]int32, len(f.nodes)), Rows: f.NewBitmap()}
}

func (c *Counts) add(row, by int32) {
	c.Of[row] += by
	c.Rows.Put(row, c.Of[row] > 0)
	c.Total += int(by)
}

// grow adds a row, in a bitmap of that many words.
func (c *Counts) grow(words int) {
	c.Of = append(c.Of, 0)
	for len(c.Rows) < words {
		c.Rows = append(c.Rows, 0)
	}
}

// Tally counts the allocations that pass a test. It is kept up to date as they come and go.
type Tally struct {
	Counts
	test func(*Use) bool
}

// Tally finds or makes the count of allocations that pass a test. The key must say all that the test depends on.
func (f *Fleet) Tally(key string, test func(*Use) bool) *Tally {
	if t, ok := f.tallies[key]; ok {
		return t
	}
	if len(f.tallies) >= talliesMax {
		clear(f.tallies)
	}
	t := &Tally{f.newCounts(), test}
	for row, uses := range f.uses {
		for _, u := range uses {
			if test(u) {
				t.add(int32(row), 1)
			}
		}
	}
	f.tallies[key] = t
	return t
}

// Avoider is a rule of allocations that are placed: those it means must not come near the rows it counts.
type Avoider struct {
	Namespace string
	Peer      *structs.Peer
	Counts    // of the allocations with the rule
}

// Avoiders are the rules in force, by their key. Do not change them.
func (f *Fleet) Avoiders() map[string]*Avoider { return f.avoiders }

// tell notes an allocation that came (1) or went (-1) in the tallies and avoiders.
func (f *Fleet) tell(u *Use, by int32) {
	for _, t := range f.tallies {
		if t.test(u) {
			t.add(u.row, by)
		}
	}
	for _, p := range u.Apart {
		key := u.Job.Namespace + "\x00" + p.String()
		a := f.avoiders[key]
		if a == nil {
			a = &Avoider{Namespace: u.Job.Namespace, Peer: p, Counts: f.newCounts()}
			f.avoiders[key] = a
		}
		if a.add(u.row, by); a.Total == 0 {
			delete(f.avoiders, key)
		}
	}
}

// Labels are what peer rules of others see of an allocation, and the rules it has against others.
type Labels struct {
	JobMeta, GroupMeta map[string]string
	Apart              []*structs.Peer
	// Guarded is set for groups with a disruption block.
	Guarded bool
}

// LabelsOf are the labels of a job's group.
func LabelsOf(job *structs.Job, g *structs.TaskGroup) Labels {
	l := Labels{JobMeta: job.Meta, GroupMeta: g.Meta, Guarded: g.Disruption != nil}
	for _, p := range g.Peers {
		if p.Required() && p.Relation == structs.PeerApart {
			l.Apart = append(l.Apart, p)
		}
	}
	return l
}
