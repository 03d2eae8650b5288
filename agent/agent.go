package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/hashicorp/go-hclog"

	"berth/agent/access"
	"berth/agent/config"
	"berth/agent/gctuner"
	"berth/agent/guard"
	"berth/agent/httpapi"
	"berth/agent/remote"
	"berth/agent/security"
	"berth/agent/slack"
	"berth/agent/telemetry"
	"berth/client"
	"berth/client/network"
	"berth/drivers"
	"berth/drivers/containerd"
	"berth/drivers/containerd/daemon"
	"berth/internal/atrest"
	"berth/internal/lifecycle"
	"berth/internal/tracing"
	"berth/internal/version"
	"berth/server"
	"berth/structs"
)

func nowUTC() time.Time { return time.Now().UTC() }

// Bounds of the API's connections.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	// closeTimeout is how long requests under way may take when the agent ends.
	closeTimeout = time.Second
	// destroyTimeout bounds the end of all tasks of an agent run with -dev.
	destroyTimeout = time.Minute
)

// agent is the parts of one process.
type agent struct {
	cfg  *config.Config
	log  hclog.InterceptLogger
	name string
	out  io.Writer

	server    *server.Server
	seal      *atrest.Key      // of the server's log; nil in clear
	cluster   *cluster         // nil in -dev
	daemon    *daemon.Daemon   // nil without a node
	net       *network.Manager // the same
	client    *client.Client   // the same
	telemetry *telemetry.Telemetry
	tracer    *tracing.Tracer // nil when nothing is traced
	figures   figures
	api       net.Listener
	http      *http.Server
	left      bool // of -dev: tasks may still use its files
	named     bool // the data directory was given, and may hold tasks of an earlier agent
}

// Run is an agent from its start to its end. It returns when ctx is done and everything has ended, or with what kept it from
// starting or made it fail.
func Run(ctx context.Context, opts Options) error {
	began := time.Now()
	cfg, err := config.Load(opts.Flags)
	if err != nil {
		return err
	}
	log, closeLog, err := openLog(cfg, opts.Stderr)
	if err != nil {
		return err
	}
	defer closeLog()
	for _, w := range cfg.Warnings {
		log.Warn("setting without effect", "what", w)
	}
	if cfg.Client.Enabled && os.Geteuid() != 0 {
		return &structs.Error{Kind: structs.KindUnauthorised, Err: errors.New("an agent with a node makes containers, networks and cgroups, and needs root"),
			Hint: "run it with sudo, or as a system service"}
	}
	named := cfg.DataDir != ""
	remove, err := devDir(cfg)
	if err != nil {
		return err
	}
	unlock, err := lockDir(cfg.DataDir)
	if err != nil {
		return err
	}
	a := &agent{cfg: cfg, log: log, name: cfg.Name, out: opts.Stdout, named: named}
	defer func() {
		unlock()
		if a.left {
			log.Warn("the data directory stays, for something may still use it: end what is left, then remove it", "data_dir", cfg.DataDir)
			return
		}
		if err := remove(); err != nil {
			log.Warn("temporary data directory remains", "error", err)
		}
	}()
	if a.name == "" {
		if a.name, err = os.Hostname(); err != nil {
			return fmt.Errorf("find the host's name (set name in the configuration): %w", err)
		}
	}
	if a.telemetry, err = telemetry.Open(cfg.Telemetry, a.metricsHost()); err != nil {
		return err
	}
	defer a.telemetry.Close()
	if a.tracer, err = tracing.Open(cfg.Telemetry.Traces, tracing.Process{Name: a.name, Version: version.String(), Region: cfg.Region, Datacenter: cfg.Datacenter},
		func(err error) { log.Warn("spans are lost", "error", err) }); err != nil {
		return err
	}
	defer func() {
		if err := a.tracer.Close(); err != nil {
			log.Debug("the last spans are lost", "error", err)
		}
	}()
	if a.api, err = listen("API", cfg.HTTPAddr, "http"); err != nil {
		return err
	}
	defer a.api.Close()
	a.api = guard.Limit(a.api, cfg.Limits.MaxConnsPerClient, !cfg.TLS.HTTP)
	a.figures.conns = a.api
	if err := a.build(ctx); err != nil {
		a.unbuild()
		return err
	}
	return a.run(ctx, began)
}

