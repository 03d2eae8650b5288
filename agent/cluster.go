package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/agent/access"
	"berth/agent/config"
	"berth/agent/guard"
	"berth/agent/httpapi"
	"berth/agent/relay"
	"berth/agent/remote"
	"berth/agent/security"
	"berth/api"
	"berth/internal/idgen"
	"berth/internal/lifecycle"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/internal/version"
	"berth/server"
	"berth/server/authority"
	"berth/server/membership"
	"berth/server/replicate"
	"berth/state"
	"berth/structs"
)

// cluster is what an agent has that others reach: its certificates, the cluster port and gossip.
type cluster struct {
	sec    *security.Security
	wire   *transport.Transport
	gossip *membership.Membership // nil without a server
	auth   *authority.Authority   // nil without a server, and with certificates of the configuration
	others *remote.Servers        // the servers as this agent's node sees them
	port   net.Listener           // nil without a server
}

// Times of an agent without a server.
const (
	// sessionsInterval is how often it sees to it that every server can reach it.
	sessionsInterval = 10 * time.Second
	// askTimeout bounds a question to another agent.
	askTimeout = 5 * time.Second
)

// lateTrip is a way to other machines that is made after those that use it.
type lateTrip struct {
	to atomic.Pointer[http.RoundTripper]
}

func (l *lateTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	if rt := l.to.Load(); rt != nil {
		return (*rt).RoundTrip(r)
	}
	return nil, errors.New("the agent is still starting")
}

// serverDir is where the server keeps its state; "" in -dev.
func (a *agent) serverDir() string {
	if a.cfg.Dev {
		return ""
	}
	return filepath.Join(a.cfg.DataDir, "server")
}

// buildCluster gets the machine's certificate and makes the cluster port and, on a server, gossip. node is the node's id, used
// on an agent without a server.
func (a *agent) buildCluster(ctx context.Context, node structs.ID, trip *lateTrip) error {
	c := a.cfg
	k := a.cluster
	id, role := node, pki.RoleClient
	if c.Server.Enabled {
		role = pki.RoleServer
		var err error
		if id, err = server.Identity(a.serverDir(), idgen.Random()); err != nil {
			return err
		}
	}
	var err error
	k.sec, err = security.Open(ctx, security.Config{Dir: config.PKIDir(c.DataDir), ID: id, Role: role, Region: c.Region, Token: c.JoinToken,
		Servers: c.Client.Servers, MayForm: c.Server.Enabled && c.Server.Expect == 1, TLS: c.TLS, Limits: wireLimits(c.Limits), Logger: a.log})
	if err != nil {
		return err
	}
	if c.Server.Enabled {
		if k.port, err = listen("cluster port", c.RPCBind, "rpc"); err != nil {
			return err
		}
		k.port = guard.Limit(k.port, c.Limits.RPCConnsPerClient, false)
		if k.gossip, err = a.newGossip(); err != nil {
			return err
		}
	}
	resolve := func(structs.ID) (string, bool) { return "", false }
	if k.gossip != nil {
		resolve = func(id structs.ID) (string, bool) { return a.server.AddrOf(id) }
	}
	if k.wire, err = k.sec.Transport(k.port, c.RPCAddr, resolve); err != nil {
		return err
	}
	rt := k.wire.RoundTripper()
	trip.to.Store(&rt)
	if !c.Server.Enabled {
		k.others.SetStatic(k.sec.Servers())
	}
	return nil
}

// wireLimits are those of the cluster port that the configuration sets.
func wireLimits(c config.Limits) transport.Limits {
	if c.RPCHandshake == 0 {
		return transport.Limits{HandshakeTimeout: -1} // no limit
	}
	return transport.Limits{HandshakeTimeout: c.RPCHandshake}
}

