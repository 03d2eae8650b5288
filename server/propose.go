package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"github.com/tinylib/msgp/msgp"

	"berth/internal/tracing"
	"berth/internal/version"
	"berth/server/fsm"
	"berth/structs"
)

// Applied is what became of a command: the index of its entry and the value its application answered.
type Applied struct {
	Index uint64
	Value any
}

// proposal is one command on its way into the log.
type proposal struct {
	cmd    structs.Command
	memory *[]byte      // the command's body is in; used again once it is in its entry
	only   string       // one command of this name in an entry; "" has no such limit
	done   chan outcome // capacity 1
	span   tracing.Span // of the command, or none
}

type outcome struct {
	applied Applied
	err     error
}

// Bounds of what is on its way into the log at once.
const (
	// maxEntries is how many entries are on their way: while one crosses the network the next is written to the disk. Raft writes what
	// comes together with one fsync.
	maxEntries = 3
	// enough is how many commands an entry has at least, and enoughBytes how large it is, that is sent while others are on their way, and
	// it has as many as these: the more write at once, the larger are the entries. Less waits for the end of one: an entry costs three
	// servers about what ten commands do, and whoever waits shares it.
	enough      = 16
	enoughBytes = 64 << 10
)

// keptBody is up to how large memory for a body is kept for the next one, in bytes.
const keptBody = 64 << 10

// proposer is the group commit: commands that arrive while entries are on their way share the next one. One entry costs one fsync,
// whatever it holds.
type proposer struct {
	holes  holes
	memory sync.Pool // of *[]byte, for bodies on their way into an entry
	// traces is told of entries with traced commands; nil when nothing is traced.
	traces *traces
	// send appends an entry, in the order of calls. What it gives waits until the entry was applied.
	send func(data []byte) func() (uint64, []fsm.Result, error)

	// look is sent to when an entry may have become due.
	look chan struct{} // capacity 1

	mu     sync.Mutex // guards what follows
	queue  []*proposal
	bytes  int // of the bodies in queue
	flying int // entries on their way
	aloft  int // commands in them
}

func newProposer(send func([]byte) func() (uint64, []fsm.Result, error)) *proposer {
	return &proposer{look: make(chan struct{}, 1), send: send}
}

// propose waits for a command to be applied. When ctx ends first the command may still be applied later.
func (p *proposer) propose(ctx context.Context, kind structs.CommandKind, at int64, body msgp.Marshaler) (Applied, error) {
	if err := p.holes.in(body); err != nil {
		return Applied{}, err
	}
	memory, _ := p.memory.Get().(*[]byte)
	if memory == nil {
		memory = new([]byte)
	}
	cmd, err := structs.NewCommandIn(*memory, kind, at, body)
	if err != nil {
		return Applied{}, err
	}
	*memory = cmd.Body
	if len(cmd.Body) > MaxCommandBytes {
		return Applied{}, &structs.Error{Kind: structs.KindLimit,
			Err: fmt.Errorf("the change is %d bytes long, more than the %d a log entry may hold", len(cmd.Body), MaxCommandBytes)}
	}
	if err := ctx.Err(); err != nil {
		return Applied{}, err
	}
	pr := &proposal{cmd: cmd, memory: memory, only: checked(body), done: make(chan outcome, 1), span: p.traces.span(ctx)}
	p.enqueue(pr)
	select {
	case out := <-pr.done:
		return out.applied, out.err
	case <-ctx.Done():
		p.withdraw(pr)
		return Applied{}, ctx.Err()
	}
}

func (p *proposer) enqueue(pr *proposal) {
	p.mu.Lock()
	p.queue = append(p.queue, pr)
	p.bytes += len(pr.cmd.Body)
	due := p.due()
	p.mu.Unlock()
	if due {
		p.wake()
	}
}

// withdraw takes a command back that is in no entry yet.
func (p *proposer) withdraw(pr *proposal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, pr); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
		p.bytes -= len(pr.cmd.Body)
	}
}

// due reports that what waits is to be sent now.
func (p *proposer) due() bool {
	switch {
	case len(p.queue) == 0 || p.flying >= maxEntries:
		return false
	case p.flying == 0:
		return true
	}
	return len(p.queue) >= max(enough, p.aloft) || p.bytes >= enoughBytes
}

func (p *proposer) wake() {
	select {
	case p.look <- struct{}{}:
	default: // it will look
	}
}

// Run writes one entry after the other until ctx is done.
func (p *proposer) Run(ctx context.Context) error {
	var flying sync.WaitGroup
	defer flying.Wait()
	for {
		batch := p.next()
		if batch == nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-p.look:
			}
			continue
		}
		finish := p.write(batch)
		flying.Go(func() {
			finish()
			p.landed(len(batch))
		})
	}
}