// devDir gives an agent in -dev a directory of its own, and the way to remove it. One that was named is kept.
func devDir(cfg *config.Config) (remove func() error, err error) {
	if cfg.DataDir != "" {
		return func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "berth-dev-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary data directory: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, fmt.Errorf("make a temporary data directory: %w", err)
	}
	cfg.DataDir = dir
	return func() error { return os.RemoveAll(dir) }, nil
}

func listen(what, addr, port string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &structs.Error{Kind: structs.KindConflict, Err: fmt.Errorf("address %s of the %s is in use by another process", addr, what),
			Hint: "stop that process, or set ports { " + port + " = ... }; `ss -ltnp` shows who it is"}
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s for the %s: %w", addr, what, err)
	}
	return l, nil
}

// build makes the parts; nothing runs yet. It waits for servers when this machine has to ask them for its certificate.
func (a *agent) build(ctx context.Context) error {
	c := a.cfg
	deps := httpapi.Deps{Config: c, Limits: structs.Limits{Drivers: DriverCheckers(), Later: true}, Logger: a.log.Named("http"), Logs: follow(a.log), Reload: a.reloadNow, Name: a.name}
	var err error
	trip := &lateTrip{}
	var node structs.ID
	if !c.Dev {
		a.cluster = &cluster{others: remote.NewServers(trip, c.Client.Servers)}
		if !c.Server.Enabled { // its certificate is the node's
			if err := a.rememberACL(); err != nil {
				return err
			}
			if deps.Images, err = a.buildNode(a.cluster.others); err != nil {
				return err
			}
			node = a.client.NodeID()
		}
		if err := a.buildCluster(ctx, node, trip); err != nil {
			return err
		}
	}
	if a.seal, err = sealKey(ctx, c); err != nil {
		return err
	}
	// An agent without a server has one that never runs: it knows nothing, and every question goes to another.
	if a.server, err = server.New(a.serverConfig()); err != nil {
		return err
	}
	if c.Client.Enabled && a.client == nil {
		var servers client.Servers = a.server
		if a.cluster != nil {
			servers = remote.Beside{Own: a.server, Others: a.cluster.others}
		}
		if deps.Images, err = a.buildNode(servers); err != nil {
			return err
		}
	}
	if a.cluster != nil && c.Server.Enabled {
		a.cluster.auth = a.cluster.sec.Attach(authorityHost{a.server}, security.Around{Servers: a.clusterPorts, GossipKeys: a.cluster.gossip.OwnKeys,
			Gossip: a.gossipAddrs, ServersOf: a.regionServers})
		deps.Authority = a.cluster.auth
	}
	tokens := access.NewState(c.ACL.Enabled, c.ACL.TTL, a.server, time.Now)
	deps.Access = tokens
	if !c.Server.Enabled {
		deps.Access = access.NewRemote(c.ACL.Enabled, c.ACL.TTL, a.cluster.others, time.Now)
	}
	if c.Reachable() && !c.ACL.Enabled {
		a.log.Warn("whoever has a certificate of its cluster may do everything through the API: access control is off", "api", c.HTTPAddr, "fix", "acl { enabled = true }, see docs/how-to/control-access.md")
	}
	deps.Server, deps.Client, deps.Metrics = a.server, a.client, a.telemetry
	a.http = &http.Server{
		Handler: guard.Handler(a.guarded(), a.handlers(deps, tokens)), ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: a.log.Named("http").StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	if a.cluster != nil {
		a.api = a.cluster.sec.Web(a.api, c.Limits.HTTPSHandshake)
	}
	return nil
}

// guarded says by which names the API may be called.
func (a *agent) guarded() guard.Config {
	g := guard.Config{Names: append([]string{a.name}, a.cfg.AllowedHosts...), Origins: a.cfg.AllowedOrigins}
	if host, err := os.Hostname(); err == nil {
		g.Names = append(g.Names, host)
	}
	if host, _, err := net.SplitHostPort(a.cfg.HTTPAddr); err == nil {
		g.Names = append(g.Names, host)
	}
	if addr, ok := a.api.Addr().(*net.TCPAddr); ok {
		g.Loopback = addr.IP.IsLoopback()
	}
	return g
}

// unbuild gives back what parts hold that never ran.
func (a *agent) unbuild() {
	if a.client != nil {
		if err := a.client.Close(); err != nil {
			a.log.Warn("the node's state is not closed", "error", err)
		}
	}
	if a.cluster != nil && a.cluster.port != nil {
		_ = a.cluster.port.Close() // nobody has used it
	}
}

// buildNode makes containerd, the network and the client.
func (a *agent) buildNode(servers client.Servers) (httpapi.ImageLoader, error) {
	c, k, d := a.cfg, a.cfg.Client, a.cfg.Driver
	a.daemon = daemon.New(daemon.Config{DataDir: filepath.Join(c.DataDir, "containerd"), Address: d.Address, Logger: a.log})
	driver := containerd.New(containerd.Config{Daemon: a.daemon, Logger: a.log, Runc: d.Runc, AllowPrivileged: d.AllowPrivileged, AllowHostNetwork: d.AllowHostNetwork,
		AllowCaps: d.AllowCaps, AllowDevices: d.AllowDevices, VolumesEnabled: d.VolumesEnabled, VolumePaths: d.VolumePaths,
		PidsLimit: d.PidsLimit, PullTimeout: d.PullTimeout, NodeMemoryMB: k.MemoryTotalMB, NodeCPUMHz: a.nodeCPUMHz})
	var err error
	if a.net, err = network.New(a.networkConfig()); err != nil {
		return nil, err
	}
	iface := k.NetworkInterface
	if iface == "" && c.Dev {
		iface = "lo"
	}
	a.client, err = client.New(client.Config{
		DataDir: filepath.Join(c.DataDir, "client"), AllocDir: k.AllocDir, NodeName: a.name, Datacenter: c.Datacenter, NodePool: k.NodePool,
		Region: c.Region, NodeClass: k.NodeClass, Meta: k.Meta, Taints: k.Taints, HTTPAddr: c.HTTPAddr, Drivers: []drivers.Driver{driver, driver.As("docker")},
		Network: a.net, PortsTaken: network.TakenPorts, NetworkInterface: iface, HostVolumes: k.HostVolumes, HostNetworks: k.HostNetworks, CgroupParent: k.CgroupParent,
		Reserved: k.Reserved, CPUTotalMHz: k.CPUTotalMHz, MemoryTotalMB: k.MemoryTotalMB, DiskTotalMB: k.DiskTotalMB,
		MinDynamicPort: k.MinDynamicPort, MaxDynamicPort: k.MaxDynamicPort, MaxKillTimeout: k.MaxKillTimeout, GCMaxAllocs: k.GCMaxAllocs,
		GCDiskUsagePercent: k.GCDiskPercent, Dev: c.Dev, Logger: a.log.Named("client"),
	}, servers)
	return driver, err
}

// nodeCPUMHz is the node's whole compute as it was found, which is known before any task starts.
func (a *agent) nodeCPUMHz() int64 {
	if n := a.client.Node(); n != nil && n.NodeResources != nil {
		return n.NodeResources.Cpu.CpuShares
	}
	return 0
}

func (a *agent) networkConfig() network.Config {
	k := a.cfg.Client
	n := network.Config{Bridge: k.Bridge, StateDir: filepath.Join(a.cfg.DataDir, "client", "network"), HairpinMode: k.Hairpin,
		Logger: a.log.Named("network")}
	if k.Bridge != "" {
		n.Table = k.Bridge // agents side by side on one machine have bridges of different names, and so rules of their own
	}
	if p, err := netip.ParsePrefix(k.BridgeSubnet); err == nil {
		n.Subnet = p
	}
	if addr, err := netip.ParseAddrPort(a.cfg.HTTPAddr); err == nil {
		n.AgentPorts = []uint16{addr.Port()}
	}
	return n
}

// run starts the parts and ends them in order: the node before the server it reports to and the containerd it works with.
func (a *agent) run(ctx context.Context, began time.Time) error {
	if !a.cfg.Client.Enabled {
		if err := slack.Monitor(); err != nil {
			a.log.Debug("more processor time is spent than need be", "error", err)
		}
	}
	// The cluster port outlives the server, which hands leadership over through it, and containerd the node, which ends its tasks
	// with it. Server and API outlive ctx until the node has ended.
	outer := lifecycle.New(context.WithoutCancel(ctx))
	base := lifecycle.New(context.WithoutCancel(ctx))
	node := lifecycle.New(context.WithoutCancel(ctx))
	if a.cluster != nil {
		outer.Go("cluster", a.runCluster)
	}
	if a.daemon != nil {
		outer.Go("containerd", a.daemon.Run)
	}
	base.Go("below", ends(outer))
	base.Go("node", ends(node))
	if a.cfg.Server.Enabled {
		base.Go("server", a.server.Run)
	}
	base.Go("api", a.serve)
	base.Go("collector's pace", gctuner.Run)
	base.Go("telemetry", a.collector().Run)
	nodeEnded := make(chan error, 1)
	node.Go("node", func(ctx context.Context) error { return a.runNode(ctx, base.Context().Done(), nodeEnded) })
	a.log.Info("agent started", "version", version.String(), "api", "http://"+a.api.Addr().String(), "data_dir", a.cfg.DataDir, "dev", a.cfg.Dev)
	base.Go("announcement", func(ctx context.Context) error {
		a.announce(ctx, began)
		<-ctx.Done() // the end of a part ends the agent
		return ctx.Err()
	})

	select {
	case <-ctx.Done():
		a.log.Info("agent is ending", "tasks", a.fate())
		_, _ = sd.SdNotify(false, sd.SdNotifyStopping) // without systemd there is nobody to tell
		a.drainNode(base.Context().Done())
	case <-base.Context().Done(): // a part failed
	}
	a.endNode(nodeEnded)
	node.Stop()
	err := node.Wait()
	base.Stop()
	if berr := base.Wait(); err == nil {
		err = berr
	}
	outer.Stop()
	if oerr := outer.Wait(); err == nil {
		err = oerr
	}
	if a.cfg.Dev && a.daemon != nil && !a.left {
		if rerr := os.RemoveAll(a.daemon.RunDir()); rerr != nil {
			a.log.Warn("containerd's run directory remains", "error", rerr)
		}
		_ = os.Remove(filepath.Dir(a.daemon.RunDir())) // the last agent of the machine removes the parent
	}
	a.log.Info("agent ended")
	return err
}

// ends is a part that ends when a group does.
func ends(g *lifecycle.Group) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-g.Context().Done():
		}
		return ctx.Err()
	}
}

