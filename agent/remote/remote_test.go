package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/internal/pki"
	"berth/internal/transport"
	"berth/server"
	"berth/server/membership"
	"berth/structs"
)

// network is servers by address, without a network.
type network struct {
	servers map[string]*fake
	peer    transport.Peer // who asks
	asked   []string
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.asked = append(n.asked, r.URL.Host)
	f := n.servers[r.URL.Host]
	if f == nil || f.down {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	Handler(f, f).ServeHTTP(w, r.WithContext(transport.WithPeer(r.Context(), n.peer)))
	return w.Result(), nil
}

// fake is a server of a cluster.
type fake struct {
	n      *network
	addr   string
	leads  bool
	acl    bool
	down   bool
	last   time.Duration
	err    error
	beats  int
	allocs int
	shut   []structs.NodeShutdownRequest
}

func (f *fake) leader() *fake {
	for _, s := range f.n.servers {
		if s.leads && !s.down {
			return s
		}
	}
	return nil
}

func (f *fake) check() error {
	if f.err != nil {
		return f.err
	}
	if !f.leads {
		return structs.NewError(structs.KindNoLeader, "this server is not the leader")
	}
	return nil
}

func (f *fake) Register(_ context.Context, r *structs.NodeRegisterRequest) (*structs.NodeRegisterResponse, error) {
	return &structs.NodeRegisterResponse{Index: 7, HeartbeatTTL: time.Second}, f.check()
}
func (f *fake) Heartbeat(context.Context, *structs.NodeHeartbeatRequest) (*structs.NodeRegisterResponse, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	f.beats++
	return &structs.NodeRegisterResponse{HeartbeatTTL: time.Second}, nil
}
func (f *fake) Allocs(context.Context, *structs.NodeAllocsRequest) (*structs.NodeAllocsResponse, error) {
	f.allocs++
	return &structs.NodeAllocsResponse{Index: 9, IDs: []structs.ID{{1}}}, nil
}
func (f *fake) NodeShutdown(_ context.Context, req *structs.NodeShutdownRequest) error {
	if err := f.check(); err != nil {
		return err
	}
	f.shut = append(f.shut, *req)
	return nil
}
func (f *fake) UpdateAllocs(context.Context, *structs.NodeUpdateAllocsRequest) error {
	return f.check()
}
func (f *fake) OwnStats() server.PeerStats {
	return server.PeerStats{LastContact: time.Second, LastTerm: 3, LastIndex: 77}
}
func (f *fake) IsLeader() bool             { return f.leads }
func (f *fake) LastContact() time.Duration { return f.last }
func (f *fake) Region() string             { return "global" }
func (f *fake) Leader() (structs.ID, string, bool) {
	if l := f.leader(); l != nil {
		return structs.ID{1}, l.addr, true
	}
	return structs.ID{}, "", false
}
func (f *fake) Members() (out []membership.Member) {
	for addr, s := range f.n.servers {
		st := membership.StatusAlive
		if s.down {
			st = membership.StatusFailed
		}
		out = append(out, membership.Member{RPCAddr: addr, Region: "global", Status: st})
	}
	return out
}

func three() *network {
	n := &network{servers: map[string]*fake{}, peer: transport.Peer{Identity: pki.Identity{Role: pki.RoleClient, ID: structs.ID{5}}}}
	for _, a := range []string{"a:1", "b:1", "c:1"} {
		n.servers[a] = &fake{n: n, addr: a}
	}
	n.servers["c:1"].leads = true
	return n
}

func (f *fake) Enabled() bool { return f.acl }
func (f *fake) Answer(_ context.Context, secret string) (*structs.ACLResolveResponse, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if secret != "good" {
		return nil, structs.NewError(structs.KindUnauthorised, "ACL token not found")
	}
	return &structs.ACLResolveResponse{Policies: []*structs.ACLPolicy{{Name: "dev", Rules: "node {}"}}, Token: &structs.ACLToken{AccessorID: structs.ID{7}}}, nil
}

func TestANodeAsksTheServersWhoCalls(t *testing.T) {
	n := three()
	n.servers["a:1"].acl, n.servers["c:1"].acl = true, true
	s := NewServers(n, []string{"a:1"})
	if !s.ACL() {
		t.Error("a node that knows nothing lets everybody in")
	}
	got, err := s.ResolveToken(t.Context(), &structs.ACLResolveRequest{Secret: "good"})
	if err != nil || got.Token.AccessorID != (structs.ID{7}) || len(got.Policies) != 1 || got.Policies[0].Rules != "node {}" || !s.ACL() {
		t.Errorf("%+v, %v, on %t", got, err, s.ACL())
	}
	if _, err := s.ResolveToken(t.Context(), &structs.ACLResolveRequest{Secret: "bad"}); structs.KindOf(err) != structs.KindUnauthorised || err.Error() != "ACL token not found" {
		t.Errorf("a wrong secret: %v", err)
	}
	if where, err := Gossip(t.Context(), &network{servers: n.servers, peer: transport.Peer{Identity: pki.Identity{Role: pki.RoleServer}}}, "a:1"); err != nil || len(where) != 3 {
		t.Errorf("gossip is at %v, %v", where, err)
	}
	if _, err := Gossip(t.Context(), n, "a:1"); err == nil {
		t.Error("a node is told where gossip is")
	}
}

// What a node knows of access control before it reaches a server is what it was last told; what was told is remembered, and again when that failed.
func TestANodeRemembersWhetherCallersNeedTokens(t *testing.T) {
	on, off := true, false
	for _, c := range []struct {
		last      *bool
		says      bool
		before    bool
		wantSaved []bool
	}{
		{nil, false, true, []bool{false}},
		{nil, true, true, []bool{true}},
		{&on, true, true, nil},
		{&on, false, true, []bool{false}},
		{&off, true, false, []bool{true}},
		{&off, false, false, nil},
	} {
		n := three()
		for _, f := range n.servers {
			f.acl, f.down = c.says, true
		}
		var saved []bool
		full := true
		s := NewServers(n, []string{"c:1"})
		s.RememberACL(c.last, func(on bool) error {
			if full {
				return errors.New("no space left on device")
			}
			saved = append(saved, on)
			return nil
		})
		if err := beat(s); err == nil || s.ACL() != c.before {
			t.Errorf("%+v: before a server was heard: %t, %v", c, s.ACL(), err)
		}
		n.servers["c:1"].down = false
		for range 3 {
			if err := beat(s); err != nil || s.ACL() != c.says {
				t.Errorf("%+v: heard %t, %v", c, s.ACL(), err)
			}
			full = false
		}
		if !slices.Equal(saved, c.wantSaved) {
			t.Errorf("%+v: saved %v", c, saved)
		}
	}
}

// plain answers in a server's place.
type plain int

func (p plain) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	http.Error(w, "not now", int(p))
	return w.Result(), nil
}

