package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/server"
	"berth/structs"
)

// Times of a node's calls, besides the wait that is asked for.
const (
	callTimeout = 10 * time.Second
	// tokenTimeout bounds the question about a token: somebody waits for the answer.
	tokenTimeout = 3 * time.Second
)

// Servers is the servers as a node without one of its own sees them. Safe for use by many.
type Servers struct {
	rt     http.RoundTripper
	static []string // those it was told of at first

	mu     sync.Mutex // guards what follows
	leader string
	known  []string // those the last answer named
	acl    access   // whether the servers have access control on
	saved  access   // what is known to be remembered
	save   func(on bool) error

	saving sync.Mutex // held while save is under way
}

// access is whether access control is on, as far as it was ever heard.
type access uint8

const (
	accessUnknown access = iota
	accessOff
	accessOn
)

// NewServers asks through a transport. addrs are cluster ports (host:port) of some servers; the others are learned from them.
func NewServers(rt http.RoundTripper, addrs []string) *Servers {
	return &Servers{rt: rt, static: slices.Clone(addrs)}
}

// RememberACL tells what the servers last said of access control, in an earlier run: nil when it is not known. Save is called with what they
// say when that is something else; what it could not save is saved again at the next answer.
func (s *Servers) RememberACL(last *bool, save func(on bool) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acl, s.save = accessUnknown, save
	if last != nil {
		s.acl = accessOf(*last)
	}
	s.saved = s.acl
}

func accessOf(on bool) access {
	if on {
		return accessOn
	}
	return accessOff
}

// Known are the servers' addresses: the leader first, then those that were told of, then those of the configuration.
func (s *Servers) Known() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	add := func(addrs ...string) {
		for _, a := range addrs {
			if a != "" && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	add(s.leader)
	add(s.known...)
	add(s.static...)
	return out
}

// SetStatic replaces the servers it was told of at first.
func (s *Servers) SetStatic(addrs []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.static = slices.Clone(addrs)
}

// learn takes over what an answer tells of the servers. What others answered in a server's place (that it is overloaded, that there is no
// such path) tells nothing: only who says which servers there are says also whether callers need tokens.
func (s *Servers) learn(h http.Header) {
	list := h.Values(headerServers)
	if len(list) == 0 {
		return
	}
	s.mu.Lock()
	s.leader = h.Get(headerLeader)
	if list[0] != "" {
		s.known = strings.Split(list[0], ",")
	}
	s.acl = accessOf(h.Get(headerACL) != "")
	changed := s.save != nil && s.saved != s.acl
	s.mu.Unlock()
	if changed {
		s.remember()
	}
}

// remember saves what the servers say of access control. Nobody waits for the disk to ask whether callers need tokens; while one saves the
// others go on, and what changed meanwhile is saved at the next answer.
func (s *Servers) remember() {
	if !s.saving.TryLock() {
		return
	}
	defer s.saving.Unlock()
	s.mu.Lock()
	save, now := s.save, s.acl
	s.mu.Unlock()
	if save(now == accessOn) != nil {
		return
	}
	s.mu.Lock()
	s.saved = now
	s.mu.Unlock()
}

// ACL reports whether callers need tokens: the server that answered last has access control on, or none ever answered.
func (s *Servers) ACL() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acl != accessOff
}

// ResolveToken asks whose a secret is and what it may do.
func (s *Servers) ResolveToken(ctx context.Context, req *structs.ACLResolveRequest) (*structs.ACLResolveResponse, error) {
	out := &structs.ACLResolveResponse{}
	return out, s.call(ctx, pathToken, tokenTimeout, req, out)
}

// Register implements client.Servers.
func (s *Servers) Register(ctx context.Context, req *structs.NodeRegisterRequest) (*structs.NodeRegisterResponse, error) {
	out := &structs.NodeRegisterResponse{}
	return out, s.call(ctx, pathRegister, callTimeout, req, out)
}

// Heartbeat implements client.Servers.
func (s *Servers) Heartbeat(ctx context.Context, req *structs.NodeHeartbeatRequest) (*structs.NodeRegisterResponse, error) {
	out := &structs.NodeRegisterResponse{}
	return out, s.call(ctx, pathHeartbeat, callTimeout, req, out)
}

// Allocs implements client.Servers.
func (s *Servers) Allocs(ctx context.Context, req *structs.NodeAllocsRequest) (*structs.NodeAllocsResponse, error) {
	out := &structs.NodeAllocsResponse{}
	return out, s.call(ctx, pathAllocs, req.MaxWait+callTimeout, req, out)
}

// UpdateAllocs implements client.Servers.
func (s *Servers) UpdateAllocs(ctx context.Context, req *structs.NodeUpdateAllocsRequest) error {
	return s.call(ctx, pathUpdate, callTimeout, req, nil)
}

// NodeShutdown implements client.Servers.
func (s *Servers) NodeShutdown(ctx context.Context, req *structs.NodeShutdownRequest) error {
	return s.call(ctx, pathShutdown, callTimeout, req, nil)
}

// errNoServers is a node that knows nobody to ask.
func errNoServers() error {
	return &structs.Error{Kind: structs.KindUnavailable, Err: errors.New("this node knows no server"), Hint: "set client { servers = [...] }, or join with a token"}
}

