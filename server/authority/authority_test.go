package authority_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"

	"berth/internal/idgen"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/server/authority"
	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a server whose log is a list.
type host struct {
	store   *state.Store
	machine *fsm.FSM
	leads   bool
	leader  structs.ID

	mu    sync.Mutex // guards index
	index uint64
}

func newHost() *host {
	s := state.New()
	return &host{store: s, machine: fsm.New(s), leads: true}
}

func (h *host) State() *state.Store        { return h.store }
func (h *host) NewID() structs.ID          { return idgen.Random().NewID() }
func (h *host) IsLeader() bool             { return h.leads }
func (h *host) Leader() (structs.ID, bool) { return h.leader, !h.leader.IsZero() }
func (h *host) Propose(_ context.Context, kind structs.CommandKind, body msgp.Marshaler) (any, error) {
	if !h.leads {
		return nil, structs.NewError(structs.KindNoLeader, "not the leader")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	cmd, err := structs.NewCommand(kind, time.Now().UnixNano(), body)
	if err != nil {
		return nil, err
	}
	h.index++
	res := h.machine.ApplyEntry(h.index, &structs.LogEntry{Commands: []structs.Command{cmd}})
	return res[0].Value, res[0].Err
}

type world struct {
	*host
	*authority.Authority
	source *pki.Source
	key    *pki.ClusterKey
	first  *pki.Root
	dir    string
	me     pki.Identity
}

// newWorld is the first server of a cluster.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{host: newHost(), dir: t.TempDir(), me: pki.Identity{Role: pki.RoleServer, Region: "global", ID: idgen.Random().NewID()}}
	var err error
	if w.key, err = pki.NewClusterKey(); err != nil {
		t.Fatal(err)
	}
	if w.first, err = pki.NewRoot("global", time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	creds, err := authority.SelfIssue(w.first, pki.NewBundle(w.first.Cert), w.me, time.Now(), pki.LeafTTL)
	if err != nil {
		t.Fatal(err)
	}
	w.source = pki.NewSource(creds)
	w.Authority = authority.New(authority.Config{Host: w.host, Region: "global", Key: w.key, Source: w.source, Dir: w.dir, First: w.first,
		Servers: func() []string { return []string{"10.0.0.1:4647"} }, Logger: hclog.NewNullLogger()})
	return w
}

func (w *world) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return sync.OnceFunc(func() { cancel(); <-done })
}

func request(t *testing.T, token string) *transport.JoinRequest {
	t.Helper()
	_, csr, err := pki.NewRequest()
	if err != nil {
		t.Fatal(err)
	}
	return &transport.JoinRequest{Token: token, ID: idgen.Random().NewID(), CSR: csr, From: "10.0.0.9:1"}
}

