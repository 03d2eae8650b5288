package server

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// recent is a log whose newest entries are in memory as well: they are sent to the others and applied soon after they were written. It
// holds consecutive entries within bounds of number, bytes and age; raft's own cache bounds the number alone, and an entry may have 64 MiB.
type recent struct {
	raft.LogStore
	most     int // entries in memory
	mostData int // bytes of their data; the newest is held whatever its size

	mu    sync.RWMutex
	logs  []*raft.Log // oldest first, of consecutive indexes
	bytes int         // of their data
}

func newRecent(s raft.LogStore) *recent {
	return &recent{LogStore: s, most: recentEntries, mostData: recentBytes}
}

// StoreLog implements raft.LogStore.
func (r *recent) StoreLog(l *raft.Log) error { return r.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore.
func (r *recent) StoreLogs(logs []*raft.Log) error {
	if err := r.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range logs {
		if n := len(r.logs); n > 0 && r.logs[n-1].Index+1 != l.Index {
			r.forget()
		}
		r.logs = append(r.logs, l)
		r.bytes += len(l.Data)
	}
	for len(r.logs) > 1 && (len(r.logs) > r.most || r.bytes > r.mostData) {
		r.drop()
	}
	return nil
}

// drop forgets the oldest; mu is held.
func (r *recent) drop() {
	r.bytes -= len(r.logs[0].Data)
	r.logs[0] = nil
	r.logs = r.logs[1:]
}

// age forgets entries some recentFor after they came, until ctx is done: everybody has them, and who was away reads them from the disk.
func (r *recent) age(ctx context.Context) error {
	tick := time.NewTicker(recentLook)
	defer tick.Stop()
	var past []uint64 // the newest entry at each look of the last recentFor
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		newest := r.forgetThrough(past)
		if past = append(past, newest); len(past) > int(recentFor/recentLook) {
			past = past[1:]
		}
	}
}

// forgetThrough forgets the entries up to the first of what was newest at the looks of the last recentFor, if there were so many looks, and
// gives what is newest now, 0 for none.
func (r *recent) forgetThrough(past []uint64) (newest uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.logs); n > 0 {
		newest = r.logs[n-1].Index
	}
	if len(past) < int(recentFor/recentLook) {
		return newest
	}
	for len(r.logs) > 0 && r.logs[0].Index <= past[0] {
		r.drop()
	}
	if len(r.logs) == 0 {
		r.forget()
	}
	return newest
}

// GetLog implements raft.LogStore.
func (r *recent) GetLog(index uint64, l *raft.Log) error {
	r.mu.RLock()
	if n := uint64(len(r.logs)); n > 0 && r.logs[0].Index <= index && index < r.logs[0].Index+n {
		*l = *r.logs[index-r.logs[0].Index]
		r.mu.RUnlock()
		return nil
	}
	r.mu.RUnlock()
	return r.LogStore.GetLog(index, l)
}

// DeleteRange implements raft.LogStore.
func (r *recent) DeleteRange(from, to uint64) error {
	r.mu.Lock()
	r.forget()
	r.mu.Unlock()
	return r.LogStore.DeleteRange(from, to)
}

// forget holds nothing any more; mu is held.
func (r *recent) forget() { r.logs, r.bytes = nil, 0 }
