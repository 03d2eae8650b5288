package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"berth/internal/boltfile"
	"berth/structs"
)

// Times of a cluster with one voter. No message can be late there, so that they may be short: a start waits for one of them.
const aloneTimeout = 50 * time.Millisecond

// Sizes of raft's own memory and files.
const (
	logCacheEntries    = 512
	maxAppendEntries   = 64
	snapshotsRetained  = 2
	snapshotThreshold  = 8192 // entries
	snapshotInterval   = 2 * time.Minute
	trailingLogs       = 10_240 // entries kept behind a snapshot, on disk
	trailingLogsMemory = 512    // the same when the log is in memory
)

// consensus is raft with what it stands on.
type consensus struct {
	raft   *raft.Raft
	notify chan bool // leadership won or lost
	log    io.Closer // the log store; nil in memory
}

// stores are where raft keeps its log, its vote and its snapshots.
type stores struct {
	log       raft.LogStore
	stable    raft.StableStore
	snapshots raft.SnapshotStore
	closer    io.Closer
}

func raftConfig(id structs.ID, inMemory bool, log hclog.Logger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(id.String())
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = aloneTimeout, aloneTimeout, aloneTimeout
	c.BatchApplyCh = true
	c.MaxAppendEntries = maxAppendEntries
	c.SnapshotThreshold, c.SnapshotInterval, c.TrailingLogs = snapshotThreshold, snapshotInterval, trailingLogs
	if inMemory {
		c.TrailingLogs = trailingLogsMemory
	}
	c.NoLegacyTelemetry = true
	c.Logger = raftLogger(log)
	return c
}

// raftLogger passes on raft's errors; its warnings and news (elections, that a single server has no peers) say nothing to a
// person unless tracing was asked for.
func raftLogger(log hclog.Logger) hclog.Logger {
	l := log.Named("raft")
	if !log.IsTrace() {
		l.SetLevel(hclog.Error)
	}
	return l
}

// openStores opens raft's files below dataDir, or makes stores in memory.
func openStores(dataDir string, log hclog.Logger) (*stores, error) {
	if dataDir == "" {
		mem := raft.NewInmemStore()
		return &stores{log: mem, stable: mem, snapshots: raft.NewInmemSnapshotStore()}, nil
	}
	dir := filepath.Join(dataDir, "raft")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the raft directory: %w", err)
	}
	path := filepath.Join(dir, "raft.db")
	switch res, err := boltfile.Compact(path); {
	case errors.Is(err, boltfile.ErrLocked):
		return nil, errDataDirUsed(dataDir)
	case err != nil:
		return nil, fmt.Errorf("compact the raft log: %w", err)
	case res.BytesBefore > 0:
		log.Info("compacted the raft log", "bytes_before", res.BytesBefore, "bytes_after", res.BytesAfter)
	}
	bolt, err := raftboltdb.New(raftboltdb.Options{
		Path: path,
		BoltOptions: &bbolt.Options{
			Timeout: boltfile.LockTimeout, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
		},
		MsgpackUseNewTimeFormat: true,
	})
	if errors.Is(err, bberrors.ErrTimeout) {
		return nil, errDataDirUsed(dataDir)
	}
	if err != nil {
		return nil, &structs.Error{Op: "open the raft log", Subject: path, Kind: structs.KindInternal, Err: err,
			Hint: "if the file is damaged, restore the data directory from a snapshot"}
	}
	cache, err := raft.NewLogCache(logCacheEntries, bolt)
	if err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(dir, snapshotsRetained, raftLogger(log))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the snapshot directory: %w", err), bolt.Close())
	}
	return &stores{log: cache, stable: bolt, snapshots: snaps, closer: bolt}, nil
}

func errDataDirUsed(dir string) error {
	return &structs.Error{Kind: structs.KindConflict, Err: fmt.Errorf("data directory %s is used by another agent", dir),
		Hint: "stop that agent, or give this one its own data_dir"}
}

// openConsensus starts raft on the server's stores. A new server forms a cluster of itself.
func openConsensus(cfg Config, id structs.ID, machine raft.FSM) (*consensus, error) {
	st, err := openStores(cfg.DataDir, cfg.Logger)
	if err != nil {
		return nil, err
	}
	notify := make(chan bool, 16)
	rc := raftConfig(id, cfg.DataDir == "", cfg.Logger)
	rc.NotifyCh = notify
	addr, transport := raft.NewInmemTransport(raft.ServerAddress(cfg.Addr))
	c := &consensus{notify: notify, log: st.closer}
	fail := func(err error) (*consensus, error) { return nil, errors.Join(err, c.closeLog()) }

	known, err := raft.HasExistingState(st.log, st.stable, st.snapshots)
	if err != nil {
		return fail(fmt.Errorf("read the raft log: %w", err))
	}
	if !known {
		first := raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: rc.LocalID, Address: addr}}}
		if err := raft.BootstrapCluster(rc, st.log, st.stable, st.snapshots, transport, first); err != nil {
			return fail(fmt.Errorf("form a cluster: %w", err))
		}
	}
	c.raft, err = raft.NewRaft(rc, machine, st.log, st.stable, st.snapshots, transport)
	if err != nil {
		return fail(fmt.Errorf("start raft: %w", err))
	}
	return c, nil
}

func (c *consensus) closeLog() error {
	if c.log == nil {
		return nil
	}
	return c.log.Close()
}

// close ends raft and closes its files. Leadership changes are read away meanwhile, for raft waits for their reader.
func (c *consensus) close() error {
	done := make(chan error, 1)
	future := c.raft.Shutdown()
	go func() { done <- future.Error() }()
	for {
		select {
		case <-c.notify:
		case err := <-done:
			return errors.Join(err, c.closeLog())
		}
	}
}
