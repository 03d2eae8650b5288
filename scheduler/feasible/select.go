package feasible

import (
	"strings"

	"berth/scheduler/fleet"
	"berth/structs"
)

// Selection is the answer for one group: the nodes it may run on, and who was refused why.
type Selection struct {
	// Rows may run the group, room aside. The caller may change it.
	Rows fleet.Bitmap
	// Candidates are the ready nodes in the job's datacenters and pool: what was looked at.
	Candidates fleet.Bitmap
	Steps      []*Step
	// Removed is how many candidates each step was the first to refuse.
	Removed []int

	nodesInPool int
	available   map[string]int
	pool        string
}

// Select applies the group's steps to all nodes.
func Select(f *fleet.Fleet, job *structs.Job, g *structs.TaskGroup, extra ...*Step) *Selection {
	s := &Selection{Steps: append(Steps(job, g), extra...), pool: job.NodePool}
	s.Steps = append(s.Steps, taintSteps(f, job, g)...)
	inPool := f.NewBitmap()
	copy(inPool, f.Ready())
	inPool.And(poolRows(f, job.NodePool))
	s.nodesInPool = inPool.Count()
	s.Candidates = inPool
	s.Candidates.And(datacenterRows(f, job.Datacenters))
	s.Rows = f.NewBitmap()
	copy(s.Rows, s.Candidates)
	s.Removed = make([]int, len(s.Steps))
	for i, step := range s.Steps {
		s.Removed[i] = s.Rows.And(step.Rows(f))
	}
	s.available = available(f, s.Candidates)
	return s
}

func poolRows(f *fleet.Fleet, pool string) fleet.Bitmap {
	return f.Filter(fleet.FilterKey{Kind: "pool", A: pool}, func(n *structs.Node) bool {
		return InPool(n, pool)
	})
}

// InPool reports that the node belongs to the pool; a node or job that names none is in the default one.
func InPool(n *structs.Node, pool string) bool {
	if pool == structs.NodePoolAll {
		return true
	}
	return orDefault(n.NodePool) == orDefault(pool)
}

func orDefault(pool string) string {
	if pool == "" {
		return structs.DefaultNodePool
	}
	return pool
}

func datacenterRows(f *fleet.Fleet, patterns []string) fleet.Bitmap {
	return f.Filter(fleet.FilterKey{Kind: "datacenters", A: strings.Join(patterns, "\x00")}, func(n *structs.Node) bool {
		return InDatacenters(patterns, n.Datacenter)
	})
}

// Amounts are the sums of the nodes in the job's datacenters and pool.
func Amounts(f *fleet.Fleet, job *structs.Job) *fleet.Amounts {
	return f.Amounts(fleet.FilterKey{Kind: "candidates", A: job.NodePool, B: strings.Join(job.Datacenters, "\x00")}, func(n *structs.Node) bool {
		return InPool(n, job.NodePool) && InDatacenters(job.Datacenters, n.Datacenter)
	})
}

// available counts the candidates by datacenter.
func available(f *fleet.Fleet, candidates fleet.Bitmap) map[string]int {
	dc := f.Column("${node.datacenter}")
	counts := map[string]int{}
	for _, name := range dc.Names[1:] {
		rows := f.Filter(fleet.FilterKey{Kind: "datacenter", A: name}, func(n *structs.Node) bool { return n.Datacenter == name })
		if n := rows.CountAnd(candidates); n > 0 {
			counts[name] = n
		}
	}
	return counts
}

// Metric is the contract's account of the selection, without what happened after it.
func (s *Selection) Metric(f *fleet.Fleet) *structs.AllocMetric {
	m := &structs.AllocMetric{
		NodesEvaluated: s.Candidates.Count(), NodesInPool: s.nodesInPool, NodePool: s.pool, NodesAvailable: s.available,
	}
	for i, n := range s.Removed {
		if n == 0 {
			continue
		}
		m.NodesFiltered += n
		if m.ConstraintFiltered == nil {
			m.ConstraintFiltered = map[string]int{}
		}
		m.ConstraintFiltered[s.Steps[i].Reason] += n
	}
	if m.NodesFiltered > 0 {
		m.ClassFiltered = s.classFiltered(f)
	}
	return m
}

// classFiltered counts refused nodes by node class, nil when classes are not used.
func (s *Selection) classFiltered(f *fleet.Fleet) map[string]int {
	class := f.Column("${node.class}")
	var counts map[string]int
	refused := f.NewBitmap()
	copy(refused, s.Candidates)
	for i := range refused {
		refused[i] &^= s.passed(i)
	}
	for _, name := range class.Names[1:] {
		if name == "" {
			continue
		}
		rows := f.Filter(fleet.FilterKey{Kind: "class", A: name}, func(n *structs.Node) bool { return n.NodeClass == name })
		if n := rows.CountAnd(refused); n > 0 {
			if counts == nil {
				counts = map[string]int{}
			}
			counts[name] = n
		}
	}
	return counts
}

func (s *Selection) passed(word int) uint64 { return s.Rows[word] }

// Refused calls yield with each candidate a step was the first to refuse.
func (s *Selection) Refused(f *fleet.Fleet, step int, yield func(row int32) bool) {
	left := f.NewBitmap()
	copy(left, s.Candidates)
	for _, before := range s.Steps[:step] {
		left.And(before.Rows(f))
	}
	left.AndNot(s.Steps[step].Rows(f))
	left.Rows(yield)
}

// Classes tells, for each computed class among the candidates, whether some node of it passed: room freed on a class that
// did not pass helps nothing. Escaped is set when a new node of such a class might pass all the same.
func (s *Selection) Classes(f *fleet.Fleet) (eligible map[string]bool, escaped bool) {
	for _, step := range s.Steps {
		escaped = escaped || step.Escapes
	}
	classes := f.Classes()
	among := classes.Among(s.Candidates)
	eligible = make(map[string]bool, len(among))
	for _, number := range among {
		eligible[classes.Names[number]] = false
	}
	for _, number := range classes.Among(s.Rows) {
		eligible[classes.Names[number]] = true
	}
	return eligible, escaped
}