func (a *agent) newGossip() (*membership.Membership, error) {
	c, k := a.cfg, a.cluster
	key := c.Server.Encrypt
	if key == nil {
		var err error
		if key, err = k.sec.GossipKey(); err != nil {
			return nil, err
		}
	}
	if key == nil {
		a.log.Warn("gossip is not encrypted", "fix", "set server { encrypt = ... } on every server")
	}
	bind, err := netip.ParseAddrPort(c.SerfBind)
	if err != nil {
		return nil, fmt.Errorf("address of gossip: %w", err)
	}
	tell, err := netip.ParseAddrPort(c.SerfAddr)
	if err != nil {
		return nil, fmt.Errorf("address of gossip: %w", err)
	}
	g := membership.Config{Name: a.name, Region: c.Region, Datacenter: c.Datacenter, ID: func() structs.ID { return a.server.ID() }, RPCAddr: c.RPCAddr,
		HTTPAddr: c.HTTPAddr, Version: version.String(), Level: server.Level(), Expect: c.Server.Expect, NonVoter: c.Server.NonVoter, BindAddr: bind.Addr().String(),
		BindPort: int(bind.Port()), AdvertiseAddr: tell.Addr().String(), AdvertisePort: int(tell.Port()), Dir: filepath.Join(a.serverDir(), "gossip"),
		Key: key, RetryJoin: c.Server.Join, RetryInterval: c.Server.RetryInterval, RetryMax: c.Server.RetryMax, Rejoin: c.Server.Rejoin, AnyRegion: c.TLS.RPC, Logger: a.log}
	g.Discover = a.discover
	return membership.New(g)
}

// discover asks the servers this machine was told of, and those of its log, for the addresses of their gossip. While none of them
// answers it gives where their gossip usually is.
func (a *agent) discover(ctx context.Context) []string {
	servers := a.server.OtherServers()
	for _, addr := range a.cluster.sec.Servers() {
		if addr != a.cfg.RPCAddr && !slices.Contains(servers, addr) {
			servers = append(servers, addr)
		}
	}
	var usual []string
	for _, addr := range servers {
		if host, _, err := net.SplitHostPort(addr); err == nil {
			usual = append(usual, net.JoinHostPort(host, strconv.Itoa(membership.DefaultPort)))
		}
		out, err := a.askGossip(ctx, addr)
		if err != nil {
			a.log.Debug("a server does not tell who there is", "address", addr, "error", err)
			continue
		}
		if len(out) > 0 {
			return out
		}
	}
	return usual
}

// askGossip asks a server where the gossip of its region is. One of an older version answers as it does people.
func (a *agent) askGossip(ctx context.Context, addr string) ([]string, error) {
	one, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := remote.Gossip(one, a.cluster.wire.RoundTripper(), addr)
	if err == nil {
		return out, nil
	}
	var m api.ServerMembers
	if a.ask(ctx, addr, "/v1/agent/members", &m) != nil {
		return nil, err
	}
	for _, x := range m.Members {
		if x.Status == membership.StatusAlive && x.Tags["region"] == a.cfg.Region {
			out = append(out, net.JoinHostPort(x.Addr, strconv.Itoa(int(x.Port))))
		}
	}
	return out, nil
}

// ask reads a JSON answer of another agent over the cluster port.
func (a *agent) ask(ctx context.Context, host, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, nil)
	if err != nil {
		return err
	}
	resp, err := a.cluster.wire.RoundTripper().RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", host, resp.StatusCode)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(into)
}

// serverConfig is that of the agent's server.
func (a *agent) serverConfig() server.Config {
	c := a.cfg
	out := server.Config{Name: a.name, Region: c.Region, Datacenter: c.Datacenter, Version: version.String(), DataDir: a.serverDir(), Addr: c.RPCAddr,
		Heartbeat: c.Server.Heartbeat, GC: c.Server.GC, Events: c.Server.Events, Backup: c.Server.Backup, Tracer: a.tracer, Seal: a.seal, Logger: a.log}
	k := a.cluster
	if k == nil || k.gossip == nil {
		return out
	}
	out.Streams, out.Resolve, out.Gossip = k.wire.Raft(), k.gossip.Resolve, k.gossip
	out.Expect, out.NonVoter, out.RaftMultiplier = c.Server.Expect, c.Server.NonVoter, c.Server.RaftMultiplier
	out.Autopilot, out.LeaveOnStop = c.Server.Autopilot, c.Server.LeaveOnStop
	if c.Follows() && !c.ACL.ReplicationToken.IsZero() {
		from := c.Authority()
		out.Replicate = &replicate.Plan{From: from, Source: &relay.Source{Trip: k.wire.RoundTripper(), Own: c.Region, Region: from, Servers: a.regionServers,
			Token: c.ACL.ReplicationToken.String()}}
	}
	out.PeerStats = func(ctx context.Context, id structs.ID) (server.PeerStats, error) {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		return remote.Stats(ctx, k.wire.RoundTripper(), id.String())
	}
	return out
}

