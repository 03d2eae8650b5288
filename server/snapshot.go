package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"berth/server/archive"
	"berth/server/fsm"
	"berth/structs"
)

// indexSpare is how many entries may be written between the choice of a restored state's index and its restore.
const indexSpare = 4096

// SavedSnapshot is an archive of the state, to be read until it is closed.
type SavedSnapshot struct {
	Meta   archive.Meta
	Size   int64 // of the archive, bytes
	Digest [sha256.Size]byte
	state  *archive.Spool
}

// SaveSnapshot makes an archive of the state as this server has it now. It is not sealed with this server's key: it is to be used elsewhere.
func (s *Server) SaveSnapshot() (*SavedSnapshot, error) {
	r := s.raft.Load()
	if r == nil {
		return nil, errNoLeader()
	}
	if err := s.machine.Halt(); err != nil {
		return nil, err
	}
	servers, at, err := s.configuration()
	if err != nil {
		return nil, err
	}
	snap, now := s.store.Snapshot(), time.Now().UTC()
	spool, err := archive.NewSpool(s.cfg.DataDir)
	if err != nil {
		return nil, errSave(err)
	}
	out := &SavedSnapshot{state: spool}
	out.Meta = archive.Meta{Index: max(snap.Index(), 1), Term: r.CurrentTerm(), Configuration: servers, ConfigurationIndex: at,
		Berth: &archive.About{Version: s.cfg.Version, Region: s.cfg.Region, Server: s.cfg.Name, CreatedAt: now}}
	out.Meta.ID = fmt.Sprintf("%d-%d-%d", out.Meta.Term, out.Meta.Index, now.UnixMilli())
	err = fsm.WriteSnapshot(spool, snap)
	if err == nil {
		err = spool.Done()
	}
	if err == nil {
		out.Meta.Size = spool.Size()
		counted := &counter{}
		sum := sha256.New()
		if err = out.copy(io.MultiWriter(counted, sum)); err == nil {
			out.Size = counted.n
			sum.Sum(out.Digest[:0])
		}
	}
	if err != nil {
		return nil, errSave(errors.Join(err, spool.Close()))
	}
	return out, nil
}

func errSave(err error) error {
	return &structs.Error{Op: "save a snapshot", Kind: structs.KindUnavailable, Err: err}
}

// counter counts what is written.
type counter struct{ n int64 }

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// configuration are the members of the consensus group as an archive has them.
func (s *Server) configuration() (archive.Configuration, uint64, error) {
	f := s.raft.Load().GetConfiguration()
	if err := f.Error(); err != nil {
		return archive.Configuration{}, 0, raftError(err)
	}
	var out archive.Configuration
	for _, m := range f.Configuration().Servers {
		out.Servers = append(out.Servers, archive.Server{Suffrage: int(m.Suffrage), ID: string(m.ID), Address: string(m.Address)})
	}
	return out, f.Index(), nil
}

// copy writes the archive: each time the same bytes.
func (a *SavedSnapshot) copy(w io.Writer) error {
	r, err := a.state.Open()
	if err != nil {
		return err
	}
	return archive.Write(w, a.Meta, r)
}

// Copy writes the archive, Size bytes. An error is the writer's, or of the disk.
func (a *SavedSnapshot) Copy(w io.Writer) error { return a.copy(w) }

// Close gives up what the archive takes.
func (a *SavedSnapshot) Close() error { return a.state.Close() }

// RestoredSnapshot is what a restore did.
type RestoredSnapshot struct {
	Meta  archive.Meta // of the archive
	Index uint64       // of the restored state
}

// restoring is a restore on its way to the goroutine that holds the term.
type restoring struct {
	state *archive.Spool
	meta  archive.Meta
	done  chan restoreOutcome // capacity 1
}

type restoreOutcome struct {
	index uint64
	err   error
}

