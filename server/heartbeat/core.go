package heartbeat

import (
	"container/heap"
	"hash/fnv"
	"slices"
	"time"

	"berth/structs"
)

// Config are the times of the contract's server block.
type Config struct {
	// MinTTL is the shortest time a node is given between heartbeats. Default 10 s; shorter costs traffic, longer makes
	// losses be seen later.
	MinTTL time.Duration
	// Grace is added to the TTL before a node counts as lost. Default 10 s.
	Grace time.Duration
	// MaxPerSecond bounds the heartbeats of the whole cluster by stretching the TTL. Default 50.
	MaxPerSecond float64
	// FailoverTTL is what every live node is given when a leader begins. Default 30 s.
	FailoverTTL time.Duration
}

// DefaultConfig is what an unset field stands for.
func DefaultConfig() Config {
	return Config{MinTTL: 10 * time.Second, Grace: 10 * time.Second, MaxPerSecond: 50, FailoverTTL: 30 * time.Second}
}

// withDefaults fills unset fields.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	if c.MinTTL > 0 {
		d.MinTTL = c.MinTTL
	}
	if c.Grace > 0 {
		d.Grace = c.Grace
	}
	if c.MaxPerSecond > 0 {
		d.MaxPerSecond = c.MaxPerSecond
	}
	if c.FailoverTTL > 0 {
		d.FailoverTTL = c.FailoverTTL
	}
	return d
}

// Core holds the deadlines. It belongs to one goroutine at a time.
type Core struct {
	cfg   Config
	nodes map[structs.ID]*entry
	heap  deadlines
	// silent are the nodes whose deadline passed and whose loss is not recorded yet.
	silent map[structs.ID]bool
}

type entry struct {
	node structs.ID
	at   time.Time
	pos  int
}

// NewCore makes a core without nodes.
func NewCore(cfg Config) *Core {
	return &Core{cfg: cfg.withDefaults(), nodes: map[structs.ID]*entry{}, silent: map[structs.ID]bool{}}
}

// Restore begins a term: every node that was alive gets the failover TTL, everything else is forgotten.
func (c *Core) Restore(alive []structs.ID, now time.Time) {
	clear(c.nodes)
	clear(c.silent)
	c.heap = c.heap[:0]
	for _, id := range alive {
		c.set(id, now.Add(c.cfg.FailoverTTL))
	}
}

// Beat notes that a node was heard of, and returns within which time it should be heard of again.
func (c *Core) Beat(id structs.ID, now time.Time) time.Duration {
	_, known := c.nodes[id]
	n := len(c.nodes)
	if !known {
		n++
	}
	ttl := max(c.cfg.MinTTL, time.Duration(float64(n)/c.cfg.MaxPerSecond*float64(time.Second)))
	ttl += spread(id, ttl/4)
	c.set(id, now.Add(ttl+c.cfg.Grace))
	delete(c.silent, id)
	return ttl
}

// spread is a node's own share of d, so that nodes started together do not beat together.
func spread(id structs.ID, d time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write(id[:])
	return time.Duration(float64(d) * float64(h.Sum32()) / (1 << 32))
}

// Forget drops a node's deadline.
func (c *Core) Forget(id structs.ID) {
	if e := c.nodes[id]; e != nil {
		heap.Remove(&c.heap, e.pos)
		delete(c.nodes, id)
	}
	delete(c.silent, id)
}

// Expired takes away the deadlines that have passed and returns their nodes, earliest first. They are silent until they are
// heard of, forgotten, or Recorded.
func (c *Core) Expired(now time.Time) []structs.ID {
	var ids []structs.ID
	for len(c.heap) > 0 && !c.heap[0].at.After(now) {
		e := heap.Pop(&c.heap).(*entry)
		delete(c.nodes, e.node)
		c.silent[e.node] = true
		ids = append(ids, e.node)
	}
	return ids
}

// Silent are the nodes whose loss is still to be recorded, in the order of their ids.
func (c *Core) Silent() []structs.ID {
	ids := make([]structs.ID, 0, len(c.silent))
	for id := range c.silent {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, structs.ID.Compare)
	return ids
}

// IsSilent reports that a node's deadline passed and that nothing was heard of it since.
func (c *Core) IsSilent(id structs.ID) bool { return c.silent[id] }

// Recorded ends the silence of a node whose loss is in the state now.
func (c *Core) Recorded(id structs.ID) { delete(c.silent, id) }

// Next is the earliest deadline; false when there is none.
func (c *Core) Next() (time.Time, bool) {
	if len(c.heap) == 0 {
		return time.Time{}, false
	}
	return c.heap[0].at, true
}

// Active is how many nodes have a deadline.
func (c *Core) Active() int { return len(c.nodes) }

func (c *Core) set(id structs.ID, at time.Time) {
	if e := c.nodes[id]; e != nil {
		e.at = at
		heap.Fix(&c.heap, e.pos)
		return
	}
	e := &entry{node: id, at: at}
	c.nodes[id] = e
	heap.Push(&c.heap, e)
}

// deadlines is a heap by time, then id.
type deadlines []*entry

func (d deadlines) Len() int { return len(d) }
func (d deadlines) Less(i, j int) bool {
	if !d[i].at.Equal(d[j].at) {
		return d[i].at.Before(d[j].at)
	}
	return d[i].node.Compare(d[j].node) < 0
}
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].pos, d[j].pos = i, j
}
func (d *deadlines) Push(x any) {
	e := x.(*entry)
	e.pos = len(*d)
	*d = append(*d, e)
}
func (d *deadlines) Pop() any {
	old := *d
	e := old[len(old)-1]
	*d = old[:len(old)-1]
	return e
}
