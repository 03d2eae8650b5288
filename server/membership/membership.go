package membership

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"

	"berth/internal/durable"
	"berth/structs"
)

// States of a member, as the contract writes them.
const (
	StatusAlive   = "alive"
	StatusLeaving = "leaving"
	StatusLeft    = "left"
	StatusFailed  = "failed"
)

// DefaultPort is the one gossip listens on.
const DefaultPort = 4648

// Config is what a member says of itself and how it takes part.
type Config struct {
	Name, Region, Datacenter string
	ID                       func() structs.ID // known when Run begins
	RPCAddr                  string            // host:port of the cluster port
	HTTPAddr                 string            // host:port of the API
	Version                  string
	Level                    structs.CommandKind // the newest kind of command its server applies
	Expect                   int
	NonVoter                 bool

	// BindAddr and BindPort are what gossip listens on, AdvertiseAddr and AdvertisePort what others are told (BindAddr when empty).
	BindAddr      string
	BindPort      int
	AdvertiseAddr string
	AdvertisePort int

	// Dir keeps the members last seen and the keys; "" keeps nothing.
	Dir string
	// Key encrypts gossip: 16, 24 or 32 bytes; nil sends it in clear. Keys that were rotated in later are in Dir and win.
	Key []byte
	// RetryJoin are asked until one answers; RetryInterval is the pause (default 3 s), RetryMax how often (0: always).
	RetryJoin []string
	// Discover gives more addresses to ask, by other means; nil knows none.
	Discover      func(context.Context) []string
	RetryInterval time.Duration
	RetryMax      int
	// AnyRegion takes in members of every region: who has the keys of gossip is trusted. Without it SetRegions names those that are.
	AnyRegion bool
	// Rejoin takes up contact again at the start although this member had left.
	Rejoin bool

	Logger hclog.Logger
}

// Member is a machine gossip tells of.
type Member struct {
	Name       string // with its region
	ID         structs.ID
	Region     string
	Datacenter string
	Addr       string // of its gossip, without port
	Port       uint16
	RPCAddr    string
	HTTPAddr   string
	Status     string
	Tags       map[string]string
	Expect     int
	NonVoter   bool
	Formed     bool // it has the log of a cluster
	Version    string
	Level      structs.CommandKind // 0 of one that tells none

	ProtocolMin, ProtocolMax, ProtocolCur uint8
	DelegateMin, DelegateMax, DelegateCur uint8
}

// MemberName is what a machine is called in gossip.
func MemberName(name, region string) string { return name + "." + region }

// Tags of a member. Append only: members of other versions read them.
const (
	tagRole     = "role"
	roleServer  = "nomad" // the contract's word for a server
	tagRegion   = "region"
	tagDC       = "dc"
	tagID       = "id"
	tagRPC      = "rpc_addr"
	tagHTTP     = "http_addr"
	tagBuild    = "build"
	tagExpect   = "expect"
	tagNonVoter = "nonvoter"
	tagFormed   = "bootstrap"
	tagRaft     = "raft_vsn"
	tagPort     = "port"
	tagLevel    = "level"
)

// Membership is this machine's part in the gossip.
type Membership struct {
	cfg     Config
	log     hclog.Logger
	serf    atomic.Pointer[serf.Serf]
	tags    map[string]string // of Run and SetFormed, which are not called at once
	changed chan struct{}
	begun   chan struct{}
	formed  atomic.Bool

	ring    *memberlist.Keyring // nil without encryption; set by New
	others  chan struct{}       // wakes the watch over other regions
	mu      sync.Mutex          // guards what follows
	regions map[string]Region
	foreign map[string]bool // keys of the ring that came with regions
}

// New checks a configuration.
func New(cfg Config) (*Membership, error) {
	if cfg.Name == "" || cfg.Region == "" || cfg.Logger == nil || cfg.ID == nil {
		return nil, errors.New("membership: config without name, region, id or logger")
	}
	if n := len(cfg.Key); n != 0 && n != 16 && n != 24 && n != 32 {
		return nil, &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf("server.encrypt is a key of %d bytes; 16, 24 or 32 are possible", n),
			Hint: "`berth operator gossip keyring generate` makes one"}
	}
	if cfg.RetryInterval <= 0 {
		cfg.RetryInterval = 3 * time.Second
	}
	if cfg.BindPort == 0 {
		cfg.BindPort = DefaultPort
	}
	m := &Membership{cfg: cfg, log: cfg.Logger.Named("gossip"), changed: make(chan struct{}, 1), begun: make(chan struct{}),
		others: make(chan struct{}, 1), regions: map[string]Region{}, foreign: map[string]bool{}}
	var err error
	m.ring, err = m.keyring()
	return m, err
}

// Files below Dir.
const (
	snapshotFile = "members"
	keyringFile  = "keyring.json"
)

