package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/client/allocrunner"
	"berth/client/hoststats"
	"berth/drivers"
	"berth/internal/lifecycle"
	"berth/structs"
)

// Client is one node. Run is called once; the other exported methods from any goroutine.
type Client struct {
	cfg     Config
	servers Servers
	log     hclog.Logger
	host    host
	id      structs.ID
	secret  structs.ID
	drivers map[string]drivers.Driver

	ready      chan struct{} // closed when the node is registered
	readyOnce  sync.Once
	leaving    atomic.Bool   // the node is drained because the agent ends: that it is back is said no more
	reregister chan struct{} // holds one wish to register (again)
	report     chan struct{} // holds one wish to look at the reports
	told       chan struct{} // holds one wish of a drain to look at what is left
	clean      chan struct{} // holds one wish to look at the ended allocations
	group      *lifecycle.Group
	running    sync.WaitGroup // the allocations' runners
	sampler    hoststats.Sampler

	mu     sync.Mutex // guards what follows
	node   *structs.Node
	allocs map[structs.ID]*entry
	order  uint64 // of ended allocations
	// heard is when the servers last answered a heartbeat, in this life of the agent or the one before.
	heard    time.Time
	index    uint64 // of the newest answer of the servers
	stopping bool
}

// entry is an allocation the node holds.
type entry struct {
	id     structs.ID
	alloc  *structs.Allocation // guarded by the client's lock
	runner *allocrunner.Runner // nil: over before the node knew it
	done   chan struct{}       // closed when the runner's Run has returned
	// acked is the version of the report that the servers have, plus one; sent is that report.
	acked     uint64
	sent      *structs.AllocClientUpdate
	forgot    uint64    // how often the servers were found not to have it: a report from before does not count
	pendingAt time.Time // since when a report of a pending allocation waits
	confirmed bool      // the servers listed it in this life of the agent
	forgotten bool
	collected bool   // its files are gone
	ended     uint64 // order of the end, 0 while it runs
}

// New checks the configuration, opens what the node remembers, and makes or reads its identity. It starts nothing; Run or
// Close must follow.
func New(cfg Config, servers Servers) (*Client, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure client: %w", err)
	}
	h, err := openHost(cfg)
	if err != nil {
		return nil, fmt.Errorf("open client state: %w", err)
	}
	return newClient(cfg, servers, h)
}

func newClient(cfg Config, servers Servers, h host) (*Client, error) {
	id, secret, err := h.Identity()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read identity of node: %w", err), h.Close())
	}
	c := &Client{
		cfg: cfg, servers: servers, log: cfg.Logger, host: h, id: id, secret: secret, drivers: map[string]drivers.Driver{},
		ready: make(chan struct{}), reregister: make(chan struct{}, 1), report: make(chan struct{}, 1), told: make(chan struct{}, 1), clean: make(chan struct{}, 1),
		allocs: map[structs.ID]*entry{},
	}
	for _, d := range cfg.Drivers {
		c.drivers[d.Name()] = d
	}
	return c, nil
}

// Close gives back what New opened, for a client that was never run.
func (c *Client) Close() error { return c.host.Close() }

// NodeID is the node's identity, the same in every life of the agent.
func (c *Client) NodeID() structs.ID { return c.id }

// Ready is closed when the servers know the node and its earlier tasks are adopted.
func (c *Client) Ready() <-chan struct{} { return c.ready }

// Node is the node's newest description of itself; nil before Run has looked at the machine. The caller must not change it.
func (c *Client) Node() *structs.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.node
}

// Run adopts what an earlier life of the agent left running, registers the node, and runs what the servers list, until ctx
// is done or Shutdown was called. Tasks go on without it.
func (c *Client) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, c.host.Close()) }()
	g := lifecycle.New(ctx)
	c.mu.Lock()
	if c.stopping {
		c.mu.Unlock()
		g.Stop()
		return nil
	}
	c.group = g
	c.heard = time.Now()
	c.mu.Unlock()
	if err := c.restore(g.Context()); err != nil {
		g.Stop()
		c.running.Wait()
		return errors.Join(err, g.Wait())
	}
	g.Go("registration", c.stayRegistered)
	g.Go("reports", c.reportLoop)
	g.Go("allocation watch", c.watch)
	g.Go("fingerprints", c.lookAgain)
	g.Go("collection", c.collect)
	g.Go("leftovers", c.sweep)
	g.Go("network watch", c.cfg.Network.Watch)
	err = g.Wait()
	c.running.Wait()
	return err
}

// poke puts a wish into a channel that holds one.
func poke(wish chan struct{}) {
	select {
	case wish <- struct{}{}:
	default:
	}
}

// Shutdown ends Run. With destroyAll every allocation is ended and removed before, and every object of the node in the
// kernel; otherwise tasks go on. It must be called while Run runs (before its context ends), and returns when Run may be
// waited for.
func (c *Client) Shutdown(ctx context.Context, destroyAll bool) error {
	c.mu.Lock()
	c.stopping = true
	g := c.group
	c.mu.Unlock()
	if g == nil {
		return nil
	}
	defer g.Stop()
	if !destroyAll {
		return nil
	}
	var errs []error
	for _, e := range c.entries() {
		if e.runner != nil {
			e.runner.End()
		}
	}
	for _, e := range c.entries() {
		if err := c.remove(ctx, e); err != nil {
			errs = append(errs, err)
		}
	}
	if err := c.cfg.Network.RemoveAll(ctx); err != nil {
		errs = append(errs, fmt.Errorf("remove networks: %w", err))
	}
	return errors.Join(errs...)
}

// entries are the allocations the node holds now.
func (c *Client) entries() []*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*entry, 0, len(c.allocs))
	for _, e := range c.allocs {
		out = append(out, e)
	}
	return out
}
