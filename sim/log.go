package sim

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

// The time one entry takes to be on disk.
const (
	commitMin = 300 * time.Microsecond
	commitMax = 8 * time.Millisecond
)

// decideTime is how long a decision takes: a plan is proposed later than the time it was reckoned with.
const decideTime = 3 * time.Millisecond

// orderedLog stands for Raft: commands in one order, several to an entry while one is being written, applied by the real state
// machine. An entry is applied from its bytes, as a replica would.
type orderedLog struct {
	w       *world
	store   *state.Store
	machine *fsm.FSM
	entries [][]byte
	queue   []*pending
	writing bool
	term    int
	// applied is called after every entry.
	applied func(entry *structs.LogEntry)
	// refused is called for a command the state machine refused.
	refused func(kind structs.CommandKind, err error)
}

// pending is a command on its way.
type pending struct {
	cmd  structs.Command
	term int
	done func(value any, err error)
}

func newLog(w *world) *orderedLog {
	l := &orderedLog{w: w, store: state.New()}
	l.machine = fsm.New(l.store)
	return l
}

// propose queues a command; done is called when it was applied, or never if the leader changes.
func (l *orderedLog) propose(kind structs.CommandKind, body msgp.Marshaler, done func(value any, err error)) {
	at := l.w.now
	if kind == structs.CmdPlanApply {
		at += int64(decideTime) // what it was reckoned from was a moment before
	}
	cmd, err := structs.NewCommand(kind, at, body)
	if err != nil {
		l.w.after(0, func() { done(nil, err) })
		return
	}
	l.queue = append(l.queue, &pending{cmd, l.term, done})
	l.commit()
}

// commit writes what is queued as one entry.
func (l *orderedLog) commit() {
	if l.writing || len(l.queue) == 0 {
		return
	}
	l.writing = true
	batch := l.queue
	l.queue = nil
	l.w.after(between(l.w.rng(fmt.Sprintf("entry %d", len(l.entries))), commitMin, commitMax), func() {
		l.writing = false
		l.apply(batch)
		l.commit()
	})
}

func (l *orderedLog) apply(batch []*pending) {
	entry := &structs.LogEntry{}
	for _, p := range batch {
		entry.Commands = append(entry.Commands, p.cmd)
	}
	raw, err := entry.MarshalMsg(nil)
	if err != nil {
		panic(err) // a fault of the encoder: nothing simulated can go on
	}
	l.entries = append(l.entries, raw)
	results := l.machine.ApplyEntry(uint64(len(l.entries)), decode(raw))
	l.applied(entry)
	for i, p := range batch {
		if results[i].Err != nil {
			l.refused(p.cmd.Kind, results[i].Err)
		}
		if p.term == l.term { // an old leader hears nothing
			p.done(results[i].Value, results[i].Err)
		}
	}
}

func decode(raw []byte) *structs.LogEntry {
	e := &structs.LogEntry{}
	if _, err := e.UnmarshalMsg(raw); err != nil {
		panic(err)
	}
	return e
}

// elect begins a new term: what is queued is lost, what is being written may still be applied.
func (l *orderedLog) elect() {
	l.term++
	l.queue = nil
}

// replayed is the state of a replica that applies the log from its beginning.
func (l *orderedLog) replayed() *state.Store {
	store := state.New()
	machine := fsm.New(store)
	for i, raw := range l.entries {
		machine.ApplyEntry(uint64(i+1), decode(raw))
	}
	return store
}

// digest names a state.
func digest(s *state.Store) string {
	sum := s.Snapshot().Hash()
	return hex.EncodeToString(sum[:])
}
