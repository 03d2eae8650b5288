package scheduler_test

import (
	"strconv"
	"time"

	"berth/structs"
)

// apply carries a plan out, as the servers do: what is stopped holds its resources until its client says that it ended,
// unless it is lost.
func (w *world) apply(p *structs.Plan) {
	w.index++
	if d := p.Deployment; d != nil {
		d.CreateIndex = w.index
		w.deployments = append(w.deployments, d)
	}
	for _, u := range p.DeploymentUpdates {
		w.changeDeployment(u.DeploymentID, func(d *structs.Deployment) { d.Status, d.StatusDescription = u.Status, u.StatusDescription })
	}
	for _, s := range p.Stop {
		a := w.copyOf(s.AllocID)
		if a == nil {
			continue
		}
		if s.DesiredStatus != "" {
			a.DesiredStatus, a.DesiredDescription = s.DesiredStatus, s.Description
		}
		if !s.PreemptedBy.IsZero() {
			a.PreemptedByAllocation = s.PreemptedBy
		}
		if s.ClientStatus != "" && !a.ClientTerminal() {
			a.ClientStatus = s.ClientStatus
		}
		w.putAlloc(a)
	}
	for _, u := range p.Update {
		w.applyUpdate(u)
	}
	for _, g := range p.Place {
		for _, item := range g.Items {
			w.applyPlacement(g, item)
		}
	}
}

func (w *world) copyOf(id structs.ID) *structs.Allocation {
	old := w.allocs[id]
	if old == nil {
		return nil
	}
	return new(*old)
}

func (w *world) applyUpdate(u *structs.PlanUpdate) {
	a := w.copyOf(u.AllocID)
	if a == nil {
		return
	}
	if j := w.version("", a.JobID, u.JobVersion); j != nil {
		a.JobVersion, a.Job = u.JobVersion, j
	}
	if u.Resources != nil {
		a.AllocatedResources = u.Resources
	}
	if u.Description != "" {
		a.DesiredDescription = u.Description
	}
	if u.ClientStatus != "" {
		w.setClientStatus(a, u.ClientStatus)
	}
	if u.ClearFollowup {
		a.FollowupEvalID = structs.ID{}
	}
	if !u.FollowupEvalID.IsZero() {
		a.FollowupEvalID = u.FollowupEvalID
	}
	if !u.DeploymentID.IsZero() && u.DeploymentID != a.DeploymentID {
		a.DeploymentID, a.DeploymentStatus = u.DeploymentID, nil
		w.countPlaced(a)
	}
	w.putAlloc(a)
}

// commitTime is how much later than a decision its plan is part of the state.
const commitTime = 5 * time.Millisecond

// setClientStatus notes when an allocation became unknown and when it was heard of again.
func (w *world) setClientStatus(a *structs.Allocation, status string) {
	if a.ClientStatus == status {
		return
	}
	if status == structs.AllocClientUnknown || a.ClientStatus == structs.AllocClientUnknown {
		a.AllocStates = append(a.AllocStates[:len(a.AllocStates):len(a.AllocStates)], &structs.AllocState{Value: status, Time: w.now.Add(commitTime)})
	}
	a.ClientStatus = status
}

func (w *world) applyPlacement(g *structs.PlanGroup, item *structs.Placement) {
	a := &structs.Allocation{
		ID: item.AllocID, Namespace: g.Namespace, EvalID: g.EvalID, Index: item.Index, NodeID: item.NodeID, NodeName: item.NodeName,
		JobID: g.JobID, Job: w.version("", g.JobID, g.JobVersion), JobVersion: g.JobVersion, TaskGroup: g.TaskGroup,
		Metrics: item.Metrics, DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientPending,
		DeploymentID: g.DeploymentID, PreviousAllocation: item.PreviousAllocation, RescheduleTracker: item.RescheduleTracker,
		PreemptedAllocations: item.PreemptedAllocations, CreateIndex: w.index, CreateTime: w.now.UnixNano(),
	}
	if a.Metrics == nil {
		a.Metrics = g.Metrics
	}
	r := *g.Resources
	r.Shared.Ports = item.Ports
	if len(item.Tasks) > 0 {
		r.Tasks = item.Tasks
	}
	a.AllocatedResources = &r
	if item.Canary {
		a.DeploymentStatus = &structs.AllocDeploymentStatus{Canary: true}
	}
	if prev := w.copyOf(item.PreviousAllocation); prev != nil {
		prev.NextAllocation = a.ID
		w.putAlloc(prev)
	}
	w.putAlloc(a)
	w.countPlaced(a)
}

func (w *world) countPlaced(a *structs.Allocation) {
	w.changeGroup(a, func(s *structs.DeploymentState) {
		s.PlacedAllocs++
		if a.DeploymentStatus != nil && a.DeploymentStatus.Canary {
			s.PlacedCanaries = append(s.PlacedCanaries[:len(s.PlacedCanaries):len(s.PlacedCanaries)], a.ID)
		}
	})
}

// changeDeployment replaces a deployment by a changed copy.
func (w *world) changeDeployment(id structs.ID, change func(*structs.Deployment)) {
	for i, d := range w.deployments {
		if d.ID != id {
			continue
		}
		c := *d
		c.TaskGroups = map[string]*structs.DeploymentState{}
		for name, s := range d.TaskGroups {
			c.TaskGroups[name] = new(*s)
		}
		change(&c)
		w.deployments[i] = &c
	}
}