// authorityHost is the server as its authority sees it.
type authorityHost struct{ *server.Server }

// State implements authority.Host.
func (h authorityHost) State() *state.Store { return h.Server.State() }

// Leader implements authority.Host.
func (h authorityHost) Leader() (structs.ID, bool) {
	id, _, known := h.Server.Leader()
	return id, known
}

// Propose implements authority.Host.
func (h authorityHost) Propose(ctx context.Context, kind structs.CommandKind, body msgp.Marshaler) (any, error) {
	applied, err := h.Server.Propose(ctx, kind, body)
	return applied.Value, err
}

// clusterPorts are those of the servers that are alive, for machines that join.
func (a *agent) clusterPorts() []string {
	var out []string
	for _, m := range a.server.Members() {
		if m.Status == membership.StatusAlive && m.Region == a.cfg.Region && m.RPCAddr != "" {
			out = append(out, m.RPCAddr)
		}
	}
	return out
}

// handlers are what answers people on the API's address and machines on the cluster port.
func (a *agent) handlers(deps httpapi.Deps, tokens *access.State) http.Handler {
	local := httpapi.New(deps).Handler()
	k := a.cluster
	if k == nil {
		return relay.Alone(a.cfg.Region, local, a.tracer)
	}
	cfg := relay.Config{Local: local, Trip: k.wire.RoundTripper(), Servers: k.others.Known, Region: a.cfg.Region, Authority: a.cfg.Authority(), Logger: a.log.Named("relay"), Tracer: a.tracer}
	if a.cfg.Server.Enabled {
		cfg.Server, cfg.RegionServers, cfg.ServerID = a.server, a.regionServers, a.serverID
	}
	if a.client != nil {
		cfg.Node = a.client.NodeID()
	}
	y := relay.New(cfg)
	a.figures.relay = y
	mux := http.NewServeMux()
	mux.Handle("/", y)
	if a.cfg.Server.Enabled {
		mux.Handle(remote.Prefix, remote.Handler(a.server, tokens))
	}
	if k.auth != nil {
		mux.HandleFunc("PUT "+authority.JoinPath, k.auth.ServeJoin)
		mux.HandleFunc("PUT "+authority.RenewPath, k.auth.ServeRenew)
		mux.HandleFunc("PUT "+authority.RegionPath, k.auth.ServeRegion)
	}
	k.wire.Serve(guard.Rest(authority.Guard(a.cfg.Region, relay.Direct(a.figures.counted(a.tracer.Handler(mux, false))))))
	return y.Public()
}

// runCluster keeps the cluster port open until ctx is done.
func (a *agent) runCluster(ctx context.Context) error {
	k := a.cluster
	g := lifecycle.New(ctx)
	g.Go("cluster port", k.wire.Run)
	g.Go("certificates", k.sec.Run)
	g.Go("reload", a.reload)
	if !a.cfg.Server.Enabled {
		g.Go("sessions", a.keepSessions)
	}
	if k.auth != nil {
		g.Go("regions", a.keepRegions)
	}
	return g.Wait()
}

