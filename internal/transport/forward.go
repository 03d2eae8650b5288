package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/pki"
	"berth/structs"
)

// Headers of forwarded requests.
const (
	// HopHeader lists who passed a request on, and why: "leader:<id>", "region:<id>", "node:<id>". It is believed from servers alone.
	HopHeader = "Berth-Hop"
	// MovedHeader marks an answer of a server that got a request for the leader and is not it: the request was not looked at.
	MovedHeader = "Berth-Leader-Moved"
)

// Why a request is passed on.
const (
	hopLeader = "leader"
	hopRegion = "region"
	hopNode   = "node"
)

// Bounds of forwarding.
const (
	// replayBytes is the longest body that is kept so that a request which was not looked at can be sent again.
	replayBytes = 1 << 20
	// defaultHold is how long a request waits for a leader.
	defaultHold = 5 * time.Second
	pollMin     = 10 * time.Millisecond
	pollMax     = 100 * time.Millisecond
)

// ForwardConfig is what a forwarder needs. Peers, Self and Leader must be set.
type ForwardConfig struct {
	Peers http.RoundTripper
	Self  structs.ID
	// Leader tells who leads: this server, or the one of the id when it is known.
	Leader func() (id structs.ID, self, known bool)
	// Hold is how long a request waits while nobody leads; default 5 s.
	Hold   time.Duration
	Logger hclog.Logger
}

// Forwarder passes requests on to the server that can answer them: once, marked, and a second time only when the first was
// not looked at.
type Forwarder struct {
	cfg ForwardConfig
}

// NewForwarder makes a forwarder.
func NewForwarder(cfg ForwardConfig) *Forwarder {
	if cfg.Hold <= 0 {
		cfg.Hold = defaultHold
	}
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	return &Forwarder{cfg: cfg}
}

// hopsOf are the marks of a request: only those servers made.
func hopsOf(r *http.Request) []string {
	if p, ok := PeerOf(r.Context()); !ok || p.Role != pki.RoleServer {
		return nil
	}
	return r.Header.Values(HopHeader)
}

// check tells why a request may not be passed on for a reason: it was already.
func (f *Forwarder) check(hops []string, why string) *structs.Error {
	for _, h := range hops {
		kind, id, _ := strings.Cut(h, ":")
		switch {
		case kind != why:
		case id == f.cfg.Self.String():
			return &structs.Error{Kind: structs.KindConflict, Err: fmt.Errorf("the request came back to server %s: the servers disagree about the %s", f.cfg.Self.Short(), why)}
		default:
			return &structs.Error{Kind: structs.KindNoLeader, Err: fmt.Errorf("the %s moved while the request was on its way", why)}
		}
	}
	return nil
}

// refuse answers a request that cannot be passed on. Nothing was done.
func (f *Forwarder) refuse(w http.ResponseWriter, err error) {
	status := http.StatusServiceUnavailable
	if structs.KindOf(err) == structs.KindConflict {
		status = http.StatusLoopDetected
	} else {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, err.Error(), status)
}

// Leader answers with local on the leader, and passes requests on to it elsewhere. While nobody leads a request waits; then it is
// answered 503 with Retry-After. A request that is not GET or HEAD is sent again only when nothing of it was sent, or when the server
// that got it says that it did not look at it.
func (f *Forwarder) Leader(local http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hops := hopsOf(r)
		if _, self, _ := f.cfg.Leader(); self {
			local.ServeHTTP(w, r)
			return
		}
		if err := f.check(hops, hopLeader); err != nil {
			w.Header().Set(MovedHeader, "1")
			f.refuse(w, err)
			return
		}
		body, err := keepBody(r)
		if err != nil {
			http.Error(w, "the request's body cannot be read", http.StatusBadRequest)
			return
		}
		t := &toLeader{f: f, body: body}
		f.proxy(t, hops, hopLeader, func(w http.ResponseWriter, out *http.Request, err error) {
			if errors.Is(err, errSelf) { // Why: the request as it came, not as it was to be sent
				r.Body = body.again()
				local.ServeHTTP(w, r)
				return
			}
			f.failed(w, out, err)
		}).ServeHTTP(w, r)
	})
}

// To passes a request on to a server by id or address: one of another region.
func (f *Forwarder) To(w http.ResponseWriter, r *http.Request, host string) {
	hops := hopsOf(r)
	if err := f.check(hops, hopRegion); err != nil {
		f.refuse(w, err)
		return
	}
	f.proxy(toHost{f.cfg.Peers, host}, hops, hopRegion, f.failed).ServeHTTP(w, r)
}