// changeGroup changes the part of the allocation's deployment that is about its group.
func (w *world) changeGroup(a *structs.Allocation, change func(*structs.DeploymentState)) {
	w.changeDeployment(a.DeploymentID, func(d *structs.Deployment) {
		if s := d.TaskGroups[a.TaskGroup]; s != nil {
			change(s)
		}
	})
}

// report is a client telling what became of an allocation.
func (w *world) report(a *structs.Allocation, status string, healthy *bool) {
	w.index++
	c := *a
	w.setClientStatus(&c, status)
	c.TaskStates = map[string]*structs.TaskState{}
	for _, t := range c.Group().Tasks {
		s := &structs.TaskState{State: structs.TaskStateRunning, StartedAt: w.now}
		if old := a.TaskStates[t.Name]; old != nil {
			s.StartedAt = old.StartedAt
		}
		if c.ClientTerminal() {
			s.State, s.Failed, s.FinishedAt = structs.TaskStateDead, status == structs.AllocClientFailed, w.now
			if s.Failed && w.exit != 0 {
				s.Events = []*structs.TaskEvent{{Type: structs.TaskTerminated, Details: map[string]string{"exit_code": strconv.Itoa(w.exit)}}}
			}
		}
		c.TaskStates[t.Name] = s
	}
	if healthy != nil {
		w.setHealth(&c, *healthy)
	}
	w.putAlloc(&c)
	if a.ServerTerminal() || w.jobs[a.JobID].Stopped() || a.ClientStatus == status {
		return
	}
	switch {
	case status == structs.AllocClientFailed, status == structs.AllocClientComplete && w.jobs[a.JobID].Type == structs.JobTypeService:
		w.enqueue(a.JobID, structs.EvalTriggerRetryFailedAlloc)
	case status == structs.AllocClientComplete && c.Group().Completion != nil:
		w.enqueue(a.JobID, structs.EvalTriggerCompletion)
	case a.ClientStatus == structs.AllocClientUnknown:
		w.enqueue(a.JobID, structs.EvalTriggerReconnect)
	}
}

// setHealth counts an allocation's health for its deployment and carries the deployment on.
func (w *world) setHealth(a *structs.Allocation, healthy bool) {
	was := a.DeploymentStatus
	a.DeploymentStatus = &structs.AllocDeploymentStatus{Healthy: &healthy, Timestamp: w.now, Canary: was != nil && was.Canary}
	if was != nil && was.Healthy != nil && *was.Healthy == healthy {
		return
	}
	w.changeGroup(a, func(s *structs.DeploymentState) {
		if healthy {
			s.HealthyAllocs++
			if s.ProgressDeadline > 0 {
				s.RequireProgressBy = w.now.Add(s.ProgressDeadline)
			}
		} else {
			s.UnhealthyAllocs++
		}
	})
	w.enqueue(a.JobID, structs.EvalTriggerDeploymentWatcher)
}

// watch does what the watcher of deployments does: promotes those that promote themselves, ends those that are done, and
// has unhealthy allocations replaced.
func (w *world) watch() {
	for _, d := range w.deployments {
		if d.Status != structs.DeploymentRunning || w.jobs[d.JobID].Stopped() || w.jobs[d.JobID].Version != d.JobVersion {
			continue
		}
		done, auto, late := true, false, false
		for _, s := range d.TaskGroups {
			late = late || s.HealthyAllocs < s.DesiredTotal && !s.RequireProgressBy.IsZero() && w.now.After(s.RequireProgressBy)
			done = done && (s.DesiredCanaries == 0 || s.Promoted) && s.HealthyAllocs >= s.DesiredTotal
			auto = auto || s.AutoPromote && !s.Promoted && s.DesiredCanaries > 0 && s.HealthyAllocs >= s.DesiredCanaries
		}
		switch {
		case d.GaveUp():
			w.changeDeployment(d.ID, func(d *structs.Deployment) { d.Status = structs.DeploymentFailed })
			w.enqueue(d.JobID, structs.EvalTriggerDeploymentWatcher)
		case done:
			w.changeDeployment(d.ID, func(d *structs.Deployment) {
				d.Status, d.StatusDescription = structs.DeploymentSuccessful, structs.DeploymentDescSuccessful
			})
		case auto:
			w.promote(d.ID)
		case late:
			w.changeDeployment(d.ID, func(d *structs.Deployment) {
				d.Status, d.StatusDescription = structs.DeploymentFailed, structs.DeploymentDescProgressDeadline
			})
			w.enqueue(d.JobID, structs.EvalTriggerDeploymentWatcher)
		default:
			w.moveUnhealthy(d)
		}
	}
}

func (w *world) promote(id structs.ID) {
	w.changeDeployment(id, func(d *structs.Deployment) {
		for _, s := range d.TaskGroups {
			s.Promoted = true
		}
		d.StatusDescription = structs.DeploymentDescRunning
		w.enqueue(d.JobID, structs.EvalTriggerDeploymentWatcher)
	})
}

func (w *world) moveUnhealthy(d *structs.Deployment) {
	for _, a := range w.allocsOf(func(a *structs.Allocation) bool { return a.DeploymentID == d.ID && !a.ServerTerminal() }) {
		s := a.DeploymentStatus
		if s == nil || s.Healthy == nil || *s.Healthy || a.DesiredTransition.Reschedule != nil {
			continue
		}
		c := *a
		c.DesiredTransition.Reschedule = new(true)
		w.putAlloc(&c)
		w.enqueue(a.JobID, structs.EvalTriggerDeploymentWatcher)
	}
}

// passed moves the clock.
func (w *world) passed(d time.Duration) { w.now = w.now.Add(d) }
