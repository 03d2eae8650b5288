package drain

import (
	"iter"
	"math"
	"slices"
	"time"

	"berth/scheduler/budget"
	"berth/structs"
)

// State is what a step reads.
type State interface {
	Nodes() iter.Seq[*structs.Node]
	Node(id structs.ID) *structs.Node
	budget.State
	AllocsByNode(node structs.ID) iter.Seq[*structs.Allocation]
}

// Actions are what a step wants done.
type Actions struct {
	// Move are allocations to be asked to leave, in the order of nodes and allocations.
	Move []*structs.Allocation
	// Done are nodes whose drain is over.
	Done []structs.ID
	// Waiting are allocations that are to leave and may not yet, with the reason.
	Waiting []Waiting
	// Next is when a deadline passes; zero when none is waited for.
	Next time.Time
}

// Waiting is an allocation that is to leave its node and may not yet.
type Waiting struct {
	Alloc  *structs.Allocation
	Reason string
}

// groupKey names a group of a job.
type groupKey struct {
	job   structs.JobKey
	group string
}

// step is one look at the state.
type step struct {
	st     State
	now    time.Time
	room   map[groupKey]int    // how many more of a group may begin to move
	moved  map[structs.ID]bool // in this step
	ledger *budget.Ledger
	out    Actions
}

// Step decides what follows from the state at a time: of the nodes that are drained, and of those whose taints make allocations leave.
func Step(st State, now time.Time) Actions {
	s := &step{st: st, now: now, room: map[groupKey]int{}, moved: map[structs.ID]bool{}, ledger: budget.New(st, asked)}
	for n := range st.Nodes() {
		if n.DrainStrategy != nil {
			s.node(n)
		}
		if n.Evicts() {
			s.tainted(n)
		}
	}
	return s.out
}

func (s *step) node(n *structs.Node) {
	d := n.DrainStrategy
	forced := d.Deadline < 0 || !d.ForceDeadline.IsZero() && !s.now.Before(d.ForceDeadline)
	if !forced || s.ordered(d) {
		s.next(d.ForceDeadline)
	}
	var service, batch, system []*structs.Allocation
	for a := range s.st.AllocsByNode(n.ID) {
		if a.ClientTerminal() {
			continue
		}
		switch jobType(a) {
		case structs.JobTypeSystem, structs.JobTypeSysBatch:
			if !d.IgnoreSystemJobs {
				system = append(system, a)
			}
		case structs.JobTypeBatch:
			batch = append(batch, a)
		default:
			service = append(service, a)
		}
	}
	others := len(service) + len(batch)
	if others+len(system) == 0 {
		s.out.Done = append(s.out.Done, n.ID)
		return
	}
	if s.ordered(d) {
		service, batch, system = s.lowest(service, batch, system, forced)
	}
	for _, a := range service {
		s.service(a, forced)
	}
	if forced {
		s.ask(batch)
	} else {
		s.late(batch, "it is batch work, which may end by itself until the deadline of the drain")
	}
	if (forced && !s.ordered(d)) || others == 0 {
		s.ask(system)
	} else {
		s.late(system, "allocations of system jobs leave last")
	}
}

// ordered reports a drain of a node that shuts down whose deadline has not passed: allocations leave one priority after the other.
func (s *step) ordered(d *structs.DrainStrategy) bool {
	return d.Shutdown && (d.ForceDeadline.IsZero() || s.now.Before(d.ForceDeadline))
}

// lowest leaves those whose turn it is on a node that shuts down: of the jobs of the lowest priority. Work that may end by itself keeps nobody,
// unless it is forced to end. Those of system jobs are ordered among themselves, for they leave last.
func (s *step) lowest(service, batch, system []*structs.Allocation, forced bool) (first, ends, last []*structs.Allocation) {
	ordered := service
	if forced {
		ordered = append(slices.Clone(service), batch...)
	}
	least, leastSystem := leastPriority(ordered), leastPriority(system)
	turn := func(all []*structs.Allocation, least int) []*structs.Allocation {
		var now, later []*structs.Allocation
		for _, a := range all {
			if priority(a) == least {
				now = append(now, a)
			} else {
				later = append(later, a)
			}
		}
		s.late(later, "the node shuts down: allocations of jobs of lower priority leave first")
		return now
	}
	first, ends = turn(service, least), batch
	if forced {
		ends = turn(batch, least)
	}
	if len(service)+len(batch) > 0 {
		return first, ends, system
	}
	return first, ends, turn(system, leastSystem)
}

