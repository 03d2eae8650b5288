package daemon

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/cmd/containerd/server"
	"github.com/containerd/containerd/v2/cmd/containerd/server/config"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/version"
	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
)

// Namespace is the containerd namespace of everything Berth makes.
const Namespace = "berth"

// Config says where the daemon lives. DataDir is required.
type Config struct {
	// DataDir keeps images, snapshots and the record of tasks; it survives reboots.
	DataDir string
	// RunDir is the parent of the directory for sockets and bundles; "" means /run/berth. It must be short (sockets have
	// at most 108 bytes of path) and should be a tmpfs, because after a reboot nothing in it is true any more.
	RunDir string
	// Address is the socket of a containerd of the host, used instead of our own; "" means our own.
	Address string
	// Executable is our binary; "" means os.Executable.
	Executable string
	// LayerBytesMax bounds an unpacked layer and an archive; 0 means 32 GiB.
	LayerBytesMax int64
	Logger        hclog.Logger
}

// Daemon is containerd, in this process or on the host.
type Daemon struct {
	cfg   Config
	log   hclog.Logger
	run   string
	ready chan struct{}

	mu     sync.Mutex // guards client
	client *client.Client
}

// New prepares a daemon. It touches nothing; Run does.
func New(cfg Config) *Daemon {
	if cfg.RunDir == "" {
		cfg.RunDir = "/run/berth"
	}
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	if abs, err := filepath.Abs(cfg.DataDir); err == nil {
		cfg.DataDir = abs
	}
	sum := sha256.Sum256([]byte(cfg.DataDir))
	return &Daemon{
		cfg:   cfg,
		log:   cfg.Logger.Named("containerd"),
		run:   filepath.Join(cfg.RunDir, fmt.Sprintf("%x", sum[:4])),
		ready: make(chan struct{}),
	}
}

// Ready is closed when Client may be called.
func (d *Daemon) Ready() <-chan struct{} { return d.ready }

// Client is the connection to containerd, nil before Ready and after Run. It belongs to the daemon; do not close it.
func (d *Daemon) Client() *client.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.client
}

// Embedded tells whether containerd runs in this process.
func (d *Daemon) Embedded() bool { return d.cfg.Address == "" }

// DataDir is where the driver may keep its own records, absolute.
func (d *Daemon) DataDir() string { return d.cfg.DataDir }

// RunDir is this daemon's own run directory, short and absolute.
func (d *Daemon) RunDir() string { return d.run }

// ShimPath is the absolute path of the shim: a link to our own binary.
func (d *Daemon) ShimPath() string { return filepath.Join(d.cfg.DataDir, "bin", shimName) }

// Address is the socket containerd listens on.
func (d *Daemon) Address() string {
	if d.cfg.Address != "" {
		return d.cfg.Address
	}
	return filepath.Join(d.run, "c.sock")
}

// Run starts containerd (or connects to the host's), closes Ready when it answers, and returns when ctx is done or the
// start failed. Containers go on without it. It may be called once.
func (d *Daemon) Run(ctx context.Context) error {
	started := time.Now()
	if err := d.prepare(); err != nil {
		return err
	}
	if err := d.tempMounts(); err != nil {
		return err
	}
	if d.Embedded() {
		srv, err := d.startServer(ctx)
		if err != nil {
			return err
		}
		defer d.stopServer(srv)
	}
	c, err := client.New(d.Address(), client.WithDefaultNamespace(Namespace), client.WithTimeout(10*time.Second))
	if err != nil {
		return fmt.Errorf("connect to containerd at %s: %w", d.Address(), err)
	}
	defer func() { _ = c.Close() }()
	v, err := c.Version(ctx)
	if err != nil {
		return fmt.Errorf("ask containerd at %s for its version: %w", d.Address(), err)
	}
	conn, ok := c.Conn().(*grpc.ClientConn)
	if !ok {
		return fmt.Errorf("connect to containerd at %s: the connection is a %T", d.Address(), c.Conn())
	}
	careful, err := client.NewWithConn(conn, client.WithDefaultNamespace(Namespace), client.WithServices(
		client.WithDiffService(measured{DiffService: c.DiffService(), store: c.ContentStore(), room: d.Room})))
	if err != nil {
		return fmt.Errorf("connect to containerd at %s: %w", d.Address(), err)
	}
	d.setClient(careful)
	defer d.setClient(nil)
	d.log.Info("containerd is ready", "version", v.Version, "address", d.Address(), "embedded", d.Embedded(), "duration", time.Since(started))
	close(d.ready)
	<-ctx.Done()
	return nil
}

