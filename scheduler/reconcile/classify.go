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
	ignored    int
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
			if a.HoldsResources() {
				r.res.Stopping++
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
	case n.Status == structs.NodeStatusDisconnected:
		r.classifyDisconnected(s, a, group, n)
	case n.Status == structs.NodeStatusDown:
		r.classifyDown(s, a, group, n)
	case a.ClientStatus == structs.AllocClientUnknown:
		// The node is back and has not told of the allocation yet.
		s.unknown = append(s.unknown, a)
	case wasUnknown(a) && r.doubleOf(a) != nil:
		s.reconnect = append(s.reconnect, a)
	case a.DesiredTransition.Migrate != nil && *a.DesiredTransition.Migrate:
		s.migrate = append(s.migrate, a)
	default:
		s.keep = append(s.keep, a)
	}
}

func (r *reconciler) classifyDown(s *sets, a *structs.Allocation, group *structs.TaskGroup, n *structs.Node) {
	if group != nil && group.Disconnect != nil && group.Disconnect.StopOnClientAfter != nil {
		// The client stops it by itself after that time: until then a replacement would run beside it.
		at := time.Unix(n.StatusUpdatedAt, 0).Add(*group.Disconnect.StopOnClientAfter)
		if *group.Disconnect.StopOnClientAfter > 0 && at.After(r.in.Now) {
			s.keep = append(s.keep, a)
			s.later = append(s.later, delayed{a, at, structs.EvalTriggerRetryFailedAlloc})
			return
		}
	}
	s.lost = append(s.lost, a)
}

func (r *reconciler) classifyDisconnected(s *sets, a *structs.Allocation, group *structs.TaskGroup, n *structs.Node) {
	after := lostAfter(group)
	switch {
	case after == 0:
		s.lost = append(s.lost, a)
	case a.ClientStatus != structs.AllocClientUnknown:
		s.disconnect = append(s.disconnect, a)
		s.later = append(s.later, delayed{a, r.in.Now.Add(after), structs.EvalTriggerMaxDisconnect})
	case !unknownSince(a, n).Add(after).After(r.in.Now):
		s.lost = append(s.lost, a)
	default:
		s.unknown = append(s.unknown, a)
	}
}

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
