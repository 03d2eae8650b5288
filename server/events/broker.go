package events

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"berth/state"
	"berth/structs"
)

// Defaults and bounds of what is kept.
const (
	// DefaultKeep is event_buffer_size: so many commits are kept however old they are, as far as they are within oldBytes.
	DefaultKeep = 100
	// MaxKeep bounds event_buffer_size.
	MaxKeep = 100_000
	// keepWrites and keepBytes bound the past of any age, in objects and estimated memory.
	keepWrites = 100_000
	keepBytes  = 64 << 20
	// keepFor is how long more than DefaultKeep commits are kept: a reader that was away for a minute misses nothing.
	keepFor = 90 * time.Second
	// oldBytes bounds what is older than that, in estimated memory: a burst of work is not held for ever because nothing came after it.
	oldBytes = 4 << 20
	// look is how often what is too old is looked for.
	look = 10 * time.Second
	// cacheBytes and cacheCommits bound the events that are made and encoded for all readers.
	cacheBytes   = 32 << 20
	cacheCommits = 1024
	// eventBytes is about what an event takes without its text.
	eventBytes = 512
	// MaxStreams bounds the readers of one server.
	MaxStreams = 2000
)

// Config of a broker.
type Config struct {
	// Off keeps nothing, and refuses readers.
	Off bool
	// Keep is how many commits are kept however old they are, within oldBytes; 0 is DefaultKeep.
	Keep int
}

// Broker gives readers the events of a store. Safe for any number of goroutines.
type Broker struct {
	cfg    Config
	store  *state.Store
	derive *deriver

	mu    sync.Mutex // guards what follows
	open  int
	made  map[uint64]*made // by index; oldest first in order
	order []*made
}

// New makes a broker and lets the store keep its past.
func New(cfg Config, store *state.Store) *Broker {
	if cfg.Keep <= 0 {
		cfg.Keep = DefaultKeep
	}
	cfg.Keep = min(cfg.Keep, MaxKeep)
	if !cfg.Off {
		store.LimitFeed(state.FeedLimits{Writes: max(keepWrites, cfg.Keep), Bytes: keepBytes})
	}
	return &Broker{cfg: cfg, store: store, derive: newDeriver(), made: map[uint64]*made{}}
}

// Run forgets what is too old, until ctx is done.
func (b *Broker) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	var past []uint64 // the state's index at each look of the last keepFor
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if n := len(past); n > 0 {
			b.forget(past[n-1])
		}
		past = append(past, b.store.Index())
		if len(past) > int(keepFor/look) {
			b.store.TrimFeed(past[0], b.cfg.Keep, oldBytes)
			past = past[1:]
		}
	}
}

// Streams is how many readers there are.
func (b *Broker) Streams() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// made are the events of one commit.
type made struct {
	index  uint64
	once   sync.Once
	events []*Event
	bytes  atomic.Int64 // of the events and their text
}

// eventsOf makes a commit's events, once for those who read it at about the same time.
func (b *Broker) eventsOf(c *state.Commit) *made {
	b.mu.Lock()
	m := b.made[c.Index]
	if m == nil {
		m = &made{index: c.Index}
		if len(b.order) == 0 || c.Index > b.order[len(b.order)-1].index { // who reads the past makes it alone
			b.made[c.Index] = m
			b.order = append(b.order, m)
			b.evict()
		}
	}
	b.mu.Unlock()
	m.once.Do(func() {
		m.events = b.derive.events(c)
		for _, e := range m.events {
			e.bytes = &m.bytes
		}
		m.bytes.Add(int64(len(m.events)) * eventBytes)
	})
	return m
}

// forget forgets what was made of commits up to an index: readers of the present are past them.
func (b *Broker) forget(through uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.order) > 0 && b.order[0].index <= through {
		b.drop()
	}
}

// drop forgets the oldest that was made; mu is held.
func (b *Broker) drop() {
	delete(b.made, b.order[0].index)
	b.order[0] = nil
	b.order = b.order[1:]
}

// evict forgets the oldest that were made, but for the newest; mu is held.
func (b *Broker) evict() {
	var bytes int64
	for _, m := range b.order {
		bytes += m.bytes.Load()
	}
	for len(b.order) > 1 && (len(b.order) > cacheCommits || bytes > cacheBytes) {
		bytes -= b.order[0].bytes.Load()
		b.drop()
	}
}

// Subscription is one reader. One goroutine uses it; Close it.
type Subscription struct {
	broker *Broker
	feed   *state.Feed
	req    Request
	lost   uint64
	closed bool
}

// Subscribe begins to read. The error is a *structs.Error: there are too many readers, or events are turned off.
func (b *Broker) Subscribe(req Request) (*Subscription, error) {
	if b.cfg.Off {
		return nil, &structs.Error{Kind: structs.KindInvalid, Err: errors.New("this server has no event stream: enable_event_broker is false"),
			Hint: "ask another server, or set it to true"}
	}
	if req.Namespace == "" {
		req.Namespace = structs.DefaultNamespace
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open >= MaxStreams {
		return nil, &structs.Error{Kind: structs.KindLimit, Err: fmt.Errorf("%d event streams are open, as many as a server serves", b.open),
			Hint: "ask another server"}
	}
	b.open++
	s := &Subscription{broker: b, req: req}
	if req.Index == 0 {
		s.feed = b.store.FeedTail(b.cfg.Keep)
	} else {
		s.feed, s.lost = b.store.FeedFrom(req.Index)
	}
	return s, nil
}

// Lost is the newest index at or above the one asked for whose changes are not kept any more; 0 when nothing is missing.
func (s *Subscription) Lost() uint64 { return s.lost }

// Resume is the index to ask for to go on where this reader is.
func (s *Subscription) Resume() uint64 { return s.feed.After() + 1 }

// Batch is the events of one commit that a reader wants; at least one.
type Batch struct {
	Index  uint64
	Events []*Event
}

// Next waits for the next events. The error is ctx's, or a *state.FeedLost that stays.
func (s *Subscription) Next(ctx context.Context) (*Batch, error) {
	for {
		c, more, err := s.feed.Next()
		if err != nil {
			return nil, err
		}
		if c == nil {
			select {
			case <-more:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if batch := s.batch(c); batch != nil {
			return batch, nil
		}
		if err := ctx.Err(); err != nil { // a long past of which nothing is wanted
			return nil, err
		}
	}
}

// batch is what of a commit is wanted; nil when nothing is.
func (s *Subscription) batch(c *state.Commit) *Batch {
	var wanted []*Event
	for _, e := range s.broker.eventsOf(c).events {
		if s.req.wants(e) {
			wanted = append(wanted, e)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	return &Batch{Index: c.Index, Events: wanted}
}

// Close ends the reading.
func (s *Subscription) Close() {
	if s.closed {
		return
	}
	s.closed = true
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	if b.open == 0 {
		clear(b.made)
		b.order = nil
	}
}
