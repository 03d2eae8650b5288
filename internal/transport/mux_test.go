package transport

import (
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/pki"
)

// People wait for what servers ask each other, so these find out sooner that one is cut off: a third of the interval, half of the patience.
func TestServersAskEachOtherMoreOften(t *testing.T) {
	for _, c := range []struct {
		own, peer       pki.Role
		every, patience time.Duration
	}{
		{pki.RoleServer, pki.RoleServer, 4 * time.Second, 6 * time.Second},
		{pki.RoleServer, pki.RoleClient, 12 * time.Second, 12 * time.Second},
		{pki.RoleClient, pki.RoleServer, 12 * time.Second, 12 * time.Second},
	} {
		tr := &Transport{cfg: Config{Role: c.own, Limits: Limits{KeepAlive: 12 * time.Second}}, log: hclog.NewNullLogger()}
		mux := tr.muxConfig(c.peer)
		if !mux.EnableKeepAlive || mux.KeepAliveInterval != c.every || mux.ConnectionWriteTimeout != c.patience || mux.StreamOpenTimeout != 0 {
			t.Errorf("%s to %s: every %s, patience %s", c.own, c.peer, mux.KeepAliveInterval, mux.ConnectionWriteTimeout)
		}
	}
}
