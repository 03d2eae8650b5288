package server

import (
	"io"

	"github.com/hashicorp/raft"

	"berth/server/fsm"
)

// point is a moment around a durable step or a change of role at which a server may die. The program does nothing there; tests end
// the server's life at each of them, one after the other, and see that nothing acknowledged is lost (docs/decisions/0009).
type point string

// The points, in the order of a server's life.
const (
	atOpened      point = "start.opened"          // the files are open and compact, raft does not run yet
	atForm        point = "form.before"           // before the first configuration is written
	atFormed      point = "form.after"            // after that
	atMember      point = "member.before"         // before the directory is marked as a member's
	atMarked      point = "member.after"          // after that
	atStore       point = "log.store.before"      // before entries are written
	atStored      point = "log.store.after"       // after they are on the disk
	atCompact     point = "log.compact.before"    // before entries a snapshot holds are removed
	atCompacted   point = "log.compact.after"     // after that
	atTruncate    point = "log.truncate.before"   // before entries another leader contradicts are removed
	atTruncated   point = "log.truncate.after"    // after that
	atVote        point = "stable.set.before"     // before a term or a vote is written
	atVoted       point = "stable.set.after"      // after that
	atApply       point = "apply.before"          // before entries are applied
	atApplied     point = "apply.after"           // after that
	atCapture     point = "snapshot.capture"      // the state to be kept is taken
	atCreate      point = "snapshot.create"       // before the snapshot's file is made
	atPersist     point = "snapshot.write"        // its first bytes are written
	atKeep        point = "snapshot.close.before" // all of it is written, it has not its name yet
	atKept        point = "snapshot.close.after"  // it has its name, and older ones are gone
	atSend        point = "snapshot.open"         // a snapshot is opened, to be sent or restored
	atSending     point = "snapshot.read"         // its first bytes are read
	atRestore     point = "restore.before"        // before the state is replaced by a snapshot's
	atRestored    point = "restore.after"         // after that
	atPropose     point = "propose"               // before a change is handed to the log
	atReply       point = "reply"                 // it is committed and applied, and not answered yet
	atPlan        point = "plan.before"           // the same of a plan
	atPlanned     point = "plan.after"
	atTermBegin   point = "term.begin"    // elected, what was committed before may not be applied
	atTermRestore point = "term.restore"  // everything is applied, the loops do not run
	atTermRun     point = "term.run"      // the loops run
	atTermEnd     point = "term.end"      // the loops have ended
	atHandOver    point = "handover"      // a server that ends is about to give leadership away
	atHandedOver  point = "handover.done" // another leads
)

// points are all of them.
func points() []point {
	return []point{
		atOpened, atForm, atFormed, atMember, atMarked, atStore, atStored, atCompact, atCompacted, atTruncate, atTruncated, atVote, atVoted,
		atApply, atApplied, atCapture, atCreate, atPersist, atKeep, atKept, atSend, atSending, atRestore, atRestored, atPropose, atReply,
		atPlan, atPlanned, atTermBegin, atTermRestore, atTermRun, atTermEnd, atHandOver, atHandedOver,
	}
}

// reach tells whoever watches that the server is at a point.
func (c *Config) reach(p point) {
	if c.reached != nil {
		c.reached(p)
	}
}

// pointed puts points round what raft stands on; without a watcher nothing is put there.
func (c *Config) pointed(s *stores, machine raft.FSM) raft.FSM {
	if c.reached == nil {
		return machine
	}
	s.log = pointedLog{s.log, c.reached}
	s.stable = pointedStable{s.stable, c.reached}
	s.snapshots = pointedSnapshots{s.snapshots, c.reached}
	if m, ok := machine.(*fsm.FSM); ok {
		return pointedMachine{m, c.reached}
	}
	return machine
}

type pointedLog struct {
	raft.LogStore
	reach func(point)
}

// StoreLog implements raft.LogStore.
func (s pointedLog) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore.
func (s pointedLog) StoreLogs(logs []*raft.Log) error {
	s.reach(atStore)
	err := s.LogStore.StoreLogs(logs)
	s.reach(atStored)
	return err
}

// DeleteRange implements raft.LogStore.
func (s pointedLog) DeleteRange(first, last uint64) error {
	before, after := atCompact, atCompacted
	if end, err := s.LastIndex(); err == nil && last >= end {
		before, after = atTruncate, atTruncated
	}
	s.reach(before)
	err := s.LogStore.DeleteRange(first, last)
	s.reach(after)
	return err
}

type pointedStable struct {
	raft.StableStore
	reach func(point)
}

// Set implements raft.StableStore.
func (s pointedStable) Set(key, value []byte) error {
	s.reach(atVote)
	err := s.StableStore.Set(key, value)
	s.reach(atVoted)
	return err
}

// SetUint64 implements raft.StableStore.
func (s pointedStable) SetUint64(key []byte, value uint64) error {
	s.reach(atVote)
	err := s.StableStore.SetUint64(key, value)
	s.reach(atVoted)
	return err
}

type pointedMachine struct {
	*fsm.FSM
	reach func(point)
}

// Apply implements raft.FSM.
func (m pointedMachine) Apply(l *raft.Log) any {
	m.reach(atApply)
	out := m.FSM.Apply(l)
	m.reach(atApplied)
	return out
}

// ApplyBatch implements raft.BatchingFSM.
func (m pointedMachine) ApplyBatch(logs []*raft.Log) []any {
	m.reach(atApply)
	out := m.FSM.ApplyBatch(logs)
	m.reach(atApplied)
	return out
}

// Snapshot implements raft.FSM.
func (m pointedMachine) Snapshot() (raft.FSMSnapshot, error) {
	m.reach(atCapture)
	return m.FSM.Snapshot()
}

// Restore implements raft.FSM.
func (m pointedMachine) Restore(r io.ReadCloser) error {
	m.reach(atRestore)
	err := m.FSM.Restore(r)
	m.reach(atRestored)
	return err
}

type pointedSnapshots struct {
	raft.SnapshotStore
	reach func(point)
}

// Create implements raft.SnapshotStore.
func (s pointedSnapshots) Create(version raft.SnapshotVersion, index, term uint64, c raft.Configuration, cIndex uint64, t raft.Transport) (raft.SnapshotSink, error) {
	s.reach(atCreate)
	sink, err := s.SnapshotStore.Create(version, index, term, c, cIndex, t)
	if err != nil {
		return nil, err
	}
	return &pointedSink{SnapshotSink: sink, reach: s.reach}, nil
}

// Open implements raft.SnapshotStore.
func (s pointedSnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, r, err := s.SnapshotStore.Open(id)
	if err != nil {
		return nil, nil, err
	}
	s.reach(atSend)
	return meta, &pointedReader{ReadCloser: r, reach: s.reach}, nil
}

type pointedSink struct {
	raft.SnapshotSink
	reach           func(point)
	written, closed bool
}

// Write implements io.Writer.
func (s *pointedSink) Write(p []byte) (int, error) {
	n, err := s.SnapshotSink.Write(p)
	if !s.written {
		s.written = true
		s.reach(atPersist)
	}
	return n, err
}

// Close implements raft.SnapshotSink; raft may call it twice.
func (s *pointedSink) Close() error {
	if s.closed {
		return s.SnapshotSink.Close()
	}
	s.closed = true
	s.reach(atKeep)
	err := s.SnapshotSink.Close()
	s.reach(atKept)
	return err
}

type pointedReader struct {
	io.ReadCloser
	reach func(point)
	read  bool
}

// Read implements io.Reader.
func (r *pointedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if !r.read {
		r.read = true
		r.reach(atSending)
	}
	return n, err
}
