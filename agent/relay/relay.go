package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/pki"
	"berth/internal/tracing"
	"berth/internal/transport"
	"berth/state"
	"berth/structs"
)

// Headers between agents.
const (
	// headerHops counts how often a request was sent on.
	headerHops = "X-Berth-Hops"
	// headerNotLeader marks a refusal of a server that was taken for the leader: nothing was done.
	headerNotLeader = "X-Berth-Not-Leader"
	// headerFrom names the region that sent a request here: it goes no further than the region it was sent to.
	headerFrom = "X-Berth-From-Region"
)

// Bounds.
const (
	// maxHops: from an agent without a server to a server, to the leader or a node.
	maxHops = 2
	// hold is how long a request waits for a leader.
	hold = 5 * time.Second
	// again is the pause before a leader is looked for once more.
	again = 20 * time.Millisecond
)

// Server is what the relay asks of this agent's server; *server.Server is it.
type Server interface {
	ID() structs.ID
	IsLeader() bool
	Leader() (structs.ID, string, bool)
	VerifyLeader() error
	// Fault is why this server itself cannot lead, such as a full disk; nil when it can.
	Fault() error
	State() *state.Store
}

// Config is what a relay is made of.
type Config struct {
	// Local answers what is answered here.
	Local http.Handler
	// Trip reaches other machines: the host of a URL is a machine's id or the address of its cluster port.
	Trip http.RoundTripper
	// Server is this agent's, nil without one; then Servers are the addresses of some.
	Server  Server
	Servers func() []string
	// Region is this agent's. RegionServers gives the servers of another that are alive, as hosts; it is asked on a server only.
	Region        string
	RegionServers func(region string) []string
	// Authority is the region that decides over policies, roles, global tokens, namespaces and node pools; "" or Region is this one.
	Authority string
	// ServerID finds a server of this region by its id or name; it is asked on a server only.
	ServerID func(name string) (structs.ID, bool)
	// Node is this agent's node, zero without one.
	Node structs.ID
	// Tracer makes spans of requests; nil makes none.
	Tracer *tracing.Tracer
	Logger hclog.Logger
}

// Relay is the handler.
type Relay struct {
	cfg    Config
	abroad atomic.Uint64 // requests sent to other regions
}

// New makes a relay.
func New(cfg Config) *Relay { return &Relay{cfg: cfg} }

// Abroad is how many requests were sent to other regions since the start.
func (y *Relay) Abroad() uint64 { return y.abroad.Load() }

// Public answers people and tools: nothing they say about having been sent on counts.
func (y *Relay) Public() http.Handler {
	return y.cfg.Tracer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del(headerHops)
		r.Header.Del(headerFrom)
		y.ServeHTTP(w, r)
	}), true)
}

// ServeHTTP implements http.Handler.
func (y *Relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ofMachines(r.URL.Path) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	hops, _ := strconv.Atoi(r.Header.Get(headerHops))
	if region := r.URL.Query().Get("region"); region != "" && region != y.cfg.Region && y.cfg.Region != "" && regional(r.URL.Path) {
		if y.cfg.Server == nil {
			y.toServer(w, r, hops)
			return
		}
		y.toRegion(w, r, region)
		return
	}
	if y.follows() && governed(r) {
		y.toAuthority(w, r)
		return
	}
	switch node, server := namesAgent(r); {
	case node != "" && server != "":
		http.Error(w, "name a node or a server, not both", http.StatusBadRequest)
		return
	case node != "":
		y.toNode(w, r, hops)
		return
	case server != "":
		y.toNamedServer(w, r, server, hops)
		return
	}
	switch where(r, y.cfg.Server != nil) {
	case here:
		y.cfg.Local.ServeHTTP(w, r)
	case atNode:
		y.toNode(w, r, hops)
	default:
		if y.cfg.Server == nil {
			y.toServer(w, r, hops)
			return
		}
		y.toLeader(w, r, hops)
	}
}

// follows reports whether another region decides over what all share; an agent without a server leaves that to one.
func (y *Relay) follows() bool {
	return y.cfg.Server != nil && y.cfg.Authority != "" && y.cfg.Authority != y.cfg.Region
}