func TestAnAnswerThatIsNoServersTellsNothingOfAccessControl(t *testing.T) {
	for _, code := range []plain{200, 404, 503} {
		s := NewServers(code, []string{"a:1"})
		on := true
		s.RememberACL(&on, func(bool) error { t.Error("saved"); return nil })
		if err := beat(s); code != 200 && err == nil || !s.ACL() {
			t.Errorf("%d: %v, access control %t", code, err, s.ACL())
		}
	}
}

var _ Core = (*server.Server)(nil)

func beat(s *Servers) error {
	_, err := s.Heartbeat(context.Background(), &structs.NodeHeartbeatRequest{NodeID: structs.ID{5}})
	return err
}

func TestANodeFindsTheLeaderAndStaysWithIt(t *testing.T) {
	n := three()
	s := NewServers(n, []string{"a:1"})
	for range 3 {
		if err := beat(s); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"a:1", "c:1", "c:1", "c:1"}; !slices.Equal(n.asked, want) {
		t.Errorf("asked %v, want %v", n.asked, want)
	}
	if got := s.Known(); len(got) != 3 || got[0] != "c:1" {
		t.Errorf("knows %v", got)
	}
	// The leader is gone: the others are asked, and the new one is found.
	n.servers["c:1"].down = true
	n.servers["b:1"].leads = true
	if err := beat(s); err != nil {
		t.Fatal(err)
	}
	if n.servers["b:1"].beats != 1 {
		t.Error("the new leader heard nothing")
	}
	// The server it was told of first is gone for good: it has learned of the others.
	n.servers["a:1"].down = true
	if err := beat(s); err != nil {
		t.Error(err)
	}
}