// next takes the commands of the next entry, up to its size; nil when none is due. Those that must begin another one stay, in their order, and
// keep nobody behind them: who writes one thing a thousand times waits for a thousand entries alone.
func (p *proposer) next() []*proposal {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.due() {
		return nil
	}
	var batch, stay []*proposal
	size, n := 0, 0
	names := map[string]bool{}
	for ; n < len(p.queue) && size < maxEntryBytes; n++ {
		pr := p.queue[n]
		if pr.only != "" && names[pr.only] {
			stay = append(stay, pr)
			continue
		}
		names[pr.only] = true
		size += len(pr.cmd.Body)
		batch = append(batch, pr)
	}
	p.queue = p.queue[n:]
	if len(stay) > 0 {
		p.queue = append(stay, p.queue...)
	}
	if len(p.queue) == 0 {
		p.queue = nil
	}
	p.bytes -= size
	p.flying++
	p.aloft += len(batch)
	return batch
}

// landed ends the flight of an entry of so many commands.
func (p *proposer) landed(n int) {
	p.mu.Lock()
	p.flying--
	p.aloft -= n
	due := p.due()
	p.mu.Unlock()
	if due {
		p.wake()
	}
}

// checked names what a command writes whose index others check before they write it: two writes of it in one entry would have one index,
// and who made the first would take the second for its own.
func checked(body any) string {
	switch c := body.(type) {
	case *structs.JobRegisterCommand:
		if c.Job != nil {
			return "job " + c.Job.Namespace + " " + c.Job.ID
		}
	case *structs.JobDeregisterCommand:
		return "job " + c.Namespace + " " + c.JobID
	case *structs.DeploymentUpdateCommand:
		if c.RevertJob != nil {
			return "job " + c.RevertJob.Namespace + " " + c.RevertJob.ID
		}
	case *structs.SchedulerConfigCommand:
		return "scheduler configuration"
	case *structs.AutopilotConfigCommand:
		return "autopilot configuration"
	case *structs.NodeTaintsCommand:
		return "taints of node " + c.NodeID.String()
	case *structs.QueueCommand:
		if c.Queue != nil {
			return "queue " + c.Queue.Name
		}
	case *structs.DisruptionBudgetCommand:
		if c.Budget != nil {
			return "disruption budget " + c.Budget.Namespace + " " + c.Budget.Name
		}
	case *structs.PriorityClassCommand:
		if c.Class != nil {
			return "priority class " + c.Class.Name
		}
	}
	return ""
}

// write sends an entry on its way. What it gives waits for its end and answers the proposers.
func (p *proposer) write(batch []*proposal) (finish func()) {
	entry := structs.LogEntry{Commands: make([]structs.Command, len(batch)), Writer: version.String()}
	for i, pr := range batch {
		entry.Commands[i] = pr.cmd
	}
	var sent time.Time
	if p.traces != nil {
		sent = time.Now()
	}
	data, err := entry.MarshalMsg(nil)
	for _, pr := range batch {
		if cap(*pr.memory) <= keptBody {
			p.memory.Put(pr.memory)
		}
		pr.cmd.Body, pr.memory = nil, nil
	}
	wait := func() (uint64, []fsm.Result, error) { return 0, nil, err }
	if err == nil {
		wait = p.send(data)
	}
	return func() {
		index, results, err := wait()
		if err == nil && len(results) != len(batch) {
			err = fmt.Errorf("entry %d of %d commands answered %d results", index, len(batch), len(results))
		}
		for i, pr := range batch {
			p.traces.written(pr.span, index, sent, len(batch))
			if err != nil {
				pr.done <- outcome{err: err}
				continue
			}
			pr.done <- outcome{applied: Applied{Index: index, Value: results[i].Value}, err: results[i].Err}
		}
	}
}

// applied waits until an entry of raft's log was applied here.
func applied(future raft.ApplyFuture) (uint64, []fsm.Result, error) {
	if err := future.Error(); err != nil {
		return 0, nil, raftError(err)
	}
	switch resp := future.Response().(type) {
	case []fsm.Result:
		return future.Index(), resp, nil
	case error:
		return 0, nil, resp
	default:
		return 0, nil, fmt.Errorf("entry %d answered a %T", future.Index(), resp)
	}
}

// errOutcomeUnknown is a change that may have been made or not.
var errOutcomeUnknown = errors.New("this server stopped being the leader while the change was written; whether it took is not known")

// errRestoredMeanwhile is a change of a state that is gone.
var errRestoredMeanwhile = errors.New("the state was replaced by a snapshot's while the change was written; whether it is in a server's log is not known")

// raftError says in plain words why raft did not take an entry.
func raftError(err error) error {
	switch {
	case errors.Is(err, raft.ErrLeadershipLost):
		return &structs.Error{Kind: structs.KindNoLeader, Hint: "look at the state, then try again", Err: errOutcomeUnknown}
	case errors.Is(err, raft.ErrAbortedByRestore):
		return &structs.Error{Kind: structs.KindUnavailable, Hint: "look at the state, then try again", Err: errRestoredMeanwhile}
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return errNoLeader()
	case errors.Is(err, raft.ErrRaftShutdown):
		return &structs.Error{Kind: structs.KindUnavailable, Hint: "try again at another server",
			Err: errors.New("this server is shutting down")}
	}
	return &structs.Error{Op: "write to the log", Kind: structs.KindUnavailable, Err: err}
}

func errNoLeader() error {
	return &structs.Error{Kind: structs.KindNoLeader, Err: errors.New("this server is not the leader"), Hint: "try again in a moment"}
}
