package containerd

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/hashicorp/go-hclog"

	"berth/drivers"
	"berth/drivers/containerd/daemon"
)

// Config is what the operator and the agent decide about the driver.
type Config struct {
	// Daemon is required; the agent runs it.
	Daemon *daemon.Daemon
	Logger hclog.Logger
	// Name is the word jobs use; "" means "containerd". See As for a second name.
	Name string
	// Owner is this node's id: List leaves out tasks of other owners. "" lists every task in DataDir.
	Owner string
	// Runc is the OCI runtime's program; "" looks for runc in PATH.
	Runc string

	// AllowPrivileged permits `privileged`, `security_opt` that weakens a task, every capability, and the host's namespaces
	// by `pid_mode`, `ipc_mode` and `uts_mode`. Default false.
	AllowPrivileged bool
	// AllowHostNetwork permits `network_mode = "host"` to tasks of groups with a network of their own. A group whose network
	// is the host's needs no permission: that is the job language's default. Default false.
	AllowHostNetwork bool
	// AllowCaps are the capabilities `cap_add` may ask for beyond DefaultCaps (without CAP_, or "ALL"). Default none.
	AllowCaps []string
	// AllowDevices are the host paths `devices` may name, as filepath.Match patterns. Default none.
	AllowDevices []string
	// VolumesEnabled permits absolute host paths in `volumes` and `mount`. Default false.
	VolumesEnabled bool
	// VolumePaths, when not empty, are the only host directories (and what is below) such volumes may come from.
	VolumePaths []string
	// PidsLimit is the number of processes of a task that asks for none; 0 means 4096. It is also the most a job may ask
	// for, unless PidsLimitMax is larger.
	PidsLimit, PidsLimitMax int64
	// NodeCPUMHz tells the node's whole compute, of which `cpu_hard_limit` takes the task's part; nil or 0 leaves it unlimited.
	NodeCPUMHz func() int64
	// NodeMemoryMB is the most a task may ask for with `memory_hard_limit`; 0 means the machine's memory.
	NodeMemoryMB int64
	// PullTimeout is for tasks without image_pull_timeout; 0 means 5 minutes.
	PullTimeout time.Duration
}

// DefaultCaps are the capabilities of a task that asks for nothing: docker's without AUDIT_WRITE, MKNOD, NET_RAW and
// SYS_CHROOT.
func DefaultCaps() []string {
	return []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID"}
}

// Driver runs containers. It is safe for concurrent use.
type Driver struct {
	cfg     Config
	log     hclog.Logger
	flights *flights
}

var _ drivers.Driver = (*Driver)(nil)

// New makes a driver. It touches nothing.
func New(cfg Config) *Driver {
	if cfg.Name == "" {
		cfg.Name = "containerd"
	}
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	if cfg.PidsLimit == 0 {
		cfg.PidsLimit = 4096
	}
	cfg.PidsLimitMax = max(cfg.PidsLimitMax, cfg.PidsLimit)
	if cfg.PullTimeout == 0 {
		cfg.PullTimeout = 5 * time.Minute
	}
	return &Driver{cfg: cfg, log: cfg.Logger.Named("driver." + cfg.Name), flights: newFlights()}
}

// As gives the same driver under another name, such as "docker": it shares everything and lists only its own tasks.
func (d *Driver) As(name string) *Driver {
	cfg := d.cfg
	cfg.Name = name
	return &Driver{cfg: cfg, log: cfg.Logger.Named("driver." + name), flights: d.flights}
}

// Name is the word jobs use.
func (d *Driver) Name() string { return d.cfg.Name }

// Capabilities are constant.
func (d *Driver) Capabilities() drivers.Capabilities {
	return drivers.Capabilities{
		SendSignals: true, Exec: true, FSIsolation: "image", NetworkIsolation: []string{"host", "group", "none"},
	}
}

// errNotReady is returned while the agent's containerd is starting or stopping.
var errNotReady = errors.New("containerd is not running yet (see the agent's log)")

// connect gives the client and a context in our namespace.
func (d *Driver) connect(ctx context.Context) (*client.Client, context.Context, error) {
	c := d.cfg.Daemon.Client()
	if c == nil {
		return nil, ctx, errNotReady
	}
	return c, namespaces.WithNamespace(ctx, daemon.Namespace), nil
}

// opTimeout bounds every single operation on a task, so that a hung containerd is an error and not a hang.
const opTimeout = 30 * time.Second

func (d *Driver) runcPath() (string, error) {
	if d.cfg.Runc != "" {
		return d.cfg.Runc, nil
	}
	p, err := exec.LookPath("runc")
	if err != nil {
		return "", errors.New("the program runc is not installed (apt-get install runc)")
	}
	return filepath.Abs(p)
}

// capAllowed tells whether cap_add may name it.
func (d *Driver) capAllowed(name string) error {
	if d.cfg.AllowPrivileged || slices.Contains(DefaultCaps(), name) || slices.Contains(d.cfg.AllowCaps, name) ||
		slices.Contains(d.cfg.AllowCaps, "ALL") {
		return nil
	}
	return fmt.Errorf("cap_add: capability %s is not allowed on this node (the operator can add it to allow_caps of the driver)", name)
}
