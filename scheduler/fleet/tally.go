package fleet

import "berth/structs"

// talliesMax bounds how many tallies are kept; beyond it all are forgotten and counted again when asked for.
const talliesMax = 256

// Tally counts, by row, the allocations that pass a test. It is kept up to date as they come and go.
type Tally struct {
	Count []int32
	Total int
	test  func(*Use) bool
}

// Tally finds or makes the count of allocations that pass a test. The key must say all that the test depends on.
func (f *Fleet) Tally(key string, test func(*Use) bool) *Tally {
	if t, ok := f.tallies[key]; ok {
		return t
	}
	if len(f.tallies) >= talliesMax {
		clear(f.tallies)
	}
	t := &Tally{Count: make([]int32, len(f.nodes)), test: test}
	for row, uses := range f.uses {
		for _, u := range uses {
			if test(u) {
				t.Count[row]++
				t.Total++
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
	Count     []int32 // of the allocations with the rule, by row
	total     int
}

// Avoiders are the rules in force, by their key. Do not change them.
func (f *Fleet) Avoiders() map[string]*Avoider { return f.avoiders }

// tell notes an allocation that came (1) or went (-1) in the tallies and avoiders.
func (f *Fleet) tell(u *Use, by int32) {
	for _, t := range f.tallies {
		if t.test(u) {
			t.Count[u.row] += by
			t.Total += int(by)
		}
	}
	for _, p := range u.Apart {
		key := u.Job.Namespace + "\x00" + p.String()
		a := f.avoiders[key]
		if a == nil {
			a = &Avoider{Namespace: u.Job.Namespace, Peer: p, Count: make([]int32, len(f.nodes))}
			f.avoiders[key] = a
		}
		a.Count[u.row] += by
		if a.total += int(by); a.total == 0 {
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
