package server

import (
	"sync"

	"github.com/hashicorp/raft"
)

// recent is a log whose newest entries are in memory as well: they are sent to the others and applied soon after they were written. It
// holds consecutive entries within bounds of number and bytes; raft's own cache bounds the number alone, and an entry may have 64 MiB.
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
	old := 0
	for len(r.logs)-old > 1 && (len(r.logs)-old > r.most || r.bytes > r.mostData) {
		r.bytes -= len(r.logs[old].Data)
		r.logs[old] = nil
		old++
	}
	r.logs = r.logs[old:]
	return nil
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
