package security_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"

	"berth/agent/config"
	"berth/agent/security"
	"berth/internal/idgen"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/server/authority"
	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a server that leads alone.
type host struct {
	store   *state.Store
	machine *fsm.FSM
	mu      sync.Mutex // guards index
	index   uint64
}

func newHost() *host {
	s := state.New()
	return &host{store: s, machine: fsm.New(s)}
}

func (h *host) State() *state.Store        { return h.store }
func (h *host) NewID() structs.ID          { return idgen.Random().NewID() }
func (h *host) IsLeader() bool             { return true }
func (h *host) Leader() (structs.ID, bool) { return structs.ID{}, false }
func (h *host) Propose(_ context.Context, kind structs.CommandKind, body msgp.Marshaler) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	cmd, err := structs.NewCommand(kind, 1, body)
	if err != nil {
		return nil, err
	}
	h.index++
	res := h.machine.ApplyEntry(h.index, &structs.LogEntry{Commands: []structs.Command{cmd}})
	return res[0].Value, res[0].Err
}

// agent is one machine with its directory; it can be started again at another time.
type agent struct {
	t    *testing.T
	dir  string
	id   structs.ID
	role pki.Role
	host *host // nil on clients
	at   time.Duration
	// region is "global" when empty.
	region string

	sec  *security.Security
	tr   *transport.Transport
	auth *authority.Authority
	stop func()
}

func newAgent(t *testing.T, role pki.Role) *agent {
	a := &agent{t: t, dir: filepath.Join(t.TempDir(), "pki"), id: idgen.Random().NewID(), role: role, stop: func() {}}
	if role == pki.RoleServer {
		a.host = newHost()
	}
	return a
}

func (a *agent) now() time.Time { return time.Now().Add(a.at) }

func (a *agent) open(change func(*security.Config)) error {
	cfg := security.Config{Dir: a.dir, ID: a.id, Role: a.role, Region: cmp.Or(a.region, "global"), MayForm: a.role == pki.RoleServer, Now: a.now, Logger: hclog.NewNullLogger()}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithTimeout(a.t.Context(), 2*time.Minute)
	defer cancel()
	var err error
	a.sec, err = security.Open(ctx, cfg)
	return err
}

// start opens and runs a machine.
func (a *agent) start(change func(*security.Config)) {
	a.t.Helper()
	if err := a.open(change); err != nil {
		a.t.Fatal(err)
	}
	var l net.Listener
	var err error
	if a.role == pki.RoleServer {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			a.t.Fatal(err)
		}
	}
	if a.tr, err = a.sec.Transport(l, "", nil); err != nil {
		a.t.Fatal(err)
	}
	if a.host != nil {
		a.auth = a.sec.Attach(a.host, security.Around{Servers: func() []string { return nil }, GossipKeys: func() [][]byte {
			key, err := a.sec.GossipKey()
			if err != nil {
				a.t.Error(err)
			}
			return [][]byte{key}
		}})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "here") })
	if a.auth != nil {
		mux.HandleFunc("PUT "+authority.RegionPath, a.auth.ServeRegion)
	}
	a.tr.Serve(authority.Guard(cmp.Or(a.region, "global"), mux))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	if a.auth != nil {
		wg.Go(func() { a.trust(ctx) })
	}
	wg.Go(func() { _ = a.tr.Run(ctx) })
	wg.Go(func() { _ = a.sec.Run(ctx) })
	a.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	a.t.Cleanup(a.stop)
	if a.auth != nil {
		for snap := a.host.store.Snapshot(); snap.ActiveRoot() == nil; snap = a.host.store.Snapshot() {
			_, changed := snap.AuthorityRootsW() // of the same snapshot: a root that comes after it closes this
			<-changed
		}
	}
}

func (a *agent) token(role pki.Role) string {
	a.t.Helper()
	tok, _, err := a.auth.CreateToken(a.t.Context(), authority.TokenRequest{Role: role, TTL: 24 * time.Hour})
	if err != nil {
		a.t.Fatal(err)
	}
	return tok.Text()
}

func reach(from *agent, to *agent) error {
	_, err := from.tr.Connect(from.t.Context(), to.tr.Addr())
	return err
}

