package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/structs"
)

// chores is the users of jobs that wait for each other, that count their failures, and that are kept for a while after their end; and
// somebody who sets jobs aside and takes them up again. Its draws are its own.
type chores struct {
	cl   *cluster
	r    *rand.Rand
	jobs []*jobPlan
	over bool
}

// choresMax is how many of these jobs there are at most.
const choresMax = 14

// moody is how often a task ends with an exit code while there are troubles, where its group says what follows from one.
const moody = 0.35

func newChores(cl *cluster) *chores {
	return &chores{cl: cl, r: cl.w.rng("chores")}
}

func (c *chores) begin() {
	for _, n := range c.cl.nodes {
		n.moody = moody
	}
	c.next()
}

// end lets tasks end well from now on.
func (c *chores) end() {
	c.over = true
	for _, n := range c.cl.nodes {
		n.moody = 0
	}
}

// next does one thing, and the next a while later. While there is no leader its user is told so, and forgets it.
func (c *chores) next() {
	if c.over {
		return
	}
	alive := make([]*jobPlan, 0, len(c.jobs))
	for _, p := range c.jobs {
		if !p.stopped {
			alive = append(alive, p)
		}
	}
	switch p := c.r.Float64(); {
	case len(alive) == 0 || p < 0.5 && len(c.jobs) < choresMax:
		plan := &jobPlan{spec: c.invent(fmt.Sprintf("chore-%02d", len(c.jobs)))}
		c.jobs = append(c.jobs, plan)
		c.register(plan)
	case p < 0.7:
		if all := append(alive, c.cl.users.alive()...); len(all) > 0 {
			c.suspend(all[c.r.IntN(len(all))].spec)
		}
	case p < 0.93:
		plan := alive[c.r.IntN(len(alive))]
		plan.edits++
		plan.spec.TaskGroups[0].Tasks[0].Env["EDIT"] = fmt.Sprint(plan.edits)
		c.register(plan)
	default:
		plan := alive[c.r.IntN(len(alive))]
		plan.stopped = true
		c.stop(plan.spec, chance(c.r, 0.3))
	}
	c.cl.w.after(between(c.r, 500*time.Millisecond, 8*time.Second), c.next)
}

// invent makes a job that waits for some of those before it, so that there is never a circle.
func (c *chores) invent(name string) *structs.Job {
	r := c.r
	g := &structs.TaskGroup{
		Name: "g", Count: new(1 + r.IntN(5)),
		Tasks:            []*structs.Task{{Name: "main", Driver: "fake", Env: map[string]string{"EDIT": "0"}, Resources: &structs.Resources{CPU: new(50), MemoryMB: new(32)}}},
		ReschedulePolicy: &structs.ReschedulePolicy{Unlimited: new(true), Delay: new(5 * time.Second), DelayFunction: new("constant"), MaxDelay: new(time.Minute)},
	}
	j := &structs.Job{ID: name, Type: structs.JobTypeService, Priority: 50, TaskGroups: []*structs.TaskGroup{g}}
	if chance(r, 0.6) {
		j.Type = structs.JobTypeBatch
		g.Completion = c.completion(*g.Count)
		if chance(r, 0.4) {
			j.TTLAfterFinished = new(between(r, 5*time.Second, 60*time.Second))
		}
	}
	for _, other := range c.jobs {
		if len(j.DependsOn) < 2 && chance(r, 0.4) {
			j.DependsOn = append(j.DependsOn, c.dependency(other.spec))
		}
	}
	return j
}

func (c *chores) completion(count int) *structs.Completion {
	d := &structs.Completion{Retries: new(c.r.IntN(3)), Rules: []*structs.ExitRule{
		{ExitCodes: []string{"3"}, Action: structs.ExitIgnore}, {ExitCodes: []string{"4-5"}, Action: structs.ExitFailIndex}, {ExitCodes: []string{"6"}, Action: structs.ExitFailJob},
	}}
	if count > 1 && chance(c.r, 0.5) {
		d.MaxFailed = new(c.r.IntN(count))
	}
	if chance(c.r, 0.3) {
		d.Success = new(1 + c.r.IntN(count))
	}
	return d
}

// exitCodes are what tasks end with when they do not end well: some count, some do not, few end everything.
var exitCodes = [...]int{1, 1, 1, 2, 3, 3, 4, 6}

func (c *chores) dependency(on *structs.Job) *structs.Dependency {
	d := &structs.Dependency{Job: on.ID, Condition: []string{structs.DependHealthy, structs.DependStarted, structs.DependComplete}[c.r.IntN(3)]}
	if d.Condition == structs.DependComplete && on.Type != structs.JobTypeBatch {
		d.Condition = structs.DependHealthy
	}
	if chance(c.r, 0.2) {
		d.OnFailure = structs.DependFail
	}
	return d
}

func (c *chores) register(p *jobPlan) {
	if !c.cl.ctl.alive {
		return
	}
	j := p.spec.Copy()
	j.Canonicalize()
	j.SubmitTime = c.cl.w.now
	c.cl.w.say("register %s: count %d, after %d others", j.ID, j.TaskGroups[0].Desired(), len(j.DependsOn))
	c.cl.log.propose(structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: c.cl.eval(j, structs.EvalTriggerJobRegister)}, ignore)
}

func (c *chores) stop(j *structs.Job, purge bool) {
	if stored := c.stored(j); stored != nil && c.cl.ctl.alive {
		c.cl.w.say("stop %s (purge: %t)", j.ID, purge)
		c.cl.laws.purged[stored.Key()] = purge
		c.cl.log.propose(structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: stored.Namespace, JobID: j.ID, Purge: purge,
			Eval: c.cl.eval(stored, structs.EvalTriggerJobDeregister)}, ignore)
	}
}

func (c *chores) stored(j *structs.Job) *structs.Job {
	return c.cl.log.store.Snapshot().Job(structs.DefaultNamespace, j.ID)
}

// suspend sets a job aside. Most are taken up again a while later, some stay so.
func (c *chores) suspend(j *structs.Job) {
	set := func(aside bool) {
		stored := c.stored(j)
		if stored == nil {
			return
		}
		c.cl.w.say("suspend %s: %t", j.ID, aside)
		c.cl.family.insist(structs.CmdJobSuspend, func() msgp.Marshaler {
			return &structs.JobSuspendCommand{Namespace: stored.Namespace, JobID: j.ID, Suspend: aside, Eval: c.cl.eval(stored, structs.EvalTriggerJobSuspend)}
		})
	}
	set(true)
	if chance(c.r, 0.85) {
		c.cl.w.after(between(c.r, 2*time.Second, 60*time.Second), func() { set(false) })
	}
}
