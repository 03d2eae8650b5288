package security

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/agent/config"
	"berth/internal/durable"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/server/authority"
	"berth/structs"
)

// Config says who the machine is and what it was given. Dir, ID, Role, Region and Logger must be set.
type Config struct {
	// Dir is where certificates are kept, <data_dir>/pki.
	Dir string
	// ID is the server's id, or the node's on a machine without a server.
	ID     structs.ID
	Role   pki.Role
	Region string
	// Token is the text of a join token; it is used when there is no certificate yet.
	Token string
	// Servers are cluster ports to try beside those of the token and of the files, host:port.
	Servers []string
	// MayForm lets a server without certificate and token form a cluster of its own.
	MayForm bool
	TLS     config.TLS
	// Limits are those of the cluster port.
	Limits transport.Limits
	// Dial opens connections for joining; nil is TCP. Now is the clock; nil is time.Now.
	Dial   func(ctx context.Context, addr string) (net.Conn, error)
	Now    func() time.Time
	Logger hclog.Logger
}

// Security is a machine's certificates.
type Security struct {
	cfg    Config
	log    hclog.Logger
	source *pki.Source
	key    *pki.ClusterKey // nil on clients and with certificates of the configuration
	first  *pki.Root       // of the cluster this machine forms or issues for; nil elsewhere
	formed bool
	web    atomic.Pointer[pki.Credentials] // of the API, nil without tls.http
	auth   atomic.Pointer[authority.Authority]
	peers  atomic.Pointer[transport.Transport]
	known  atomic.Pointer[[]string] // servers' addresses, newest knowledge
}

