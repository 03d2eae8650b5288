package reap

import (
	"iter"
	"time"

	"berth/structs"
)

// State is what a step reads.
type State interface {
	Jobs() iter.Seq[*structs.Job]
	Job(namespace, id string) *structs.Job
	Children(namespace, parent string) iter.Seq[*structs.Job]
	Evals() iter.Seq[*structs.Evaluation]
	Eval(id structs.ID) *structs.Evaluation
	EvalsByJob(namespace, id string) iter.Seq[*structs.Evaluation]
	Allocs() iter.Seq[*structs.Allocation]
	AllocsByEval(id structs.ID) iter.Seq[*structs.Allocation]
	AllocsByJob(namespace, id string) iter.Seq[*structs.Allocation]
	AllocsByNode(id structs.ID) iter.Seq[*structs.Allocation]
	Deployments() iter.Seq[*structs.Deployment]
	Nodes() iter.Seq[*structs.Node]
}

// Thresholds are the ages at which things go. The zero value of a field is its default.
type Thresholds struct {
	Eval       time.Duration // default 1 h; evaluations and their allocations
	BatchEval  time.Duration // default 24 h; the same of batch jobs
	Job        time.Duration // default 4 h
	Deployment time.Duration // default 1 h
	Node       time.Duration // default 24 h
	ACLToken   time.Duration // default 1 h; after it expired
	// Interval is how often it is looked. Default 5 min.
	Interval time.Duration
}

func (t Thresholds) withDefaults() Thresholds {
	for _, f := range []struct {
		have *time.Duration
		def  time.Duration
	}{
		{&t.Eval, time.Hour}, {&t.BatchEval, 24 * time.Hour}, {&t.Job, 4 * time.Hour}, {&t.Deployment, time.Hour},
		{&t.Node, 24 * time.Hour}, {&t.ACLToken, time.Hour}, {&t.Interval, 5 * time.Minute},
	} {
		if *f.have <= 0 {
			*f.have = f.def
		}
	}
	return t
}

// maxCommand bounds the objects one command removes, so that removing a lot never holds up the log.
const maxCommand = 8192

// step is one look at the state.
type step struct {
	st  State
	now time.Time
	t   Thresholds
	// force: every age is enough.
	force bool
	// expiring: only jobs that say how long they are kept, or whose parent says how many are.
	expiring bool
	cmd      *structs.ReapCommand
}

// Step names what can go now. With force every age is enough.
func Step(st State, now time.Time, t Thresholds, force bool) *structs.ReapCommand {
	t = t.withDefaults()
	if force {
		t = Thresholds{}
	}
	s := &step{st: st, now: now, t: t, force: force, cmd: &structs.ReapCommand{}}
	s.jobs()
	s.evals()
	s.orphans()
	s.deployments()
	s.nodes()
	return s.cmd
}

// Finished names the jobs that can go now because they say how long they are kept, or because their parent says how many of its launches are.
func Finished(st State, now time.Time) *structs.ReapCommand {
	s := &step{st: st, now: now, t: Thresholds{}.withDefaults(), expiring: true, cmd: &structs.ReapCommand{}}
	s.jobs()
	return s.cmd
}

// old reports that a time in Unix ns is at least so long ago.
func (s *step) old(at int64, age time.Duration) bool { return at <= s.now.Add(-age).UnixNano() }

// jobs takes whole jobs that are dead: the job, its evaluations and its allocations, when all of them are old enough.
func (s *step) jobs() {
	needed, history := s.dependedOn(), s.histories()
	for j := range s.st.Jobs() {
		beyond := history.beyond[j.Key()]
		if s.expiring && j.TTLAfterFinished == nil && !beyond || needed[j.Key()] || !mayGo(j) {
			continue
		}
		age := s.t.Job
		switch {
		case s.force:
		case beyond:
			age = 0
		case j.TTLAfterFinished != nil:
			age = *j.TTLAfterFinished
		case history.kept[j.Key()]:
			continue
		}
		if !s.old(j.SubmitTime, age) {
			continue
		}
		end, over := ended(s.st, j)
		gone := over && s.old(end, age)
		for range s.st.Children(j.Namespace, j.ID) { // a parent goes after its instances
			gone = false
			break
		}
		if !gone {
			continue
		}
		s.cmd.Jobs = append(s.cmd.Jobs, structs.JobRef{Namespace: j.Namespace, ID: j.ID})
		for e := range s.st.EvalsByJob(j.Namespace, j.ID) {
			s.cmd.Evals = append(s.cmd.Evals, e.ID)
		}
		for a := range s.st.AllocsByJob(j.Namespace, j.ID) {
			s.cmd.Allocs = append(s.cmd.Allocs, a.ID)
		}
	}
}

// mayGo reports a job that is over and starts nothing any more.
func mayGo(j *structs.Job) bool {
	return j.Status == structs.JobStatusDead && (j.Stopped() || !j.IsPeriodic() && !j.IsParameterized() && !j.Suspended)
}

