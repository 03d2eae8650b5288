package periodic

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"

	"berth/internal/idgen"
	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a server of one: the real state machine, and a switch for losing leadership.
type host struct {
	mu    sync.Mutex // two launchers may run
	store *state.Store
	fsm   *fsm.FSM
	ids   *idgen.SeededSource
	fail  int  // proposals that are refused
	lose  bool // proposals are applied, and their answers lost
}

func newHost() *host {
	store := state.New()
	return &host{store: store, fsm: fsm.New(store), ids: idgen.Seeded(1)}
}

func (h *host) State() *state.Store { return h.store }

func (h *host) NewID() structs.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ids.NewID()
}

func (h *host) Propose(_ context.Context, kind structs.CommandKind, body msgp.Marshaler) (uint64, any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail > 0 {
		h.fail--
		return 0, nil, fmt.Errorf("no leader")
	}
	cmd, err := structs.NewCommand(kind, time.Now().UnixNano(), body)
	if err != nil {
		return 0, nil, err
	}
	index := h.store.Index() + 1
	res := h.fsm.ApplyEntry(index, &structs.LogEntry{Commands: []structs.Command{cmd}})[0]
	if h.lose {
		return 0, nil, fmt.Errorf("leadership lost while committing")
	}
	return index, res.Value, res.Err
}

func (h *host) do(t *testing.T, kind structs.CommandKind, body msgp.Marshaler) any {
	t.Helper()
	_, v, err := h.Propose(t.Context(), kind, body)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (h *host) register(t *testing.T, id string, p structs.PeriodicConfig) *structs.Job {
	t.Helper()
	j := &structs.Job{ID: id, Type: structs.JobTypeBatch, Periodic: &p, TaskGroups: []*structs.TaskGroup{{Name: "g",
		Tasks: []*structs.Task{{Name: "t", Driver: "fake"}}}}}
	j.Canonicalize()
	return h.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j}).(*structs.Job)
}

// finish ends an instance: its evaluation placed nothing.
func (h *host) finish(t *testing.T, child string) {
	t.Helper()
	for e := range h.store.Snapshot().EvalsByJob("default", child) {
		done := *e
		done.Status = structs.EvalStatusComplete
		h.do(t, structs.CmdEvalUpsert, &structs.EvalUpsertCommand{Evals: []*structs.Evaluation{&done}})
	}
}

func (h *host) children(parent string) []string {
	var ids []string
	for j := range h.store.Snapshot().Children("default", parent) {
		ids = append(ids, j.ID)
	}
	return ids
}

// term runs a launcher until the function is called.
func (h *host) term() func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- New(Config{Host: h, Logger: hclog.NewNullLogger()}).Run(ctx) }()
	return func() { cancel(); <-done }
}

func (h *host) lead(d time.Duration) {
	end := h.term()
	time.Sleep(d)
	synctest.Wait()
	end()
}

func at(hour, minute int) string {
	return structs.PeriodicChildID("p", time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC)) // synctest's clock begins there
}

func want(t *testing.T, h *host, ids ...string) {
	t.Helper()
	if got := h.children("p"); !slices.Equal(got, ids) {
		t.Fatalf("launched %v, want %v", got, ids)
	}
}

func TestCRN2SeveralSchedulesLaunchInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		h.register(t, "p", structs.PeriodicConfig{Specs: []string{"0 * * * *", "15 0 * * *"}})
		h.lead(2*time.Hour + time.Second)
		want(t, h, at(0, 15), at(1, 0), at(2, 0))
		snap := h.store.Snapshot()
		child := snap.Job("default", at(1, 0))
		if child.Periodic != nil || child.ParentID != "p" || child.Name != child.ID || child.Version != 0 {
			t.Fatalf("instance is %+v", child)
		}
		if c := snap.JobSummary("default", "p").Children; c == nil || c.Pending != 3 {
			t.Fatalf("children counted as %+v", c)
		}
		for _, id := range h.children("p") {
			evals := slices.Collect(snap.EvalsByJob("default", id))
			if len(evals) != 1 || evals[0].TriggeredBy != structs.EvalTriggerPeriodicJob {
				t.Fatalf("%s has evaluations %v", id, evals)
			}
		}
	})
}

func TestCRN2NoLaunchIsMadeTwiceNorLostOverChangesOfTheLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		h.register(t, "p", structs.PeriodicConfig{Specs: []string{"*/10 * * * *"}})
		h.lead(10 * time.Minute) // ends in the very moment of a launch
		h.lead(5 * time.Minute)
		a, b := h.term(), h.term() // two that believe they lead
		time.Sleep(5*time.Minute + time.Second)
		synctest.Wait()
		a()
		b()
		h.lose = true // what is proposed is applied, and the proposer does not learn of it
		h.lead(10 * time.Minute)
		h.lose, h.fail = false, 3
		h.lead(10*time.Minute + 5*time.Second)
		want(t, h, at(0, 10), at(0, 20), at(0, 30), at(0, 40))
	})
}