// runNode runs the client once the server leads and containerd answers, unless a part failed before. It stays until its context
// ends even when there is no node, for the end of a part ends the agent.
func (a *agent) runNode(ctx context.Context, failed <-chan struct{}, ended chan<- error) error {
	if a.client == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	wait := []<-chan struct{}{a.daemon.Ready()}
	if a.cfg.Server.Enabled {
		wait = append(wait, a.server.Ready())
	}
	for _, ready := range wait {
		select {
		case <-ready:
		case <-failed:
			ended <- errors.Join(errNodeNotRun, a.client.Close())
			return nil
		case <-ctx.Done():
			ended <- errors.Join(errNodeNotRun, a.client.Close())
			return ctx.Err()
		}
	}
	err := a.client.Run(ctx)
	ended <- err
	if err == nil {
		<-ctx.Done() // it was shut down: the rest follows
	}
	return err
}

// endNode ends the client: with all its tasks in -dev, else alone.
func (a *agent) endNode(ended <-chan error) {
	if a.client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), destroyTimeout)
	defer cancel()
	if err := a.client.Shutdown(ctx, a.cfg.Dev); err != nil {
		a.log.Error("not everything of the node could be removed", "error", err)
		a.left = true
	}
	select {
	case err := <-ended:
		a.left = a.left || a.cfg.Dev && tasksMayRun(err, a.named)
	case <-ctx.Done():
		a.log.Error("the node does not end")
		a.left = a.left || a.cfg.Dev
	}
}

