package fsm

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/raft"
	"github.com/tinylib/msgp/msgp"

	"berth/internal/version"
	"berth/state"
	"berth/structs"
)

// FSM is Raft's state machine. Raft calls it from one goroutine at a time; Persist of a snapshot may run beside.
type FSM struct {
	store *state.Store
	texts texts // of the applying goroutine
	chain chain
	watch Watch

	halt   atomic.Pointer[structs.Error] // why nothing is applied any more
	halted chan struct{}                 // closed then
}

var _ raft.BatchingFSM = (*FSM)(nil)

// New is the state machine of a store.
func New(store *state.Store) *FSM {
	return &FSM{store: store, texts: texts{}, watch: unwatched{}, chain: chain{news: make(chan struct{}, 1)}, halted: make(chan struct{})}
}

// Halted is closed when an entry came that this program does not understand: it has changed nothing, and neither has any behind it.
// Halt tells why.
func (f *FSM) Halted() <-chan struct{} { return f.halted }

// Halt is why nothing is applied any more; nil while everything is.
func (f *FSM) Halt() error {
	if err := f.halt.Load(); err != nil {
		return err
	}
	return nil
}

// Result is what became of one command: a value, or why it was not applied.
type Result struct {
	Value any
	Err   error
}

// Apply applies one log entry. The response is a []Result, one for each command, or an error when the entry could not be
// read.
func (f *FSM) Apply(log *raft.Log) any {
	if log.Type != raft.LogCommand {
		return nil
	}
	return f.applyBytes(log.Index, log.Data)
}

// ApplyBatch applies entries in order.
func (f *FSM) ApplyBatch(logs []*raft.Log) []any {
	responses := make([]any, len(logs))
	for i, log := range logs {
		responses[i] = f.Apply(log)
	}
	return responses
}

func (f *FSM) applyBytes(index uint64, data []byte) any {
	if f.halt.Load() != nil {
		return &structs.Error{Op: fmt.Sprintf("apply log entry %d", index), Kind: structs.KindUnavailable, Err: errHalted}
	}
	var entry structs.LogEntry
	if err := decodeWhole(data, &entry); err != nil {
		txn := f.store.Begin(index)
		link(txn, index, data, nil)
		f.commit(txn, index)
		return &structs.Error{Op: fmt.Sprintf("apply log entry %d", index), Kind: structs.KindInternal, Err: err}
	}
	if err := understood(index, &entry, Level()); err != nil {
		if f.halt.CompareAndSwap(nil, err) {
			close(f.halted)
		}
		return err
	}
	return f.applyEntry(index, &entry, data)
}

// understood refuses an entry with a command of a newer program: what it means is not known, and to skip it would make this replica
// differ from the others.
func understood(index uint64, entry *structs.LogEntry, level structs.CommandKind) *structs.Error {
	for _, c := range entry.Commands {
		if c.Kind <= level && c.Version == 0 {
			continue
		}
		by := "a newer Berth"
		if entry.Writer != "" {
			by = "Berth " + entry.Writer
		}
		return &structs.Error{Op: fmt.Sprintf("apply log entry %d", index), Kind: structs.KindInternal,
			Err:  fmt.Errorf("a command of kind %d, version %d, written by %s, is not known to Berth %s", c.Kind, c.Version, by, version.String()),
			Hint: "nothing of it was applied: start this server with " + by + ", or a newer one"}
	}
	return nil
}

// decode reads a whole value. Lengths are checked against the bytes that are there before anything is allocated for them.
func decode(data []byte, into msgp.Unmarshaler) error {
	if _, err := msgp.Skip(data); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return decodeWhole(data, into)
}

// decodeWhole reads a whole value whose lengths were checked, as those of what is in an entry are when it is read; an entry checks its own.
func decodeWhole(data []byte, into msgp.Unmarshaler) error {
	rest, err := into.UnmarshalMsg(data)
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("decode: %d bytes too many", len(rest))
	}
	return nil
}

