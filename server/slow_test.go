package server

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"berth/structs"
)

// slow is a disk on which every write takes a time.
type slow struct {
	storage
	each *atomic.Int64 // ns
}

func (s slow) wait() { <-time.After(time.Duration(s.each.Load())) }

func (s slow) StoreLogs(l []*raft.Log) error { s.wait(); return s.storage.StoreLogs(l) }
func (s slow) Set(k, v []byte) error         { s.wait(); return s.storage.Set(k, v) }
func (s slow) SetUint64(k []byte, v uint64) error {
	s.wait()
	return s.storage.SetUint64(k, v)
}

// beating is a transport that answers heartbeats beside what raft is busy with, as the one over the network does.
type beating struct {
	*raft.InmemTransport
	rest chan raft.RPC
	beat atomic.Pointer[func(raft.RPC)]
}

func newBeating(w *raft.InmemTransport, stop <-chan struct{}) *beating {
	b := &beating{InmemTransport: w, rest: make(chan raft.RPC, 64)}
	go func() {
		for {
			select {
			case rpc := <-w.Consumer():
				req, ok := rpc.Command.(*raft.AppendEntriesRequest)
				if f := b.beat.Load(); ok && f != nil && len(req.Entries) == 0 && req.PrevLogEntry == 0 && req.PrevLogTerm == 0 && req.LeaderCommitIndex == 0 {
					(*f)(rpc)
					continue
				}
				b.rest <- rpc
			case <-stop:
				return
			}
		}
	}()
	return b
}

// Consumer implements raft.Transport.
func (b *beating) Consumer() <-chan raft.RPC { return b.rest }

// SetHeartbeatHandler implements raft.Transport.
func (b *beating) SetHeartbeatHandler(f func(raft.RPC)) { b.beat.Store(&f) }

// Disks that take a second for each write slow the cluster down, and cost nobody leadership: one leader goes on for ten minutes.
func TestSlowDisksCostNobodyLeadership(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		over := make(chan struct{})
		var each atomic.Int64
		var all []*fellow
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, t.TempDir(), func(c *Config) {
				c.faulty = func(s storage) storage { return slow{s, &each} }
				c.transport = newBeating(c.transport.(*raft.InmemTransport), over)
			}))
		}
		lead := leader(t, all...)
		for _, f := range all {
			<-f.Ready()
		}
		<-time.After(30 * time.Second)
		lead = leader(t, all...)
		term := lead.raft.Load().CurrentTerm()
		each.Store(int64(time.Second))
		began, written := time.Now(), 0
		for time.Since(began) < 10*time.Minute {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, err := lead.Propose(ctx, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "slow"}}})
			cancel()
			if err != nil {
				t.Fatalf("after %d writes: %v", written, err)
			}
			written++
		}
		if now := lead.raft.Load().CurrentTerm(); now != term || !lead.IsLeader() {
			t.Errorf("the term went from %d to %d", term, now)
		}
		if written < 100 {
			t.Errorf("%d writes in ten minutes", written)
		}
		each.Store(0)
		finish(all...)
		close(over)
		synctest.Wait()
	})
}

// A server whose directory is an old copy of itself catches up with the others, which have what was acknowledged since, and has no other
// state than they.
func TestAServerWithAnOldCopyOfItsDirectoryCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		dirs := map[*fellow]string{}
		for n := 1; n <= 3; n++ {
			dir := t.TempDir()
			f := w.join(t, n, 3, dir, nil)
			all, dirs[f] = append(all, f), dir
		}
		first := leader(t, all...)
		write(t, first.Server, "one")
		old := without(all, first)[0]
		n := number(all, old)
		eventually(t, "it has the first", func() bool { return has(old.Server, "one") })
		kept := filepath.Join(t.TempDir(), "kept")
		w.forget(old)
		old.end()
		if err := copyTree(dirs[old], kept); err != nil {
			t.Fatal(err)
		}
		again := w.join(t, n+1, 3, dirs[old], nil)
		rest := without(all, old)
		lead := leader(t, append(rest, again)...)
		for _, name := range []string{"two", "three", "four"} {
			write(t, lead.Server, name)
		}
		eventually(t, "it has the last", func() bool { return has(again.Server, "four") })
		w.forget(again)
		again.end()

		back := w.join(t, n+1, 3, kept, nil)
		lead = leader(t, rest...)
		eventually(t, "it has everything", func() bool {
			return has(back.Server, "four") && back.State().Index() == lead.State().Index()
		})
		sameEverywhere(t, back, lead)
		finish(append(rest, back)...)
	})
}