// keepRegions trusts the regions this one is joined with and takes in their gossip, and refuses certificates that were revoked, until ctx
// is done.
func (a *agent) keepRegions(ctx context.Context) error {
	k := a.cluster
	for {
		snap := a.server.State().Snapshot()
		_, changed := snap.RegionsW()
		_, revoked := snap.CertificateRevocationsW()
		for _, id := range k.sec.Revoke(snap) {
			a.log.Warn("a machine was shut out: its certificate is revoked", "id", id)
		}
		known, err := k.sec.TrustRegions(snap)
		if err != nil {
			a.log.Error("not all regions can be reached", "error", err)
		}
		var gossip []membership.Region
		for _, r := range known {
			gossip = append(gossip, membership.Region{Name: r.Name, Keys: r.GossipKeys, Addrs: r.Gossip})
		}
		k.gossip.SetRegions(gossip)
		select {
		case <-changed:
		case <-revoked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// regionServers are the servers of another region that are alive, as hosts for the transport.
func (a *agent) regionServers(region string) []string {
	var out []string
	for _, m := range a.server.Members() {
		if m.Region == region && m.Status == membership.StatusAlive && !m.ID.IsZero() {
			out = append(out, m.ID.String())
		}
	}
	return out
}

// serverID finds a server of this region by its id or name, as members are listed.
func (a *agent) serverID(name string) (structs.ID, bool) {
	for _, m := range a.server.Members() {
		if m.Region == a.cfg.Region && !m.ID.IsZero() && (m.ID.String() == name || m.Name == name || m.Name == membership.MemberName(name, m.Region)) {
			return m.ID, true
		}
	}
	return structs.ID{}, false
}

// gossipAddrs are where the gossip of this region's servers is, this one's first.
func (a *agent) gossipAddrs() []string {
	out := []string{a.cfg.SerfAddr}
	for _, m := range a.server.Members() {
		if addr := net.JoinHostPort(m.Addr, strconv.Itoa(int(m.Port))); m.Status == membership.StatusAlive && m.Region == a.cfg.Region && !slices.Contains(out, addr) {
			out = append(out, addr)
		}
	}
	return out
}

// keepSessions keeps a session to every server, so that each of them can reach this machine, and remembers them.
func (a *agent) keepSessions(ctx context.Context) error {
	k := a.cluster
	tick := time.NewTicker(sessionsInterval)
	defer tick.Stop()
	for {
		known := k.others.Known()
		for _, addr := range known {
			one, cancel := context.WithTimeout(ctx, askTimeout)
			if _, err := k.wire.Connect(one, addr); err != nil && ctx.Err() == nil {
				a.log.Debug("a server cannot be reached", "address", addr, "error", err)
			}
			cancel()
		}
		if err := k.sec.Learn(known); err != nil {
			a.log.Warn("the servers' addresses are not kept", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reload reads certificates again on SIGHUP.
func (a *agent) reload(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-hup:
			if err := a.reloadNow(); err != nil {
				a.log.Error("certificates are not read again", "error", err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reloadNow reads the certificates again that the configuration names. In -dev there are none.
func (a *agent) reloadNow() error {
	if a.cluster == nil {
		return nil
	}
	return a.cluster.sec.Reload()
}

// joinLines are what is typed on other machines to join the cluster this start has formed.
func (a *agent) joinLines(ctx context.Context) string {
	k := a.cluster
	if k == nil || k.auth == nil || !k.sec.Formed() {
		return ""
	}
	if at, err := netip.ParseAddrPort(a.cfg.RPCAddr); err == nil && at.Addr().IsLoopback() {
		return "    no other machine can join: set bind_addr, or advertise { rpc = ... }, to an address they reach\n"
	}
	for { // what is printed must be good at once: the root stands in the state first
		snap := a.server.State().Snapshot()
		_, changed := snap.AuthorityRootsW()
		if snap.ActiveRoot() != nil {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ""
		}
	}
	text := ""
	for _, role := range []pki.Role{pki.RoleServer, pki.RoleClient} {
		tok, _, err := k.auth.CreateToken(ctx, authority.TokenRequest{Role: role, Description: "printed when the cluster was formed"})
		if err != nil {
			a.log.Warn("no line to join is printed", "role", role, "error", err)
			continue
		}
		text += fmt.Sprintf("    a %s joins with\n      berth agent -data-dir=/var/lib/berth -join-token=%s\n", role, tok.Text())
	}
	return text
}