// place is where a request is answered.
type place int

const (
	here place = iota
	atNode
	atLeader
)

// where chooses by path, and by what a read asks for.
func where(r *http.Request, server bool) place {
	p := r.URL.Path
	switch {
	case strings.HasPrefix(p, "/v1/client/"):
		return atNode
	case !server && (p == "/v1/agent/members" || p == "/v1/agent/servers" || strings.HasPrefix(p, "/v1/agent/keyring/")):
		return atLeader
	case strings.HasPrefix(p, "/v1/agent/"), p == "/v1/metrics", !strings.HasPrefix(p, "/v1/"):
		return here
	case server && (strings.HasPrefix(p, "/v1/status/") || p == "/v1/event/stream"): // every server has them
		return here
	}
	if server && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		q := r.URL.Query()
		if stale, ok := q["stale"]; ok && (stale[0] == "" || stale[0] == "true" || stale[0] == "1") {
			return here
		}
	}
	return atLeader
}

// toLeader answers here when this server leads, and sends the request on when another does. Without a leader it waits for one.
func (y *Relay) toLeader(w http.ResponseWriter, r *http.Request, hops int) {
	s := y.cfg.Server
	if s.IsLeader() { // most of all requests
		y.lead(w, r)
		return
	}
	sendAgain, err := keepBody(w, r)
	if err != nil {
		return // it was told
	}
	deadline := time.NewTimer(hold)
	defer deadline.Stop()
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		id, _, known := s.Leader()
		switch {
		case s.IsLeader():
			y.lead(w, r)
			return
		case !known || id == s.ID(): // there will be one, or this one is about to lead
			if err := s.Fault(); err != nil {
				w.Header().Set(headerNotLeader, "1")
				refuse(w, err.Error())
				return
			}
		case hops >= maxHops || hops > 0 && !fromNode(r):
			w.Header().Set(headerNotLeader, "1")
			refuse(w, "this server is not the leader")
			return
		default:
			err := y.send(w, r, id.String(), hops)
			if err == nil {
				return
			}
			if !y.mayRepeat(r, err, sendAgain) {
				y.cfg.Logger.Debug("a request could not be sent to the leader", "path", r.URL.Path, "leader", id, "error", err)
				if nothingDone(err) {
					refuse(w, "No cluster leader")
				} else {
					refuse(w, "the leader was lost while it answered; whether the change took is not known: look at the state, then try again")
				}
				return
			}
		}
		select {
		case <-deadline.C:
			w.Header().Set(headerNotLeader, "1")
			refuse(w, "No cluster leader")
			return
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// fromNode reports whether a request was sent on by an agent without a server: the leader is one hop further.
func fromNode(r *http.Request) bool {
	p, ok := transport.PeerOf(r.Context())
	return ok && p.Role != pki.RoleServer
}

// lead answers as the leader; ?consistent asks the other servers first whether it still is.
func (y *Relay) lead(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Query().Has("consistent") {
		if err := y.cfg.Server.VerifyLeader(); err != nil {
			refuse(w, err.Error())
			return
		}
	}
	if y.follows() {
		global, err := y.changesGlobal(w, r)
		if err != nil {
			return // it was told
		}
		if global {
			y.toAuthority(w, r)
			return
		}
	}
	y.cfg.Local.ServeHTTP(w, r)
}

// errNotLeader is the answer of a server that does not lead.
var errNotLeader = errors.New("it does not lead")

// mayRepeat reports whether a request that failed may be made once more: nothing of it was done, or it changes nothing.
func (y *Relay) mayRepeat(r *http.Request, err error, kept bool) bool {
	if r.Context().Err() != nil || !kept {
		return false
	}
	return nothingDone(err) || r.Method == http.MethodGet || r.Method == http.MethodHead
}

func nothingDone(err error) bool { return transport.Unsent(err) || errors.Is(err, errNotLeader) }

// toServer sends a request from an agent without a server to one of those it knows.
func (y *Relay) toServer(w http.ResponseWriter, r *http.Request, hops int) {
	if hops > 0 {
		refuse(w, "this agent runs no server")
		return
	}
	sendAgain, err := keepBody(w, r)
	if err != nil {
		return // it was told
	}
	err = errors.New("this agent knows no server")
	for _, addr := range y.cfg.Servers() {
		if err = y.send(w, r, addr, hops); err == nil {
			return
		}
		if !y.mayRepeat(r, err, sendAgain) {
			break
		}
	}
	y.cfg.Logger.Debug("a request reached no server", "path", r.URL.Path, "error", err)
	refuse(w, "no server answers this agent")
}

// toNode sends a request to the node that holds what it is about.
func (y *Relay) toNode(w http.ResponseWriter, r *http.Request, hops int) {
	id, ok := y.nodeOf(r)
	switch {
	case ok && id == y.cfg.Node, !ok && !y.cfg.Node.IsZero(), hops >= maxHops:
		y.cfg.Local.ServeHTTP(w, r)
	case y.cfg.Server == nil:
		if hops > 0 {
			y.cfg.Local.ServeHTTP(w, r)
			return
		}
		y.toServer(w, r, hops)
	case !ok:
		y.cfg.Local.ServeHTTP(w, r) // it says what is missing
	default:
		if err := y.send(w, r, id.String(), max(hops, maxHops-1)); err != nil {
			y.cfg.Logger.Debug("a request could not be sent to its node", "path", r.URL.Path, "node_id", id, "error", err)
			refuse(w, fmt.Sprintf("node %s cannot be reached now", id))
		}
	}
}

// nodeOf is the node a request below /v1/client/ is about: that of the allocation in its path, or the one it names.
func (y *Relay) nodeOf(r *http.Request) (structs.ID, bool) {
	if text := r.URL.Query().Get("node_id"); text != "" {
		id, err := structs.ParseID(text)
		return id, err == nil
	}
	if y.cfg.Server == nil {
		return structs.ID{}, false
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(r.URL.Path, "/v1/client/"), "/") {
		if id, err := structs.ParseID(part); err == nil {
			if a := y.cfg.Server.State().Snapshot().Alloc(id); a != nil {
				return a.NodeID, true
			}
		}
	}
	return structs.ID{}, false
}

// send makes a request at another machine and passes on its answer; hops below 0 are a machine of another region. An error means that nothing was answered.
func (y *Relay) send(w http.ResponseWriter, r *http.Request, host string, hops int) error {
	if k, ok := r.Body.(*kept); ok { // each attempt has a reader of its own: that of the last one may still be read
		r.Body = &kept{bytes.NewReader(k.all), k.all}
	}
	var failed error
	ctx, span := y.cfg.Tracer.Child(r.Context(), "forward")
	if span.Traced() {
		span.Set("server.address", host)
		r = r.WithContext(ctx)
		defer func() { span.End(failed) }()
	}
	p := &httputil.ReverseProxy{
		Transport: y.cfg.Trip, FlushInterval: -1, ErrorLog: y.cfg.Logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL.Scheme, pr.Out.URL.Host, pr.Out.Host = "http", host, pr.In.Host
			pr.Out.Header.Set(headerHops, strconv.Itoa(hops+1))
			y.cfg.Tracer.Inject(pr.Out.Context(), pr.Out.Header)
		},
		ModifyResponse: func(resp *http.Response) error {
			if hops < 0 { // another region's lack of a leader is its answer
				resp.Header.Del(headerNotLeader)
			}
			if resp.Header.Get(headerNotLeader) != "" {
				return errNotLeader
			}
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
	}
	p.ServeHTTP(w, r)
	if failed != nil && errors.Is(failed, context.Canceled) && r.Context().Err() != nil {
		return nil // the caller went away
	}
	return failed
}

// refuse says that a request cannot be answered now.
func refuse(w http.ResponseWriter, why string) {
	h := w.Header()
	h.Set("Retry-After", "1")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Nomad-KnownLeader", "false")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, why) // the caller went away: there is nobody to tell
}
