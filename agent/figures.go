package agent

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"berth/agent/guard"
)

// figures is what the agent counts of itself.
type figures struct {
	conns          net.Listener // of the API, with its limit
	cluster        *cluster     // nil in -dev
	requests, read atomic.Uint64
}

// counted counts the requests of a handler.
func (f *figures) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			f.read.Add(1)
		}
		next.ServeHTTP(w, r)
	})
}

// Connections implements telemetry.Agent.
func (f *figures) Connections() (open int, refused uint64) { return guard.Connections(f.conns) }

// Requests implements telemetry.Agent.
func (f *figures) Requests() (all, reads uint64) { return f.requests.Load(), f.read.Load() }

// Certificates implements telemetry.Agent.
func (f *figures) Certificates() (own, root time.Time, ok bool) {
	if f.cluster == nil {
		return own, root, false
	}
	creds, err := f.cluster.sec.Source().Current()
	if err != nil {
		return own, root, false
	}
	for i, r := range creds.Trusted.Roots() {
		if i == 0 || r.NotAfter.Before(root) {
			root = r.NotAfter
		}
	}
	return creds.Leaf().NotAfter, root, true
}
