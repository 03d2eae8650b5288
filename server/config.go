package server

import (
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/idgen"
	"berth/server/heartbeat"
	"berth/server/reap"
	"berth/structs"
)

// Config is what a server needs to know. Only Logger must be set.
type Config struct {
	// Name, Region and Datacenter are shown to people; Region defaults to "global".
	Name       string
	Region     string
	Datacenter string
	// DataDir holds the raft log, its snapshots and the server's identity. Empty keeps everything in memory: what -dev does.
	DataDir string
	// Addr is the address other servers and clients know this one by, host:port.
	Addr string

	Heartbeat heartbeat.Config
	GC        reap.Thresholds

	Logger hclog.Logger
	// IDs makes the ids of what this server creates; nil is idgen.Random().
	IDs idgen.Source

	// faulty puts a storage of the tests' round the log's.
	faulty func(storage) storage
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
	if c.IDs == nil {
		c.IDs = idgen.Random()
	}
	return c, nil
}