// Run takes part until ctx is done.
func (m *Membership) Run(ctx context.Context) error {
	events := make(chan serf.Event, 256)
	c, err := m.config(events)
	if err != nil {
		return err
	}
	s, err := serf.Create(c)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) || strings.Contains(err.Error(), "bind: ") {
			return &structs.Error{Kind: structs.KindConflict, Err: fmt.Errorf("gossip cannot listen on %s: %w", net.JoinHostPort(m.cfg.BindAddr, strconv.Itoa(m.cfg.BindPort)), err),
				Hint: "stop who uses the port, or set ports { serf = ... }"}
		}
		return fmt.Errorf("start gossip: %w", err)
	}
	m.serf.Store(s)
	close(m.begun)
	m.signal()
	joined := make(chan struct{})
	jctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(joined)
		var both sync.WaitGroup
		both.Go(func() { m.keepRegions(jctx) })
		m.retryJoin(jctx)
		both.Wait()
	}()
	defer func() {
		cancel()
		<-joined
		_ = s.Shutdown() // it says only what was said before
		<-s.ShutdownCh()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-events:
			m.signal()
		}
	}
}

func (m *Membership) config(events chan<- serf.Event) (*serf.Config, error) {
	c := serf.DefaultConfig()
	c.NodeName = MemberName(m.cfg.Name, m.cfg.Region)
	m.tags = tagsOf(m.cfg)
	c.Tags = m.tags
	c.EventCh = events
	c.EnableNameConflictResolution = false
	c.RejoinAfterLeave = m.cfg.Rejoin
	c.LeavePropagateDelay = 500 * time.Millisecond
	c.DisableCoordinates = true
	c.MsgpackUseNewTimeFormat = true
	c.LogOutput = nil
	out := m.log.StandardLogger(&hclog.StandardLoggerOptions{InferLevels: true})
	c.Logger = out
	ml := memberlist.DefaultLANConfig()
	ml.BindAddr, ml.BindPort = m.cfg.BindAddr, m.cfg.BindPort
	ml.AdvertiseAddr, ml.AdvertisePort = m.cfg.AdvertiseAddr, m.cfg.AdvertisePort
	if ml.AdvertisePort == 0 {
		ml.AdvertisePort = m.cfg.BindPort
	}
	ml.Logger = log.New(&complaints{to: out.Writer(), kinds: map[string]*complaint{}}, "", 0)
	ml.EnableCompression = false              // packets are small, and to compress one makes 70 KB of garbage
	ml.DeadNodeReclaimTime = 10 * time.Second // a machine that comes back with another address keeps its name
	c.MemberlistConfig = ml
	if m.cfg.Dir != "" {
		if err := durable.MkdirAll(m.cfg.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the directory of gossip: %w", err)
		}
		c.SnapshotPath = filepath.Join(m.cfg.Dir, snapshotFile)
	}
	c.Merge = m
	if m.ring != nil {
		ml.Keyring = m.ring
		if m.cfg.Dir != "" {
			c.KeyringFile = filepath.Join(m.cfg.Dir, keyringFile)
		}
	}
	return c, nil
}

func tagsOf(c Config) map[string]string {
	tags := map[string]string{
		tagRole: roleServer, tagRegion: c.Region, tagDC: c.Datacenter, tagID: c.ID().String(), tagRPC: c.RPCAddr, tagHTTP: c.HTTPAddr,
		tagBuild: c.Version, tagLevel: strconv.Itoa(int(c.Level)), tagExpect: strconv.Itoa(c.Expect), tagRaft: "3",
	}
	if _, port, err := net.SplitHostPort(c.RPCAddr); err == nil {
		tags[tagPort] = port
	}
	if c.NonVoter {
		tags[tagNonVoter] = "1"
	}
	return tags
}

// Alone is the member a server without gossip is.
func Alone(c Config) Member {
	tags := tagsOf(c)
	tags[tagFormed] = "1"
	host, _, err := net.SplitHostPort(c.RPCAddr)
	if err != nil {
		host = c.RPCAddr
	}
	return Member{Name: MemberName(c.Name, c.Region), ID: c.ID(), Region: c.Region, Datacenter: c.Datacenter, Addr: host, Port: DefaultPort, RPCAddr: c.RPCAddr,
		HTTPAddr: c.HTTPAddr, Status: StatusAlive, Tags: tags, Expect: c.Expect, Formed: true, Version: c.Version, Level: c.Level,
		ProtocolMin: 1, ProtocolMax: 5, ProtocolCur: 2, DelegateMin: 2, DelegateMax: 5, DelegateCur: 4}
}

