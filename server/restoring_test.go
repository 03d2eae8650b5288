package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The leader of three dies in the middle of a restore, before any other has the restored state. The others go on with what they had; it comes back
// and has what they have, with every write that was acknowledged before and since.
func TestALeaderOfThreeDiesInARestore(t *testing.T) {
	for _, at := range []point{atCreate, atPersist, atKeep, atKept, atRestore, atRestored} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := &graveyard{T: t, w: newTown(), at: at, role: asLeader, now: make([]*life, 3)}
				defer func() {
					for _, l := range g.now {
						if l != nil {
							l.bury()
						}
					}
					<-time.After(time.Minute) // messages on their way to servers that are gone
				}()
				for n := 1; n <= 3; n++ {
					g.start(n, filepath.Join(t.TempDir(), "server"))
				}
				g.leader()
				g.heal()
				g.writes(3)
				lead := g.leader()
				data := saved(t, lead.Server)
				g.writes(30)
				lead = g.leader()
				g.when = func() bool { return marked(lead.dir) }
				g.armed.Store(true)
				answered := make(chan error, 1)
				go func() {
					_, err := lead.RestoreSnapshot(context.Background(), bytes.NewReader(data), false)
					answered <- err
				}()
				for !lead.dead.Load() {
					<-time.After(time.Millisecond)
				}
				g.writes(10) // it is back meanwhile
				g.heal()
				g.writes(5)
				g.same()
				if err := <-answered; err == nil {
					t.Error("who asked for the restore was told that it is done")
				}
			})
		})
	}
}

// All three die when one follower has a restored state that nobody confirmed. The others are back first, and lead, without it: the one that has it
// sees that, ends, and takes it back when it is started; it had kept it, and let pass what the others wrote.
func TestAFollowerHasARestoreThatTheOthersGaveUp(t *testing.T) {
	for _, at := range []point{atRestored, atStored} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := &graveyard{T: t, w: newTown(), at: at, role: asFollower, everyone: true, trailing: trailingLogs, now: make([]*life, 3)}
				defer func() {
					for _, l := range g.now {
						l.bury()
					}
					<-time.After(time.Minute) // messages on their way to servers that are gone
				}()
				for n := 1; n <= 3; n++ {
					g.start(n, filepath.Join(swift(t), "server"))
				}
				g.leader()
				g.heal()
				g.writes(3)
				lead := g.leader()
				data := saved(t, lead.Server)
				g.writes(30)
				if g.leader() != lead {
					t.Fatal("another leads, on a quiet network")
				}
				has := g.follower(lead)
				without := g.living()
				without = slices.DeleteFunc(without, func(l *life) bool { return l == has })
				g.w.cut(without[0].addr)
				if without[0] == lead {
					g.w.mend(lead.addr)
					g.w.cut(without[1].addr)
				}
				g.when = func() bool { return has.State().Index() > indexSpare } // it is restored there
				g.armed.Store(true)
				answered := make(chan error, 1)
				go func() {
					_, err := lead.RestoreSnapshot(context.Background(), bytes.NewReader(data), false)
					answered <- err
				}()
				for !lead.dead.Load() || !has.dead.Load() || !without[0].dead.Load() || !without[1].dead.Load() {
					<-time.After(time.Millisecond)
				}
				for _, l := range g.now {
					l.bury()
				}
				<-answered
				g.start(without[0].n, without[0].relic)
				g.start(without[1].n, without[1].relic)
				g.writesWithout(has.n, 10)
				g.start(has.n, has.relic)
				back := g.now[has.n-1]
				select {
				case err := <-back.done:
					if err == nil || !strings.Contains(err.Error(), "went on without the restored snapshot") {
						t.Fatal(err)
					}
				case <-time.After(time.Minute):
					t.Fatalf("it goes on, with index %d", back.State().Index())
				}
				g.w.forget(back.fellow)
				g.start(has.n, has.relic)
				g.heal()
				g.writes(5)
				g.same()
			})
		})
	}
}

// writesWithout waits for some acknowledgements while one server does not run.
func (g *graveyard) writesWithout(n, some int) {
	g.Helper()
	for began := time.Now(); some > 0; <-time.After(10 * time.Millisecond) {
		for i, l := range g.now {
			if i != n-1 && l.IsLeader() && g.write(l) {
				some--
			}
		}
		if time.Since(began) > time.Minute {
			g.Fatal("two of three do not go on")
		}
	}
}