// ended is when the last of a job came to its end, Unix ns; over is false while something of it has not.
func ended(st State, j *structs.Job) (at int64, over bool) {
	at, over = j.SubmitTime, true
	for e := range st.EvalsByJob(j.Namespace, j.ID) {
		at, over = max(at, e.ModifyTime), over && e.Terminal()
	}
	for a := range st.AllocsByJob(j.Namespace, j.ID) {
		at, over = max(at, a.ModifyTime), over && a.ClientTerminal()
	}
	return at, over
}

// dependedOn are the jobs that others look at which are not over: to those it matters that they came to their end.
func (s *step) dependedOn() map[structs.JobKey]bool {
	var needed map[structs.JobKey]bool
	for j := range s.st.Jobs() {
		if j.Status == structs.JobStatusDead {
			continue
		}
		for _, d := range j.DependsOn {
			if needed == nil {
				needed = map[structs.JobKey]bool{}
			}
			needed[d.Key(j)] = true
		}
	}
	return needed
}

// taken are the jobs that go as a whole.
func (s *step) taken() map[structs.JobKey]bool {
	taken := make(map[structs.JobKey]bool, len(s.cmd.Jobs))
	for _, j := range s.cmd.Jobs {
		taken[structs.JobKey{Namespace: j.Namespace, ID: j.ID}] = true
	}
	return taken
}

// evals takes evaluations of jobs that stay, with the allocations they made.
func (s *step) evals() {
	taken := s.taken()
	for e := range s.st.Evals() {
		age := s.t.Eval
		if e.Type == structs.JobTypeBatch {
			age = s.t.BatchEval
		}
		if !e.Terminal() || !s.old(e.ModifyTime, age) || taken[e.JobKey()] {
			continue
		}
		var allocs []structs.ID
		gone := true
		for a := range s.st.AllocsByEval(e.ID) {
			if gone = s.over(a, age); !gone {
				break
			}
			allocs = append(allocs, a.ID)
		}
		if gone {
			s.cmd.Evals = append(s.cmd.Evals, e.ID)
			s.cmd.Allocs = append(s.cmd.Allocs, allocs...)
		}
	}
}

// orphans takes allocations whose evaluation is gone.
func (s *step) orphans() {
	taken := s.taken()
	for a := range s.st.Allocs() {
		if s.st.Eval(a.EvalID) == nil && !taken[structs.JobKey{Namespace: a.Namespace, ID: a.JobID}] && s.over(a, s.t.Eval) {
			s.cmd.Allocs = append(s.cmd.Allocs, a.ID)
		}
	}
}

// over reports that nothing will look at the allocation any more: it ended, long ago, and it is not what the scheduler counts
// on: the memory that a batch task is done, or a failure that may still be replaced.
func (s *step) over(a *structs.Allocation, age time.Duration) bool {
	if !a.ClientTerminal() || !s.old(a.ModifyTime, age) {
		return false
	}
	job := s.st.Job(a.Namespace, a.JobID)
	if job.Stopped() || a.ServerTerminal() {
		return true
	}
	if job.Type == structs.JobTypeBatch || job.Type == structs.JobTypeSysBatch {
		return a.JobVersion != job.Version && job.CreateIndex > a.CreateIndex // of a job of that name that is gone
	}
	return !a.NextAllocation.IsZero()
}

func (s *step) deployments() {
	for d := range s.st.Deployments() {
		if d.Active() || !s.old(d.ModifyTime, s.t.Deployment) {
			continue
		}
		// The deployment of the version that is there is kept: it says how the job came to be as it is.
		if job := s.st.Job(d.Namespace, d.JobID); !job.Stopped() && job.Version == d.JobVersion {
			continue
		}
		s.cmd.Deployments = append(s.cmd.Deployments, d.ID)
	}
}

func (s *step) nodes() {
	for n := range s.st.Nodes() {
		gone := n.Status == structs.NodeStatusDown || n.Status == structs.NodeStatusDisconnected
		if !gone || !s.old(n.StatusUpdatedAt*int64(time.Second), s.t.Node) {
			continue
		}
		used := false
		for a := range s.st.AllocsByNode(n.ID) {
			used = used || !a.Terminal()
		}
		if !used {
			s.cmd.Nodes = append(s.cmd.Nodes, n.ID)
		}
	}
}

// Split cuts a command into ones of bounded size, to be applied in order: allocations before their evaluations, those before
// their jobs.
func Split(c *structs.ReapCommand) []*structs.ReapCommand {
	var out []*structs.ReapCommand
	add := func(n int, part func(c *structs.ReapCommand, from, to int)) {
		for from := 0; from < n; from += maxCommand {
			piece := &structs.ReapCommand{}
			part(piece, from, min(from+maxCommand, n))
			out = append(out, piece)
		}
	}
	add(len(c.Allocs), func(p *structs.ReapCommand, i, j int) { p.Allocs = c.Allocs[i:j] })
	add(len(c.Evals), func(p *structs.ReapCommand, i, j int) { p.Evals = c.Evals[i:j] })
	add(len(c.Deployments), func(p *structs.ReapCommand, i, j int) { p.Deployments = c.Deployments[i:j] })
	add(len(c.Jobs), func(p *structs.ReapCommand, i, j int) { p.Jobs = c.Jobs[i:j] })
	add(len(c.Nodes), func(p *structs.ReapCommand, i, j int) { p.Nodes = c.Nodes[i:j] })
	return out
}
