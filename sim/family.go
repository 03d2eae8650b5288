package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// family is the users of jobs with instances, and an operator who drains nodes. Its draws are its own.
type family struct {
	cl       *cluster
	r        *rand.Rand
	launched map[string]int64          // of each periodic job, as of the last entry
	tokens   map[string]structs.JobKey // instance each token made
	ended    map[structs.JobKey]bool   // instances that were over once
	over     bool
}

// period is the pause between the launches of the periodic jobs.
const period = 20 * time.Second

func newFamily(cl *cluster) *family {
	return &family{cl: cl, r: cl.w.rng("family"), launched: map[string]int64{}, tokens: map[string]structs.JobKey{},
		ended: map[structs.JobKey]bool{}}
}

// policies are the periodic jobs, one of each overlap policy.
var policies = [...]string{structs.OverlapAllow, structs.OverlapForbid, structs.OverlapReplace}

const templateID = "template"

func (f *family) job(id string) *structs.Job {
	j := f.cl.users.invent(id)
	j.Type, j.Constraints, j.Spreads = structs.JobTypeBatch, nil, nil
	g := j.TaskGroups[0]
	g.Count, g.Update, g.Networks, g.Constraints, g.Spreads = new(2), nil, nil, nil, nil
	g.ReschedulePolicy = &structs.ReschedulePolicy{Attempts: new(2), Interval: new(time.Hour), Delay: new(5 * time.Second), DelayFunction: new("constant"), Unlimited: new(false)}
	return j
}

// begin registers the periodic jobs and the template.
func (f *family) begin() {
	users := f.cl.users.r
	f.cl.users.r = f.r // what these jobs are like does not shift what the others are
	defer func() { f.cl.users.r = users }()
	for _, policy := range policies {
		j := f.job("every-" + policy)
		j.Periodic = &structs.PeriodicConfig{Specs: []string{"*/20 * * * * * *"}, Overlap: policy, CatchUp: structs.CatchUpAll}
		f.register(j)
	}
	j := f.job(templateID)
	j.ParameterizedJob = &structs.ParameterizedJobConfig{}
	f.register(j)
	f.cl.w.after(5*time.Second, f.dispatch)
}

func (f *family) register(j *structs.Job) {
	j.Canonicalize()
	f.insist(structs.CmdJobRegister, func() msgp.Marshaler { j.SubmitTime = f.cl.w.now; return &structs.JobRegisterCommand{Job: j} })
}

// insist proposes until something came back: a user who types it again. What is proposed twice may be applied twice.
func (f *family) insist(kind structs.CommandKind, body func() msgp.Marshaler) {
	done := false
	if f.cl.ctl.alive {
		f.cl.log.propose(kind, body(), func(any, error) { done = true })
	}
	f.cl.w.after(2*time.Second, func() {
		if !done {
			f.insist(kind, body)
		}
	})
}

// dispatch makes an instance, by a token that is given again when no answer came.
func (f *family) dispatch() {
	if f.over {
		return
	}
	token := fmt.Sprintf("token-%d", f.cl.w.now)
	f.insist(structs.CmdJobDispatch, func() msgp.Marshaler {
		return &structs.JobDispatchCommand{Namespace: structs.DefaultNamespace, JobID: templateID, IdempotencyToken: token, EvalID: f.cl.ctl.ids.NewID(),
			ChildID: structs.DispatchChildID(templateID, "", f.cl.w.time(), fmt.Sprintf("%08x", f.r.Uint32()))}
	})
	f.cl.w.after(between(f.r, 5*time.Second, 30*time.Second), f.dispatch)
}

// drain empties a node, and opens it again a while later, whether the drain is over or not.
func (f *family) drain() {
	if f.over {
		return
	}
	n := f.cl.nodes[f.r.IntN(len(f.cl.nodes))]
	deadline := between(f.r, 5*time.Second, 60*time.Second)
	set := func(s *structs.DrainStrategy) {
		if f.cl.log.store.Snapshot().Node(n.desc.ID) != nil {
			f.cl.w.say("drain of node %d: %t", n.i, s != nil)
			f.insist(structs.CmdNodeDrain, func() msgp.Marshaler {
				return &structs.NodeDrainCommand{NodeID: n.desc.ID, Strategy: s, MarkEligible: s == nil}
			})
		}
	}
	set(&structs.DrainStrategy{DrainSpec: structs.DrainSpec{Deadline: deadline}, StartedAt: f.cl.w.time(), ForceDeadline: f.cl.w.time().Add(deadline)})
	f.cl.w.after(between(f.r, 3*time.Second, 90*time.Second), func() { set(nil) })
	f.cl.w.after(between(f.r, 5*time.Second, 40*time.Second), f.drain)
}

// end stops the jobs that make instances; those go on.
func (f *family) end() {
	f.over = true
	f.cl.operator.over = true
	f.cl.tenant.end()
	for _, policy := range policies {
		f.stop("every-" + policy)
	}
	f.stop(templateID)
}

func (f *family) stop(id string) {
	f.insist(structs.CmdJobDeregister, func() msgp.Marshaler {
		return &structs.JobDeregisterCommand{Namespace: structs.DefaultNamespace, JobID: id}
	})
}

// check looks at the instances after every entry.
func (f *family) check(snap *state.Snapshot) {
	for l := range snap.PeriodicLaunches() {
		before, known := f.launched[l.JobID]
		f.launched[l.JobID] = l.Launch
		if !known || before == l.Launch {
			continue
		}
		want := before - before%int64(period) + int64(period)
		if l.Launch != want {
			f.cl.problem("I35: job %s was launched for %d after %d, not for %d", l.JobID, l.Launch, before, want)
		}
		if l.Skipped != l.Launch && snap.Job(l.Namespace, structs.PeriodicChildID(l.JobID, time.Unix(0, l.Launch))) == nil {
			f.cl.problem("I35: the launch of job %s for %d made no instance", l.JobID, l.Launch)
		}
	}
	for _, policy := range policies[1:] {
		live := 0
		for child := range snap.Children(structs.DefaultNamespace, "every-"+policy) {
			switch {
			case child.Status == structs.JobStatusDead || child.Stop:
				f.ended[child.Key()] = true
			case child.Status == structs.JobStatusPending && f.ended[child.Key()]:
				// news of a node where something of it was: it is looked at, and nothing of it runs
			default:
				live++
			}
		}
		if live > 1 {
			f.cl.problem("I36: %d instances of job every-%s overlap", live, policy)
		}
	}
	for child := range snap.Children(structs.DefaultNamespace, templateID) {
		token := child.DispatchIdempotencyToken
		if made, known := f.tokens[token]; known && made != child.Key() {
			f.cl.problem("I37: token %s made %s and %s", token, made.ID, child.ID)
		}
		f.tokens[token] = child.Key()
	}
}
