package reconcile

import (
	"cmp"
	"slices"

	"berth/structs"
)

// groupPass decides for one group, step after step: each method reads what the ones before left.
type groupPass struct {
	*reconciler
	*sets
	group *structs.TaskGroup
	d     *structs.DesiredUpdates
	state *structs.DeploymentState // the group's part of the deployment, nil for none
	used  names                    // taken by what stays

	canaries []*structs.Allocation // of the current deployment, not promoted
	fallen   []*structs.Allocation // such canaries that are gone and to be placed again
	old      []*structs.Allocation // to be replaced by the new version, window permitting
	inPlace  []*structs.Allocation
	missing  int
}

func (p *groupPass) count() int { return p.group.Desired() }

// settleDisconnected deals with allocations on nodes that cannot be reached, and with those that are back.
func (p *groupPass) settleDisconnected() {
	for _, a := range p.disconnect {
		u := p.update(a)
		u.ClientStatus, u.Description = structs.AllocClientUnknown, structs.AllocUnknown
		p.d.Disconnect++
		p.unknown = append(p.unknown, a)
	}
	p.settleReconnected()
	if !replaces(p.group) {
		p.keep = append(p.keep, p.unknown...)
		return
	}
	p.d.Ignore += uint64(len(p.unknown) - len(p.disconnect))
}

// settleReconnected keeps one of each pair of an allocation that came back and its replacement.
func (p *groupPass) settleReconnected() {
	for _, a := range p.reconnect {
		p.d.Reconnect++
		other := p.doubleOf(a)
		if !slices.Contains(p.keep, other) {
			p.keep = append(p.keep, a) // the other one leaves anyway
			continue
		}
		p.d.Stop++
		if moves(a) || p.older(a) && !p.older(other) || !p.prefersOriginal(a, other) {
			p.stop(a, structs.AllocReconnected, "")
			continue
		}
		p.stop(other, structs.AllocReconnected, "")
		p.keep = slices.DeleteFunc(p.keep, func(k *structs.Allocation) bool { return k.ID == other.ID })
		p.keep = append(p.keep, a)
	}
}

func (p *groupPass) prefersOriginal(original, replacement *structs.Allocation) bool {
	strategy := ""
	if d := p.group.Disconnect; d != nil {
		strategy = deref(d.Reconcile)
	}
	switch strategy {
	case "keep_original":
		return true
	case "keep_replacement":
		return false
	case "longest_running":
		return startedAt(original) <= startedAt(replacement)
	}
	if o, r := bestScore(original), bestScore(replacement); o != r {
		return o > r
	}
	return startedAt(original) <= startedAt(replacement)
}

func bestScore(a *structs.Allocation) float64 {
	if a.Metrics == nil {
		return 0
	}
	for _, m := range a.Metrics.ScoreMetaData {
		if m.NodeID == a.NodeID {
			return m.NormScore
		}
	}
	return 0
}

// startedAt is when the allocation's first task started, Unix ns; far in the future when none did.
func startedAt(a *structs.Allocation) int64 {
	first := int64(1<<63 - 1)
	for _, s := range a.TaskStates {
		if !s.StartedAt.IsZero() {
			first = min(first, s.StartedAt.UnixNano())
		}
	}
	return first
}

// splitCanaries takes the canaries of the current deployment aside and stops those nobody will promote.
func (p *groupPass) splitCanaries() {
	if p.deployment != nil {
		p.state = p.deployment.TaskGroups[p.group.Name]
	}
	p.keep = p.withoutCanaries(p.keep, func(a *structs.Allocation) {
		if p.currentCanary(a) && !p.refused {
			p.canaries = append(p.canaries, a)
			p.d.Ignore++
			return
		}
		p.stop(a, structs.AllocNotNeeded, "")
		p.d.Stop++
	})
	gone := func(description, clientStatus string) func(*structs.Allocation) {
		return func(a *structs.Allocation) {
			p.stop(a, description, clientStatus)
			p.d.Stop++
			if p.currentCanary(a) && !p.refused {
				p.fallen = append(p.fallen, a)
			}
		}
	}
	p.migrate = p.withoutCanaries(p.migrate, gone(structs.AllocMigrating, ""))
	p.failed = p.withoutCanaries(p.failed, gone(structs.AllocRescheduled, ""))
	p.lost = p.withoutCanaries(p.lost, gone(structs.AllocLost, structs.AllocClientLost))
}

