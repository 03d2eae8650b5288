package server

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// errStalled keeps a leader whose disk does not answer from being taken for one that works.
var errStalled = errors.New("this server's disk does not answer: it sends no heartbeats")

// wire is raft's transport with four things added: its heartbeats can be cut, it can ask raft to stand for election at once, what others
// send is looked at before raft has it, and it knows who followed this server since when.
type wire struct {
	raft.Transport
	cut  atomic.Bool
	look atomic.Pointer[func(request any) bool] // false when raft must not have it, nor anything that comes later
	in   chan raft.RPC
	end  chan struct{}
	once sync.Once
	done chan struct{}

	asked    atomic.Uint64 // heartbeats and other requests to append so far: each has its number
	mu       sync.Mutex
	followed map[raft.ServerID]follows // by whom
}

// follows is the newest request to append that a server took, and its term.
type follows struct{ number, term uint64 }

// newWire goes on until it is closed, which raft does.
func newWire(t raft.Transport) *wire {
	w := &wire{Transport: t, in: make(chan raft.RPC), end: make(chan struct{}), done: make(chan struct{}), followed: map[raft.ServerID]follows{}}
	go w.pass()
	return w
}

func (w *wire) pass() {
	defer close(w.done)
	from := w.Transport.Consumer()
	for {
		select {
		case rpc := <-from:
			if look := w.look.Load(); look != nil && !(*look)(rpc.Command) {
				continue
			}
			select {
			case w.in <- rpc:
			case <-w.end:
				return
			}
		case <-w.end:
			return
		}
	}
}

// lookAt has what others send looked at from now on.
func (w *wire) lookAt(look func(request any) bool) { w.look.Store(&look) }

// Consumer implements raft.Transport.
func (w *wire) Consumer() <-chan raft.RPC { return w.in }

// stand makes raft a candidate without waiting for a leader it knows not to exist: that of a cluster with one voter.
func (w *wire) stand(id raft.ServerID) {
	answer := make(chan raft.RPCResponse, 1)
	select {
	case w.in <- raft.RPC{RespChan: answer, Command: &raft.TimeoutNowRequest{
		RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id), Addr: []byte(w.LocalAddr())},
	}}:
	case <-w.end:
	}
}

// AppendEntries implements raft.Transport.
func (w *wire) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if w.cut.Load() {
		return errStalled
	}
	n := w.asked.Add(1)
	if err := w.Transport.AppendEntries(id, target, args, resp); err != nil {
		return err
	}
	if resp.Success {
		w.mu.Lock()
		if w.followed[id].number < n {
			w.followed[id] = follows{n, args.Term}
		}
		w.mu.Unlock()
	}
	return nil
}

// leads reports whether most voters took a request of a term that was made after another, the one of a number: nobody leads in a later term
// until one of them is asked anew.
func (w *wire) leads(own raft.ServerID, term, after uint64, servers []raft.Server) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	voters, most := 0, 0
	for _, s := range servers {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if f := w.followed[s.ID]; s.ID == own || f.term == term && f.number > after {
			most++
		}
	}
	return 2*most > voters
}

// AppendEntriesPipeline implements raft.Transport.
func (w *wire) AppendEntriesPipeline(id raft.ServerID, target raft.ServerAddress) (raft.AppendPipeline, error) {
	if w.cut.Load() {
		return nil, errStalled
	}
	p, err := w.Transport.AppendEntriesPipeline(id, target)
	if err != nil {
		return nil, err
	}
	return &wirePipeline{p, w}, nil
}

// RequestPreVote implements raft.WithPreVote.
func (w *wire) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return w.Transport.(raft.WithPreVote).RequestPreVote(id, target, args, resp)
}

// Close implements raft.WithClose.
func (w *wire) Close() (err error) {
	w.once.Do(func() {
		close(w.end)
		<-w.done
		if c, ok := w.Transport.(raft.WithClose); ok {
			err = c.Close()
		}
	})
	return err
}

type wirePipeline struct {
	raft.AppendPipeline
	w *wire
}

// AppendEntries implements raft.AppendPipeline.
func (p *wirePipeline) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	if p.w.cut.Load() {
		return nil, errStalled
	}
	return p.AppendPipeline.AppendEntries(args, resp)
}

// Times of the watchdog on the log.
const (
	// stallLimit is how long a leader's write may take before another server should lead.
	stallLimit = 2 * time.Second
	// stallCheck is how often that is looked at.
	stallCheck = 250 * time.Millisecond
)
