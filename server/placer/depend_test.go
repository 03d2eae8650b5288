package placer

import (
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"berth/structs"
)

// report tells of all allocations of a job that should run.
func (b *bed) report(job, status string) {
	b.t.Helper()
	var updates []*structs.AllocClientUpdate
	for a := range b.store.Snapshot().AllocsByJob(structs.DefaultNamespace, job) {
		if !a.Terminal() {
			updates = append(updates, &structs.AllocClientUpdate{ID: a.ID, NodeID: a.NodeID, ClientStatus: status})
		}
	}
	b.write(structs.CmdAllocClientUpdate, &structs.AllocClientUpdateCommand{Updates: updates})
}

// again makes another core on the same store: that of a new leader.
func (b *bed) again() {
	b.t.Helper()
	b.core.Close()
	b.queue = nil
	b.core = NewCore(Deps{State: b.store, IDs: b.ids, Logger: hclog.NewNullLogger(), Now: b.core.Now, Propose: b.core.Propose})
}

func batch(j *structs.Job) {
	j.Type = structs.JobTypeBatch
	j.TaskGroups[0].ReschedulePolicy = &structs.ReschedulePolicy{Attempts: new(0), Unlimited: new(false)}
}

func after(condition, onFailure, job string) func(*structs.Job) {
	return func(j *structs.Job) {
		j.DependsOn = []*structs.Dependency{{Job: job, Condition: condition, OnFailure: onFailure}}
	}
}

// A job is placed by the very change that it waits for, whoever leads then.
func TestAJobIsPlacedWhenTheOneBeforeItIsComplete(t *testing.T) {
	for _, when := range []string{"same leader", "a new leader before", "a new leader after"} {
		t.Run(when, func(t *testing.T) {
			b := newBed(t)
			b.node("a", 4000)
			web := b.job("web", 2, after(structs.DependComplete, "", "load"))
			b.run()
			b.job("load", 2, batch)
			b.run()
			b.want("live of web", b.live("web"), 0)
			b.want("evaluation", b.status(web), structs.EvalStatusComplete)
			b.want("blocked", b.core.broker.Counts().Blocked, 1)
			if when == "a new leader before" {
				b.again()
				b.run()
			}
			b.want("live of web", b.live("web"), 0)
			b.report("load", structs.AllocClientComplete)
			if when == "a new leader after" {
				b.again()
			}
			b.run()
			b.want("live of web", b.live("web"), 2)
			b.want("blocked", b.core.broker.Counts().Blocked, 0)
		})
	}
}

// landLate applies the oldest proposal; the core hears of the change before it hears what became of the proposal.
func (b *bed) landLate() {
	b.t.Helper()
	p := b.take()
	value := b.write(p.kind, p.body)
	b.step()
	p.done(value, nil)
}

// runLate is run with the other order of the two.
func (b *bed) runLate() {
	b.t.Helper()
	for range 100 {
		if b.step(); len(b.queue) == 0 {
			return
		}
		for len(b.queue) > 0 {
			b.landLate()
		}
	}
	b.t.Fatal("the core proposes for ever")
}

// Who was woken and has to go on waiting, with news, is woken again, whichever the core hears of first: the change or the answer.
func TestWhoWaitsOnIsWokenAgain(t *testing.T) {
	for order, run := range map[string]func(*bed){"answer first": (*bed).run, "change first": (*bed).runLate} {
		t.Run(order+", jobs", func(t *testing.T) {
			b := newBed(t)
			b.node("a", 4000)
			b.job("web", 2, func(j *structs.Job) {
				j.DependsOn = []*structs.Dependency{{Job: "load", Condition: structs.DependComplete}, {Job: "db", Condition: structs.DependStarted}}
			})
			run(b)
			b.job("load", 1, batch)
			run(b)
			b.want("blocked", b.core.broker.Counts().Blocked, 1)
			b.report("load", structs.AllocClientComplete)
			run(b)
			b.want("blocked", b.core.broker.Counts().Blocked, 1)
			b.job("db", 1, nil)
			run(b)
			b.report("db", structs.AllocClientRunning)
			run(b)
			b.want("live of web", b.live("web"), 2)
			b.want("blocked", b.core.broker.Counts().Blocked, 0)
		})
		t.Run(order+", room", func(t *testing.T) {
			b := newBed(t)
			b.node("a", 500)
			b.job("web", 3, nil)
			run(b)
			for i, name := range []string{"b", "c"} {
				b.want("blocked", b.core.broker.Counts().Blocked, 1)
				b.node(name, 500)
				run(b)
				b.want("live of web", b.live("web"), 2+i)
			}
			b.want("blocked", b.core.broker.Counts().Blocked, 0)
		})
	}
}

// What happens elsewhere has nobody look at a job that waits for another.
func TestWhoWaitsForAJobIsNotLookedAtForOthers(t *testing.T) {
	b := newBed(t)
	b.node("a", 4000)
	b.job("web", 2, after(structs.DependHealthy, "", "db"))
	b.run()
	looked := 0
	b.core.Decided = nil
	before := b.core.stats.Evaluations
	b.job("other", 1, batch)
	b.run()
	b.report("other", structs.AllocClientComplete)
	b.node("b", 4000)
	b.run()
	looked = int(b.core.stats.Evaluations - before)
	b.want("evaluations, of the other alone", looked, 1)
}

func TestAFailureFailsWhoSaysSo(t *testing.T) {
	b := newBed(t)
	b.node("a", 4000)
	b.job("load", 1, batch)
	b.job("web", 2, after(structs.DependComplete, structs.DependFail, "load"))
	b.job("last", 2, func(j *structs.Job) {
		batch(j)
		after(structs.DependStarted, structs.DependFail, "web")(j)
	})
	b.run()
	b.report("load", structs.AllocClientFailed)
	b.run()
	for _, id := range []string{"web", "last"} {
		b.want("status of "+id, b.store.Snapshot().Job(structs.DefaultNamespace, id).Status, structs.JobStatusDead)
		var told string
		for e := range b.store.Snapshot().EvalsByJob(structs.DefaultNamespace, id) {
			if e.Status == structs.EvalStatusFailed {
				told = e.StatusDescription
			}
		}
		if !strings.Contains(told, "on which it depends, has failed") {
			t.Errorf("%s: told %q", id, told)
		}
	}
	b.want("blocked", b.core.broker.Counts().Blocked, 0)
}
