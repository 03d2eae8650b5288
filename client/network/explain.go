package network

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"

	"berth/client/network/netns"

	"github.com/vishvananda/netlink"
	"sigs.k8s.io/knftables"
)

// State is what Berth put in the kernel for allocations, as data, for people and for the janitor.
type State struct {
	Bridge, Subnet, Gateway, Table string
	// BridgeUp: the bridge exists, is Berth's and is up.
	BridgeUp bool
	// AddressesUsed and AddressesTotal count allocations' addresses.
	AddressesUsed, AddressesTotal int
	// Rules are the nft commands that would build the tables from nothing, in order.
	Rules []string
	// Allocs are sorted by id.
	Allocs []AllocState
}

// AllocState is one allocation's part of State.
type AllocState struct {
	AllocID, Mode string
	// NetNS, Veth and IP are what it should have, "" for nothing.
	NetNS, Veth, IP string
	Ports           []Port
	// Missing names what should be there and is not; Sync repairs it.
	Missing []string
}

// Explain compares what should be with what is, and changes nothing.
func (m *Manager) Explain(ctx context.Context) (*State, error) {
	ids, err := m.List(ctx)
	if err != nil {
		return nil, err
	}
	bridge, err := m.cfg.findBridge()
	if err != nil {
		return nil, err
	}
	s := &State{
		Bridge: m.cfg.Bridge, Subnet: m.cfg.Subnet.String(), Gateway: m.cfg.gateway().String(), Table: m.cfg.Table,
		BridgeUp: bridge != nil && bridge.Flags&net.FlagUp != 0,
	}
	records := m.snapshot()
	for _, id := range ids {
		r, known := records[id]
		if !known {
			s.Allocs = append(s.Allocs, AllocState{AllocID: id, Missing: []string{"record " + filepath.Join(m.cfg.allocDir(id), recordFile)}})
			continue
		}
		s.Allocs = append(s.Allocs, m.explainAlloc(r))
	}
	m.mu.Lock()
	s.AddressesTotal = int(m.addrs.size) - 3
	s.AddressesUsed = s.AddressesTotal - int(m.addrs.free)
	m.mu.Unlock()
	if all := elementsOfAll(records, m.cfg.Bridge); len(all) > 0 {
		s.Rules = m.cfg.describeTables(all)
	}
	return s, nil
}

func (m *Manager) explainAlloc(r record) AllocState {
	out := AllocState{AllocID: r.Request.AllocID, Mode: r.Request.Mode, Ports: r.Request.Ports}
	if r.Request.Mode != ModeHost {
		out.NetNS = m.cfg.netNSPath(out.AllocID)
		if !netns.Exists(out.NetNS) {
			out.Missing = append(out.Missing, "network namespace "+out.NetNS)
		}
	}
	if r.Request.Mode == ModeBridge {
		out.Veth = vethName(m.cfg.Bridge, out.AllocID)
		if r.IP.IsValid() {
			out.IP = r.IP.String()
		}
		link, err := netlink.LinkByName(out.Veth)
		switch {
		case errors.As(err, &netlink.LinkNotFoundError{}):
			out.Missing = append(out.Missing, "interface "+out.Veth)
		case err == nil && link.Attrs().MasterIndex == 0:
			out.Missing = append(out.Missing, "attachment of "+out.Veth+" to "+m.cfg.Bridge)
		}
	}
	return out
}

// describeTables is the transaction that builds the tables, as text.
func (c Config) describeTables(elements map[string][]element) []string {
	tx := knftables.NewFake("", "").NewTransaction()
	c.addTables(tx, elements)
	return strings.Split(strings.TrimSpace(tx.String()), "\n")
}
