package transport

import (
	"net"
	"net/netip"
	"sync"
)

// gate counts connections of one kind, in all, by address, and by the network an address can be chosen from.
type gate struct {
	max, maxPerAddr, maxPerNet int

	mu   sync.Mutex // guards what follows
	all  int
	from map[netip.Prefix]int // by address and, of IPv6, by network
}

// newGate makes one. Half of the places at most are those of one network, and no fewer than one address may have.
func newGate(places, perAddr int) *gate {
	return &gate{max: places, maxPerAddr: perAddr, maxPerNet: max(places/2, perAddr), from: map[netip.Prefix]int{}}
}

// ownBits is the length of the prefix that a machine with IPv6 is given: it may have any address below it.
const ownBits = 64

// origins are the address of a connection, and the network whose addresses are its machine's to choose.
func origins(remote net.Addr) (addr, network netip.Prefix) {
	ap, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return addr, network // the zero prefix stands for what has none, in tests
	}
	ip := ap.Addr().Unmap().WithZone("")
	addr = netip.PrefixFrom(ip, ip.BitLen())
	if network = addr; ip.Is6() {
		network = netip.PrefixFrom(ip, ownBits).Masked()
	}
	return addr, network
}

// enter lets a connection in, or not. The returned function counts it out again.
func (g *gate) enter(remote net.Addr) (leave func(), ok bool) {
	addr, network := origins(remote)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= g.max || g.from[addr] >= g.maxPerAddr || addr != network && g.from[network] >= g.maxPerNet {
		return nil, false
	}
	g.count(addr, network, 1)
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.count(addr, network, -1)
	}), true
}

func (g *gate) count(addr, network netip.Prefix, by int) {
	g.all += by
	for _, p := range []netip.Prefix{addr, network} {
		if g.from[p] += by; g.from[p] == 0 {
			delete(g.from, p)
		}
		if addr == network {
			return
		}
	}
}