func TestAClusterIsFormedAndJoined(t *testing.T) {
	first := newAgent(t, pki.RoleServer)
	first.start(nil)
	if !first.sec.Formed() {
		t.Error("nothing was formed")
	}
	client, second := newAgent(t, pki.RoleClient), newAgent(t, pki.RoleServer)
	client.start(func(c *security.Config) { c.Token = first.token(pki.RoleClient) })
	second.host = nil // it has no state of its own here
	second.start(func(c *security.Config) { c.Token = first.token(pki.RoleServer) })
	if second.sec.Formed() {
		t.Error("a server with a token formed a cluster")
	}
	if err := errors.Join(reach(client, first), reach(second, first)); err != nil {
		t.Error(err)
	}
	a, err := first.sec.GossipKey()
	b, err2 := second.sec.GossipKey()
	c, err3 := client.sec.GossipKey()
	if errors.Join(err, err2, err3) != nil || len(a) != 32 || string(a) != string(b) || c != nil {
		t.Errorf("keys of gossip: %x, %x, %x", a, b, c)
	}
	// Started again they need no token.
	client.stop()
	client.start(nil)
	if err := reach(client, first); err != nil {
		t.Error(err)
	}
}

func TestWhatDoesNotStart(t *testing.T) {
	first := newAgent(t, pki.RoleServer)
	first.start(nil)
	clientToken := first.token(pki.RoleClient)
	for name, x := range map[string]struct {
		role   pki.Role
		change func(*security.Config)
		want   string
	}{
		"a client without a token":       {pki.RoleClient, nil, "no certificate and no join token"},
		"a server that may not form":     {pki.RoleServer, func(c *security.Config) { c.MayForm = false }, "join-token create -role server"},
		"a server with a client's token": {pki.RoleServer, func(c *security.Config) { c.Token = clientToken }, "is for a client, and this agent is a server"},
		"a token that was cut off":       {pki.RoleClient, func(c *security.Config) { c.Token = clientToken[:50] }, "was not copied"},
		"a tls block without its files":  {pki.RoleClient, func(c *security.Config) { c.TLS = config.TLS{RPC: true, CAFile: "/nowhere"} }, "/nowhere"},
		"a token when the clock is far off": {pki.RoleClient, func(c *security.Config) {
			c.Token = clientToken
			c.Now = func() time.Time { return time.Now().AddDate(1, 0, 0) }
		}, "expired at"},
	} {
		if err := newAgent(t, x.role).open(x.change); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v; want %q", name, err, x.want)
		}
	}
	moved := newAgent(t, pki.RoleClient)
	moved.dir, moved.id = first.dir, idgen.Random().NewID()
	if err := moved.open(nil); err == nil || !strings.Contains(err.Error(), "directory copied") {
		t.Errorf("a copied directory: %v", err)
	}
}

func TestAllServersWereOffForAYear(t *testing.T) {
	first := newAgent(t, pki.RoleServer)
	first.start(nil)
	client := newAgent(t, pki.RoleClient)
	client.start(func(c *security.Config) { c.Token = first.token(pki.RoleClient) })
	if _, err := first.host.Propose(t.Context(), structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: &structs.Node{ID: client.id, Name: "n"}}); err != nil {
		t.Fatal(err)
	}
	client.stop()
	first.stop()

	first.at = 365 * 24 * time.Hour
	first.start(nil)
	c, err := first.sec.Source().Current()
	if err != nil || pki.CheckTimes(c.Leaf(), first.now()) != nil || first.sec.Formed() {
		t.Fatalf("a year later: %v, %v", c, err)
	}
	client.at = first.at
	if err := client.open(func(c *security.Config) { c.Servers = []string{first.tr.Addr()} }); err == nil || !strings.Contains(err.Error(), "more than 720h0m0s ago") {
		t.Errorf("a client a year later: %v", err)
	}
	if err := client.open(func(c *security.Config) { c.Servers, c.Token = []string{first.tr.Addr()}, first.token(pki.RoleClient) }); err != nil {
		t.Errorf("with a token: %v", err)
	}
}

