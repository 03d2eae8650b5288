package network

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/vishvananda/netlink"
)

// Manager makes and removes the networks of the allocations of one agent. All methods may be called from several
// goroutines; calls about one allocation wait for each other.
type Manager struct {
	cfg   Config
	log   hclog.Logger
	rules *ruleWriter
	flows batch[staleFlows]
	// resolvConf and upstreamConf are the machine's resolver configuration and the one with a local stub's real servers.
	resolvConf, upstreamConf string

	// world is held shared by calls about one allocation, alone by calls about all. Order: world, allocs, bridge, mu.
	world  sync.RWMutex
	allocs keyedLocks
	// bridge is held while the bridge is looked at and made.
	bridge sync.Mutex

	// mu guards what follows.
	mu      sync.Mutex
	loaded  bool
	records map[string]record
	// current are the allocations that Setup was called for in this life of the agent.
	current map[string]bool
	addrs   *addressPool
	ports   *portBook
}

// New checks the configuration and returns a Manager. It touches neither the kernel nor the disk.
func New(cfg Config) (*Manager, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	m := &Manager{
		cfg: cfg, log: cfg.Logger, rules: newRuleWriter(cfg),
		resolvConf: "/etc/resolv.conf", upstreamConf: "/run/systemd/resolve/resolv.conf",
		allocs: keyedLocks{locks: map[string]*keyedLock{}},
	}
	m.flows.run = purgeFlows
	return m, nil
}

// load learns, once, what earlier lives of the agent have left: from the records, and for what has none from the marks on
// the interfaces.
func (m *Manager) load() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loaded {
		return nil
	}
	records, broken, err := m.cfg.readRecords()
	if err != nil {
		return err
	}
	for id, err := range broken {
		m.log.Warn("network record cannot be read", "alloc_id", id, "error", err)
	}
	marked, err := m.cfg.markedVeths()
	if err != nil {
		return err
	}
	m.records, m.current = map[string]record{}, map[string]bool{}
	m.addrs, m.ports = newAddressPool(m.cfg.Subnet), newPortBook()
	for _, id := range sortedKeys(records) {
		r := records[id]
		// Why not kept: after a change of the subnet the address leads nowhere; Setup gives a new one.
		if r.IP.IsValid() && !m.addrs.claim(r.IP) {
			m.log.Warn("address of allocation is not free in the bridge subnet", "alloc_id", id, "address", r.IP)
			r.IP = netip.Addr{}
		}
		if r.Request.Mode == ModeBridge {
			if err := m.ports.reserve(id, r.Request.Ports); err != nil {
				m.log.Warn("ports of allocation are not free", "alloc_id", id, "error", err)
				r.Request.Ports = nil
			}
		}
		m.records[id] = r
	}
	for _, id := range sortedKeys(marked) {
		if _, known := m.records[id]; !known && m.addrs.claim(marked[id]) {
			m.records[id] = record{Request: Request{AllocID: id, Mode: ModeBridge}, IP: marked[id]}
		}
	}
	m.rules.seed(elementsOfAll(m.records, m.cfg.Bridge))
	m.loaded = true
	return nil
}

// markedVeths lists the allocations that have an interface on the machine, with their addresses.
func (c Config) markedVeths() (map[string]netip.Addr, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	out := map[string]netip.Addr{}
	for _, link := range links {
		if id, ip, ok := allocOfVeth(c.Bridge, link); ok {
			out[id] = ip
		}
	}
	return out, nil
}

// reserve takes an address and the ports for the request, keeping the address the allocation has. On an error nothing has
// changed.
func (m *Manager) reserve(req Request) (record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	prev, known := m.records[req.AllocID]
	if known && prev.Request.Mode != req.Mode {
		return record{}, fmt.Errorf("it has a network of mode %q already: tear that down before mode %q is set up", prev.Request.Mode, req.Mode)
	}
	r := record{Request: req, IP: prev.IP}
	if req.Mode == ModeBridge {
		if err := m.ports.reserve(req.AllocID, req.Ports); err != nil {
			return record{}, err
		}
		if !r.IP.IsValid() {
			ip, err := m.addrs.take()
			if err != nil {
				m.ports.release(req.AllocID)
				return record{}, fmt.Errorf("no address left in bridge subnet %s: %w: stop an allocation or set client.bridge_network_subnet to a wider network", m.cfg.Subnet, err)
			}
			r.IP = ip
		}
	}
	m.records[req.AllocID] = r
	return r, nil
}

// forget frees what reserve took.
func (m *Manager) forget(allocID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, known := m.records[allocID]; known {
		m.addrs.release(r.IP)
		m.ports.release(allocID)
		delete(m.records, allocID)
		delete(m.current, allocID)
	}
}

// recordOf returns the allocation's record; false when there is none.
func (m *Manager) recordOf(allocID string) (r record, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, known = m.records[allocID]
	return r, known
}

// markCurrent remembers that the allocation belongs to this life of the agent.
func (m *Manager) markCurrent(allocID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current[allocID] = true
}

// isCurrent reports whether the allocation belongs to this life of the agent.
func (m *Manager) isCurrent(allocID string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current[allocID]
}

// snapshot copies the records.
func (m *Manager) snapshot() map[string]record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.records)
}

// ensureBridge makes the bridge, and brings the allocations back that were on it when someone deleted it.
func (m *Manager) ensureBridge() (*netlink.Bridge, error) {
	m.bridge.Lock()
	defer m.bridge.Unlock()
	bridge, made, err := m.cfg.ensureBridge()
	if err != nil || !made {
		return bridge, err
	}
	var errs []error
	for _, id := range sortedKeys(m.snapshot()) {
		link, err := netlink.LinkByName(vethName(m.cfg.Bridge, id))
		if errors.As(err, &netlink.LinkNotFoundError{}) {
			continue
		}
		if err == nil {
			err = netlink.LinkSetMasterByIndex(link, bridge.Index)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("attach allocation %s to bridge %s again: %w", id, m.cfg.Bridge, err))
		}
	}
	return bridge, errors.Join(errs...)
}

// keyedLocks are mutexes by name that exist only while they are used.
type keyedLocks struct {
	mu    sync.Mutex // guards locks and every holders
	locks map[string]*keyedLock
}

type keyedLock struct {
	mu      sync.Mutex
	holders int
}

// lock returns the function that unlocks.
func (k *keyedLocks) lock(key string) (unlock func()) {
	k.mu.Lock()
	l := k.locks[key]
	if l == nil {
		l = &keyedLock{}
		k.locks[key] = l
	}
	l.holders++
	k.mu.Unlock()
	l.mu.Lock()
	return func() {
		l.mu.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.holders--; l.holders == 0 {
			delete(k.locks, key)
		}
	}
}
