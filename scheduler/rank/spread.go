package rank

import (
	"encoding/binary"

	"berth/scheduler/fleet"
	"berth/structs"
)

// spread scores rows by how often the values of their attributes are used already. Rows with the same values of all
// spread attributes form a combination and always have the same score, which is kept up to date as placements are made.
type spread struct {
	attrs []*spreadAttr
	combo []int32 // by row
	boost []float64
	// least and most are of boost and 0.
	least, most float64
	// values of each combination, one per attribute.
	values [][]int32
}

// spreadAttr is one spread block.
type spreadAttr struct {
	column  *fleet.Column
	weight  float64 // share of all weights
	count   []int   // by value number
	desired []float64
	targets bool
}

const noTarget = -1 // a value no target speaks of

func newSpread(f *fleet.Fleet, req Request) *spread {
	blocks := append(append([]*structs.Spread{}, req.Job.Spreads...), req.Group.Spreads...)
	if len(blocks) == 0 {
		return nil
	}
	s := &spread{}
	var sum float64
	for _, b := range blocks {
		sum += spreadWeight(b)
	}
	for _, b := range blocks {
		s.attrs = append(s.attrs, newSpreadAttr(f, req, b, spreadWeight(b)/sum))
	}
	s.combine(f)
	s.boost = make([]float64, len(s.values))
	s.refresh()
	return s
}

func spreadWeight(b *structs.Spread) float64 {
	if b.Weight == nil || *b.Weight <= 0 {
		return 50
	}
	return float64(*b.Weight)
}

func newSpreadAttr(f *fleet.Fleet, req Request, b *structs.Spread, weight float64) *spreadAttr {
	column := f.Column(b.Attribute)
	a := &spreadAttr{
		column: column, weight: weight, targets: len(b.SpreadTarget) > 0,
		count: make([]int, len(column.Names)), desired: make([]float64, len(column.Names)),
	}
	total := float64(req.Group.Desired())
	rest, named := 100.0, map[int32]bool{}
	for _, t := range b.SpreadTarget {
		rest -= float64(t.Percent)
		if v := column.Number(t.Value); v != 0 {
			named[v] = true
			a.desired[v] = float64(t.Percent) / 100 * total
		}
	}
	for v := range a.desired {
		if !named[int32(v)] {
			a.desired[v] = noTarget
			if rest > 0 {
				a.desired[v] = rest / 100 * total
			}
		}
	}
	for _, alloc := range req.Live {
		if alloc.Group != req.Group.Name || alloc.Stopping {
			continue
		}
		if row, ok := f.Row(alloc.Node); ok {
			a.count[column.Values[row]]++
		}
	}
	return a
}

// combine numbers the combinations of values that occur. With one attribute they are its values.
func (s *spread) combine(f *fleet.Fleet) {
	if len(s.attrs) == 1 {
		c := s.attrs[0].column
		s.combo, s.values = c.Values, make([][]int32, len(c.Names))
		numbers := make([]int32, len(c.Names))
		for v := range s.values {
			numbers[v] = int32(v)
			s.values[v] = numbers[v : v+1 : v+1]
		}
		return
	}
	s.combo = make([]int32, f.Len())
	known := map[string]int32{}
	key := make([]byte, 0, 4*len(s.attrs))
	for row := range s.combo {
		if f.NodeAt(int32(row)) == nil {
			continue
		}
		key = key[:0]
		for _, a := range s.attrs {
			key = binary.LittleEndian.AppendUint32(key, uint32(a.column.Values[row]))
		}
		number, ok := known[string(key)]
		if !ok {
			number = int32(len(s.values))
			known[string(key)] = number
			values := make([]int32, len(s.attrs))
			for i, a := range s.attrs {
				values[i] = a.column.Values[row]
			}
			s.values = append(s.values, values)
		}
		s.combo[row] = number
	}
	if len(s.values) == 0 {
		s.values = append(s.values, make([]int32, len(s.attrs)))
	}
}

func (s *spread) placed(row int32) {
	for _, a := range s.attrs {
		a.count[a.column.Values[row]]++
	}
	s.refresh()
}

// refresh computes the score of every combination anew.
func (s *spread) refresh() {
	clear(s.boost)
	for i, a := range s.attrs {
		if a.targets {
			a.addTargets(s, i)
		} else {
			a.addEven(s, i)
		}
	}
	s.least, s.most = 0, 0
	for _, b := range s.boost {
		s.least, s.most = min(s.least, b), max(s.most, b)
	}
}

func (a *spreadAttr) addTargets(s *spread, attr int) {
	lowest := 0.0
	for v, n := range a.count {
		if d := a.desired[v]; v != 0 && d > 0 {
			lowest = min(lowest, (d-float64(n+1))/d)
		}
	}
	for c := range s.boost {
		v := s.values[c][attr]
		d := a.desired[v]
		switch {
		case v == 0 || d == noTarget:
			s.boost[c]-- // not weighted: the contract's penalty for a value nobody wants
		case d == 0:
			s.boost[c] += min(lowest, -1) * a.weight
		default:
			s.boost[c] += (d - float64(a.count[v]+1)) / d * a.weight
		}
	}
}

func (a *spreadAttr) addEven(s *spread, attr int) {
	least, most := 0, 0
	for v, n := range a.count {
		if v == 0 || n == 0 {
			continue
		}
		if least == 0 || n < least {
			least = n
		}
		most = max(most, n)
	}
	for c := range s.boost {
		v := s.values[c][attr]
		switch {
		case v == 0:
			s.boost[c]--
		case least == 0: // nothing placed yet
		case a.count[v] != least:
			s.boost[c] += float64(least-a.count[v]) / float64(least) * a.weight
		case least == most:
			s.boost[c] -= a.weight
		default:
			s.boost[c] += float64(most-least) / float64(least) * a.weight
		}
	}
}