// A restore is asked for while the leader writes a snapshot of its own, and one follower is away: it is restored everywhere.
func TestARestoreDuringASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var slow atomic.Pointer[fellow]
		begun := make(chan struct{})
		var all []*fellow
		for n := 1; n <= 3; n++ {
			var f *fellow
			f = w.prepare(t, n, 3, filepath.Join(swift(t), "server"), func(c *Config) {
				c.reached = func(p point) {
					if p == atPersist && f != nil && slow.CompareAndSwap(f, nil) {
						close(begun)
						<-time.After(200 * time.Millisecond)
					}
				}
			})
			f.run()
			all = append(all, f)
		}
		lead := leader(t, all...)
		for _, f := range all {
			<-f.Ready()
		}
		write(t, lead.Server, "kept")
		data := saved(t, lead.Server)
		slow.Store(lead)
		written := make(chan error, 1)
		go func() { written <- lead.raft.Load().Snapshot().Error() }()
		<-begun
		write(t, lead.Server, "later")
		away := without(all, lead)[0]
		w.cut(away.addr)
		done := make(chan error, 1)
		go func() {
			_, err := lead.RestoreSnapshot(context.Background(), bytes.NewReader(data), false)
			done <- err
		}()
		<-time.After(300 * time.Millisecond)
		w.mend(away.addr)
		if err := errors.Join(<-done, <-written); err != nil {
			t.Error(err)
		}
		eventually(t, "all have the restored state", func() bool {
			return !slices.ContainsFunc(all, func(f *fellow) bool { return !has(f.Server, "kept") || has(f.Server, "later") })
		})
		write(t, leader(t, all...).Server, "then")
		eventually(t, "all go on", func() bool { return !slices.ContainsFunc(all, func(f *fellow) bool { return !has(f.Server, "then") }) })
		finish(all...)
	})
}

// Servers that live but cannot keep what they are sent do not hold the cluster for ever: the restore has its time, and a stop of the server ends it too.
// Then it is as if it had not been asked for.
func TestARestoreThatTheOthersCannotTakeEnds(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		t.Run(fmt.Sprintf("stopped=%v", stopped), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, dirs, all := newTown(), map[*fellow]string{}, []*fellow(nil)
				for n := 1; n <= 3; n++ {
					dir := filepath.Join(swift(t), "server")
					f := w.join(t, n, 3, dir, nil)
					dirs[f] = dir
					all = append(all, f)
				}
				lead := leader(t, all...)
				for _, f := range all {
					<-f.Ready()
				}
				write(t, lead.Server, "kept")
				data := saved(t, lead.Server)
				write(t, lead.Server, "later")
				others := without(all, lead)
				for _, f := range others {
					blockSnapshots(t, dirs[f])
				}
				began := time.Now()
				answered := make(chan error, 1)
				go func() {
					_, err := lead.RestoreSnapshot(context.Background(), bytes.NewReader(data), false)
					answered <- err
				}()
				want := "most servers did not take it within 2m0s"
				if stopped {
					eventually(t, "it is restored here", func() bool { return !has(lead.Server, "later") })
					lead.stop()
					want = "the server was stopped before they answered"
				}
				err := <-lead.done
				if !errors.Is(err, errUnconfirmed) || !strings.Contains(err.Error(), want) {
					t.Errorf("it ended with %v", err)
				}
				if err := <-answered; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("who asked was told %v", err)
				}
				if took := time.Since(began); took < confirmTime && !stopped || took > confirmTime+time.Minute {
					t.Errorf("after %s", took)
				}
				w.forget(lead)
				for _, f := range others {
					clearSnapshots(t, dirs[f])
				}
				write(t, leader(t, others...).Server, "then")
				back := w.join(t, 1+slices.Index(all, lead), 3, dirs[lead], nil)
				all = append(others, back)
				eventually(t, "all have what was", func() bool {
					return !slices.ContainsFunc(all, func(f *fellow) bool { return !has(f.Server, "later") || !has(f.Server, "then") })
				})
				finish(all...)
			})
		})
	}
}

// blockSnapshots makes a server unable to keep a snapshot.
func blockSnapshots(t *testing.T, dir string) {
	t.Helper()
	at := filepath.Join(dir, raftDirName, "snapshots")
	if err := errors.Join(os.Rename(at, at+".away"), os.WriteFile(at, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// clearSnapshots undoes blockSnapshots.
func clearSnapshots(t *testing.T, dir string) {
	t.Helper()
	at := filepath.Join(dir, raftDirName, "snapshots")
	if err := errors.Join(os.Remove(at), os.Rename(at+".away", at)); err != nil {
		t.Fatal(err)
	}
}
