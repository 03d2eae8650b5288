package server

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"berth/internal/atrest"
	"berth/internal/idgen"
	"berth/internal/tracing"
	"berth/server/backup"
	"berth/server/events"
	"berth/server/heartbeat"
	"berth/server/reap"
	"berth/server/replicate"
	"berth/structs"
)

// Config is what a server needs to know. Only Logger must be set.
type Config struct {
	// Name, Region and Datacenter are shown to people; Region defaults to "global".
	Name       string
	Region     string
	Datacenter string
	// Version of the program, for people.
	Version string
	// DataDir holds the raft log, its snapshots and the server's identity. Empty keeps everything in memory: what -dev does.
	DataDir string
	// Addr is the address other servers and clients know this one by, host:port.
	Addr string

	// Streams carry raft between servers; nil for a server that no other can join.
	Streams raft.StreamLayer
	// Resolve gives the address a server has now; nil takes the one it joined with.
	Resolve func(structs.ID) (addr string, ok bool)
	// Expect is how many servers form the cluster together at its first start; 0 for one that joins a cluster which is there. Without
	// Streams it is 1.
	Expect int
	// NonVoter is a server that keeps a copy and has no vote.
	NonVoter bool
	// RaftMultiplier stretches the times of the consensus, for networks that are slow. Default 1.
	RaftMultiplier int
	// Gossip is how servers find each other; nil when there is no other.
	Gossip Gossip
	// PeerStats asks another server how far it is; nil takes what is known here.
	PeerStats func(ctx context.Context, id structs.ID) (PeerStats, error)
	// Autopilot is how servers that fail or come are treated.
	Autopilot AutopilotConfig
	// LeaveOnStop makes the server leave its cluster for good when Run ends.
	LeaveOnStop bool

	Heartbeat heartbeat.Config
	GC        reap.Thresholds
	Events    events.Config
	// Tracer makes spans of commands that traced requests propose; nil makes none.
	Tracer *tracing.Tracer
	// Replicate is the region that decides for this one; nil when none does.
	Replicate *replicate.Plan
	// Backup is where snapshots go by a schedule; nil saves none.
	Backup *backup.Plan

	// Seal encrypts the log and the snapshots on the disk; nil keeps them in clear.
	Seal *atrest.Key

	Logger hclog.Logger
	// IDs makes the ids of what this server creates; nil is idgen.Random().
	IDs idgen.Source

	// faulty puts a storage of the tests' round the log's.
	faulty func(storage) storage
	// transport is raft's in tests.
	transport raft.Transport
	// tune changes raft's settings in tests.
	tune func(*raft.Config)
	// traces measures the state machine; nil when nothing is traced.
	traces *traces
	// reached is told of every point the server comes to; nil in the program.
	reached func(point)
}

// Limits of what one entry of the log may hold, in bytes.
const (
	// maxEntryBytes is where the proposer stops adding waiting commands to an entry.
	maxEntryBytes = 1 << 20
	// MaxCommandBytes bounds one command.
	MaxCommandBytes = 64 << 20
)

// defaultDatacenter is the one of an agent that was not told.
const defaultDatacenter = "dc1"

// maxNodeWait is the longest a node's question for its allocations is kept open.
const maxNodeWait = 5 * time.Minute

func (c Config) withDefaults() (Config, error) {
	if c.Logger == nil {
		return c, errors.New("server: config without a logger")
	}
	if c.Region == "" {
		c.Region = structs.DefaultRegion
	}
	if c.Datacenter == "" {
		c.Datacenter = defaultDatacenter
	}
	if c.Addr == "" {
		c.Addr = "127.0.0.1:4647"
	}
	if c.Streams == nil && c.transport == nil {
		c.Expect = 1
	}
	c.tested()
	c.RaftMultiplier = max(c.RaftMultiplier, 1)
	c.Autopilot = c.Autopilot.withDefaults()
	c.traces = newTraces(c.Tracer)
	if c.IDs == nil {
		c.IDs = idgen.Random()
	}
	return c, nil
}
