package deploy

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"berth/structs"
)

// State is what a step reads.
type State interface {
	Deployments() iter.Seq[*structs.Deployment]
	Job(namespace, id string) *structs.Job
	JobVersions(namespace, id string) iter.Seq[*structs.Job]
	AllocsByDeployment(id structs.ID) iter.Seq[*structs.Allocation]
	EvalsByJob(namespace, id string) iter.Seq[*structs.Evaluation]
}

// IDs makes ids for evaluations.
type IDs interface{ NewID() structs.ID }

// Memory is what a term has seen of deployments: it keeps a step from asking for the same evaluation again and again. Losing it
// costs one needless evaluation for each deployment.
type Memory map[structs.ID]int // healthy allocations when an evaluation was last asked for

// Actions are what a step wants done.
type Actions struct {
	Updates []*structs.DeploymentUpdateCommand
	Moves   []*structs.AllocTransitionCommand
	// Next is when a deadline passes; zero when none is waited for.
	Next time.Time
}

type step struct {
	st  State
	now time.Time
	ids IDs
	out Actions
}

// Step decides what follows from the state at a time.
func Step(st State, now time.Time, ids IDs, mem Memory) Actions {
	s := &step{st: st, now: now, ids: ids}
	active := map[structs.ID]bool{}
	for d := range st.Deployments() {
		if d.Active() {
			active[d.ID] = true
			s.deployment(d, mem)
		}
	}
	for id := range mem {
		if !active[id] {
			delete(mem, id)
		}
	}
	return s.out
}

func (s *step) deployment(d *structs.Deployment, mem Memory) {
	job := s.st.Job(d.Namespace, d.JobID)
	if d.Status != structs.DeploymentRunning || job.Stopped() || job.Version != d.JobVersion || job.CreateIndex != d.JobCreateIndex {
		return // paused, or about to be cancelled by the evaluation of the newer job
	}
	if why, revert := s.failure(d); why != "" {
		s.fail(d, job, why, revert)
		return
	}
	if succeeded(d) {
		s.out.Updates = append(s.out.Updates, &structs.DeploymentUpdateCommand{
			Updates: []*structs.DeploymentStatusUpdate{{DeploymentID: d.ID, Status: structs.DeploymentSuccessful,
				StatusDescription: structs.DeploymentDescSuccessful}},
			StableJobs: []*structs.JobStabilityCommand{{Namespace: d.Namespace, JobID: d.JobID, Version: d.JobVersion, Stable: true}},
			// What failed meanwhile was left to the deployment: now it is an ordinary failure.
			Evals: []*structs.Evaluation{s.eval(d, job)},
		})
		return
	}
	if promotable(d) {
		s.out.Updates = append(s.out.Updates, &structs.DeploymentUpdateCommand{
			Promote: &structs.DeploymentPromotion{DeploymentID: d.ID, All: true}, Evals: []*structs.Evaluation{s.eval(d, job)},
		})
		return
	}
	if s.move(d, job) {
		return
	}
	healthy := 0
	for _, g := range d.TaskGroups {
		healthy += g.HealthyAllocs
	}
	if seen, known := mem[d.ID]; known && healthy > seen {
		s.out.Updates = append(s.out.Updates, &structs.DeploymentUpdateCommand{Evals: []*structs.Evaluation{s.eval(d, job)}})
	} else if !known && healthy > 0 {
		s.out.Updates = append(s.out.Updates, &structs.DeploymentUpdateCommand{Evals: []*structs.Evaluation{s.eval(d, job)}})
	}
	mem[d.ID] = healthy
}

// failure tells why a deployment has failed, "" if it has not, and whether the job asks to go back.
func (s *step) failure(d *structs.Deployment) (why string, revert bool) {
	if d.GaveUp() { // for the whole version: one group that asks to go back is enough
		for _, g := range d.TaskGroups {
			revert = revert || g != nil && g.AutoRevert
		}
		return d.StatusDescription, revert
	}
	for _, name := range groupNames(d) {
		g := d.TaskGroups[name]
		if g.ProgressDeadline == 0 && g.UnhealthyAllocs > 0 {
			return structs.DeploymentDescFailedAllocs, g.AutoRevert
		}
		if finished(g) || waitsForPromotion(g) || g.RequireProgressBy.IsZero() {
			continue
		}
		half := g.RequireProgressBy.Add(-g.ProgressDeadline / 2)
		switch {
		case s.now.Before(half):
			s.lookAt(half)
		case s.heldBack(d, name):
			by := s.now.Add(g.ProgressDeadline)
			s.out.Updates = append(s.out.Updates, &structs.DeploymentUpdateCommand{
				Progress: []*structs.DeploymentProgress{{DeploymentID: d.ID, Group: name, RequireProgressBy: by.UnixNano()}},
			})
		case s.now.Before(g.RequireProgressBy):
			s.lookAt(g.RequireProgressBy)
		default:
			return structs.DeploymentDescProgressDeadline, g.AutoRevert
		}
	}
	return "", false
}

// lookAt has the next step made at a time, or before.
func (s *step) lookAt(at time.Time) {
	if s.out.Next.IsZero() || at.Before(s.out.Next) {
		s.out.Next = at
	}
}

