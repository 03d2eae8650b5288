package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"berth/internal/boltfile"
	"berth/structs"
)

// Times of the consensus. A leader that dies is followed by the next after about two electionTimeouts; the lease is shorter, so that a leader cut off steps down before another one can be elected.
const (
	electionTimeout = 500 * time.Millisecond
	leaderLease     = 250 * time.Millisecond
	// wireTimeout bounds one exchange between servers; that of a snapshot grows with its size.
	wireTimeout = 5 * time.Second
	wirePool    = 3
)

// Sizes of raft's own memory and files.
const (
	recentEntries      = 512      // entries in memory, at most
	recentBytes        = 16 << 20 // of them, but for the newest
	recentFor          = 30 * time.Second
	recentLook         = 10 * time.Second // how often it is looked for what is older
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
	wire   *wire
}

func raftConfig(cfg Config, id structs.ID) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(id.String())
	m := time.Duration(cfg.RaftMultiplier)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = m*electionTimeout, m*electionTimeout, m*leaderLease
	c.BatchApplyCh = true
	c.MaxAppendEntries = maxAppendEntries
	c.SnapshotThreshold, c.SnapshotInterval, c.TrailingLogs = snapshotThreshold, snapshotInterval, trailingLogs
	if cfg.DataDir == "" {
		c.TrailingLogs = trailingLogsMemory
	}
	c.NoLegacyTelemetry = true
	c.Logger = raftLogger(cfg.Logger)
	if cfg.tune != nil {
		cfg.tune(c)
	}
	return c
}

// openTransport is how raft reaches the other servers: through Streams, or not at all.
func openTransport(cfg Config) raft.Transport {
	switch {
	case cfg.transport != nil:
		return cfg.transport
	case cfg.Streams == nil:
		_, t := raft.NewInmemTransport(raft.ServerAddress(cfg.Addr))
		return t
	}
	var find raft.ServerAddressProvider
	if cfg.Resolve != nil {
		find = finder(cfg.Resolve)
	}
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		ServerAddressProvider: find, Logger: raftLogger(cfg.Logger), Stream: cfg.Streams, MaxPool: wirePool, Timeout: wireTimeout,
		MsgpackUseNewTimeFormat: true,
	})
}

// finder gives raft the address a server has now, whatever the log says of it.
type finder func(structs.ID) (string, bool)

// ServerAddr implements raft.ServerAddressProvider.
func (f finder) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	own, err := structs.ParseID(string(id))
	if err != nil {
		return "", err
	}
	if addr, ok := f(own); ok {
		return raft.ServerAddress(addr), nil
	}
	return "", fmt.Errorf("nothing is heard of server %s", id)
}

// openConsensus starts raft on the server's stores. A server that expects no other forms a cluster of itself.
func openConsensus(cfg Config, id structs.ID, machine raft.FSM) (*consensus, error) {
	st, err := openStores(cfg)
	if err != nil {
		return nil, err
	}
	if err := takeBackRestore(cfg.DataDir, st, cfg.Logger); err != nil {
		return nil, errors.Join(err, st.close())
	}
	machine = cfg.traces.timed(cfg.pointed(st, machine))
	cfg.reach(atOpened)
	notify := make(chan bool, 16)
	rc := raftConfig(cfg, id)
	rc.NotifyCh = notify
	c := &consensus{notify: notify, stores: st, wire: newWire(openTransport(cfg))}
	fail := func(err error) (*consensus, error) { return nil, errors.Join(err, c.wire.Close(), st.close()) }

	if err := forgetHalfFormed(st); err != nil {
		return fail(fmt.Errorf("read the raft log: %w", err))
	}
	known, err := raft.HasExistingState(st.log, st.stable, st.snapshots)
	if err != nil {
		return fail(fmt.Errorf("read the raft log: %w", err))
	}
	if !known {
		if _, err := os.Stat(filepath.Join(cfg.DataDir, memberName)); cfg.DataDir != "" && err == nil {
			return fail(errLostLog(cfg.DataDir, st.disk.path, "has no entries"))
		}
		if cfg.Expect == 1 && !rejoins(cfg.DataDir) {
			first := raft.Configuration{Servers: []raft.Server{{Suffrage: raft.Voter, ID: rc.LocalID, Address: raft.ServerAddress(cfg.Addr)}}}
			if err := raft.BootstrapCluster(rc, st.log, st.stable, st.snapshots, c.wire, first); err != nil {
				return fail(fmt.Errorf("form a cluster: %w", err))
			}
			known = true
		}
	}
	err = boltfile.Guard(func() error { // it falls over entries it cannot read
		c.raft, err = raft.NewRaft(rc, machine, st.log, st.stable, st.snapshots, c.wire)
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
	if known {
		if err := markMember(cfg.DataDir); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	if c.alone(rc.LocalID) {
		c.wire.stand(rc.LocalID)
	}
	return c, nil
}

// alone reports that this server is the only voter there is: no other can lead.
func (c *consensus) alone(id raft.ServerID) bool {
	f := c.raft.GetConfiguration()
	if f.Error() != nil {
		return false
	}
	var voters []raft.ServerID
	for _, s := range f.Configuration().Servers {
		if s.Suffrage == raft.Voter {
			voters = append(voters, s.ID)
		}
	}
	return len(voters) == 1 && voters[0] == id
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
			return errors.Join(err, c.wire.Close(), c.stores.close())
		}
	}
}
