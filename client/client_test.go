package client

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"berth/drivers"
	"berth/drivers/fake"
	"berth/structs"
)

func TestFromPlacementToRunningToGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		<-l.c.Ready()
		if n := l.c.Node(); n.Name != "m1" || n.Status != structs.NodeStatusReady || n.SecretID.IsZero() {
			t.Errorf("node %+v", n)
		}
		began := time.Now()
		id := s.place(1, "service", nil)
		synctest.Wait()
		if got := s.status(id); got != "running" || time.Since(began) != 0 {
			t.Fatalf("status %q after %v", got, time.Since(began))
		}
		if n := s.count("update"); n != 1 {
			t.Errorf("%d reports to say that it runs", n)
		}
		s.stop(id)
		synctest.Wait()
		if got := s.status(id); got != "complete" {
			t.Errorf("status %q", got)
		}
		if tasks, networks, files, _ := m.leftovers(); tasks+networks != 0 || files != 1 {
			t.Errorf("left: %d tasks, %d networks, %d files", tasks, networks, files)
		}
		s.reap(id)
		synctest.Wait()
		if tasks, networks, files, records := m.leftovers(); tasks+networks+files+records != 0 {
			t.Errorf("left: %d tasks, %d networks, %d files, %d records", tasks, networks, files, records)
		}
		l.end()
	})
}

func TestAgentDiesAndTasksGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		a, b := s.place(1, "service", nil), s.place(2, "batch", map[string]any{fake.KeyRunFor: "1h"})
		synctest.Wait()
		for range 3 {
			l.end()
			after(time.Minute)
			l = begin(t, m, s)
		}
		l.end()
		s.stop(a) // decided while the agent is away
		after(2 * time.Hour)
		l = begin(t, m, s)
		after(time.Second)
		if s.status(a) != "complete" || s.status(b) != "complete" {
			t.Errorf("statuses %q, %q", s.status(a), s.status(b))
		}
		for _, id := range []structs.ID{a, b} {
			if n := m.world.Starts(id.String(), "web"); n != 1 {
				t.Errorf("%d starts", n)
			}
		}
		l.end()
	})
}

func TestNothingStartsOnAnOldWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		id, gone := s.place(1, "service", nil), s.place(2, "service", nil)
		synctest.Wait()
		l.end()
		m.world.PowerLoss() // the machine starts again, and the servers cannot be reached
		s.set(func() { s.down = true })
		l = begin(t, m, s)
		after(time.Hour)
		if n := m.world.Running(); n != 0 {
			t.Errorf("%d tasks run without the servers' word", n)
		}
		s.reap(gone) // replaced elsewhere
		s.set(func() { s.down = false })
		after(time.Minute)
		if m.world.Running() != 1 || s.status(id) != "running" || m.world.Starts(gone.String(), "web") != 1 {
			t.Errorf("%d tasks, status %q", m.world.Running(), s.status(id))
		}
		l.end()
	})
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		after(100 * time.Second)
		if n := s.count("heartbeat"); n < 10 || n > 18 {
			t.Errorf("%d heartbeats in ten TTLs", n)
		}
		s.set(func() { s.known = false }) // the servers forgot the node
		id := s.place(1, "service", nil)
		after(11 * time.Second)
		if n := s.count("register"); n != 2 {
			t.Errorf("%d registrations", n)
		}
		if s.status(id) != "running" {
			t.Errorf("status %q", s.status(id))
		}
		l.end()
	})
}

func TestCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		keeps := s.place(1, "service", nil)
		stops := s.place(2, "service", nil, func(g *structs.TaskGroup) {
			g.Disconnect = &structs.DisconnectStrategy{StopOnClientAfter: new(time.Minute)}
		})
		synctest.Wait()
		s.set(func() { s.down = true })
		after(10 * time.Minute)
		if n := m.world.Running(); n != 1 {
			t.Errorf("%d tasks run while cut off", n)
		}
		if n := s.count("heartbeat"); n > 600 {
			t.Errorf("%d heartbeats while cut off", n)
		}
		s.set(func() { s.down = false })
		s.change(keeps, func(a *structs.Allocation) { a.ClientStatus = structs.AllocClientUnknown })
		s.set(func() { s.reports = map[structs.ID]*structs.AllocClientUpdate{} })
		after(30 * time.Second)
		if e := s.reports[keeps].TaskStates["web"].Events; e[len(e)-1].Type != structs.TaskReconnected {
			t.Errorf("last event %+v", e[len(e)-1])
		}
		if s.status(keeps) != "running" || s.status(stops) != "complete" {
			t.Errorf("statuses %q, %q", s.status(keeps), s.status(stops))
		}
		l.end()
	})
}