// Node passes a request on to a node: down its session when this server has it, else to the server that has, which via tells (nil: none
// is known). A node without a session anywhere is answered 503.
func (f *Forwarder) Node(w http.ResponseWriter, r *http.Request, node structs.ID, connected func(structs.ID) bool, via func(ctx context.Context) (structs.ID, bool)) {
	hops := hopsOf(r)
	if connected(node) {
		f.proxy(toHost{f.cfg.Peers, node.String()}, hops, hopNode, f.failed).ServeHTTP(w, r)
		return
	}
	if err := f.check(hops, hopNode); err != nil {
		f.refuse(w, err)
		return
	}
	if via != nil {
		if server, ok := via(r.Context()); ok {
			f.proxy(toHost{f.cfg.Peers, server.String()}, hops, hopNode, f.failed).ServeHTTP(w, r)
			return
		}
	}
	f.refuse(w, &structs.Error{Kind: structs.KindUnavailable, Err: fmt.Errorf("node %s has no connection to the servers at present", node.Short())})
}

// proxy copies request and answer, with upgrades and as they come.
func (f *Forwarder) proxy(t http.RoundTripper, hops []string, why string, failed func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return &httputil.ReverseProxy{
		Transport: t, FlushInterval: -1, ErrorHandler: failed,
		ErrorLog: f.cfg.Logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", "peer", p.In.Host
			p.Out.Header.Del(HopHeader)
			for _, h := range hops {
				p.Out.Header.Add(HopHeader, h)
			}
			p.Out.Header.Add(HopHeader, why+":"+f.cfg.Self.String())
		},
		ModifyResponse: func(res *http.Response) error {
			res.Header.Del(MovedHeader)
			return nil
		},
	}
}

// failed answers a request whose forwarding failed.
func (f *Forwarder) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for an answer
	}
	w.Header().Set("Retry-After", "1")
	text := "the cluster has no leader at present; nothing was done: try again in a moment"
	var u *UnsentError
	switch {
	case errors.Is(err, errNoLeader):
	case errors.As(err, &u):
		text = "the server that must answer cannot be reached; nothing was done: try again in a moment"
	case safe(r.Method):
		text = "the server that answers went away: try again in a moment"
	default:
		text = "the server went away while it worked on the request; it may have been done: look before you try again"
	}
	f.cfg.Logger.Debug("request not passed on", "method", r.Method, "path", r.URL.Path, "error", err)
	http.Error(w, text, http.StatusServiceUnavailable)
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

var (
	errSelf     = errors.New("this server leads now")
	errNoLeader = errors.New("no leader")
)

// toHost sends a request to one peer.
type toHost struct {
	peers http.RoundTripper
	host  string
}

// RoundTrip implements http.RoundTripper.
func (t toHost) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = t.host
	return t.peers.RoundTrip(r)
}

// toLeader sends a request to the leader, whoever that is by then.
type toLeader struct {
	f    *Forwarder
	body *kept
}

// RoundTrip implements http.RoundTripper.
func (t *toLeader) RoundTrip(r *http.Request) (*http.Response, error) {
	deadline := time.Now().Add(t.f.cfg.Hold)
	err := errNoLeader
	for wait := pollMin; ; wait = min(2*wait, pollMax) {
		id, self, known := t.f.cfg.Leader()
		if self {
			return nil, errSelf
		}
		if known {
			var res *http.Response
			var again bool
			if res, again, err = t.once(r, id); !again {
				return res, err
			}
		}
		if !time.Now().Before(deadline) {
			return nil, err
		}
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(wait):
		}
	}
}

// once sends the request to one server; again tells that it may be sent to another.
func (t *toLeader) once(r *http.Request, id structs.ID) (res *http.Response, again bool, err error) {
	out := r.Clone(r.Context())
	out.URL.Host = id.String()
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = t.body.again()
	}
	res, err = t.f.cfg.Peers.RoundTrip(out)
	if err != nil {
		return nil, t.body.untouched() && (Unsent(err) || safe(r.Method)), err
	}
	if res.StatusCode == http.StatusServiceUnavailable && res.Header.Get(MovedHeader) != "" && t.body.untouched() {
		_ = res.Body.Close() // it says nothing more
		return nil, true, errNoLeader
	}
	return res, false, nil
}

// kept is a request's body that can be sent more than once: all of it when it is short, as long as nothing of it was read when it is long.
type kept struct {
	all   []byte
	whole bool
	rest  io.Reader
	read  atomic.Bool
}

// keepBody reads a short body into memory.
func keepBody(r *http.Request) (*kept, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return &kept{whole: true}, nil
	}
	if r.ContentLength > replayBytes {
		return &kept{rest: r.Body}, nil
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, replayBytes))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) < replayBytes {
		return &kept{all: b, whole: true}, nil
	}
	return &kept{rest: io.MultiReader(bytes.NewReader(b), r.Body)}, nil
}

// again gives the body from its beginning; a long one only once.
func (k *kept) again() io.ReadCloser {
	if k.whole {
		return io.NopCloser(bytes.NewReader(k.all))
	}
	return io.NopCloser(readerFunc(func(p []byte) (int, error) {
		k.read.Store(true)
		return k.rest.Read(p)
	}))
}

// untouched tells that again gives the whole body.
func (k *kept) untouched() bool { return k.whole || !k.read.Load() }

type readerFunc func([]byte) (int, error)

// Read calls the function.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