func TestAnswersOfServersReachTheNode(t *testing.T) {
	n := three()
	s := NewServers(n, []string{"c:1"})
	reg, err := s.Register(t.Context(), &structs.NodeRegisterRequest{Node: &structs.Node{ID: structs.ID{5}, Name: "n1"}})
	if err != nil || reg.Index != 7 || reg.HeartbeatTTL != time.Second {
		t.Errorf("register: %+v, %v", reg, err)
	}
	allocs, err := s.Allocs(t.Context(), &structs.NodeAllocsRequest{NodeID: structs.ID{5}})
	if err != nil || allocs.Index != 9 || len(allocs.IDs) != 1 {
		t.Errorf("allocations: %+v, %v", allocs, err)
	}
	if err := s.UpdateAllocs(t.Context(), &structs.NodeUpdateAllocsRequest{NodeID: structs.ID{5}}); err != nil {
		t.Error(err)
	}
	shut := structs.NodeShutdownRequest{NodeID: structs.ID{5}, SecretID: structs.ID{6}, Deadline: time.Minute, Force: true, IgnoreSystemJobs: true}
	if err := s.NodeShutdown(t.Context(), &shut); err != nil || n.servers["c:1"].leader().shut[0] != shut {
		t.Errorf("shutdown: %v", err)
	}
	st, err := Stats(t.Context(), &network{servers: n.servers, peer: transport.Peer{Identity: pki.Identity{Role: pki.RoleServer}}}, "a:1")
	if err != nil || st.LastIndex != 77 || st.LastTerm != 3 || st.LastContact != time.Second {
		t.Errorf("stats: %+v, %v", st, err)
	}
	if _, err := Stats(t.Context(), n, "a:1"); err == nil {
		t.Error("a node is told how far a server is")
	}
}

func TestARefusalIsNotTakenElsewhere(t *testing.T) {
	n := three()
	n.servers["c:1"].err = &structs.Error{Kind: structs.KindUnauthorised, Subject: "node x", Err: errors.New("wrong secret"), Hint: "do this"}
	s := NewServers(n, []string{"c:1", "a:1"})
	err := beat(s)
	if structs.KindOf(err) != structs.KindUnauthorised || err.Error() != "node x: wrong secret (do this)" {
		t.Errorf("got %v", err)
	}
	if len(n.asked) != 1 {
		t.Errorf("asked %v", n.asked)
	}
}