func (d *Daemon) setClient(c *client.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.client = c
}

// prepare makes the directories and the shim's link.
func (d *Daemon) prepare() error {
	if d.cfg.DataDir == "" {
		return errors.New("containerd: no data directory is set")
	}
	if os.Geteuid() != 0 {
		return errors.New("containerd: running containers needs root (start the agent as root)")
	}
	for _, dir := range []string{d.cfg.DataDir, filepath.Join(d.cfg.DataDir, "bin"), d.run} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return spaceHint(fmt.Errorf("make directory for containerd: %w", err), d.cfg.DataDir)
		}
	}
	return spaceHint(linkShim(d.cfg.Executable, d.ShimPath()), d.cfg.DataDir)
}

// tempMounts sets where images are mounted to be looked at, in this process, and takes down what a killed one has left there.
func (d *Daemon) tempMounts() error {
	if err := mount.SetTempMountLocation(filepath.Join(d.cfg.DataDir, "tmpmounts")); err != nil {
		return spaceHint(fmt.Errorf("set the place for temporary mounts: %w", err), d.cfg.DataDir)
	}
	if warnings, err := mount.CleanupTempMounts(0); err != nil || len(warnings) > 0 {
		d.log.Warn("temporary mounts of an earlier life remain", "error", errors.Join(append(warnings, err)...))
	}
	return nil
}

// spaceHint says what to do about a full disk.
func spaceHint(err error, dir string) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("no space is left on the disk of %s (free some, or choose another data_dir): %w", dir, err)
	}
	return err
}

func (d *Daemon) startServer(ctx context.Context) (*server.Server, error) {
	redirectLogs(d.log)
	cfg := d.serverConfig()
	if err := server.CreateTopLevelDirectories(cfg); err != nil {
		return nil, spaceHint(fmt.Errorf("make directories of containerd: %w", err), d.cfg.DataDir)
	}
	if err := compact(filepath.Join(cfg.Root, "io.containerd.metadata.v1.bolt", "meta.db"), d.log); err != nil {
		return nil, err
	}
	// Why detached: containerd derives long-lived contexts from this one, and Stop ends it in order.
	sctx := context.WithoutCancel(ctx)
	srv, err := server.New(sctx, cfg)
	if err != nil {
		if strings.Contains(err.Error(), "timeout") {
			return nil, fmt.Errorf("open containerd's database in %s: another agent is using this data directory (stop it, or choose another data_dir)", cfg.Root)
		}
		return nil, spaceHint(fmt.Errorf("start containerd in %s: %w", cfg.Root, err), d.cfg.DataDir)
	}
	if err := srv.Start(sctx); err != nil {
		srv.Stop()
		return nil, fmt.Errorf("start containerd's listeners in %s: %w", d.run, err)
	}
	srv.Wait()
	for _, s := range []string{d.Address(), d.Address() + ".ttrpc"} {
		if err := os.Chmod(s, 0o600); err != nil {
			srv.Stop()
			return nil, fmt.Errorf("restrict containerd's socket: %w", err)
		}
	}
	return srv, nil
}

func (d *Daemon) stopServer(srv *server.Server) {
	srv.Stop()
	for _, s := range []string{d.Address(), d.Address() + ".ttrpc"} {
		_ = os.Remove(s)
	}
}

// serverConfig is the whole configuration of our containerd. Version 4 keeps addresses with the server plugins.
func (d *Daemon) serverConfig() *config.Config {
	return &config.Config{
		Version:         version.ConfigVersion,
		Root:            filepath.Join(d.cfg.DataDir, "root"),
		State:           filepath.Join(d.run, "state"),
		RequiredPlugins: required(),
		DisabledPlugins: disabled(),
		Timeouts: map[string]string{
			"io.containerd.timeout.bolt.open": "3s",
		},
		Plugins: map[string]any{
			"io.containerd.server.v1.grpc":  map[string]any{"address": d.Address(), "uid": 0, "gid": 0},
			"io.containerd.server.v1.ttrpc": map[string]any{"address": d.Address() + ".ttrpc", "uid": 0, "gid": 0},
			"io.containerd.shim.v1.manager": map[string]any{"socket_dir": filepath.Join(d.run, "s")},
		},
	}
}
