package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/raft"

	"berth/structs"
)

// storeRetry is the pause between attempts to write raft's own facts to a disk that refuses them.
const storeRetry = 250 * time.Millisecond

// storage is what raft writes to: its log, and its own facts (term and vote).
type storage interface {
	raft.LogStore
	raft.StableStore
	io.Closer
}

// disk is a storage that knows how its writes go: whether the last one failed and why, and since when one has been under way.
//
// Raft gives up the whole process when its term cannot be stored. A full disk is no reason to: such a write waits here until
// it succeeds, and the server leads nobody meanwhile.
type disk struct {
	storage
	path string // of the file, for people

	stop   chan struct{} // closed when raft is ending
	broken chan struct{} // closed when a write failed in a way after which nothing that was written may be trusted

	mu      sync.Mutex
	running bool // writes of raft's own facts wait instead of failing
	err     error
	worst   error     // why it is broken
	began   time.Time // of the write under way, zero without one
}

func newDisk(s storage, path string) *disk {
	return &disk{storage: s, path: path, stop: make(chan struct{}), broken: make(chan struct{})}
}

// run says that raft runs on it now.
func (d *disk) run() {
	d.mu.Lock()
	d.running = true
	d.mu.Unlock()
}

func (d *disk) write(f func() error) error {
	d.mu.Lock()
	d.began = time.Now()
	d.mu.Unlock()
	err := f()
	d.mu.Lock()
	d.began, d.err = time.Time{}, err
	d.mu.Unlock()
	d.notice(err)
	return err
}

// notice breaks the disk when what it was asked to do failed for good.
func (d *disk) notice(err error) {
	if !errors.Is(err, syscall.EIO) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.worst == nil {
		d.worst = err
		close(d.broken)
	}
}

// watch ends with an error when the disk is broken. Why: after a failed fsync the kernel takes what it could not write for written, so that
// the next one succeeds without it; only a new start reads what is really there.
func (d *disk) watch(ctx context.Context) error {
	select {
	case <-d.broken:
	case <-ctx.Done():
		return ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return &structs.Error{Kind: structs.KindInternal, Err: fmt.Errorf("the cluster's log %s could not be written: %w", d.path, d.worst),
		Hint: "the disk is failing: this server ends, and the others go on; look at the kernel's log, and start it again on a disk that works"}
}

// StoreLog implements raft.LogStore.
func (d *disk) StoreLog(log *raft.Log) error { return d.StoreLogs([]*raft.Log{log}) }

// StoreLogs implements raft.LogStore.
func (d *disk) StoreLogs(logs []*raft.Log) error {
	return d.write(func() error { return d.storage.StoreLogs(logs) })
}

// DeleteRange implements raft.LogStore. It is no write whose time counts: it runs beside those of the log.
func (d *disk) DeleteRange(from, to uint64) error {
	err := d.storage.DeleteRange(from, to)
	d.notice(err) // raft goes on when entries cannot be forgotten, and the file is what was to be trusted
	return err
}

// Set implements raft.StableStore.
func (d *disk) Set(key, value []byte) error {
	return d.insist(func() error { return d.storage.Set(key, value) })
}

// SetUint64 implements raft.StableStore.
func (d *disk) SetUint64(key []byte, value uint64) error {
	return d.insist(func() error { return d.storage.SetUint64(key, value) })
}

// insist writes until it succeeds. When the server ends first, the calling goroutine of raft ends with it: neither success nor
// failure would be true to raft.
func (d *disk) insist(f func() error) error {
	for {
		err := d.write(f)
		d.mu.Lock()
		running := d.running
		d.mu.Unlock()
		if err == nil || !running {
			return err
		}
		select {
		case <-time.After(storeRetry):
		case <-d.stop:
			runtime.Goexit()
		}
	}
}

// fault says in plain words why the last write failed; nil when it did not.
func (d *disk) fault() error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	err := d.err
	d.mu.Unlock()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &structs.Error{Kind: structs.KindUnavailable, Err: fmt.Errorf("the disk is full: the cluster's log %s cannot be written", d.path),
			Hint: "free space there; the server goes on by itself"}
	}
	return &structs.Error{Kind: structs.KindUnavailable, Err: fmt.Errorf("the cluster's log %s cannot be written: %w", d.path, err),
		Hint: "mend the disk; the server goes on by itself"}
}

// stalled is how long the write under way has taken, 0 without one.
func (d *disk) stalled(now time.Time) time.Duration {
	if d == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.began.IsZero() {
		return 0
	}
	return now.Sub(d.began)
}