func TestCRN2WhatWasMissedIsMadeUpFor(t *testing.T) {
	for _, c := range []struct {
		name string
		p    structs.PeriodicConfig
		want []string
	}{
		{"the latest", structs.PeriodicConfig{}, []string{at(2, 0)}},
		{"each", structs.PeriodicConfig{CatchUp: structs.CatchUpAll}, []string{at(1, 0), at(2, 0)}},
		{"not too late", structs.PeriodicConfig{StartDeadline: 10 * time.Minute}, nil},
		{"late enough", structs.PeriodicConfig{StartDeadline: time.Hour}, []string{at(2, 0)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost()
				c.p.Specs = []string{"@hourly"}
				h.register(t, "p", c.p)
				time.Sleep(2*time.Hour + 30*time.Minute) // without a leader
				h.lead(time.Minute)
				want(t, h, c.want...)
			})
		})
	}
}

func TestCRN1Overlap(t *testing.T) {
	for _, c := range []struct {
		name    string
		p       structs.PeriodicConfig
		want    []string
		stopped []string
	}{
		{"allow", structs.PeriodicConfig{}, []string{at(0, 10), at(0, 20), at(0, 30)}, nil},
		{"prohibit_overlap", structs.PeriodicConfig{ProhibitOverlap: new(true)}, []string{at(0, 10), at(0, 30)}, nil},
		{"forbid", structs.PeriodicConfig{Overlap: structs.OverlapForbid}, []string{at(0, 10), at(0, 30)}, nil},
		{"replace", structs.PeriodicConfig{Overlap: structs.OverlapReplace}, []string{at(0, 10), at(0, 20), at(0, 30)}, []string{at(0, 10), at(0, 20)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost()
				c.p.Specs = []string{"*/10 * * * *"}
				h.register(t, "p", c.p)
				h.lead(21 * time.Minute)
				if c.p.OverlapPolicy() == structs.OverlapForbid {
					if l := h.store.Snapshot().PeriodicLaunch("default", "p"); l.Skipped != l.Launch {
						t.Fatalf("the launch that was left out is not noted: %+v", l)
					}
					h.finish(t, at(0, 10))
				}
				h.lead(10 * time.Minute)
				want(t, h, c.want...)
				var stopped []string
				for j := range h.store.Snapshot().Children("default", "p") {
					if j.Stop {
						stopped = append(stopped, j.ID)
					}
				}
				if !slices.Equal(stopped, c.stopped) {
					t.Fatalf("stopped %v, want %v", stopped, c.stopped)
				}
			})
		})
	}
}

func TestAJobThatIsStoppedSwitchedOffOrChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		h.register(t, "p", structs.PeriodicConfig{Specs: []string{"@hourly"}})
		h.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "p"})
		h.lead(90 * time.Minute)
		want(t, h)
		h.register(t, "p", structs.PeriodicConfig{Specs: []string{"@hourly"}, Enabled: new(false)})
		h.lead(time.Hour) // 02:30
		want(t, h)
		h.register(t, "p", structs.PeriodicConfig{Specs: []string{"@hourly"}})
		time.Sleep(time.Hour) // 03:30: one is due, and still is after a change of something else
		j := h.store.Snapshot().Job("default", "p").Copy()
		j.Priority = 60
		h.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j})
		h.lead(time.Second)
		want(t, h, at(3, 0))
		time.Sleep(time.Hour) // 04:30: another schedule begins now
		h.register(t, "p", structs.PeriodicConfig{Specs: []string{"45 * * * *"}})
		h.lead(20 * time.Minute)
		want(t, h, at(3, 0), at(4, 45))
		h.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "p", Purge: true})
		if l := h.store.Snapshot().PeriodicLaunch("default", "p"); l != nil {
			t.Fatalf("a purged job leaves %+v", l)
		}
	})
}

func TestForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		j := h.register(t, "p", structs.PeriodicConfig{Specs: []string{"@hourly"}, ProhibitOverlap: new(true)})
		h.lead(time.Hour + time.Minute)
		c, err := Force(j, time.Now(), h)
		if err != nil {
			t.Fatal(err)
		}
		if child := h.do(t, structs.CmdPeriodicLaunch, c).(*structs.Job); child.ID != at(1, 1) {
			t.Fatalf("made %s", child.ID)
		}
		want(t, h, at(1, 0), at(1, 1))
		if _, _, err := h.Propose(t.Context(), structs.CmdPeriodicLaunch, c); structs.KindOf(err) != structs.KindConflict {
			t.Fatalf("twice in a second: %v", err)
		}
		h.finish(t, at(1, 0))
		h.finish(t, at(1, 1))
		h.lead(time.Hour) // the schedule goes on as if nothing had been
		want(t, h, at(1, 0), at(1, 1), at(2, 0))
		if _, err := Force(&structs.Job{ID: "x"}, time.Now(), h); err == nil {
			t.Fatal("a job without a schedule was launched")
		}
	})
}

func TestAClockSetBackLaunchesNothingAgain(t *testing.T) {
	h := newHost()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	txn := h.store.Begin(1)
	j := &structs.Job{Namespace: "default", ID: "p", Type: "batch", Periodic: &structs.PeriodicConfig{Specs: []string{"@hourly"}}}
	txn.PutJob(j)
	txn.PutPeriodicLaunch(&structs.PeriodicLaunch{Namespace: "default", JobID: "p", Launch: now.UnixNano()})
	txn.Commit()
	do := Step(h.store.Snapshot(), now.Add(-150*time.Minute), h, Memory{})
	if len(do.Launches) != 0 || !do.Next.Equal(now.Add(time.Hour)) {
		t.Fatalf("%+v", do)
	}
}
