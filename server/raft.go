package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

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
	stores *stores
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

// openConsensus starts raft on the server's stores. A new server forms a cluster of itself.
func openConsensus(cfg Config, id structs.ID, machine raft.FSM) (*consensus, error) {
	st, err := openStores(cfg)
	if err != nil {
		return nil, err
	}
	notify := make(chan bool, 16)
	rc := raftConfig(id, cfg.DataDir == "", cfg.Logger)
	rc.NotifyCh = notify
	addr, transport := raft.NewInmemTransport(raft.ServerAddress(cfg.Addr))
	c := &consensus{notify: notify, stores: st}
	fail := func(err error) (*consensus, error) { return nil, errors.Join(err, st.close()) }

	known, err := raft.HasExistingState(st.log, st.stable, st.snapshots)
	if err != nil {
		return fail(fmt.Errorf("read the raft log: %w", err))
	}
	if !known {
		if _, err := os.Stat(filepath.Join(cfg.DataDir, memberName)); cfg.DataDir != "" && err == nil {
			return fail(errLostLog(cfg.DataDir, st.disk.path, "has no entries"))
		}
		first := raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: rc.LocalID, Address: addr}}}
		if err := raft.BootstrapCluster(rc, st.log, st.stable, st.snapshots, transport, first); err != nil {
			return fail(fmt.Errorf("form a cluster: %w", err))
		}
	}
	err = boltfile.Guard(func() error { // it falls over entries it cannot read
		c.raft, err = raft.NewRaft(rc, machine, st.log, st.stable, st.snapshots, transport)
		return err
	})
	if boltfile.IsDamage(err) {
		return fail(errDamagedLog(cfg.DataDir, filepath.Join(cfg.DataDir, raftDirName, logName), err))
	}
	if err != nil {
		return fail(errUnusable(cfg.DataDir, err))
	}
	if st.disk != nil {
		st.disk.run()
	}
	if err := markMember(cfg.DataDir); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// close ends raft and closes its files. Leadership changes are read away meanwhile, for raft waits for their reader.
func (c *consensus) close() error {
	done := make(chan error, 1)
	if c.stores.disk != nil {
		close(c.stores.disk.stop)
	}
	future := c.raft.Shutdown()
	go func() { done <- future.Error() }()
	for {
		select {
		case <-c.notify:
		case err := <-done:
			return errors.Join(err, c.stores.close())
		}
	}
}
