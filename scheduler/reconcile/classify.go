package reconcile

import (
	"cmp"
	"slices"
	"time"

	"berth/structs"
)

// sets is a group's allocations by what has happened to them.
type sets struct {
	keep       []*structs.Allocation // hold a slot of the group: live, finished batch work, or failed and not replaced now
	migrate    []*structs.Allocation // asked to leave their node
	lost       []*structs.Allocation // their node is gone
	failed     []*structs.Allocation // to be replaced now
	later      []delayed             // to be replaced later, hold their slot until then
	disconnect []*structs.Allocation // become unknown now
	unknown    []*structs.Allocation // are unknown, replaced or not
	reconnect  []*structs.Allocation // were unknown and are back
	// owed left without a successor although one was to take their place: there was no room, or they were preempted. See replaceOwed.
	owed    []*structs.Allocation
	ignored int
}

// delayed is an allocation that waits for a time.
type delayed struct {
	alloc *structs.Allocation
	at    time.Time
	// trigger says what the follow-up evaluation is for.
	trigger string
}

// classify sorts a group's allocations. group is nil when the job no longer has it.
func (r *reconciler) classify(allocs []*structs.Allocation, group *structs.TaskGroup) *sets {
	s := &sets{}
	for _, a := range allocs {
		switch {
		case a.ServerTerminal():
			s.ignored++
			r.awaitEnd(a)
			if r.isOwed(a) {
				s.owed = append(s.owed, a)
			}
		case r.batch && a.ClientTerminal() && r.older(a):
			s.ignored++ // a new version of a batch job runs anew
		case a.ClientStatus == structs.AllocClientComplete:
			if r.batch {
				s.keep = append(s.keep, a)
			} else {
				s.ignored++
			}
		case a.ClientStatus == structs.AllocClientFailed:
			r.classifyFailed(s, a, group)
		case a.ClientStatus == structs.AllocClientLost:
			s.lost = append(s.lost, a)
		default:
			r.classifyLive(s, a, group)
		}
	}
	return s
}

// awaitEnd looks at an allocation that was told to stop. Where it has not ended and its node cannot tell of the end, it is lost.
func (r *reconciler) awaitEnd(a *structs.Allocation) {
	if a.HoldsResources() && r.silent(a) {
		r.res.Stop = append(r.res.Stop, &structs.PlanStop{AllocID: a.ID, ClientStatus: structs.AllocClientLost})
	}
}

// isOwed reports an allocation of an older version that had to leave, and in whose place nothing came.
func (r *reconciler) isOwed(a *structs.Allocation) bool {
	if !r.older(a) || a.Job == nil || a.Group() == nil || r.job.CreateIndex != a.Job.CreateIndex || !a.NextAllocation.IsZero() || r.replaced[a.ID] || unpromoted(a) {
		return false
	}
	return a.DesiredStatus == structs.AllocDesiredEvict || a.DesiredDescription == structs.AllocLost || a.DesiredDescription == structs.AllocMigrating
}

// silent reports that an allocation's node is not heard of.
func (r *reconciler) silent(a *structs.Allocation) bool {
	n := r.in.Node(a.NodeID)
	return n == nil || n.Status == structs.NodeStatusDown || n.Status == structs.NodeStatusDisconnected
}

// older reports an allocation of an earlier version of the job, or of an earlier job of that name.
func (r *reconciler) older(a *structs.Allocation) bool {
	if r.job == nil {
		return false
	}
	return a.JobVersion < r.job.Version || a.Job != nil && a.Job.CreateIndex != r.job.CreateIndex
}

func (r *reconciler) classifyLive(s *sets, a *structs.Allocation, group *structs.TaskGroup) {
	n := r.in.Node(a.NodeID)
	switch {
	case n == nil:
		s.lost = append(s.lost, a)
	case r.silent(a):
		r.classifyUnreachable(s, a, group, n)
	case a.ClientStatus == structs.AllocClientUnknown:
		r.classifyUnheard(s, a, group, n)
	case wasUnknown(a) && r.doubleOf(a) != nil:
		s.reconnect = append(s.reconnect, a)
	case moves(a):
		s.migrate = append(s.migrate, a)
	default:
		s.keep = append(s.keep, a)
	}
}

// classifyUnreachable decides about an allocation on a node that is not heard of: whether its time has come, what it is until
// then, and when to look again.
func (r *reconciler) classifyUnreachable(s *sets, a *structs.Allocation, group *structs.TaskGroup, n *structs.Node) {
	after := lostAfter(group)
	switch {
	case group == nil || r.stopped || group.Desired() == 0 || moves(a):
		s.lost = append(s.lost, a) // nobody waits for it
	case !replaces(group):
		r.awaitReturn(s, a, time.Time{})
	case n.Status == structs.NodeStatusDisconnected && after > 0:
		since := r.in.Now
		if a.ClientStatus == structs.AllocClientUnknown {
			since = unknownSince(a, n)
		}
		r.awaitReturn(s, a, since.Add(after))
	case r.stopsItself(s, a, group, n):
	default:
		s.lost = append(s.lost, a)
	}
}

