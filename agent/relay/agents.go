package relay

import (
	"fmt"
	"net/http"
	"strings"
)

// namesAgent reports whether a request is about one agent and names another than the one it was sent to: the routes an operator looks
// into an agent with.
func namesAgent(r *http.Request) (node, server string) {
	p := r.URL.Path
	switch {
	case p == "/v1/metrics", p == "/v1/agent/self", p == "/v1/agent/health", p == "/v1/agent/host", p == "/v1/agent/monitor", p == "/v1/agent/monitor/export",
		strings.HasPrefix(p, "/v1/agent/pprof/"), p == "/v1/agent/schedulers", p == "/v1/agent/schedulers/config":
		q := r.URL.Query()
		return q.Get("node_id"), q.Get("server_id")
	}
	return "", ""
}

// anyLeader stands for the server that leads, whichever it is.
const anyLeader = "leader"

// toNamedServer sends a request to the server it names by id, by name or as the leader.
func (y *Relay) toNamedServer(w http.ResponseWriter, r *http.Request, name string, hops int) {
	if y.cfg.Server == nil {
		y.toServer(w, r, hops)
		return
	}
	s := y.cfg.Server
	id, known := s.ID(), false
	if name == anyLeader {
		if id, _, known = s.Leader(); !known {
			refuse(w, "No cluster leader")
			return
		}
	} else if id, known = y.cfg.ServerID(name); !known {
		http.Error(w, fmt.Sprintf("no server %q: `berth server members` lists them", name), http.StatusNotFound)
		return
	}
	if id == s.ID() {
		y.cfg.Local.ServeHTTP(w, r)
		return
	}
	if hops >= maxHops {
		refuse(w, fmt.Sprintf("server %s is not here", name))
		return
	}
	if err := y.send(w, r, id.String(), max(hops, maxHops-1)); err != nil {
		y.cfg.Logger.Debug("a request could not be sent to a server", "path", r.URL.Path, "server_id", id, "error", err)
		refuse(w, fmt.Sprintf("server %s cannot be reached now", name))
	}
}