func leastPriority(all []*structs.Allocation) int {
	least := math.MaxInt
	for _, a := range all {
		least = min(least, priority(a))
	}
	return least
}

func priority(a *structs.Allocation) int {
	if a.Job == nil {
		return 0
	}
	return a.Job.Priority
}

// next notes a time to look again at, zero for none.
func (s *step) next(at time.Time) {
	if !at.IsZero() && (s.out.Next.IsZero() || at.Before(s.out.Next)) {
		s.out.Next = at
	}
}

// service asks an allocation of a service to leave if enough others serve.
func (s *step) service(a *structs.Allocation, forced bool) {
	switch key := keyOf(a); {
	case s.asked(a):
	case forced, !Healthy(a): // what does not serve is not missed
		s.move(a)
	case s.roomOf(key, a) <= 0:
		s.wait(a, "migrate { max_parallel } of group "+a.TaskGroup+" lets no more of it leave until others are healthy")
	case s.free(a):
		s.room[key]--
		s.move(a)
	}
}

// free reports that the budgets let the allocation leave now, and notes for what it waits if not.
func (s *step) free(a *structs.Allocation) bool {
	if by := s.ledger.Blocks(a); by != nil {
		s.wait(a, by.String())
		return false
	}
	return true
}

func (s *step) wait(a *structs.Allocation, reason string) {
	s.out.Waiting = append(s.out.Waiting, Waiting{a, reason})
}

func (s *step) asked(a *structs.Allocation) bool { return s.moved[a.ID] || asked(a) }

func (s *step) move(a *structs.Allocation) {
	s.moved[a.ID] = true
	s.ledger.Take(a)
	s.out.Move = append(s.out.Move, a)
}

func (s *step) late(allocs []*structs.Allocation, reason string) {
	for _, a := range allocs {
		if !s.asked(a) {
			s.wait(a, reason)
		}
	}
}

func (s *step) ask(allocs []*structs.Allocation) {
	for _, a := range allocs {
		if !s.asked(a) {
			s.move(a)
		}
	}
}

// asked reports that the allocation is on its way out already.
func asked(a *structs.Allocation) bool {
	return a.ServerTerminal() || a.DesiredTransition.Migrate != nil && *a.DesiredTransition.Migrate
}

func jobType(a *structs.Allocation) string {
	if a.Job == nil {
		return structs.JobTypeService
	}
	return a.Job.Type
}

func keyOf(a *structs.Allocation) groupKey {
	return groupKey{structs.JobKey{Namespace: a.Namespace, ID: a.JobID}, a.TaskGroup}
}

// roomOf is how many more allocations of the group may begin to move: so many that count less max_parallel stay healthy.
func (s *step) roomOf(key groupKey, a *structs.Allocation) int {
	if room, ok := s.room[key]; ok {
		return room
	}
	job := s.st.Job(a.Namespace, a.JobID)
	g := job.LookupGroup(a.TaskGroup)
	if job.Stopped() || g == nil {
		s.room[key] = 1 << 30 // nothing will take its place: there is nothing to wait for
		return s.room[key]
	}
	parallel := 1
	if g.Migrate != nil && g.Migrate.MaxParallel != nil {
		parallel = max(*g.Migrate.MaxParallel, 1)
	}
	healthy := 0
	for other := range s.st.AllocsByJob(a.Namespace, a.JobID) {
		if other.TaskGroup == a.TaskGroup && !asked(other) && Healthy(other) {
			healthy++
		}
	}
	s.room[key] = healthy - (g.Desired() - parallel)
	return s.room[key]
}

// Healthy reports that an allocation serves.
func Healthy(a *structs.Allocation) bool { return budget.Serves(a) }
