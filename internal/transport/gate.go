package transport

import (
	"net"
	"net/netip"
	"sync"
)

// gate counts the connections that have not said yet who they are, in all and by address.
type gate struct {
	max, maxPerAddr int

	mu   sync.Mutex // guards what follows
	all  int
	from map[netip.Addr]int
}

func newGate(l Limits) *gate {
	return &gate{max: l.HalfOpen, maxPerAddr: l.HalfOpenPerAddr, from: map[netip.Addr]int{}}
}

// enter lets a connection in, or not. The returned function counts it out again.
func (g *gate) enter(remote net.Addr) (leave func(), ok bool) {
	var addr netip.Addr // the zero address stands for what has none, in tests
	if ap, err := netip.ParseAddrPort(remote.String()); err == nil {
		addr = ap.Addr().Unmap()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= g.max || g.from[addr] >= g.maxPerAddr {
		return nil, false
	}
	g.all++
	g.from[addr]++
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.all--
		if g.from[addr]--; g.from[addr] == 0 {
			delete(g.from, addr)
		}
	}), true
}