func TestAClientThatWasOffForAWeekComesBackByItself(t *testing.T) {
	first := newAgent(t, pki.RoleServer)
	first.start(nil)
	client := newAgent(t, pki.RoleClient)
	client.start(func(c *security.Config) { c.Token = first.token(pki.RoleClient) })
	if _, err := first.host.Propose(t.Context(), structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: &structs.Node{ID: client.id, Name: "n"}}); err != nil {
		t.Fatal(err)
	}
	client.stop()
	first.stop()
	first.at = 7 * 24 * time.Hour
	first.start(nil)
	client.at = first.at
	client.start(func(c *security.Config) { c.Servers = []string{first.tr.Addr()} })
	if err := reach(client, first); err != nil {
		t.Error(err)
	}
}

// files writes certificates as an operator would make them.
func files(t *testing.T, dir string, root *pki.Root, id pki.Identity) config.TLS {
	t.Helper()
	c, err := authority.SelfIssue(root, pki.NewBundle(root.Cert), id, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	out := config.TLS{CAFile: filepath.Join(dir, "ca.pem"), CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), VerifyServerHostname: true}
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(out.CAFile, c.Trusted.PEM(), 0o600), os.WriteFile(out.CertFile, pki.EncodeChain(c.Chain), 0o600),
		os.WriteFile(out.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600)); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCertificatesOfTheOperatorAreUsedAndReadAgain(t *testing.T) {
	root, err := pki.NewRoot("global", time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	server, client := newAgent(t, pki.RoleServer), newAgent(t, pki.RoleClient)
	server.host = nil
	dir := filepath.Join(t.TempDir(), "tls")
	use := func(a *agent, name string) func(*security.Config) {
		return func(c *security.Config) {
			c.TLS = files(t, filepath.Join(dir, name), root, pki.Identity{Role: a.role, Region: "global", ID: a.id})
			c.TLS.RPC, c.TLS.HTTP, c.TLS.VerifyHTTPSClient = true, true, true
		}
	}
	server.start(use(server, "server"))
	client.start(use(client, "client"))
	if err := reach(client, server); err != nil {
		t.Error(err)
	}
	if key, err := server.sec.GossipKey(); key != nil || err != nil {
		t.Errorf("a key of gossip from nowhere: %x, %v", key, err)
	}
	if err := newAgent(t, pki.RoleServer).open(use(client, "client")); err == nil || !strings.Contains(err.Error(), "server.global.nomad") {
		t.Errorf("a client's certificate on a server: %v", err)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: hclog.NewNullLogger().StandardLogger(nil)}
	done := make(chan error, 1)
	go func() { done <- web.Serve(server.sec.Web(l, time.Minute)) }()
	defer func() { _ = web.Close(); <-done }()
	ask := func(certs ...tls.Certificate) (*x509.Certificate, error) {
		conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pki.NewBundle(root.Cert).Pool(), ServerName: "server.global.nomad", Certificates: certs})
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			return nil, err
		}
		_, err = io.ReadAll(conn)
		return conn.ConnectionState().PeerCertificates[0], err
	}
	mine, err := client.sec.Source().Current()
	if err != nil {
		t.Fatal(err)
	}
	before, err := ask(*mine.TLS(false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(); err == nil {
		t.Error("a caller without a certificate was answered")
	}
	if err := os.WriteFile(filepath.Join(dir, "server", "cert.pem"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.sec.Reload(); err == nil || !strings.Contains(err.Error(), "stay") {
		t.Errorf("damaged files: %v", err)
	}
	if now, err := ask(*mine.TLS(false)); err != nil || !now.Equal(before) {
		t.Errorf("after damaged files: %v", err)
	}
	files(t, filepath.Join(dir, "server"), root, pki.Identity{Role: pki.RoleServer, Region: "global", ID: server.id})
	if err := server.sec.Reload(); err != nil {
		t.Fatal(err)
	}
	if now, err := ask(*mine.TLS(false)); err != nil || now.Equal(before) {
		t.Errorf("the new certificate is not shown: %v", err)
	}
	if err := reach(client, server); err != nil {
		t.Error(err)
	}
}