// Open gets the machine's certificate: from the configuration's files, from its own, by coming back with one that has ended, by the
// token, or by forming a cluster. It waits for servers that do not answer until ctx is done.
func Open(ctx context.Context, cfg Config) (*Security, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Security{cfg: cfg, log: cfg.Logger.Named("security"), source: pki.NewSource(nil)}
	if err := s.openWeb(); err != nil {
		return nil, err
	}
	servers, err := s.loadServers()
	if err != nil {
		return nil, err
	}
	s.known.Store(&servers)
	if cfg.TLS.RPC {
		return s, s.openForeign()
	}
	creds, err := pki.Load(cfg.Dir)
	switch {
	case err == nil:
		err = s.takeUp(ctx, creds)
	case !errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("read this machine's certificate (remove %s to join anew): %w", cfg.Dir, err)
	case cfg.Token != "":
		err = s.joinWithToken(ctx)
	case cfg.Role == pki.RoleServer && cfg.MayForm:
		err = s.form()
	default:
		err = &structs.Error{Op: "start the agent", Kind: structs.KindInvalid, Err: errors.New("this machine has no certificate and no join token"),
			Hint: "`berth operator join-token create -role " + string(cfg.Role) + "` on a server prints the line to start it with; or give certificates in a tls block"}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// takeUp uses the certificate of an earlier run.
func (s *Security) takeUp(ctx context.Context, creds *pki.Credentials) error {
	want := pki.Identity{Role: s.cfg.Role, Region: s.cfg.Region, ID: s.cfg.ID}
	if creds.ID != want && !(creds.ID.Role == pki.RoleClient && want.Role == pki.RoleServer && s.cfg.Token != "") {
		return &structs.Error{Op: "start the agent", Kind: structs.KindConflict,
			Err:  fmt.Errorf("the certificate in %s is for %s, and this agent is %s", s.cfg.Dir, creds.ID, want),
			Hint: "the configuration was changed or the directory copied: undo that, or remove the directory and join again"}
	}
	if creds.ID != want { // a client that is to be a server from now on
		return s.joinWithToken(ctx)
	}
	if s.cfg.Role == pki.RoleServer {
		return s.takeUpServer(ctx, creds)
	}
	if err := pki.CheckTimes(creds.Leaf(), s.cfg.Now()); err != nil {
		if s.cfg.Now().Before(creds.Leaf().NotBefore) {
			return err
		}
		s.log.Warn("this machine's certificate has ended: it asks to come back", "error", err)
		return s.comeBack(ctx, creds)
	}
	s.source.Replace(creds)
	return nil
}

// takeUpServer uses a server's certificate of an earlier run; one that is past its half is replaced with the root this server has.
func (s *Security) takeUpServer(ctx context.Context, creds *pki.Credentials) error {
	var err error
	if s.key, err = pki.LoadClusterKey(s.cfg.Dir); err != nil {
		return err
	}
	now := s.cfg.Now()
	root, err := s.key.LoadRoot(s.cfg.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.first = root
	if s.first != nil && creds.Trusted.Find(root.Digest()) == nil {
		creds.Trusted = pki.NewBundle(append([]*x509.Certificate{root.Cert}, creds.Trusted.Roots()...)...)
	}
	good := pki.CheckTimes(creds.Leaf(), now) == nil
	if good && now.Before(creds.RenewAt()) {
		s.source.Replace(creds)
		return nil
	}
	if root == nil {
		if good {
			s.source.Replace(creds)
			return nil
		}
		return s.comeBack(ctx, creds)
	}
	fresh, err := authority.SelfIssue(root, creds.Trusted, creds.ID, now, pki.LeafTTL)
	if err != nil {
		return err
	}
	s.source.Replace(fresh)
	return fresh.Save(s.cfg.Dir)
}

// form makes a cluster: its key, its first root, and this server's certificate.
func (s *Security) form() error {
	var err error
	if s.key, err = pki.NewClusterKey(); err != nil {
		return err
	}
	now := s.cfg.Now()
	if s.first, err = pki.NewRoot(s.cfg.Region, now, nil); err != nil {
		return err
	}
	creds, err := authority.SelfIssue(s.first, pki.NewBundle(s.first.Cert), pki.Identity{Role: pki.RoleServer, Region: s.cfg.Region, ID: s.cfg.ID}, now, pki.LeafTTL)
	if err != nil {
		return err
	}
	// The certificate comes last: without it the next start forms anew.
	if err := errors.Join(s.key.SaveKey(s.cfg.Dir), s.key.SaveRoot(s.cfg.Dir, s.first), creds.Save(s.cfg.Dir)); err != nil {
		return err
	}
	s.source.Replace(creds)
	s.formed = true
	s.log.Info("a cluster is formed", "root", s.first.Digest().String())
	return nil
}

// Formed tells that this start made the cluster.
func (s *Security) Formed() bool { return s.formed }

// Source holds the machine's credentials while they change.
func (s *Security) Source() *pki.Source { return s.source }

// AnyRole tells that certificates of the trusted roots need not say what their holder is.
func (s *Security) AnyRole() bool { return s.cfg.TLS.RPC && !s.cfg.TLS.VerifyServerHostname }

// GossipKey is the key for gossip that all servers of the cluster have: 32 bytes, nil on machines without the cluster's key.
func (s *Security) GossipKey() ([]byte, error) {
	if s.key == nil {
		return nil, nil
	}
	return s.key.Derive("gossip", 32)
}

// Transport makes the machine's cluster port. Machines that join are answered once Attach was called.
func (s *Security) Transport(l net.Listener, addr string, resolve func(structs.ID) (string, bool)) (*transport.Transport, error) {
	cfg := transport.Config{Credentials: s.source, ID: s.cfg.ID, Role: s.cfg.Role, Region: s.cfg.Region, Listener: l, Addr: addr,
		Dial: s.cfg.Dial, Resolve: resolve, AnyRole: s.AnyRole(), Limits: s.cfg.Limits, Now: s.cfg.Now, Logger: s.cfg.Logger}
	if s.key != nil {
		cfg.Joiner = joiner{s}
	}
	t, err := transport.New(cfg)
	if err == nil {
		s.peers.Store(t)
	}
	return t, err
}

// joiner answers machines that join with the authority, once there is one.
type joiner struct{ s *Security }

// Join implements transport.Joiner.
func (j joiner) Join(ctx context.Context, req *transport.JoinRequest) (*transport.JoinResponse, error) {
	a := j.s.auth.Load()
	if a == nil {
		return nil, &structs.Error{Op: "join", Kind: structs.KindUnavailable, Err: errors.New("this server is still starting"), Hint: "try again in a moment"}
	}
	return a.Join(ctx, req)
}

// Around is what a server knows of the servers there are: of its own region the cluster ports machines that join are told, the
// keys and the addresses of gossip; of another region where its servers are reached. Only Servers must be set.
type Around struct {
	Servers    func() []string
	GossipKeys func() [][]byte
	Gossip     func() []string
	ServersOf  func(region string) []string
}

// Attach makes the authority of a server, nil when its certificates are those of the configuration. Of the cluster ports this server's
// own comes first.
func (s *Security) Attach(host authority.Host, around Around) *authority.Authority {
	t := s.peers.Load()
	if s.key == nil || t == nil {
		return nil
	}
	all := func() []string { // this server first: it is there before the others are heard of
		out := []string{t.Addr()}
		for _, addr := range around.Servers() {
			if addr != t.Addr() {
				out = append(out, addr)
			}
		}
		return out
	}
	a := authority.New(authority.Config{Host: host, Region: s.cfg.Region, Key: s.key, Source: s.source, Dir: s.cfg.Dir, First: s.first,
		Servers: all, GossipKeys: around.GossipKeys, Gossip: around.Gossip, ServersOf: around.ServersOf, Dial: s.cfg.Dial, Peers: t.RoundTripper(), Now: s.cfg.Now, Logger: s.cfg.Logger})
	s.auth.Store(a)
	return a
}

// Run renews what this machine shows until ctx is done: through its authority on a server, else by asking the servers.
func (s *Security) Run(ctx context.Context) error {
	switch t := s.peers.Load(); {
	case s.auth.Load() != nil:
		return s.auth.Load().Run(ctx)
	case s.cfg.TLS.RPC || t == nil:
		<-ctx.Done()
		return ctx.Err()
	default:
		return pki.NewRenewer(pki.RenewConfig{Source: s.source, Dir: s.cfg.Dir, Now: s.cfg.Now, Logger: s.log,
			Ask: authority.AskServers(t.RoundTripper(), s.Servers)}).Run(ctx)
	}
}

// Servers are the cluster ports this machine knows: the configuration's first, then those it was told.
func (s *Security) Servers() []string {
	var out []string
	for _, list := range [][]string{s.cfg.Servers, *s.known.Load()} {
		for _, a := range list {
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

const serversFile = "servers.json"

func (s *Security) loadServers() ([]string, error) {
	text, err := os.ReadFile(filepath.Join(s.cfg.Dir, serversFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the servers' addresses: %w", err)
	}
	var list []string
	if err := json.Unmarshal(text, &list); err != nil {
		s.log.Warn("the file of the servers' addresses is damaged and not used", "error", err)
		return nil, nil
	}
	return list, nil
}

// Learn keeps the cluster ports of the servers, for this run and the next.
func (s *Security) Learn(servers []string) error {
	if len(servers) == 0 || slices.Equal(servers, *s.known.Load()) {
		return nil
	}
	list := slices.Clone(servers)
	s.known.Store(&list)
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(s.cfg.Dir, serversFile), text)
}
