package network

import (
	"fmt"
	"net/netip"
)

// portBook knows which allocation holds which port of the machine. It is a plain value with no lock: the Manager guards it.
//
// Invariant: for one protocol and port, either one allocation publishes on every address, or each address has its own.
type portBook struct {
	claims map[portNumber]map[netip.Addr]portClaim
	held   map[string][]Port
}

// portNumber is a port of one protocol; the zero netip.Addr beside it means every local address.
type portNumber struct {
	proto string
	port  int
}

type portClaim struct {
	allocID, label string
	to             int
}

func newPortBook() *portBook {
	return &portBook{claims: map[portNumber]map[netip.Addr]portClaim{}, held: map[string][]Port{}}
}

// reserve makes the ports those of the allocation, in place of what it held. On an error nothing has changed.
func (b *portBook) reserve(allocID string, ports []Port) error {
	before := b.held[allocID]
	b.release(allocID)
	if err := b.add(allocID, ports); err != nil {
		b.release(allocID)
		// Invariant: what was held before was free of conflicts, and nobody else came in between.
		_ = b.add(allocID, before)
		return err
	}
	return nil
}

// release frees every port of the allocation.
func (b *portBook) release(allocID string) {
	for _, p := range b.held[allocID] {
		addr, _ := p.hostAddr()
		for _, proto := range p.protocols() {
			n := portNumber{proto, p.Host}
			if b.claims[n][addr].allocID == allocID {
				delete(b.claims[n], addr)
			}
			if len(b.claims[n]) == 0 {
				delete(b.claims, n)
			}
		}
	}
	delete(b.held, allocID)
}

func (b *portBook) add(allocID string, ports []Port) error {
	for i, p := range ports {
		b.held[allocID] = ports[:i+1]
		addr, err := p.hostAddr()
		if err != nil {
			return err
		}
		for _, proto := range p.protocols() {
			n := portNumber{proto, p.Host}
			claim := portClaim{allocID: allocID, label: p.Label, to: p.inside()}
			if holder, taken := b.conflict(n, addr, claim); taken {
				return fmt.Errorf("port %q: %s port %d is already published by allocation %s (port %q): stop it or choose another port",
					p.Label, proto, p.Host, holder.allocID, holder.label)
			}
			if b.claims[n] == nil {
				b.claims[n] = map[netip.Addr]portClaim{}
			}
			b.claims[n][addr] = claim
		}
	}
	return nil
}

// conflict finds a claim that cannot stand beside the new one.
func (b *portBook) conflict(n portNumber, addr netip.Addr, claim portClaim) (portClaim, bool) {
	for heldAddr, held := range b.claims[n] {
		if heldAddr == addr && held.allocID == claim.allocID && held.to == claim.to {
			continue
		}
		if heldAddr == addr || (held.allocID != claim.allocID && (!heldAddr.IsValid() || !addr.IsValid())) {
			return held, true
		}
	}
	return portClaim{}, false
}