// errNodeNotRun: a part failed, or the agent was ended, before the node looked at what an earlier agent left running.
var errNodeNotRun = errors.New("the node was not run")

// tasksMayRun tells from the node's end whether tasks may still use the files of the agent. A node that was not run has
// left none of its own, but a named directory may hold those of an earlier agent.
func tasksMayRun(end error, named bool) bool {
	switch {
	case errors.Is(end, errNodeNotRun):
		return named
	case end == nil, errors.Is(end, context.Canceled):
		return false
	}
	return true
}

// metricsHost is the name in figures that are sent to other machines.
func (a *agent) metricsHost() string {
	if host, err := os.Hostname(); err == nil && !a.cfg.Telemetry.UseNodeName {
		return host
	}
	return a.name
}

// collector looks at the parts there are.
func (a *agent) collector() *telemetry.Collector {
	a.figures.cluster = a.cluster
	var s *server.Server
	if a.cfg.Server.Enabled {
		s = a.server
	}
	if a.client == nil {
		return a.telemetry.Collect(s, nil, &a.figures)
	}
	return a.telemetry.Collect(s, a.client, &a.figures)
}

// serve answers the API until ctx is done.
func (a *agent) serve(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() { stopped <- a.http.Serve(a.api) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := a.http.Shutdown(end); err != nil {
		_ = a.http.Close() // what did not end in time is cut off
	}
	<-stopped
	return ctx.Err()
}

// announce tells on the terminal and to systemd that the agent is ready.
func (a *agent) announce(ctx context.Context, began time.Time) {
	var wait []<-chan struct{}
	if a.cfg.Server.Enabled {
		wait = append(wait, a.server.Ready())
	}
	if a.client != nil {
		wait = append(wait, a.client.Ready())
	}
	for _, ready := range wait {
		select {
		case <-ready:
		case <-ctx.Done():
			return
		}
	}
	_, _ = sd.SdNotify(false, sd.SdNotifyReady)
	roles := "server"
	switch {
	case !a.cfg.Server.Enabled:
		roles = "node"
	case a.client != nil:
		roles = "server and node"
	}
	keeps := "keeps its state in " + a.cfg.DataDir
	if a.cfg.Dev {
		keeps = "keeps nothing: Ctrl-C ends it and all its tasks"
	}
	fmt.Fprintf(a.out, "==> Berth %s is ready after %.2f s: %s, %s\n    API   http://%s\n    next  %s\n%s",
		version.String(), time.Since(began).Seconds(), roles, keeps, a.api.Addr(), a.nextStep(), a.joinLines(ctx))
	a.log.Info("agent is ready", "duration", time.Since(began).Round(time.Millisecond))
}

// nextStep is what somebody who has just started the agent can do.
func (a *agent) nextStep() string {
	const first = "berth node status, berth job run web.hcl"
	switch {
	case !a.cfg.ACL.Enabled:
		return first
	case a.cfg.Authority() != a.cfg.Region:
		return fmt.Sprintf("export BERTH_TOKEN=... (access control is on, and region %q decides over tokens: show a global one of it), berth operator region status", a.cfg.Authority())
	case a.server != nil && a.server.State().Snapshot().ACLBootstrap() == nil:
		return "berth acl bootstrap (access control is on: callers need a token, and this makes the first one)"
	}
	return "export BERTH_TOKEN=... (access control is on), " + first
}
