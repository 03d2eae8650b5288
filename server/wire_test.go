package server

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// lagging is a transport whose answers lie about for a while, as those of a process that is stopped do. It has no pipelines.
type lagging struct {
	*raft.InmemTransport
	mu  sync.Mutex
	lie chan struct{} // nil when they do not
}

func (s *lagging) hold(until chan struct{}) {
	s.mu.Lock()
	s.lie = until
	s.mu.Unlock()
}

// AppendEntries implements raft.Transport.
func (s *lagging) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := s.InmemTransport.AppendEntries(id, target, args, resp)
	s.mu.Lock()
	lie := s.lie
	s.mu.Unlock()
	if lie != nil {
		<-lie
	}
	return err
}

// AppendEntriesPipeline implements raft.Transport.
func (s *lagging) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// A leader that asks whether it still leads does not take answers for it that were given before: another may lead since.
func TestAnAnswerGivenBeforeDoesNotConfirmALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		wires := map[raft.ServerAddress]*lagging{}
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, "", func(c *Config) {
				s := &lagging{InmemTransport: c.transport.(*raft.InmemTransport)}
				wires[s.LocalAddr()], c.transport = s, s
			}))
		}
		first := leader(t, all...)
		write(t, first.Server, "one")
		if err := first.VerifyLeader(); err != nil {
			t.Fatal(err)
		}
		given := make(chan struct{})
		wires[first.addr].hold(given)
		<-time.After(250 * time.Millisecond) // every heartbeat has been answered, and lies there
		w.cut(first.addr)
		verified := make(chan error, 1)
		go func() { verified <- first.VerifyLeader() }()
		synctest.Wait()
		wires[first.addr].hold(nil)
		close(given)
		if err := <-verified; err == nil {
			t.Error("it leads by what it was told before")
		}
		second := leader(t, without(all, first)...)
		if err := second.VerifyLeader(); err != nil {
			t.Error(err)
		}
		w.mend(first.addr)
		eventually(t, "it follows", func() bool { _, addr, ok := first.Leader(); return ok && addr == string(second.addr) })
		finish(all...)
	})
}