func identity(t *testing.T, res *transport.JoinResponse) pki.Identity {
	t.Helper()
	b, err := pki.ParseBundle(res.Roots)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := pki.ParseChain(res.Chain)
	if err != nil {
		t.Fatal(err)
	}
	id, err := b.Verify(chain, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestJoiningWithTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.run(t)()
		synctest.Wait()
		if w.store.Snapshot().ActiveRoot() == nil {
			t.Fatal("the first leader stored no root")
		}
		for _, role := range []pki.Role{pki.RoleClient, pki.RoleServer} {
			tok, kept, err := w.CreateToken(t.Context(), authority.TokenRequest{Role: role, MaxUses: 1})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(kept.Hash), tok.Text()) || len(kept.Hash) != 32 || len(tok.Addresses) != 1 {
				t.Errorf("kept %+v of %+v", kept, tok)
			}
			req := request(t, tok.Text())
			res, err := w.Join(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := identity(t, res), (pki.Identity{Role: role, Region: "global", ID: req.ID}); got != want {
				t.Errorf("got a certificate for %v, want %v", got, want)
			}
			if (len(res.ClusterKey) > 0) != (role == pki.RoleServer) {
				t.Errorf("a %s gets a cluster key of %d bytes", role, len(res.ClusterKey))
			}
			if _, err := w.Join(t.Context(), request(t, tok.Text())); err == nil || !strings.Contains(err.Error(), "used 1 times") {
				t.Errorf("a second use: %v", err)
			}
			if s := w.store.Snapshot().JoinToken(tok.ID); s.Uses != 1 || !strings.Contains(s.LastUsedBy, "10.0.0.9") {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestTokensThatDoNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, other := newWorld(t), newWorld(t)
		defer w.run(t)()
		defer other.run(t)()
		synctest.Wait()
		make := func(w *world, r authority.TokenRequest) *pki.Token {
			tok, _, err := w.CreateToken(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			return tok
		}
		revoked := make(w, authority.TokenRequest{Role: pki.RoleClient})
		if err := w.RevokeTokens(t.Context(), revoked.ID); err != nil {
			t.Fatal(err)
		}
		client := make(w, authority.TokenRequest{Role: pki.RoleClient})
		forged, err := pki.NewToken(client.ID, pki.RoleClient, time.Now().Add(time.Hour), w.first.Digest(), nil) // its id, another secret
		if err != nil {
			t.Fatal(err)
		}
		rotated, _, err := w.RotateTokens(t.Context(), authority.TokenRequest{Role: pki.RoleServer})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.RotateTokens(t.Context(), authority.TokenRequest{Role: pki.RoleServer}); err != nil {
			t.Fatal(err)
		}
		short := make(w, authority.TokenRequest{Role: pki.RoleClient, TTL: time.Minute})
		time.Sleep(2 * time.Minute)
		for name, x := range map[string]struct{ token, want string }{
			"revoked":         {revoked.Text(), "not known to this cluster"},
			"guessed":         {forged.Text(), "not known to this cluster"},
			"rotated away":    {rotated.Text(), "not known to this cluster"},
			"expired":         {short.Text(), "expired at"},
			"another cluster": {make(other, authority.TokenRequest{Role: pki.RoleClient}).Text(), "another cluster"},
			"nonsense":        {"abc", "does not begin with"},
			"none":            {"", "neither a token nor a certificate"},
		} {
			if _, err := w.Join(t.Context(), request(t, x.token)); err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%s: %v; want %q", name, err, x.want)
			}
		}
		if _, err := w.Join(t.Context(), request(t, client.Text())); err != nil {
			t.Errorf("the good one: %v", err)
		}
		for _, r := range []authority.TokenRequest{{Role: "king"}, {Role: pki.RoleClient, TTL: -1}, {Role: pki.RoleClient, TTL: 1e18}, {Role: pki.RoleClient, MaxUses: -1}} {
			if _, _, err := w.CreateToken(t.Context(), r); structs.KindOf(err) != structs.KindInvalid {
				t.Errorf("%+v: %v", r, err)
			}
		}
	})
}

func TestAMachineThatWasAwayComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.run(t)()
		synctest.Wait()
		tok, _, err := w.CreateToken(t.Context(), authority.TokenRequest{Role: pki.RoleClient})
		if err != nil {
			t.Fatal(err)
		}
		req := request(t, tok.Text())
		res, err := w.Join(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		chain, _ := pki.ParseChain(res.Chain)
		back := request(t, "")
		back.ID = req.ID
		for _, c := range chain {
			back.Shown = append(back.Shown, c.Raw)
		}
		time.Sleep(10 * 24 * time.Hour)
		if _, err := w.Join(t.Context(), back); err == nil || !strings.Contains(err.Error(), "no longer in the cluster") {
			t.Errorf("a node nobody knows: %v", err)
		}
		if _, err := w.Propose(t.Context(), structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: &structs.Node{ID: req.ID, Name: "n", Status: structs.NodeStatusReady}}); err != nil {
			t.Fatal(err)
		}
		res, err = w.Join(t.Context(), back)
		if err != nil {
			t.Fatal(err)
		}
		if got := identity(t, res); got.ID != req.ID || got.Role != pki.RoleClient {
			t.Errorf("came back as %v", got)
		}
		thief := *back
		thief.ID = idgen.Random().NewID()
		if _, err := w.Join(t.Context(), &thief); err == nil {
			t.Error("a certificate was taken for another machine")
		}
		time.Sleep(22 * 24 * time.Hour)
		if _, err := w.Join(t.Context(), back); err == nil || !strings.Contains(err.Error(), "expired at") {
			t.Errorf("after a month: %v", err)
		}
	})
}

func TestRotationRetiresTheOldRootWhenItsLastCertificateHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.run(t)()
		synctest.Wait()
		old := w.store.Snapshot().ActiveRoot().ID
		node := pki.Identity{Role: pki.RoleClient, Region: "global", ID: idgen.Random().NewID()}
		if _, err := w.Propose(t.Context(), structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: &structs.Node{ID: node.ID, Name: "n"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Rotate(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		snap := w.store.Snapshot()
		if r := snap.ActiveRoot(); r.ID == old || len(r.Cross) == 0 {
			t.Errorf("active is %s", r.ID)
		}
		creds, _ := w.source.Current()
		if len(creds.Trusted.Roots()) != 2 || len(creds.Chain) != 2 {
			t.Errorf("the server trusts %d roots and shows %d certificates", len(creds.Trusted.Roots()), len(creds.Chain))
		}
		_, csr, err := pki.NewRequest()
		if err != nil {
			t.Fatal(err)
		}
		if _, roots, err := w.Renew(node, csr); err != nil || strings.Count(string(roots), "BEGIN") != 2 {
			t.Errorf("a renewal: %v, %s", err, roots)
		}
		tok, _, err := w.CreateToken(t.Context(), authority.TokenRequest{Role: pki.RoleClient})
		if err != nil || tok.CA == w.first.Digest() {
			t.Errorf("a token names the old root: %v", err)
		}
		time.Sleep(72 * time.Hour)
		if n := w.store.Snapshot().AuthorityRoot(old); n != nil {
			t.Errorf("the old root is still trusted")
		}
		if creds, _ = w.source.Current(); len(creds.Trusted.Roots()) != 1 || creds.Leaf().NotAfter.Before(time.Now()) {
			t.Errorf("the server trusts %d roots, valid until %s", len(creds.Trusted.Roots()), creds.Leaf().NotAfter)
		}
		// The files are those of now: a server that was off for a year issues its own certificate.
		key, err := w.key, error(nil)
		root, err := key.LoadRoot(w.dir)
		if err != nil || root.Digest() == w.first.Digest() {
			t.Errorf("the root on disk: %v", err)
		}
	})
}

func TestRootsAreReplacedBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := authority.New(authority.Config{Host: w.host, Region: "global", Key: w.key, Source: w.source, First: w.first, Logger: hclog.NewNullLogger(),
			Ages: authority.Ages{RootSpare: pki.RootTTL - 10*24*time.Hour}}) // a root lives for ten days
		w.Authority = a
		defer w.run(t)()
		time.Sleep(25 * 24 * time.Hour)
		c, err := w.source.Current()
		if err != nil || pki.CheckTimes(c.Leaf(), time.Now()) != nil {
			t.Errorf("valid until %s, %v", c.Leaf().NotAfter, err)
		}
		if at := c.Trusted.Roots()[0].NotBefore; time.Since(at) > 13*24*time.Hour {
			t.Errorf("the root is of %s", at)
		}
	})
}

func TestAFollowerPassesMachinesOn(t *testing.T) {
	leader, follower := newWorld(t), newWorld(t)
	defer leader.run(t)()
	for snap := leader.store.Snapshot(); snap.ActiveRoot() == nil; snap = leader.store.Snapshot() {
		_, changed := snap.AuthorityRootsW() // of the same snapshot: a root that comes after it closes this
		<-changed
	}
	// Both are servers of the leader's cluster.
	id := pki.Identity{Role: pki.RoleServer, Region: "global", ID: idgen.Random().NewID()}
	creds, err := authority.SelfIssue(leader.first, pki.NewBundle(leader.first.Cert), id, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+authority.JoinPath, leader.ServeJoin)
	mux.HandleFunc("PUT "+authority.RenewPath, leader.ServeRenew)
	lt, err := transport.New(transport.Config{Credentials: leader.source, ID: leader.me.ID, Role: pki.RoleServer, Region: "global", Listener: listen(), Handler: mux, Logger: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	door := &late{}
	ft, err := transport.New(transport.Config{Credentials: pki.NewSource(creds), ID: id.ID, Role: pki.RoleServer, Region: "global", Listener: listen(), Joiner: door,
		Resolve: func(structs.ID) (string, bool) { return lt.Addr(), true }, Logger: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	follower.leads, follower.leader = false, leader.me.ID
	door.Authority = authority.New(authority.Config{Host: follower.host, Region: "global", Key: leader.key, Source: pki.NewSource(creds), Peers: ft.RoundTripper(), Logger: hclog.NewNullLogger()})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = lt.Run(ctx) })
	wg.Go(func() { _ = ft.Run(ctx) })
	defer func() { cancel(); wg.Wait() }()

	tok, _, err := leader.CreateToken(t.Context(), authority.TokenRequest{Role: pki.RoleClient, MaxUses: 1})
	if err != nil {
		t.Fatal(err)
	}
	me := idgen.Random().NewID()
	cfg := transport.JoinConfig{Token: tok, ID: me, Addresses: []string{ft.Addr()}}
	j, err := transport.Join(t.Context(), cfg)
	if err != nil || j.Credentials.ID.ID != me {
		t.Fatalf("%+v, %v", j, err)
	}
	if _, err := transport.Join(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "used 1 times") || structs.KindOf(err) != structs.KindUnauthorised {
		t.Errorf("the refusal: %v", err)
	}

	// The client renews with the leader once it is a node.
	ct, err := transport.New(transport.Config{Credentials: pki.NewSource(j.Credentials), ID: me, Role: pki.RoleClient, Region: "global", Logger: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	wg.Go(func() { _ = ct.Run(ctx) })
	source := pki.NewSource(j.Credentials)
	r := pki.NewRenewer(pki.RenewConfig{Source: source, Ask: authority.AskServers(ct.RoundTripper(), func() []string { return []string{"127.0.0.1:1", lt.Addr()} }), Logger: hclog.NewNullLogger()})
	if err := r.Renew(t.Context()); err == nil || !strings.Contains(err.Error(), "not in the cluster") {
		t.Errorf("before it is a node: %v", err)
	}
	if _, err := leader.Propose(t.Context(), structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: &structs.Node{ID: me, Name: "n"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Renew(t.Context()); err != nil {
		t.Error(err)
	}
	if c, _ := source.Current(); c.Leaf().Equal(j.Credentials.Leaf()) {
		t.Error("the certificate is the old one")
	}
}

// late is a joiner that is known after its transport.
type late struct{ *authority.Authority }

func (l *late) Join(ctx context.Context, r *transport.JoinRequest) (*transport.JoinResponse, error) {
	if l.Authority == nil {
		return nil, errors.New("not yet")
	}
	return l.Authority.Join(ctx, r)
}