// awaitReturn makes an allocation unknown, or leaves it so, until a time; zero is for ever.
func (r *reconciler) awaitReturn(s *sets, a *structs.Allocation, until time.Time) {
	if !until.IsZero() {
		if !until.After(r.in.Now.Add(rescheduleSlack)) && a.ClientStatus == structs.AllocClientUnknown {
			s.lost = append(s.lost, a)
			return
		}
		s.later = append(s.later, delayed{a, until, structs.EvalTriggerMaxDisconnect})
	}
	if a.ClientStatus == structs.AllocClientUnknown {
		s.unknown = append(s.unknown, a)
		return
	}
	s.disconnect = append(s.disconnect, a)
}

// stopsItself keeps an allocation that its client stops by itself after a time: until then a replacement would run beside it.
func (r *reconciler) stopsItself(s *sets, a *structs.Allocation, group *structs.TaskGroup, n *structs.Node) bool {
	if group.Disconnect == nil || deref(group.Disconnect.StopOnClientAfter) <= 0 {
		return false
	}
	at := time.Unix(n.StatusUpdatedAt, 0).Add(*group.Disconnect.StopOnClientAfter)
	if !at.After(r.in.Now) {
		return false
	}
	s.keep = append(s.keep, a)
	s.later = append(s.later, delayed{a, at, structs.EvalTriggerRetryFailedAlloc})
	return true
}

// tellPatience is how long a node that is back is given to tell of an allocation the servers had lost sight of.
const tellPatience = 10 * time.Second

// classifyUnheard decides about an allocation whose node is back and has not told of it yet. It is looked at again until then, for
// the node's word may have come before the allocation was called unknown.
func (r *reconciler) classifyUnheard(s *sets, a *structs.Allocation, group *structs.TaskGroup, n *structs.Node) {
	until := time.Unix(n.StatusUpdatedAt, 0).Add(tellPatience)
	if at := unknownSince(a, n).Add(max(lostAfter(group), tellPatience)); at.After(until) {
		until = at
	}
	if group == nil || moves(a) || replaces(group) && !until.After(r.in.Now) {
		s.lost = append(s.lost, a)
		return
	}
	s.unknown = append(s.unknown, a)
	s.later = append(s.later, delayed{a, r.in.Now.Add(tellPatience), structs.EvalTriggerReconnect})
}

// moves reports an allocation that a drain or a person wants to leave its node.
func moves(a *structs.Allocation) bool { return deref(a.DesiredTransition.Migrate) }

func lostAfter(group *structs.TaskGroup) time.Duration {
	if group == nil || group.Disconnect == nil || group.Disconnect.LostAfter == nil {
		return 0
	}
	return *group.Disconnect.LostAfter
}

// replaces reports that the group wants a replacement while an allocation is unknown.
func replaces(group *structs.TaskGroup) bool {
	return group == nil || group.Disconnect == nil || group.Disconnect.Replace == nil || *group.Disconnect.Replace
}

func unknownSince(a *structs.Allocation, n *structs.Node) time.Time {
	for _, s := range slices.Backward(a.AllocStates) {
		if s.Value == structs.AllocClientUnknown {
			return s.Time
		}
	}
	return time.Unix(n.StatusUpdatedAt, 0)
}

// wasUnknown reports an allocation that its client did not tell of for a time, and tells of again.
func wasUnknown(a *structs.Allocation) bool {
	return a.ClientStatus != structs.AllocClientUnknown && slices.ContainsFunc(a.AllocStates, func(s *structs.AllocState) bool {
		return s.Value == structs.AllocClientUnknown
	})
}

// doubleOf finds the live allocation that was placed while another was unknown: as long as there is one, nobody has
// decided between the two.
func (r *reconciler) doubleOf(a *structs.Allocation) *structs.Allocation {
	for _, o := range r.in.Allocs {
		if o.ID == a.ID || o.TaskGroup != a.TaskGroup || o.Terminal() || o.ClientStatus == structs.AllocClientUnknown {
			continue
		}
		if o.PreviousAllocation == a.ID || o.Index == a.Index && o.CreateIndex > a.CreateIndex && !unpromoted(o) {
			return o
		}
	}
	return nil
}

func unpromoted(a *structs.Allocation) bool {
	return a.DeploymentStatus != nil && a.DeploymentStatus.Canary
}

func (r *reconciler) classifyFailed(s *sets, a *structs.Allocation, group *structs.TaskGroup) {
	switch {
	case !a.NextAllocation.IsZero() || r.replaced[a.ID]:
		s.ignored++
		return
	case group == nil || r.stopped:
		s.keep = append(s.keep, a)
		return
	}
	at, eligible := r.rescheduleAt(a, group)
	switch {
	case !eligible:
		s.keep = append(s.keep, a)
	case !at.After(r.in.Now.Add(rescheduleSlack)) || a.FollowupEvalID == r.in.Eval.ID && !a.FollowupEvalID.IsZero():
		s.failed = append(s.failed, a)
	default:
		s.keep = append(s.keep, a)
		s.later = append(s.later, delayed{a, at, structs.EvalTriggerAllocReschedule})
	}
}

// byIndex orders allocations by name, older first.
func byIndex(a, b *structs.Allocation) int {
	return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.JobVersion, b.JobVersion),
		cmp.Compare(a.CreateIndex, b.CreateIndex), a.ID.Compare(b.ID))
}