// withoutCanaries hands the canaries that were not promoted to take and returns the others.
func (p *groupPass) withoutCanaries(list []*structs.Allocation, take func(*structs.Allocation)) []*structs.Allocation {
	rest := list[:0:0]
	for _, a := range list {
		promoted := p.state != nil && a.DeploymentID == p.deployment.ID && p.state.Promoted
		if a.DeploymentStatus != nil && a.DeploymentStatus.Canary && !promoted {
			take(a)
			continue
		}
		rest = append(rest, a)
	}
	return rest
}

func (p *groupPass) currentCanary(a *structs.Allocation) bool {
	return p.state != nil && a.DeploymentID == p.deployment.ID
}

// stopExcess stops what is above the count: unhealthy ones first, then old versions and doubled names, then the highest
// names. What is to migrate is simply not replaced.
func (p *groupPass) stopExcess() {
	done, live := 0, make([]*structs.Allocation, 0, len(p.keep))
	var rest []*structs.Allocation
	for _, a := range p.keep {
		if p.batch && a.ClientTerminal() {
			done++
			rest = append(rest, a)
			continue
		}
		live = append(live, a)
	}
	excess := len(live) + len(p.migrate) + done - p.count()
	for excess > 0 && len(p.migrate) > 0 {
		last := len(p.migrate) - 1
		p.stop(p.migrate[last], structs.AllocNotNeeded, "")
		p.d.Stop++
		p.migrate = p.migrate[:last]
		excess--
	}
	if excess > 0 {
		seen := map[uint32]int{}
		for _, a := range live {
			seen[a.Index]++
		}
		slices.SortStableFunc(live, func(a, b *structs.Allocation) int {
			return cmp.Or(
				cmp.Compare(rankOf(p.worth(a)), rankOf(p.worth(b))),
				boolFirst(p.older(b), p.older(a)),
				cmp.Compare(min(seen[a.Index], 2), min(seen[b.Index], 2)),
				cmp.Compare(a.Index, b.Index), a.ID.Compare(b.ID))
		})
		stay := max(len(live)-excess, 0)
		for _, a := range live[stay:] {
			p.stop(a, structs.AllocNotNeeded, "")
			p.d.Stop++
		}
		live = live[:stay]
	}
	p.keep = append(rest, live...)
	slices.SortFunc(p.keep, byIndex)
	for _, a := range p.keep {
		p.used.take(a.Index)
	}
}

// worth orders what to keep: 0 is fine, 1 is failing.
func (p *groupPass) worth(a *structs.Allocation) bool {
	failing := a.ClientStatus == structs.AllocClientFailed ||
		a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && !*a.DeploymentStatus.Healthy
	return !failing
}

func rankOf(fine bool) int {
	if fine {
		return 0
	}
	return 1
}

// boolFirst orders true before false.
func boolFirst(a, b bool) int { return rankOf(a) - rankOf(b) }

// findUpdates sorts what stays by what the new version means for it.
func (p *groupPass) findUpdates() {
	for _, a := range p.keep {
		switch {
		case !p.older(a):
			p.d.Ignore++
		case a.ClientStatus == structs.AllocClientFailed:
			p.old = append(p.old, a)
		case a.ClientTerminal():
			p.d.Ignore++
		case p.change(a) != structs.ChangeDestructive && p.in.StaysFeasible(a, p.group):
			p.inPlace = append(p.inPlace, a)
		default:
			p.old = append(p.old, a)
		}
	}
	for _, a := range p.inPlace {
		u := p.update(a)
		u.JobVersion, u.Description = p.job.Version, structs.AllocInPlace
		p.d.InPlaceUpdate++
	}
	p.missing = max(p.count()-len(p.keep)-len(p.migrate), 0)
}