// ApplyEntry applies an entry's commands in order in one transaction. What a command that fails had written is taken back.
func (f *FSM) ApplyEntry(index uint64, entry *structs.LogEntry) []Result {
	return f.applyEntry(index, entry, nil)
}

// applyEntry is given the entry's bytes when it came as such: then the bodies of its commands are whole, and it is in the rolling hash.
func (f *FSM) applyEntry(index uint64, entry *structs.LogEntry, data []byte) []Result {
	txn := f.store.Begin(index)
	begin := txn.Savepoint()
	one := &applier{txn: txn, texts: f.texts, index: index, whole: data != nil, watch: f.watch}
	results, ok := applyTogether(one, entry)
	if !ok {
		txn.Rollback(begin)
		results = applyApart(one, entry)
	}
	f.watch.End()
	if data != nil {
		link(txn, index, data, results)
	}
	origin := f.commit(txn, index)
	for _, r := range results {
		if c, ok := r.Value.(*structs.ChainCheckCommand); ok {
			f.chain.compare(c, origin)
		}
	}
	return results
}

// applyTogether applies commands without a way back between them, which would cost each of them copies of its own. False when one
// failed in the middle of what it wrote: then the transaction is of no use.
func applyTogether(one *applier, entry *structs.LogEntry) ([]Result, bool) {
	one.watch.Begin()
	results := make([]Result, len(entry.Commands))
	for i := range entry.Commands {
		before := one.txn.Changes()
		results[i] = one.command(&entry.Commands[i])
		if err := results[i].Err; err != nil && (one.txn.Changes() != before || errors.Is(err, errBroken)) {
			return nil, false
		}
	}
	return results, true
}

// applyApart does the same with a way back before each command.
func applyApart(one *applier, entry *structs.LogEntry) []Result {
	one.watch.Begin()
	results := make([]Result, len(entry.Commands))
	for i := range entry.Commands {
		save := one.txn.Savepoint()
		if results[i] = one.command(&entry.Commands[i]); results[i].Err != nil {
			one.txn.Rollback(save)
		}
	}
	return results
}

// command applies one command.
func (a *applier) command(cmd *structs.Command) Result {
	a.at, a.touched, a.seen = cmd.At, a.touched[:0], nil
	a.txn.Step()
	value, err := a.apply(cmd)
	a.watch.Applied(cmd.Kind)
	if err != nil {
		return Result{Err: err}
	}
	return Result{Value: value}
}

// commit makes a transaction the state, and gives where its rolling hash begins.
func (f *FSM) commit(txn *state.WriteTxn, index uint64) (origin uint64) {
	c := txn.Chain()
	txn.Commit()
	f.chain.remember(index, c)
	return c.Origin
}

// applier applies the commands of an entry, one after the other.
type applier struct {
	txn   *state.WriteTxn
	texts texts
	index uint64
	at    int64 // the time of the command in hand, Unix ns
	whole bool  // the lengths in the command's body were checked
	watch Watch
	// touched are the jobs whose status the command in hand may have changed, in the order they were first touched.
	touched []structs.JobKey
	seen    map[structs.JobKey]bool
}

// errBroken is the cause when a command is so malformed that applying it failed in the middle.
var errBroken = errors.New("the command is malformed")

// apply dispatches the command and then settles the status of the jobs it touched. A command that breaks an invariant of its
// own form is refused like any other: the log must never stop a server.
func (a *applier) apply(cmd *structs.Command) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			value = nil
			err = &structs.Error{Op: opOf(cmd.Kind), Kind: structs.KindInternal, Err: fmt.Errorf("%w: %v", errBroken, r)}
		}
	}()
	value, err = a.dispatch(cmd)
	if err != nil {
		var e *structs.Error
		if errors.As(err, &e) {
			return nil, e
		}
		return nil, &structs.Error{Op: opOf(cmd.Kind), Kind: structs.KindInternal, Err: err}
	}
	a.settle()
	if job, ok := value.(*structs.Job); ok {
		value = a.txn.Job(job.Namespace, job.ID)
	}
	return value, nil
}
