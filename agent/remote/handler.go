package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/internal/pki"
	"berth/internal/transport"
	"berth/server"
	"berth/server/membership"
	"berth/structs"
)

// Prefix is where the requests of this package begin. They are answered on the cluster port only.
const Prefix = "/v1/internal/"

// Paths. Append only: machines of other versions use them.
const (
	pathRegister  = Prefix + "node/register"
	pathHeartbeat = Prefix + "node/heartbeat"
	pathAllocs    = Prefix + "node/allocations"
	pathUpdate    = Prefix + "node/update"
	pathShutdown  = Prefix + "node/shutdown"
	pathStats     = Prefix + "server/stats"
	pathToken     = Prefix + "acl/token"
	pathMembers   = Prefix + "server/members"
)

// Headers of answers.
const (
	headerLeader  = "X-Berth-Leader"  // address of the leader's cluster port
	headerServers = "X-Berth-Servers" // those of all servers, separated by commas
	headerKind    = "X-Berth-Error-Kind"
	headerHint    = "X-Berth-Error-Hint"
	headerACL     = "X-Berth-ACL" // set when access control is on
)

// Bounds of a request.
const (
	maxBody = 64 << 20
	// bodyTime is how long a body may take from its first byte to its last.
	bodyTime = 30 * time.Second
	// maxBehind is how long ago a server may have heard of the leader that still tells nodes what to run.
	maxBehind = 30 * time.Second
	// contentType of bodies.
	contentType = "application/msgpack"
)

// Core is what a server answers with; *server.Server is it.
type Core interface {
	Register(context.Context, *structs.NodeRegisterRequest) (*structs.NodeRegisterResponse, error)
	Heartbeat(context.Context, *structs.NodeHeartbeatRequest) (*structs.NodeRegisterResponse, error)
	Allocs(context.Context, *structs.NodeAllocsRequest) (*structs.NodeAllocsResponse, error)
	UpdateAllocs(context.Context, *structs.NodeUpdateAllocsRequest) error
	NodeShutdown(context.Context, *structs.NodeShutdownRequest) error
	OwnStats() server.PeerStats
	IsLeader() bool
	LastContact() time.Duration
	Leader() (structs.ID, string, bool)
	Members() []membership.Member
	Region() string
}

// Tokens is how a server answers for tokens; *access.State is it.
type Tokens interface {
	Enabled() bool
	Answer(ctx context.Context, secret string) (*structs.ACLResolveResponse, error)
}

