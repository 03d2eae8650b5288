package transport

import (
	"testing"
	"testing/synctest"
	"time"
)

// How long a handshake may take: that of another may have no limit, one this machine begins always has one.
func TestTimesOfHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for set, c := range map[time.Duration]struct{ in, out time.Duration }{
			0:               {5 * time.Second, 5 * time.Second},
			7 * time.Second: {7 * time.Second, 7 * time.Second},
			-1:              {0, 5 * time.Second},
		} {
			l := Limits{HandshakeTimeout: set}.withDefaults()
			var until time.Time
			if c.in > 0 {
				until = time.Now().Add(c.in)
			}
			if in, out := l.inbound(), l.outbound(); !in.Equal(until) || out != c.out {
				t.Errorf("%s: of another until %s, want %s; of this machine %s, want %s", set, in, until, out, c.out)
			}
		}
	})
}