// call asks the leader if it is known, and then every other server, until one answers. An answer that a server cannot
// answer now makes the next be asked; any other error is the answer.
func (s *Servers) call(ctx context.Context, path string, timeout time.Duration, in msgp.Marshaler, out msgp.Unmarshaler) error {
	body, err := in.MarshalMsg(nil)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	last := errNoServers()
	asked := map[string]bool{}
	for {
		next := ""
		for _, addr := range s.Known() {
			if !asked[addr] {
				next = addr
				break
			}
		}
		if next == "" || ctx.Err() != nil {
			return errors.Join(last, ctx.Err())
		}
		asked[next] = true
		err := s.ask(ctx, next, path, timeout, body, out)
		switch kind := structs.KindOf(err); {
		case err == nil:
			return nil
		case kind != structs.KindUnavailable && kind != structs.KindNoLeader:
			return err
		}
		last = err
	}
}

func (s *Servers) ask(ctx context.Context, addr, path string, timeout time.Duration, body []byte, out msgp.Unmarshaler) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask server %s: %w", addr, err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := s.rt.RoundTrip(req)
	if err != nil {
		s.mu.Lock()
		if s.leader == addr {
			s.leader = ""
		}
		s.mu.Unlock()
		return &structs.Error{Kind: structs.KindUnavailable, Op: "ask server", Subject: addr, Err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return &structs.Error{Kind: structs.KindUnavailable, Op: "read the answer of server", Subject: addr, Err: err}
	}
	s.learn(resp.Header)
	if resp.StatusCode != http.StatusOK {
		kind, err := strconv.ParseUint(resp.Header.Get(headerKind), 10, 8)
		if err != nil {
			kind = uint64(structs.KindUnavailable)
		}
		return &structs.Error{Kind: structs.ErrorKind(kind), Err: errors.New(strings.TrimSpace(string(text))), Hint: resp.Header.Get(headerHint)}
	}
	if out == nil {
		return nil
	}
	if err := decode(text, out); err != nil {
		return &structs.Error{Kind: structs.KindInternal, Op: "read the answer of server", Subject: addr, Err: err}
	}
	return nil
}

// Gossip asks a server for the addresses of the gossip of its region's servers. host is its id or the address of its cluster port.
func Gossip(ctx context.Context, rt http.RoundTripper, host string) ([]string, error) {
	var out []string
	err := askJSON(ctx, rt, host, pathMembers, &out)
	return out, err
}

// askJSON reads a short JSON answer of a server.
func askJSON(ctx context.Context, rt http.RoundTripper, host, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, nil)
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask server %s: %w", host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask server %s: status %d", host, resp.StatusCode)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(into)
}

// Stats asks a server how far it is. host is its id or the address of its cluster port.
func Stats(ctx context.Context, rt http.RoundTripper, host string) (server.PeerStats, error) {
	var out server.PeerStats
	err := askJSON(ctx, rt, host, pathStats, &out)
	return out, err
}

// Beside is the servers as the node of an agent that has one sees them: its own while that leads, else the others. What should
// run it reads from its own in any case.
type Beside struct {
	Own    Own
	Others *Servers
}

// Own is a node's calls at the server of its own agent.
type Own interface {
	Register(context.Context, *structs.NodeRegisterRequest) (*structs.NodeRegisterResponse, error)
	Heartbeat(context.Context, *structs.NodeHeartbeatRequest) (*structs.NodeRegisterResponse, error)
	Allocs(context.Context, *structs.NodeAllocsRequest) (*structs.NodeAllocsResponse, error)
	UpdateAllocs(context.Context, *structs.NodeUpdateAllocsRequest) error
	NodeShutdown(context.Context, *structs.NodeShutdownRequest) error
	Leader() (structs.ID, string, bool)
}

// elsewhere asks the leader when the own server is not it.
func elsewhere[T any](b Beside, err error, call func() (T, error)) (T, error) {
	var none T
	if structs.KindOf(err) != structs.KindNoLeader {
		return none, err
	}
	_, addr, ok := b.Own.Leader()
	if !ok {
		return none, err
	}
	b.Others.SetStatic([]string{addr})
	return call()
}

// Register implements client.Servers.
func (b Beside) Register(ctx context.Context, req *structs.NodeRegisterRequest) (*structs.NodeRegisterResponse, error) {
	resp, err := b.Own.Register(ctx, req)
	if err == nil {
		return resp, nil
	}
	return elsewhere(b, err, func() (*structs.NodeRegisterResponse, error) { return b.Others.Register(ctx, req) })
}

// Heartbeat implements client.Servers.
func (b Beside) Heartbeat(ctx context.Context, req *structs.NodeHeartbeatRequest) (*structs.NodeRegisterResponse, error) {
	resp, err := b.Own.Heartbeat(ctx, req)
	if err == nil {
		return resp, nil
	}
	return elsewhere(b, err, func() (*structs.NodeRegisterResponse, error) { return b.Others.Heartbeat(ctx, req) })
}

// Allocs implements client.Servers.
func (b Beside) Allocs(ctx context.Context, req *structs.NodeAllocsRequest) (*structs.NodeAllocsResponse, error) {
	return b.Own.Allocs(ctx, req)
}

// UpdateAllocs implements client.Servers.
func (b Beside) UpdateAllocs(ctx context.Context, req *structs.NodeUpdateAllocsRequest) error {
	err := b.Own.UpdateAllocs(ctx, req)
	if err == nil {
		return nil
	}
	_, err = elsewhere(b, err, func() (struct{}, error) { return struct{}{}, b.Others.UpdateAllocs(ctx, req) })
	return err
}

// NodeShutdown implements client.Servers.
func (b Beside) NodeShutdown(ctx context.Context, req *structs.NodeShutdownRequest) error {
	err := b.Own.NodeShutdown(ctx, req)
	if err == nil {
		return nil
	}
	_, err = elsewhere(b, err, func() (struct{}, error) { return struct{}{}, b.Others.NodeShutdown(ctx, req) })
	return err
}