// Handler answers the requests below Prefix.
func Handler(c Core, tokens Tokens) http.Handler {
	mux := http.NewServeMux()
	h := &handler{c: c, tokens: tokens, bodies: bodies{of: map[structs.ID]int64{}}}
	mux.HandleFunc("POST "+pathToken, answer(h, func(ctx context.Context, _ transport.Peer, r *structs.ACLResolveRequest) (msgp.Marshaler, error) {
		return tokens.Answer(ctx, r.Secret)
	}))
	mux.HandleFunc("GET "+pathMembers, func(w http.ResponseWriter, r *http.Request) {
		if p, ok := transport.PeerOf(r.Context()); !ok || p.Role != pki.RoleServer {
			h.fail(w, structs.NewError(structs.KindUnauthorised, "only servers are told where gossip is"))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(gossipOf(c)) // the caller went away: there is nobody to tell
	})
	mux.HandleFunc("POST "+pathRegister, answer(h, func(ctx context.Context, p transport.Peer, r *structs.NodeRegisterRequest) (msgp.Marshaler, error) {
		if r.Node == nil {
			return nil, structs.NewError(structs.KindInvalid, "there is no node in the request")
		}
		if err := itself(p, r.Node.ID); err != nil {
			return nil, err
		}
		return c.Register(ctx, r)
	}))
	mux.HandleFunc("POST "+pathHeartbeat, answer(h, func(ctx context.Context, p transport.Peer, r *structs.NodeHeartbeatRequest) (msgp.Marshaler, error) {
		if err := itself(p, r.NodeID); err != nil {
			return nil, err
		}
		return c.Heartbeat(ctx, r)
	}))
	mux.HandleFunc("POST "+pathAllocs, answer(h, func(ctx context.Context, p transport.Peer, r *structs.NodeAllocsRequest) (msgp.Marshaler, error) {
		if err := itself(p, r.NodeID); err != nil {
			return nil, err
		}
		if last := c.LastContact(); !c.IsLeader() && (last < 0 || last > maxBehind) {
			return nil, &structs.Error{Kind: structs.KindNoLeader, Err: errors.New("this server has not heard of a leader for too long"), Hint: "ask another server"}
		}
		return c.Allocs(ctx, r)
	}))
	mux.HandleFunc("POST "+pathUpdate, answer(h, func(ctx context.Context, p transport.Peer, r *structs.NodeUpdateAllocsRequest) (msgp.Marshaler, error) {
		if err := itself(p, r.NodeID); err != nil {
			return nil, err
		}
		return nil, c.UpdateAllocs(ctx, r)
	}))
	mux.HandleFunc("POST "+pathShutdown, answer(h, func(ctx context.Context, p transport.Peer, r *structs.NodeShutdownRequest) (msgp.Marshaler, error) {
		if err := itself(p, r.NodeID); err != nil {
			return nil, err
		}
		return nil, c.NodeShutdown(ctx, r)
	}))
	mux.HandleFunc("GET "+pathStats, func(w http.ResponseWriter, r *http.Request) {
		if p, ok := transport.PeerOf(r.Context()); !ok || p.Role != pki.RoleServer {
			h.fail(w, structs.NewError(structs.KindUnauthorised, "only servers are told how far a server is"))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(c.OwnStats()) // the caller went away: there is nobody to tell
	})
	return mux
}

// itself sees that a node speaks for itself. A certificate that names no machine leaves that to the node's secret, as does a
// server, which passes on what its own node says.
func itself(p transport.Peer, node structs.ID) error {
	if p.Role == pki.RoleServer || p.ID.IsZero() || p.ID == node {
		return nil
	}
	return &structs.Error{Kind: structs.KindUnauthorised, Subject: fmt.Sprintf("node %s", node), Err: fmt.Errorf("the certificate is that of %s", p.ID)}
}

// gossipOf are the addresses of the gossip of the region's servers that are alive.
func gossipOf(c Core) []string {
	out := []string{}
	for _, m := range c.Members() {
		if m.Status == membership.StatusAlive && m.Region == c.Region() {
			out = append(out, net.JoinHostPort(m.Addr, strconv.Itoa(int(m.Port))))
		}
	}
	return out
}

type handler struct {
	c      Core
	tokens Tokens
	bodies bodies
}

// read gives the body of a peer's request, within the bounds of size, time and memory; done gives the memory back.
func (h *handler) read(w http.ResponseWriter, r *http.Request, peer structs.ID) (body []byte, done func(), err error) {
	if r.ContentLength > maxBody {
		return nil, nil, &structs.Error{Kind: structs.KindInvalid, Op: "read the request", Err: fmt.Errorf("it has %d bytes; at most %d are taken", r.ContentLength, maxBody)}
	}
	ctl := http.NewResponseController(w)
	done, ok := h.bodies.take(peer, r.ContentLength)
	if !ok {
		_ = ctl.SetReadDeadline(time.Unix(1, 0)) // Why: net/http reads what is left of the body before it answers, however long that takes
		return nil, nil, &structs.Error{Kind: structs.KindUnavailable, Op: "read the request", Err: errors.New("too much is being read at this moment"), Hint: "try again"}
	}
	_ = ctl.SetReadDeadline(time.Now().Add(bodyTime)) // of what has none: the sender's own ends it
	if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		done()
		return nil, nil, &structs.Error{Kind: structs.KindInvalid, Op: "read the request", Err: err}
	}
	_ = ctl.SetReadDeadline(time.Time{}) // the same
	return body, done, nil
}

// answer makes a handler of one path.
func answer[T any, P interface {
	*T
	msgp.Unmarshaler
}](h *handler, f func(context.Context, transport.Peer, P) (msgp.Marshaler, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		peer, ok := transport.PeerOf(r.Context())
		if !ok {
			h.fail(w, structs.NewError(structs.KindUnauthorised, "calls of nodes are answered on the cluster port only"))
			return
		}
		body, done, err := h.read(w, r, peer.ID)
		if err != nil {
			h.fail(w, err)
			return
		}
		defer done()
		req := P(new(T))
		if err := decode(body, req); err != nil {
			h.fail(w, &structs.Error{Kind: structs.KindInvalid, Op: "read the request", Err: err})
			return
		}
		resp, err := f(r.Context(), peer, req)
		if err != nil {
			h.fail(w, err)
			return
		}
		h.where(w)
		if resp == nil {
			return
		}
		out, err := resp.MarshalMsg(nil)
		if err != nil {
			h.fail(w, err)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(out) // the caller went away: there is nobody to tell
	}
}

// decode reads a whole value; lengths are checked against what is there before anything is made for them.
func decode(b []byte, into msgp.Unmarshaler) error {
	rest, err := msgp.Skip(b)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes too many", len(rest))
	}
	_, err = into.UnmarshalMsg(b)
	return err
}

// where tells a caller who leads and which servers there are.
func (h *handler) where(w http.ResponseWriter) {
	if _, addr, ok := h.c.Leader(); ok {
		w.Header().Set(headerLeader, addr)
	}
	var all []string
	for _, m := range h.c.Members() {
		if m.Status == membership.StatusAlive && m.Region == h.c.Region() && m.RPCAddr != "" {
			all = append(all, m.RPCAddr)
		}
	}
	w.Header().Set(headerServers, strings.Join(all, ","))
	if h.tokens.Enabled() {
		w.Header().Set(headerACL, "1")
	}
}

func (h *handler) fail(w http.ResponseWriter, err error) {
	h.where(w)
	kind := structs.KindOf(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		kind = structs.KindUnavailable
	}
	w.Header().Set(headerKind, strconv.Itoa(int(kind)))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text := err.Error()
	var e *structs.Error
	if errors.As(err, &e) && e == err && e.Hint != "" {
		w.Header().Set(headerHint, e.Hint)
		own := *e
		own.Hint = ""
		text = own.Error()
	}
	w.WriteHeader(kind.HTTPStatus())
	_, _ = io.WriteString(w, text)
}
