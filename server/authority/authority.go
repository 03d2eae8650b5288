package authority

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/internal/pki"
	"berth/state"
	"berth/structs"
)

// Host is what the authority needs of the server.
type Host interface {
	State() *state.Store
	NewID() structs.ID
	IsLeader() bool
	// Propose applies a command and gives its value; only on the leader.
	Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (value any, err error)
	// Leader is who leads, when that is known.
	Leader() (id structs.ID, known bool)
}

// Config is what an authority needs. All but Dir, Servers, Ages and Now must be set.
type Config struct {
	Host   Host
	Region string
	Key    *pki.ClusterKey
	// Source holds this server's own credentials; Run renews them.
	Source *pki.Source
	// Dir is where this server keeps its certificate and the sealed root; empty keeps nothing.
	Dir string
	// First is the root this server formed the cluster with, nil on those that joined.
	First *pki.Root
	// Servers gives the addresses machines that join are told, host:port.
	Servers func() []string
	// Peers sends requests to other servers by id.
	Peers http.RoundTripper
	// GossipKeys are the keys this region's gossip is encrypted with, the one in use first; Gossip gives the addresses of its servers'
	// gossip. Both are told to other regions; nil tells none.
	GossipKeys func() [][]byte
	Gossip     func() []string
	// ServersOf gives where servers of another region are reached, hosts for Peers; nil knows none but those the state has.
	ServersOf func(region string) []string
	// Dial opens connections to other regions' cluster ports; nil is TCP.
	Dial   func(ctx context.Context, addr string) (net.Conn, error)
	Ages   Ages
	Now    func() time.Time // nil is time.Now
	Logger hclog.Logger
}

// Ages are how long things last. Zero values are the defaults.
type Ages struct {
	Leaf      time.Duration // of a certificate; default 24 h
	RootSpare time.Duration // a root is replaced so long before its end; default 1 year
	// Return is how long after its certificate's end a machine may still come back with it; default 30 days.
	Return time.Duration
	// Token is how long a token lasts when nothing is said; default 1 h. TokenMax is the longest; default 30 days.
	Token, TokenMax time.Duration
}

func (a Ages) withDefaults() Ages {
	const day = 24 * time.Hour
	for _, x := range []struct {
		to *time.Duration
		is time.Duration
	}{{&a.Leaf, pki.LeafTTL}, {&a.RootSpare, 365 * day}, {&a.Return, 30 * day}, {&a.Token, time.Hour}, {&a.TokenMax, 30 * day}} {
		if *x.to <= 0 {
			*x.to = x.is
		}
	}
	return a
}

// Authority is one server's part of it. Every server has one.
type Authority struct {
	cfg   Config
	log   hclog.Logger
	saved pki.Digest // the root in the file; only Run's goroutine uses it
	told  map[string]told
}

// New makes an authority; Run keeps it going.
func New(cfg Config) *Authority {
	cfg.Ages = cfg.Ages.withDefaults()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Servers == nil {
		cfg.Servers = func() []string { return nil }
	}
	if cfg.GossipKeys == nil {
		cfg.GossipKeys = func() [][]byte { return nil }
	}
	if cfg.Gossip == nil {
		cfg.Gossip = func() []string { return nil }
	}
	if cfg.ServersOf == nil {
		cfg.ServersOf = func(string) []string { return nil }
	}
	return &Authority{cfg: cfg, log: cfg.Logger.Named("authority"), told: map[string]told{}}
}

// active opens the root that issues. Before the state holds one it is the root this server formed the cluster with.
func (a *Authority) active(snap *state.Snapshot) (*pki.Root, error) {
	r := snap.ActiveRoot()
	if r == nil {
		if a.cfg.First != nil {
			return a.cfg.First, nil
		}
		return nil, &structs.Error{Op: "issue a certificate", Kind: structs.KindUnavailable, Err: errors.New("the cluster has no root yet: its first leader adds it")}
	}
	root, err := a.cfg.Key.OpenRoot(r.Certificate, r.Cross, r.SealedKey)
	if errors.Is(err, pki.ErrWrongKey) {
		return nil, &structs.Error{Op: "issue a certificate", Kind: structs.KindInternal, Err: err,
			Hint: "the state was restored from another cluster's backup, or cluster.key was replaced: `berth operator ca rotate -new` makes a root of this cluster's key"}
	}
	return root, err
}

// trusted is the bundle machines are given: the active root first.
func (a *Authority) trusted(snap *state.Snapshot, active *pki.Root) (*pki.Bundle, error) {
	b := pki.NewBundle(active.Cert)
	for r := range snap.AuthorityRoots() {
		one, err := parseRoot(r)
		if err != nil {
			return nil, err
		}
		b = pki.NewBundle(append(b.Roots(), one)...)
	}
	return b, nil
}

// issue signs a certificate and gives it with the roots, both as PEM.
func (a *Authority) issue(der []byte, id pki.Identity) (chain, roots []byte, err error) {
	csr, err := pki.ParseRequest(der)
	if err != nil {
		return nil, nil, &structs.Error{Op: "issue a certificate", Kind: structs.KindInvalid, Err: err}
	}
	snap := a.cfg.Host.State().Snapshot()
	root, err := a.active(snap)
	if err != nil {
		return nil, nil, err
	}
	trusted, err := a.trusted(snap, root)
	if err != nil {
		return nil, nil, err
	}
	certs, err := root.Issue(csr, id, a.cfg.Now(), a.cfg.Ages.Leaf)
	if err != nil {
		return nil, nil, err
	}
	return pki.EncodeChain(certs), trusted.PEM(), nil
}

// Renew issues the next certificate to the holder of one: id is what the connection's certificate says. A node that was purged gets
// none.
func (a *Authority) Renew(id pki.Identity, csr []byte) (chain, roots []byte, err error) {
	if id.Region != a.cfg.Region {
		return nil, nil, &structs.Error{Op: "renew the certificate of", Subject: id.String(), Kind: structs.KindUnauthorised,
			Err: fmt.Errorf("this server issues certificates of region %q", a.cfg.Region)}
	}
	if id.Role == pki.RoleClient && a.cfg.Host.State().Snapshot().Node(id.ID) == nil {
		return nil, nil, &structs.Error{Op: "renew the certificate of", Subject: id.String(), Kind: structs.KindUnauthorised,
			Err: errors.New("the node is not in the cluster")}
	}
	if err := mayHave(a.cfg.Host.State().Snapshot(), id.ID, nil); err != nil {
		return nil, nil, err
	}
	return a.issue(csr, id)
}
