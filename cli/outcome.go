package cli

import "berth/structs"

// outcome tells whether what was waited for is reached, with the exit code.
func (p *progress) outcome() (done bool, code int) {
	switch {
	case !p.over():
		return false, 0
	case p.eval.Status == structs.EvalStatusFailed:
		return true, 1
	case len(p.eval.FailedTGAllocs) > 0:
		p.next("    next: berth why %s", p.job())
		return true, 2
	}
	switch p.goal {
	case goalRollout:
		return p.rolloutOutcome()
	case goalStarted:
		return p.startOutcome()
	case goalStopped:
		return !p.any(func(a *structs.AllocListStub) bool { return !ended(a) && a.ClientStatus != structs.AllocClientUnknown }), 0
	}
	return false, 0
}

// refused reports an evaluation that ended badly: nothing is to be waited for.
func (p *progress) refused() bool {
	return p.eval.Status == structs.EvalStatusFailed || len(p.eval.FailedTGAllocs) > 0
}

// ended reports that an allocation is over on its node.
func ended(a *structs.AllocListStub) bool {
	switch a.ClientStatus {
	case structs.AllocClientComplete, structs.AllocClientFailed, structs.AllocClientLost:
		return true
	}
	return false
}

func (p *progress) any(is func(*structs.AllocListStub) bool) bool {
	for _, a := range p.allocs {
		if is(a) {
			return true
		}
	}
	return false
}

// current reports an allocation of the version that was run, which is meant to run.
func (p *progress) current(a *structs.AllocListStub) bool {
	return a.JobVersion == p.version && a.DesiredStatus == structs.AllocDesiredRun
}

func (p *progress) startOutcome() (done bool, code int) {
	switch {
	case p.any(func(a *structs.AllocListStub) bool {
		return p.current(a) && a.ClientStatus == structs.AllocClientPending
	}):
		return false, 0
	case len(waiting(p.eval)) > 0 && !p.any(func(a *structs.AllocListStub) bool { return p.current(a) && a.CreateIndex >= p.eval.CreateIndex }):
		return false, 0 // what is replaced has not ended
	}
	for _, a := range p.allocs {
		if p.current(a) && hasFailed(a) && a.CreateIndex >= p.eval.CreateIndex {
			p.step("Allocation %q failed", short8(a.ID, p.verbose))
			p.next("    next: berth alloc status %s, berth alloc logs -stderr %s", a.ID.Short(), a.ID.Short())
			return true, 1
		}
	}
	return true, 0
}

// hasFailed reports an allocation that failed, or is about to be called so: one of its tasks has.
func hasFailed(a *structs.AllocListStub) bool {
	for _, st := range a.TaskStates {
		if st != nil && st.Failed && st.State == structs.TaskStateDead {
			return true
		}
	}
	return a.ClientStatus == structs.AllocClientFailed
}

func (p *progress) rolloutOutcome() (done bool, code int) {
	d := p.rolled
	switch {
	case d == nil:
		return false, 0
	case d.Status == structs.DeploymentSuccessful:
		p.step("Deployment %q successful", short8(d.ID, p.verbose))
		return true, 0
	case !d.Active():
		p.step("Deployment %q %s: %s", short8(d.ID, p.verbose), d.Status, d.StatusDescription)
		for _, a := range p.allocs {
			if a.JobVersion == d.JobVersion && (a.ClientStatus == structs.AllocClientFailed || unhealthy(a)) {
				p.next("    next: berth alloc status %s, berth alloc logs -stderr %s", a.ID.Short(), a.ID.Short())
				return true, 1
			}
		}
		p.next("    next: berth why %s", structs.JobArgs(d.Namespace, d.JobID))
		return true, 1
	case d.Status == structs.DeploymentPaused:
		p.step("Deployment %q is paused", short8(d.ID, p.verbose))
		p.next("    next: berth deployment resume %s", d.ID.Short())
		return true, 0
	case d.StatusDescription == structs.DeploymentDescNeedsPromotion && canariesHealthy(d):
		p.step("Deployment %q waits for a person to look at the canaries", short8(d.ID, p.verbose))
		p.next("    next: berth deployment promote %s", d.ID.Short())
		return true, 0
	}
	return false, 0
}

func unhealthy(a *structs.AllocListStub) bool {
	return a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && !*a.DeploymentStatus.Healthy
}

func canariesHealthy(d *structs.Deployment) bool {
	for _, g := range d.TaskGroups {
		if g != nil && g.DesiredCanaries > 0 && !g.Promoted && g.HealthyAllocs < g.DesiredCanaries {
			return false
		}
	}
	return true
}

// running are allocations of the version that run, at most n.
func (p *progress) running(n int) []structs.ID {
	var out []structs.ID
	for _, a := range p.allocs {
		if p.current(a) && a.ClientStatus == structs.AllocClientRunning && len(out) < n {
			out = append(out, a.ID)
		}
	}
	return out
}

// last says what to look at now.
func (p *progress) last() {
	if len(p.seen) == 0 && p.goal != goalStopped {
		p.line("nothing changes: what was asked for is there already")
	}
	if p.goal == goalStarted || p.goal == goalRollout && p.rolled.Status == structs.DeploymentSuccessful {
		p.next("    next: berth job status %s, berth alloc logs -job %s", p.job(), p.job())
	}
}

// job names the job as arguments of a command do.
func (p *progress) job() string { return structs.JobArgs(p.eval.Namespace, p.eval.JobID) }