// An agent that starts again while it is cut off counts on from when the servers last answered, and not anew.
func TestCutOffCountsOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		after(time.Hour)
		stops := s.place(2, "service", nil, func(g *structs.TaskGroup) {
			g.Disconnect = &structs.DisconnectStrategy{StopOnClientAfter: new(5 * time.Minute)}
		})
		after(time.Second) // what was placed a moment ago is not an hour without servers
		s.set(func() { s.down = true })
		l.end()
		for minute := range 8 {
			l = begin(t, m, s)
			after(30 * time.Second)
			if n := m.world.Running(); n != map[bool]int{true: 1}[minute < 5] {
				t.Errorf("minute %d of the silence: %d tasks run", minute, n)
			}
			l.end()
			after(30 * time.Second)
		}
		s.set(func() { s.down = false })
		l = begin(t, m, s)
		after(time.Minute)
		if s.status(stops) != "complete" {
			t.Errorf("status %q", s.status(stops))
		}
		l.end()
	})
}

// A clock that was set back while the agent was away makes no time to come of the servers' last answer.
func TestCutOffWithAClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		m.heard = time.Now().Add(24 * time.Hour)
		s.down = true
		l := begin(t, m, s)
		after(time.Second)
		if silence := l.c.silence(time.Now()); silence < 0 || silence > time.Minute {
			t.Errorf("silent for %s", silence)
		}
		l.end()
	})
}

// The servers may call an allocation unknown after the node's word of it reached them, and more than once.
func TestWhatTheServersLostSightOfIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		id := s.place(1, "service", nil)
		after(time.Second)
		for i := range 3 {
			s.set(func() { delete(s.reports, id) })
			s.change(id, func(a *structs.Allocation) { a.ClientStatus = structs.AllocClientUnknown })
			after(time.Second)
			if s.status(id) != "running" {
				t.Errorf("time %d: status %q", i, s.status(id))
			}
		}
		l.end()
	})
}

// A state that was restored from before an allocation ended says that it runs: its node is heard again, also when it is told to stop first.
func TestWhatARestoredStateDoesNotKnowIsToldAgain(t *testing.T) {
	for _, desired := range []string{structs.AllocDesiredRun, structs.AllocDesiredStop} {
		synctest.Test(t, func(t *testing.T) {
			m, s := newMachine(t), newCluster()
			l := begin(t, m, s)
			id := s.place(1, "batch", map[string]any{fake.KeyRunFor: "2s"})
			after(time.Minute)
			if s.status(id) != "complete" {
				t.Fatalf("status %q", s.status(id))
			}
			s.set(func() { delete(s.reports, id) })
			s.change(id, func(a *structs.Allocation) {
				a.ClientStatus, a.DesiredStatus = structs.AllocClientRunning, desired
			})
			after(time.Second)
			if s.status(id) != "complete" {
				t.Errorf("told to %s again: status %q", desired, s.status(id))
			}
			if n := m.world.Starts(id.String(), "web"); n != 1 {
				t.Errorf("it was started %d times", n)
			}
			l.end()
		})
	}
}

// A report that was under way when the servers lost what they had been told counts for nothing.
func TestAReportToAStateThatIsReplacedIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		id := s.place(1, "batch", map[string]any{fake.KeyRunFor: "2s"})
		after(time.Minute)
		lost := func() {
			l.c.mu.Lock()
			defer l.c.mu.Unlock()
			l.c.allocs[id].untold()
		}
		lost()
		due, _, _ := l.c.due(time.Now())
		lost()
		l.c.ack(due)
		due, updates, _ := l.c.due(time.Now())
		if len(updates) != 1 || updates[0].ClientStatus != structs.AllocClientComplete {
			t.Errorf("%v are due", updates)
		}
		l.c.ack(due)
		if _, updates, _ := l.c.due(time.Now()); len(updates) != 0 {
			t.Errorf("%v are due still", updates)
		}
		l.end()
	})
}

func TestReportsGoTogetherUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		s.callTime = 100 * time.Millisecond
		l := begin(t, m, s)
		after(time.Second)
		for n := range byte(40) {
			s.place(n, "service", nil)
		}
		after(2 * time.Second)
		for n := range byte(40) {
			if got := s.status(structs.ID{0xa0, 15: n}); got != "running" {
				t.Errorf("allocation %d is %q", n, got)
			}
		}
		if n := s.count("update"); n > 4 {
			t.Errorf("%d reports for 40 allocations", n)
		}
		l.end()
	})
}

func TestNothingRunsUnrecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		m.putFails = errors.New("disk full")
		l := begin(t, m, s)
		id := s.place(1, "service", nil)
		after(time.Minute)
		if m.world.Running() != 0 {
			t.Error("it runs without a record")
		}
		m.mu.Lock()
		m.putFails = nil
		m.mu.Unlock()
		after(time.Minute)
		if s.status(id) != "running" {
			t.Errorf("status %q", s.status(id))
		}
		l.end()
	})
}

func TestAnAllocationWithoutItsJobCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		s.place(1, "service", nil)
		s.change(structs.ID{0xa0, 15: 1}, func(a *structs.Allocation) { a.TaskGroup = "gone" })
		before := s.count("allocs")
		after(time.Minute)
		if n := s.count("allocs") - before; n > 400 {
			t.Errorf("asked %d times in a minute", n)
		}
		l.end()
	})
}

func TestEndedAllocationsAreCollected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s, func(c *Config) { c.GCMaxAllocs = 3 })
		for n := range byte(5) {
			s.place(n, "batch", map[string]any{fake.KeyRunFor: "1s"})
		}
		after(2 * time.Second)
		if _, _, files, records := m.leftovers(); files != 3 || records != 10 {
			t.Errorf("%d files, %d records", files, records)
		}
		m.mu.Lock()
		m.full = 95
		m.mu.Unlock()
		after(2 * time.Minute)
		if _, _, files, _ := m.leftovers(); files != 0 {
			t.Errorf("%d files on a full disk", files)
		}
		l.end()
		l = begin(t, m, s) // and nothing runs again
		after(time.Minute)
		if m.world.Running() != 0 {
			t.Error("an ended allocation runs")
		}
		l.end()
	})
}

func TestDriverHealthIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		after(5 * time.Minute)
		if n := s.count("register"); n != 1 {
			t.Errorf("%d registrations of an unchanged node", n)
		}
		m.mu.Lock()
		m.describe = func() description {
			return description{drivers: map[string]*structs.DriverInfo{"fake": {Detected: true}}, resources: &structs.NodeResources{}}
		}
		m.mu.Unlock()
		after(time.Minute)
		if n := s.count("register"); n != 2 {
			t.Errorf("%d registrations", n)
		}
		looks := 0
		m.mu.Lock()
		m.describe = func() description {
			looks++
			return description{drivers: map[string]*structs.DriverInfo{"fake": {Detected: true, Healthy: looks > 1}}, resources: &structs.NodeResources{}}
		}
		m.mu.Unlock()
		after(time.Hour)
		if n := s.count("register"); n != 3 || looks < 50 || looks > 70 {
			t.Errorf("%d registrations, %d looks in an hour", n, looks)
		}
		l.end()
	})
}

func TestShutdown(t *testing.T) {
	for name, destroy := range map[string]bool{"tasks go on": false, "everything goes": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, s := newMachine(t), newCluster()
				l := begin(t, m, s)
				s.place(1, "service", map[string]any{fake.KeyIgnoreTerm: true})
				synctest.Wait()
				if err := l.c.Shutdown(t.Context(), destroy); err != nil {
					t.Error(err)
				}
				if err := <-l.ended; err != nil {
					t.Error(err)
				}
				l.cancel()
				tasks, networks, files, records := m.leftovers()
				if destroy && tasks+networks+files+records != 0 || !destroy && tasks*networks*files*records == 0 {
					t.Errorf("left: %d tasks, %d networks, %d files, %d records", tasks, networks, files, records)
				}
			})
		})
	}
}

func TestControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		id := s.place(1, "service", nil)
		synctest.Wait()
		if r, err := l.c.Exec(t.Context(), id, "web", &drivers.ExecRequest{Command: []string{"tty"}, TTY: true}); err != nil || r.ExitCode != 0 {
			t.Errorf("exec: %+v, %v", r, err)
		}
		if u, err := l.c.AllocStats(t.Context(), id, ""); err != nil || u["web"] == nil {
			t.Errorf("stats: %+v, %v", u, err)
		}
		if err := l.c.RestartAlloc(t.Context(), id, "", false); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := m.world.Starts(id.String(), "web"); n != 2 {
			t.Errorf("%d starts", n)
		}
		if err := l.c.RestartAlloc(t.Context(), id, "", true); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := m.world.Starts(id.String(), "web"); n != 3 {
			t.Errorf("%d starts", n)
		}
		for _, err := range []error{
			l.c.SignalAlloc(t.Context(), structs.ID{1}, "", "SIGHUP"),
			l.c.RestartAlloc(t.Context(), id, "nope", false),
			l.c.RestartAlloc(t.Context(), structs.ID{1}, "", true),
		} {
			if structs.KindOf(err) != structs.KindNotFound {
				t.Errorf("error %v", err)
			}
		}
		if err := l.c.GCAlloc(id); structs.KindOf(err) != structs.KindConflict {
			t.Errorf("collecting what runs: %v", err)
		}
		l.end()
	})
}

func TestAnOldAnswerEndsNothing(t *testing.T) {
	id := structs.ID{1}
	held := map[structs.ID]heldAlloc{id: {index: 20}}
	if c := reconcile(held, &structs.NodeAllocsResponse{Index: 19}); len(c.forget) != 0 {
		t.Error("an answer from before the allocation was made ended it")
	}
	if c := reconcile(held, &structs.NodeAllocsResponse{Index: 20}); len(c.forget) != 1 {
		t.Error("an allocation that is not listed stays")
	}
}