// retryJoin asks until one answers.
func (m *Membership) retryJoin(ctx context.Context) {
	if len(m.cfg.RetryJoin) == 0 && m.cfg.Discover == nil {
		return
	}
	for n := 1; ; n++ {
		addrs := slices.Clone(m.cfg.RetryJoin)
		if m.cfg.Discover != nil {
			addrs = append(addrs, m.cfg.Discover(ctx)...)
		}
		if len(addrs) == 0 {
			return // nobody is known: the others will find this one
		}
		count, err := m.Join(addrs)
		if count > 0 {
			m.log.Info("joined", "servers", count)
			return
		}
		if m.cfg.RetryMax > 0 && n >= m.cfg.RetryMax {
			m.log.Error("no server to join answers; no more are asked", "addresses", addrs, "attempts", n, "error", err)
			return
		}
		m.log.Warn("no server to join answers yet", "addresses", addrs, "again_in", m.cfg.RetryInterval, "error", err)
		select {
		case <-time.After(m.cfg.RetryInterval):
		case <-ctx.Done():
			return
		}
	}
}

func (m *Membership) signal() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// Changed has a value when Members may have changed. It is for one reader.
func (m *Membership) Changed() <-chan struct{} { return m.changed }

// Members are all machines that were heard of, in the order of their names; those of regions this one is not joined with are left out.
// Why not forgotten: whoever else is joined with such a region would forget them too.
func (m *Membership) Members() []Member {
	s := m.serf.Load()
	if s == nil {
		return nil
	}
	var out []Member
	for _, x := range s.Members() {
		if m.knows(x.Tags[tagRegion]) {
			out = append(out, member(x))
		}
	}
	slices.SortFunc(out, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func member(x serf.Member) Member {
	id, err := structs.ParseID(x.Tags[tagID])
	if err != nil || x.Tags[tagRole] != roleServer {
		id = structs.ID{}
	}
	expect, _ := strconv.Atoi(x.Tags[tagExpect])
	level, _ := strconv.ParseUint(x.Tags[tagLevel], 10, 16)
	return Member{
		Name: x.Name, ID: id, Region: x.Tags[tagRegion], Datacenter: x.Tags[tagDC], Addr: x.Addr.String(), Port: x.Port, RPCAddr: x.Tags[tagRPC],
		HTTPAddr: x.Tags[tagHTTP], Status: x.Status.String(), Tags: x.Tags, Expect: expect, NonVoter: x.Tags[tagNonVoter] != "", Formed: x.Tags[tagFormed] != "",
		Version: x.Tags[tagBuild], Level: structs.CommandKind(level),
		ProtocolMin: x.ProtocolMin, ProtocolMax: x.ProtocolMax, ProtocolCur: x.ProtocolCur,
		DelegateMin: x.DelegateMin, DelegateMax: x.DelegateMax, DelegateCur: x.DelegateCur,
	}
}

// Resolve is the address of a server's cluster port by its id; of several that say they are it, the first by name. Raft asks for each
// message it sends.
func (m *Membership) Resolve(id structs.ID) (addr string, known bool) {
	s := m.serf.Load()
	if s == nil {
		return "", false
	}
	text, name := id.String(), ""
	for _, x := range s.Members() {
		if x.Tags[tagID] != text || x.Tags[tagRole] != roleServer || x.Tags[tagRPC] == "" || !m.knows(x.Tags[tagRegion]) {
			continue
		}
		if !known || x.Name < name {
			addr, name, known = x.Tags[tagRPC], x.Name, true
		}
	}
	return addr, known
}

func (m *Membership) running() (*serf.Serf, error) {
	if s := m.serf.Load(); s != nil {
		return s, nil
	}
	return nil, &structs.Error{Kind: structs.KindUnavailable, Err: errors.New("gossip has not begun"), Hint: "try again in a moment"}
}

// Join asks the machines at some addresses (host or host:port) to take this one in, and gives how many did.
func (m *Membership) Join(addrs []string) (int, error) {
	s, err := m.running()
	if err != nil {
		return 0, err
	}
	n, err := s.Join(addrs, true)
	if err != nil && n == 0 {
		return 0, &structs.Error{Kind: structs.KindUnavailable, Err: fmt.Errorf("no server could be joined: %s", oneLine(err)),
			Hint: "the address is that of another server's gossip, port " + strconv.Itoa(DefaultPort) + "; both must have the same encrypt key. Another region is joined with a token: " +
				"`berth operator join-token create -role region` there"}
	}
	return n, nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// Leave tells the others that this machine leaves for good.
func (m *Membership) Leave() error {
	s, err := m.running()
	if err != nil {
		return err
	}
	return s.Leave()
}

// ForceLeave makes the others take a failed member as one that left; prune forgets it at once.
func (m *Membership) ForceLeave(name string, prune bool) error {
	s, err := m.running()
	if err != nil {
		return err
	}
	if prune {
		return s.RemoveFailedNodePrune(name)
	}
	return s.RemoveFailedNode(name)
}

// SetFormed tells the others that this machine has a cluster's log. It waits until gossip has begun.
func (m *Membership) SetFormed() error {
	if m.formed.Swap(true) {
		return nil
	}
	s, err := m.running()
	if err != nil {
		m.formed.Store(false)
		return err
	}
	tags := map[string]string{tagFormed: "1"}
	for k, v := range m.tags {
		tags[k] = v
	}
	return s.SetTags(tags)
}
