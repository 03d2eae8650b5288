package guard

import (
	"fmt"
	"io"
	"net"
	"testing"
)

// Whoever may choose among the addresses of a network has ten times the places of an address, and all of them go back.
func TestConnectionsOfOneNetworkAreLimited(t *testing.T) {
	for name, c := range map[string]struct {
		address func(n int) string
		want    int
	}{
		"one of IPv4":         {func(int) string { return "192.0.2.1" }, 4}, // two wait
		"many of IPv4":        {func(n int) string { return fmt.Sprintf("192.0.2.%d", n) }, 100},
		"one of IPv6":         {func(int) string { return "2001:db8::1" }, 4},
		"one of IPv4 in IPv6": {func(int) string { return "::ffff:192.0.2.1" }, 4},
		"a /64":               {func(n int) string { return fmt.Sprintf("2001:db8::%x:1", n) }, 20},
		"a link, by its zone": {func(n int) string { return fmt.Sprintf("fe80::%x%%eth%d", n, n) }, 20},
		"many /64":            {func(n int) string { return fmt.Sprintf("2001:db8:0:%x::1", n) }, 100},
		"what has no address": {func(n int) string { return fmt.Sprintf("pipe%d", n) }, 100},
	} {
		l := Limit(nil, 2, false).(*limited)
		var in []*counted
		for n := range 100 {
			ours, theirs := net.Pipe()
			_ = ours.Close()
			if conn := l.admit(theirs, c.address(n)); conn != nil {
				in = append(in, conn)
			}
		}
		if len(in) != c.want || l.refused != uint64(100-c.want) {
			t.Errorf("%s: %d places, want %d; %d are refused", name, len(in), c.want, l.refused)
		}
		if last := in[len(in)-1]; last.turn != nil && !l.refuse(last) { // it gives up
			t.Errorf("%s: the last to wait has a turn", name)
		}
		for _, conn := range in {
			if err := conn.Close(); err != nil && err != io.ErrClosedPipe {
				t.Error(err)
			}
			_ = conn.Close()
		}
		if len(l.of) != 0 || len(l.in) != 0 {
			t.Errorf("%s: not given back: %v, %v", name, l.of, l.in)
		}
	}
}