// RestoreSnapshot replaces the state of the whole cluster by an archive's. The archive is read and checked to its end before anything is
// changed. anyRegion takes one of another region. When ctx ends before the state is replaced, nothing is changed.
func (s *Server) RestoreSnapshot(ctx context.Context, from io.Reader, anyRegion bool) (*RestoredSnapshot, error) {
	if !s.IsLeader() {
		return nil, s.notLeading()
	}
	if !s.restoreMu.TryLock() {
		return nil, &structs.Error{Op: "restore a snapshot", Kind: structs.KindConflict, Err: errors.New("another one is being restored"), Hint: "wait for it"}
	}
	defer s.restoreMu.Unlock()
	spool, err := archive.NewSpool(s.cfg.DataDir)
	if err != nil {
		return nil, errRestore(structs.KindUnavailable, err)
	}
	defer func() { _ = spool.Close() }() // it has no name: nothing of it stays
	meta, err := archive.Read(from, spool)
	if err == nil {
		err = spool.Done()
	}
	if err != nil {
		if structs.KindOf(err) == structs.KindInternal {
			return nil, errRestore(structs.KindUnavailable, err)
		}
		return nil, err
	}
	if meta.Berth.Region != s.cfg.Region && !anyRegion {
		return nil, &structs.Error{Op: "restore a snapshot", Kind: structs.KindConflict,
			Err: fmt.Errorf("it is of region %q, and this is region %q", meta.Berth.Region, s.cfg.Region), Hint: "-any-region restores it all the same"}
	}
	r, err := spool.Open()
	if err != nil {
		return nil, errRestore(structs.KindUnavailable, err)
	}
	if _, err := fsm.Verify(r); err != nil {
		return nil, errRestore(structs.KindInvalid, err)
	}
	req := &restoring{state: spool, meta: *meta, done: make(chan restoreOutcome, 1)}
	select {
	case s.restores <- req:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	out := <-req.done // it is being replaced: to go away now changes nothing
	if out.err != nil {
		return nil, out.err
	}
	s.awaitTerm(ctx)
	s.log.Info("the state was restored from a snapshot", "id", meta.ID, "of_index", meta.Index, "index", out.index)
	return &RestoredSnapshot{Meta: *meta, Index: out.index}, nil
}

// awaitTerm waits a while until this server leads again, so that whoever restored can go on.
func (s *Server) awaitTerm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	tick := time.NewTicker(readyCheck)
	defer tick.Stop()
	for !s.IsLeader() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func errRestore(kind structs.ErrorKind, err error) error {
	return &structs.Error{Op: "restore a snapshot", Kind: kind, Err: err, Hint: "nothing was changed"}
}

// Times in which a restore must be confirmed by a majority: confirmTime, and a second for each confirmRate bytes of the state.
const (
	confirmTime = 2 * time.Minute
	confirmRate = 1 << 20
)

// restore replaces the state. No term runs meanwhile: the next one begins from what is restored. It ends without an answer of the others when ctx
// does, or when they had their time: servers that cannot keep what they are sent, but live, would hold the cluster for ever.
func (s *Server) restore(ctx context.Context, req *restoring) (uint64, error) {
	r := s.raft.Load()
	if r.State() != raft.Leader {
		return 0, s.notLeading()
	}
	// What was is whole in a snapshot before it is replaced, and none is under way: raft would take its older index for that of what was restored.
	if err := r.Snapshot().Error(); err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return 0, errRestore(structs.KindUnavailable, err)
	}
	// The index of the restored state is above everything anybody has seen, here and in the archive.
	base := max(req.meta.Index, r.LastIndex()) + indexSpare
	from, err := req.state.Open()
	if err != nil {
		return 0, errRestore(structs.KindUnavailable, err)
	}
	spool, err := archive.NewSpool(s.cfg.DataDir)
	if err != nil {
		return 0, errRestore(structs.KindUnavailable, err)
	}
	defer func() { _ = spool.Close() }() // it has no name: nothing of it stays
	if err := fsm.Rebase(spool, from, base+1, s.store.Snapshot()); err != nil {
		return 0, errRestore(structs.KindUnavailable, err)
	}
	if err := spool.Done(); err != nil {
		return 0, errRestore(structs.KindUnavailable, err)
	}
	state, err := spool.Open()
	if err != nil {
		return 0, errRestore(structs.KindUnavailable, err)
	}
	before := s.store.Index()
	if err := beginRestore(s.cfg.DataDir, base); err != nil {
		return 0, errRestore(structs.KindUnavailable, err)
	}
	answered := make(chan error, 1) // that nobody waits for it any more ends it too: the server ends, and raft with it
	go func() {
		answered <- r.Restore(&raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Index: base, Size: spool.Size()}, state, changeTimeout)
	}()
	limit := confirmTime + time.Duration(spool.Size()/confirmRate)*time.Second
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var unanswered error
	select {
	case err = <-answered:
	case <-ctx.Done():
		unanswered = errors.New("the server was stopped before they answered")
	case <-timer.C:
		unanswered = fmt.Errorf("most servers did not take it within %s: look at their disks and at what they log", limit)
	}
	switch {
	case unanswered != nil:
		err = unanswered
	case err == nil:
		if err = endRestore(s.cfg.DataDir); err == nil {
			return s.store.Index(), nil
		}
	case s.store.Index() == before:
		eerr := forgetSnapshots(s.cfg.DataDir, base) // raft may have kept it before it failed, and would start from it
		if eerr == nil {
			eerr = endRestore(s.cfg.DataDir)
		}
		if eerr == nil {
			return 0, errRestore(structs.KindUnavailable, err)
		}
		err = errors.Join(err, eerr)
	}
	return 0, &structs.Error{Op: "restore a snapshot", Kind: structs.KindUnavailable, Err: fmt.Errorf("%w: %w", errUnconfirmed, err),
		Hint: "look at the state, then restore it again"}
}

// errUnconfirmed is a restore that this server may have alone, or cannot note the end of. It ends: when it starts it takes the restore back.
var errUnconfirmed = errors.New("this server has restored it, and it is not confirmed; it ends, and takes it back when it is started")
