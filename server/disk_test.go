package server

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"berth/internal/idgen"
	"berth/structs"
)

// fullDisk refuses writes while it is full.
type fullDisk struct {
	storage
	full *atomic.Bool
}

func (f fullDisk) check(next func() error) error {
	if f.full.Load() {
		return syscall.ENOSPC
	}
	return next()
}

func (f fullDisk) StoreLogs(l []*raft.Log) error {
	return f.check(func() error { return f.storage.StoreLogs(l) })
}
func (f fullDisk) Set(k, v []byte) error { return f.check(func() error { return f.storage.Set(k, v) }) }
func (f fullDisk) SetUint64(k []byte, v uint64) error {
	return f.check(func() error { return f.storage.SetUint64(k, v) })
}

func startWith(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.Logger, cfg.IDs, cfg.Heartbeat.Grace = hclog.NewNullLogger(), idgen.Random(), time.Hour // nodes of tests send no heartbeats
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-s.Ready():
	case err := <-done:
		done <- nil
		t.Fatal(err)
	}
	return s
}

func TestAFullDiskIsNamedAndLeftBehindWhenThereIsSpace(t *testing.T) {
	var full atomic.Bool
	s := startWith(t, Config{DataDir: t.TempDir(), faulty: func(st storage) storage { return fullDisk{st, &full} }})
	n := node(s)
	if _, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: n}); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	ask := func() error {
		_, err := s.Propose(t.Context(), structs.CmdNamespaceDelete, body())
		return err
	}
	// The first is refused by the log itself, those after it by a server that stepped down for it; and so is the call of a node.
	for i := range 5 {
		err := ask()
		if err == nil || structs.KindOf(err) != structs.KindUnavailable || !strings.Contains(err.Error(), "the disk is full") ||
			!strings.Contains(err.Error(), "raft.db") || !strings.Contains(err.Error(), "free space") {
			t.Fatalf("attempt %d: %v", i, err)
		}
	}
	if _, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: n}); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("register: %v", err)
	}
	waitFor(t, "it has stepped down", func() bool { return !s.IsLeader() })
	full.Store(false)
	waitFor(t, "it leads again", s.IsLeader)
	register(t, s, job(2))
	until(t, s, "the job is placed", func() bool {
		return len(collect(s.State().Snapshot().AllocsByJob("default", "web"))) == 2
	})
}

// flakyDisk fails one write of the log, and takes the next.
type flakyDisk struct {
	storage
	fail *atomic.Bool
}

func (f flakyDisk) StoreLogs(l []*raft.Log) error {
	if f.fail.CompareAndSwap(true, false) {
		return &os.PathError{Op: "fdatasync", Path: "raft.db", Err: syscall.EIO}
	}
	return f.storage.StoreLogs(l)
}

// A failed fsync may have dropped what it was to write, though the next one succeeds: the server ends instead of going on.
func TestAServerWhoseDiskFailsEndsAndSaysSo(t *testing.T) {
	var fail atomic.Bool
	s, err := New(Config{DataDir: t.TempDir(), Logger: hclog.NewNullLogger(), faulty: func(st storage) storage { return flakyDisk{st, &fail} }})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	<-s.Ready()
	fail.Store(true)
	if _, err := s.Propose(t.Context(), structs.CmdNamespaceDelete, body()); err == nil || structs.KindOf(err) == structs.KindNotFound {
		t.Errorf("a change is answered %v", err)
	}
	err = <-done
	if err == nil || !strings.Contains(err.Error(), "raft.db could not be written") || !strings.Contains(err.Error(), "input/output error") ||
		!strings.Contains(err.Error(), "the disk is failing") {
		t.Errorf("it ended with %v", err)
	}
}

// unforgetful fails to forget entries of the log.
type unforgetful struct{ storage }

func (unforgetful) DeleteRange(uint64, uint64) error {
	return &os.PathError{Op: "fdatasync", Path: "raft.db", Err: syscall.EIO}
}

// The sync may fail when old entries are forgotten behind a snapshot: raft only notes that, and the file may have lost what is newer.
func TestAServerWhoseDiskFailsWhileItForgetsEnds(t *testing.T) {
	s, err := New(Config{DataDir: t.TempDir(), Logger: hclog.NewNullLogger(), faulty: func(st storage) storage { return unforgetful{st} },
		tune: func(c *raft.Config) { c.TrailingLogs = 1 }})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	<-s.Ready()
	register(t, s, job(1))
	_ = s.raft.Load().Snapshot().Error() // it is kept, or not: the log could not be cut off
	if err := <-done; err == nil || !strings.Contains(err.Error(), "the disk is failing") {
		t.Errorf("it ended with %v", err)
	}
}

func TestAServerEndsWhileItsDiskIsFull(t *testing.T) {
	var full atomic.Bool
	s := startWith(t, Config{DataDir: t.TempDir(), faulty: func(st storage) storage { return fullDisk{st, &full} }})
	full.Store(true)
	if _, err := s.Propose(t.Context(), structs.CmdNamespaceDelete, body()); err == nil {
		t.Error("written to a full disk")
	}
	waitFor(t, "it has stepped down", func() bool { return !s.IsLeader() })
}

// A plan that the log refuses is decided again by the next term.
func TestAPlanTheLogRefusedIsMadeAgain(t *testing.T) {
	var full atomic.Bool
	s := startWith(t, Config{DataDir: t.TempDir(), faulty: func(st storage) storage { return &fullAfter{fullDisk{st, &full}, job(2).ID} }})
	if _, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: node(s)}); err != nil {
		t.Fatal(err)
	}
	register(t, s, job(2)) // the disk is full from the entry after this one on: its plan
	waitFor(t, "it has stepped down", func() bool { return !s.IsLeader() })
	if n := len(collect(s.State().Snapshot().AllocsByJob("default", "web"))); n != 0 {
		t.Fatalf("%d allocations", n)
	}
	full.Store(false)
	until(t, s, "the job is placed", func() bool {
		return len(collect(s.State().Snapshot().AllocsByJob("default", "web"))) == 2
	})
}

// fullAfter is a disk that is full once it holds an entry with a text.
type fullAfter struct {
	fullDisk
	text string
}

func (f *fullAfter) StoreLogs(l []*raft.Log) error {
	err := f.fullDisk.StoreLogs(l)
	for _, e := range l {
		if err == nil && f.text != "" && strings.Contains(string(e.Data), f.text) {
			f.full.Store(true)
			f.text = ""
		}
	}
	return err
}

func collect[T any](seq func(func(T) bool)) (all []T) {
	for v := range seq {
		all = append(all, v)
	}
	return all
}

// waitFor waits for what no index tells.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
