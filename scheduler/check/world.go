package check

import (
	"cmp"
	"fmt"
	"slices"

	"berth/structs"
)

// Fault is one thing that is wrong.
type Fault struct {
	// Subject is what it is about: a node, an allocation, a group.
	Subject string
	Text    string
}

func (f Fault) String() string { return f.Subject + ": " + f.Text }

// World is what is looked at.
type World struct {
	Nodes  []*structs.Node
	Jobs   []*structs.Job        // current versions
	Allocs []*structs.Allocation // Job linked
	// Deployments may be nil where no rollouts are looked at.
	Deployments []*structs.Deployment
	// Queues may be nil where there are none. For is the job a plan is looked at for, nil where that is not known.
	Queues []*structs.Queue
	For    *structs.Job
}

// faults collects what is found.
type faults []Fault

func (fs *faults) add(subject, format string, args ...any) {
	*fs = append(*fs, Fault{subject, fmt.Sprintf(format, args...)})
}

func (fs faults) sorted() []Fault {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Text, b.Text))
	})
	return fs
}

func (w *World) node(id structs.ID) *structs.Node {
	for _, n := range w.Nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}

func (w *World) job(namespace, id string) *structs.Job {
	for _, j := range w.Jobs {
		if j.Namespace == namespace && j.ID == id {
			return j
		}
	}
	return nil
}

func nodeSubject(n *structs.Node) string { return "node " + n.Name }

func allocSubject(a *structs.Allocation) string { return a.Name() + " " + a.ID.Short() }

// State tells what is wrong with a state at any moment: ids, and what nodes were given.
func State(w *World) []Fault {
	var fs faults
	seen := map[structs.ID]bool{}
	byNode := map[structs.ID][]*structs.Allocation{}
	for _, a := range w.Allocs {
		if a.ID.IsZero() {
			fs.add(allocSubject(a), "has no id")
		}
		if seen[a.ID] {
			fs.add(allocSubject(a), "the id is there twice")
		}
		seen[a.ID] = true
		if a.HoldsResources() {
			byNode[a.NodeID] = append(byNode[a.NodeID], a)
		}
	}
	for _, n := range w.Nodes {
		checkNode(&fs, n, byNode[n.ID])
	}
	return fs.sorted()
}
