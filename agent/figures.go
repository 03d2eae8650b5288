package agent

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"berth/agent/guard"
	"berth/agent/relay"
	"berth/agent/telemetry"
)

// figures is what the agent counts of itself.
type figures struct {
	conns   net.Listener // of the API, with its limit
	cluster *cluster     // nil in -dev
	relay   *relay.Relay // nil in -dev

	requests, read, failed atomic.Uint64
}

// counted counts the requests of a handler.
func (f *figures) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			f.read.Add(1)
		}
		next.ServeHTTP(&answer{ResponseWriter: w, failed: &f.failed}, r)
	})
}

// answer counts an answer that is an error.
type answer struct {
	http.ResponseWriter
	failed *atomic.Uint64
	begun  bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(code int) {
	if !a.begun && code >= http.StatusBadRequest {
		a.failed.Add(1)
	}
	a.begun = a.begun || code >= http.StatusOK || code == http.StatusSwitchingProtocols
	a.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Connections implements telemetry.Agent.
func (f *figures) Connections() (open int, refused uint64) { return guard.Connections(f.conns) }

// Requests implements telemetry.Agent.
func (f *figures) Requests() telemetry.Requests {
	out := telemetry.Requests{All: f.requests.Load(), Reads: f.read.Load(), Failed: f.failed.Load()}
	if f.cluster != nil {
		out.Accepted, out.Raft = f.cluster.wire.Connections()
	}
	if f.relay != nil {
		out.Abroad = f.relay.Abroad()
	}
	return out
}

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