func TestANodeSpeaksForItselfOnly(t *testing.T) {
	n := three()
	n.peer.ID = structs.ID{6}
	s := NewServers(n, []string{"c:1"})
	for what, err := range map[string]error{
		"beat":   beat(s),
		"report": s.UpdateAllocs(t.Context(), &structs.NodeUpdateAllocsRequest{NodeID: structs.ID{5}}),
		"ends":   s.NodeShutdown(t.Context(), &structs.NodeShutdownRequest{NodeID: structs.ID{5}}),
		"allocs": second(s.Allocs(t.Context(), &structs.NodeAllocsRequest{NodeID: structs.ID{5}})),
		"name":   second(s.Register(t.Context(), &structs.NodeRegisterRequest{Node: &structs.Node{ID: structs.ID{5}}})),
		"none":   second(s.Register(t.Context(), &structs.NodeRegisterRequest{})),
	} {
		if k := structs.KindOf(err); k != structs.KindUnauthorised && k != structs.KindInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	n.peer.Role = pki.RoleServer // passes on what its own node says
	if err := beat(s); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestNobodyAnswers(t *testing.T) {
	n := three()
	for _, f := range n.servers {
		f.leads = false
	}
	s := NewServers(n, []string{"a:1", "b:1"})
	if err := beat(s); structs.KindOf(err) != structs.KindNoLeader {
		t.Errorf("without a leader: %v", err)
	}
	for _, f := range n.servers {
		f.down = true
	}
	if err := beat(s); structs.KindOf(err) != structs.KindUnavailable || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("without servers: %v", err)
	}
	if err := beat(NewServers(n, nil)); structs.KindOf(err) != structs.KindUnavailable || !strings.Contains(err.Error(), "knows no server") {
		t.Errorf("without addresses: %v", err)
	}
}

func TestAServerThatIsBehindSendsNodesElsewhere(t *testing.T) {
	n := three()
	n.servers["a:1"].last = time.Minute
	s := NewServers(n, []string{"a:1"})
	if _, err := s.Allocs(t.Context(), &structs.NodeAllocsRequest{NodeID: structs.ID{5}}); err != nil {
		t.Fatal(err)
	}
	if n.servers["a:1"].allocs != 0 {
		t.Error("a server cut off from its leader told a node what to run")
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	n := three()
	h := Handler(n.servers["c:1"], n.servers["c:1"])
	good, err := (&structs.NodeHeartbeatRequest{NodeID: structs.ID{5}}).MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		body []byte
		peer bool
		want int
	}{
		"good":              {good, true, 200},
		"not on the port":   {good, false, 403},
		"empty":             {nil, true, 400},
		"cut off":           {good[:len(good)-1], true, 400},
		"too long":          {append(bytes.Clone(good), 1), true, 400},
		"not msgpack":       {[]byte("hello"), true, 400},
		"a length of a GiB": {[]byte{0xdf, 0x3f, 0xff, 0xff, 0xff}, true, 400},
	} {
		ctx := t.Context()
		if c.peer {
			ctx = transport.WithPeer(ctx, n.peer)
		}
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, pathHeartbeat, bytes.NewReader(c.body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			text, _ := io.ReadAll(w.Body)
			t.Errorf("%s: %d %s, want %d", name, w.Code, text, c.want)
		}
	}
}

func TestANodeBesideAServerAsksTheLeader(t *testing.T) {
	n := three()
	b := Beside{Own: n.servers["a:1"], Others: NewServers(n, nil)}
	if _, err := b.Heartbeat(t.Context(), &structs.NodeHeartbeatRequest{NodeID: structs.ID{5}}); err != nil {
		t.Fatal(err)
	}
	if err := b.UpdateAllocs(t.Context(), &structs.NodeUpdateAllocsRequest{NodeID: structs.ID{5}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Allocs(t.Context(), &structs.NodeAllocsRequest{NodeID: structs.ID{5}}); err != nil || n.servers["a:1"].allocs != 1 {
		t.Errorf("its own server was not asked: %v", err)
	}
	n.servers["c:1"].leads = false
	if _, err := b.Heartbeat(t.Context(), &structs.NodeHeartbeatRequest{NodeID: structs.ID{5}}); structs.KindOf(err) != structs.KindNoLeader {
		t.Errorf("without a leader: %v", err)
	}
	n.servers["a:1"].leads = true
	before := fmt.Sprint(n.asked)
	if _, err := b.Heartbeat(t.Context(), &structs.NodeHeartbeatRequest{NodeID: structs.ID{5}}); err != nil || fmt.Sprint(n.asked) != before {
		t.Errorf("its own server leads, and others were asked: %v", err)
	}
}

// While what the servers say is saved, which may take as long as a disk likes, callers are looked at by it already.
func TestNobodyWaitsForTheDiskToKnowWhetherTokensAreNeeded(t *testing.T) {
	s := NewServers(nil, nil)
	var saved []bool
	s.RememberACL(new(false), func(on bool) error {
		saved = append(saved, on)
		if !s.ACL() {
			t.Error("callers need no token while that they do is saved")
		}
		return nil
	})
	h := http.Header{}
	h.Set(headerServers, "10.0.0.1:4647")
	h.Set(headerACL, "1")
	s.learn(h)
	s.learn(h)
	if len(saved) != 1 || !saved[0] {
		t.Errorf("saved %v", saved)
	}
}
