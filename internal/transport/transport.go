package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/pki"
	"berth/structs"
)

// Transport is one machine's end of the cluster port.
type Transport struct {
	cfg  Config
	log  hclog.Logger
	http *http.Server    // answers the streams of all sessions
	out  *http.Transport // sends requests through sessions
	raft *raftLayer
	gate *gate // of connections that have not said yet who they are
	join *gate // of machines that want to join

	accepted, handed atomic.Uint64 // see Connections

	running sync.WaitGroup // connections and sessions
	dials   sync.Map       // address -> *dialing

	mu      sync.Mutex // guards what follows
	handler http.Handler
	closed  bool
	conns   map[net.Conn]struct{}     // those that are not sessions
	rafts   map[net.Conn]Peer         // those of Raft, and who is on the other end
	byID    map[structs.ID][]*session // newest last
	byAddr  map[string]*session       // newest that was dialled there
	perPeer map[structs.ID]int        // connections by machine
}

// New makes a transport; nothing runs and nothing is accepted before Run.
func New(cfg Config) (*Transport, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	t := &Transport{cfg: cfg, log: cfg.Logger.Named("transport"), handler: cfg.Handler, gate: newGate(cfg.Limits.HalfOpen, cfg.Limits.HalfOpenPerAddr), join: newGate(cfg.Limits.Joining, cfg.Limits.JoiningPerAddr),
		conns: map[net.Conn]struct{}{}, rafts: map[net.Conn]Peer{}, byID: map[structs.ID][]*session{}, byAddr: map[string]*session{},
		perPeer: map[structs.ID]int{}}
	t.raft = newRaftLayer(t)
	t.http = t.newServer()
	t.out = t.newRoundTripper()
	return t, nil
}

// Serve sets what answers the requests of peers. Requests before that are answered 503.
func (t *Transport) Serve(h http.Handler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.handler = h
}

// Run accepts connections and answers requests until ctx is done; then it ends everything and waits for it. It is called once,
// also without a listener: a client's sessions live as long.
func (t *Transport) Run(ctx context.Context) error {
	accepted := make(chan error, 1)
	if t.cfg.Listener != nil {
		go func() { accepted <- t.accept() }()
	}
	var err error
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-accepted:
		accepted <- err
	}
	t.close()
	if t.cfg.Listener != nil {
		<-accepted
	}
	t.running.Wait()
	return err
}

// accept takes connections until the listener is closed.
func (t *Transport) accept() error {
	for wait := time.Duration(0); ; {
		conn, err := t.cfg.Listener.Accept()
		switch {
		case err == nil:
			wait = 0
			t.accepted.Add(1)
			t.inbound(conn)
		case t.isClosed() || errors.Is(err, net.ErrClosed):
			return fmt.Errorf("cluster port: %w", err)
		default: // out of descriptors, or a connection that broke while it waited: the next one may do
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			t.log.Warn("connection not accepted", "error", err, "retry_in", wait)
			time.Sleep(wait)
		}
	}
}

// Connections are how many the cluster port took since the start, and how many of them were given to Raft.
func (t *Transport) Connections() (accepted, raft uint64) { return t.accepted.Load(), t.handed.Load() }

func (t *Transport) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// close ends everything that is open; what begins later is refused.
func (t *Transport) close() {
	t.mu.Lock()
	t.closed = true
	var open []func() error
	for c := range t.conns {
		open = append(open, c.Close)
	}
	for _, list := range t.byID {
		for _, s := range list {
			open = append(open, s.mux.Close)
		}
	}
	t.mu.Unlock()
	if t.cfg.Listener != nil {
		_ = t.cfg.Listener.Close() // accept tells
	}
	_ = t.raft.Close()
	_ = t.http.Close()
	t.out.CloseIdleConnections()
	for _, c := range open {
		_ = c() // the peer may have closed it already
	}
}

// hold counts a connection or session to what Run waits for; false after the end.
func (t *Transport) hold() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.running.Add(1)
	return true
}

// track remembers a raw connection so that the end closes it.
func (t *Transport) track(c net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.conns[c] = struct{}{}
	return true
}

func (t *Transport) untrack(c net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
	delete(t.rafts, c)
}

// enter counts a connection of a peer; an error when it has as many as it may have.
func (t *Transport) enter(peer pki.Identity) error {
	most := t.cfg.Limits.ConnsPerNode
	if peer.Role == pki.RoleServer {
		most = t.cfg.Limits.ConnsPerPeer
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.perPeer[peer.ID] >= most {
		return &structs.Error{Kind: structs.KindLimit, Err: fmt.Errorf("it has %d connections to this machine already", most)}
	}
	t.perPeer[peer.ID]++
	return nil
}

func (t *Transport) leave(id structs.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.perPeer[id]--; t.perPeer[id] <= 0 {
		delete(t.perPeer, id)
	}
}

// Addr is the address others know this machine by, host:port; empty on a machine that cannot be dialled.
func (t *Transport) Addr() string { return t.cfg.Addr }

// Identity is this machine's own.
func (t *Transport) Identity() pki.Identity {
	return pki.Identity{Role: t.cfg.Role, Region: t.cfg.Region, ID: t.cfg.ID}
}

// Peers are the machines a session stands with, one entry per session, in no particular order.
func (t *Transport) Peers() []Peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Peer
	for _, list := range t.byID {
		for _, s := range list {
			out = append(out, s.peer)
		}
	}
	return out
}

// Connected reports whether a session stands with a machine: whether a request to it can be sent without dialling.
func (t *Transport) Connected(id structs.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byID[id]) > 0
}

// CloseRevoked ends all that stands with machines whose certificates were revoked, and tells their ids.
func (t *Transport) CloseRevoked() []structs.ID {
	var out []structs.ID
	var open []func() error
	take := func(p Peer, end func() error) {
		if t.cfg.Credentials.CheckRevoked(p.Certificate, p.ID) != nil {
			out, open = append(out, p.ID), append(open, end)
		}
	}
	t.mu.Lock()
	for _, list := range t.byID {
		for _, s := range list {
			take(s.peer, s.mux.Close)
		}
	}
	for c, p := range t.rafts {
		take(p, c.Close)
	}
	t.mu.Unlock()
	for _, end := range open {
		_ = end() // it may be closed already
	}
	slices.SortFunc(out, structs.ID.Compare)
	return slices.Compact(out)
}

// ofRaft notes who is on the other end of a connection that is tracked.
func (t *Transport) ofRaft(c net.Conn, p Peer) error {
	t.mu.Lock()
	if _, tracked := t.conns[c]; tracked {
		t.rafts[c] = p
	}
	t.mu.Unlock()
	return t.cfg.Credentials.CheckRevoked(p.Certificate, p.ID) // since it was judged
}

// Disconnect closes all sessions with a machine.
func (t *Transport) Disconnect(id structs.ID) {
	t.mu.Lock()
	list := slices.Clone(t.byID[id])
	t.mu.Unlock()
	for _, s := range list {
		_ = s.mux.Close() // it may be closed already
	}
}
