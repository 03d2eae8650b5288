package transport

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
)

// A machine that may choose among the addresses of its network has half of the places at most, and all of them go back.
func TestThePlacesOfOneNetwork(t *testing.T) {
	for name, c := range map[string]struct {
		address func(n int) string
		want    int
	}{
		"one address":         {func(int) string { return "192.0.2.1" }, 4},
		"one of IPv4 in IPv6": {func(int) string { return "::ffff:192.0.2.1" }, 4},
		"many of IPv4":        {func(n int) string { return fmt.Sprintf("192.0.2.%d", n) }, 32},
		"one of IPv6":         {func(int) string { return "2001:db8::1" }, 4},
		"a /64":               {func(n int) string { return fmt.Sprintf("2001:db8::%x:1", n) }, 16},
		"many /64":            {func(n int) string { return fmt.Sprintf("2001:db8:0:%x::1", n) }, 32},
		"a link, by its zone": {func(n int) string { return fmt.Sprintf("fe80::%x%%eth%d", n, n) }, 16},
	} {
		g := newGate(32, 4)
		var leave []func()
		for n := range 100 {
			if out, ok := g.enter(net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.address(n)), 4647))); ok {
				leave = append(leave, out)
			}
		}
		if len(leave) != c.want {
			t.Errorf("%s: %d places, want %d", name, len(leave), c.want)
		}
		for _, out := range leave {
			out()
			out()
		}
		if g.all != 0 || len(g.from) != 0 {
			t.Errorf("%s: %d places are not given back: %v", name, g.all, g.from)
		}
	}
	if g := newGate(8, 6); g.maxPerNet != 6 {
		t.Errorf("a network may have %d, an address 6", g.maxPerNet)
	}
}