// heldBack reports a group of which all that was placed is healthy, and whose others wait for the limit of their queue. That is nothing the
// version could be blamed for: its deadline is moved when half of it is over, so that there is time left when the wait ends.
func (s *step) heldBack(d *structs.Deployment, group string) bool {
	waits := false
	for e := range s.st.EvalsByJob(d.Namespace, d.JobID) {
		if e.Status == structs.EvalStatusBlocked && e.QuotaLimitReached != "" {
			x := e.Explanations[group]
			waits = waits || x != nil && x.Queue != nil
		}
	}
	if !waits {
		return false
	}
	for a := range s.st.AllocsByDeployment(d.ID) {
		if a.TaskGroup == group && !a.ServerTerminal() && (a.DeploymentStatus == nil || a.DeploymentStatus.Healthy == nil || !*a.DeploymentStatus.Healthy) {
			return false
		}
	}
	return true
}

func groupNames(d *structs.Deployment) []string {
	names := make([]string, 0, len(d.TaskGroups))
	for name, g := range d.TaskGroups {
		if g != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// finished: all of the group is placed and healthy, and nothing is left to promote.
func finished(g *structs.DeploymentState) bool {
	return (g.DesiredCanaries == 0 || g.Promoted) && g.HealthyAllocs >= g.DesiredTotal
}

// waitsForPromotion: all canaries are healthy, and only a person can go on.
func waitsForPromotion(g *structs.DeploymentState) bool {
	return g.DesiredCanaries > 0 && !g.Promoted && g.HealthyAllocs >= g.DesiredCanaries
}

func succeeded(d *structs.Deployment) bool {
	for _, g := range d.TaskGroups {
		if g != nil && !finished(g) {
			return false
		}
	}
	return true
}

// promotable: every group with canaries promotes by itself, and all canaries are healthy.
func promotable(d *structs.Deployment) bool {
	some := false
	for _, g := range d.TaskGroups {
		if g == nil || g.DesiredCanaries == 0 || g.Promoted {
			continue
		}
		if !g.AutoPromote || !waitsForPromotion(g) {
			return false
		}
		some = true
	}
	return some
}

// move asks for the replacement of unhealthy allocations that still run; false when there are none.
func (s *step) move(d *structs.Deployment, job *structs.Job) bool {
	cmd := &structs.AllocTransitionCommand{Transitions: map[string]*structs.DesiredTransition{}}
	for a := range s.st.AllocsByDeployment(d.ID) {
		unhealthy := a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && !*a.DeploymentStatus.Healthy
		asked := a.DesiredTransition.Reschedule != nil && *a.DesiredTransition.Reschedule
		if unhealthy && !asked && !a.ServerTerminal() && a.NextAllocation.IsZero() {
			cmd.Transitions[a.ID.String()] = &structs.DesiredTransition{Reschedule: new(true)}
		}
	}
	if len(cmd.Transitions) == 0 {
		return false
	}
	cmd.Evals = []*structs.Evaluation{s.eval(d, job)}
	s.out.Moves = append(s.out.Moves, cmd)
	return true
}

// fail ends a deployment, and goes back to the newest stable version if the job asks for it and that one differs.
func (s *step) fail(d *structs.Deployment, job *structs.Job, why string, revert bool) {
	cmd := &structs.DeploymentUpdateCommand{Evals: []*structs.Evaluation{s.eval(d, job)}}
	if revert {
		stable := s.stable(d)
		switch {
		case stable == nil:
			why += " - no stable job version to auto revert to"
		case same(stable, job):
			why = fmt.Sprintf("%s - not rolling back to stable job version %d as current job has same specification", why, stable.Version)
		case s.unmet(stable) != nil:
			why = fmt.Sprintf("%s - not rolling back to stable job version %d: it %v", why, stable.Version, s.unmet(stable))
		default:
			why = fmt.Sprintf("%s - rolling back to job version %d", why, stable.Version)
			back := stable.Copy()
			back.SubmitTime = s.now.UnixNano()
			cmd.RevertJob = back
		}
	}
	cmd.Updates = []*structs.DeploymentStatusUpdate{{DeploymentID: d.ID, Status: structs.DeploymentFailed, StatusDescription: why}}
	s.out.Updates = append(s.out.Updates, cmd)
}

// unmet tells why a version could never be placed beside the jobs there are now: those it depends on have changed since, and it would wait
// for itself, or for ever. A person has to decide then.
func (s *step) unmet(j *structs.Job) error {
	return structs.CheckDependencies(j, func(key structs.JobKey) *structs.Job { return s.st.Job(key.Namespace, key.ID) })
}

// same reports two versions that say the same.
func same(a, b *structs.Job) bool {
	diff, err := structs.JobDiffOf(a, b, false)
	return err == nil && diff.Type == structs.DiffNone
}

// stable is the newest version known to work that is older than the deployment's.
func (s *step) stable(d *structs.Deployment) *structs.Job {
	for j := range s.st.JobVersions(d.Namespace, d.JobID) {
		if j.Stable && j.Version < d.JobVersion {
			return j
		}
	}
	return nil
}

func (s *step) eval(d *structs.Deployment, job *structs.Job) *structs.Evaluation {
	now := s.now.UnixNano()
	priority := d.EvalPriority
	if priority == 0 {
		priority = job.Priority
	}
	return &structs.Evaluation{
		ID: s.ids.NewID(), Namespace: d.Namespace, JobID: d.JobID, Type: job.Type, Priority: priority,
		TriggeredBy: structs.EvalTriggerDeploymentWatcher, JobModifyIndex: job.JobModifyIndex, DeploymentID: d.ID,
		Status: structs.EvalStatusPending, CreateTime: now, ModifyTime: now,
	}
}
