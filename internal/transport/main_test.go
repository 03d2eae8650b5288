package transport_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"berth/internal/idgen"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster is a root and what it issued.
type cluster struct {
	t    testing.TB
	root *pki.Root
	key  *pki.ClusterKey
	now  func() time.Time

	mu    sync.Mutex // guards addrs
	addrs map[structs.ID]string
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t, now: time.Now, addrs: map[structs.ID]string{}}
	var err error
	if c.root, err = pki.NewRoot("global", time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	if c.key, err = pki.NewClusterKey(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) resolve(id structs.ID) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.addrs[id]
	return a, ok
}

func (c *cluster) chain(der []byte, who pki.Identity, at time.Time, ttl time.Duration) []*x509.Certificate {
	c.t.Helper()
	csr, err := pki.ParseRequest(der)
	if err != nil {
		c.t.Fatal(err)
	}
	chain, err := c.root.Issue(csr, who, at, ttl)
	if err != nil {
		c.t.Fatal(err)
	}
	return chain
}

func (c *cluster) credentials(who pki.Identity, at time.Time, ttl time.Duration) *pki.Credentials {
	c.t.Helper()
	key, der, err := pki.NewRequest()
	if err != nil {
		c.t.Fatal(err)
	}
	creds, err := pki.NewCredentials(c.chain(der, who, at, ttl), key, pki.NewBundle(c.root.Cert))
	if err != nil {
		c.t.Fatal(err)
	}
	return creds
}

// machine is a running transport.
type machine struct {
	*transport.Transport
	id     structs.ID
	source *pki.Source
	stop   func()
}

// start runs a machine until the test ends; change alters its configuration.
func (c *cluster) start(role pki.Role, change func(*transport.Config)) *machine {
	c.t.Helper()
	id := idgen.Random().NewID()
	source := pki.NewSource(c.credentials(pki.Identity{Role: role, Region: "global", ID: id}, c.now(), pki.LeafTTL))
	cfg := transport.Config{Credentials: source, ID: id, Role: role, Region: "global", Resolve: c.resolve, Now: c.now, Logger: hclog.NewNullLogger(),
		Limits: transport.Limits{HandshakeTimeout: time.Minute}} // a slow machine takes long to shake hands
	if role == pki.RoleServer {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			c.t.Fatal(err)
		}
		cfg.Listener = l
	}
	if change != nil {
		change(&cfg)
	}
	tr, err := transport.New(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	if role == pki.RoleServer {
		c.mu.Lock()
		c.addrs[id] = tr.Addr()
		c.mu.Unlock()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = tr.Run(ctx) }()
	m := &machine{Transport: tr, id: id, source: source, stop: sync.OnceFunc(func() { cancel(); <-done })}
	c.t.Cleanup(m.stop)
	return m
}

// who answers every request with the name given and with who asks.
func who(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := transport.PeerOf(r.Context())
		fmt.Fprintf(w, "%s: %s %s from %v %t", name, r.Method, r.URL.Path, p.Identity, ok)
	})
}
