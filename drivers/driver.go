package drivers

import (
	"context"
	"io"
	"time"
)

// Driver runs tasks of one kind. Implementations prove themselves with the suite in drivers/drivertest.
type Driver interface {
	// Name is the word users write in `driver = "..."`.
	Name() string
	// Capabilities are constant for the life of the driver.
	Capabilities() Capabilities
	// Fingerprint looks at the host now. It never fails: what is missing is said in the answer.
	Fingerprint(ctx context.Context) Fingerprint
	// Start prepares and starts the task: image, root file system, process. It reports long steps (pulling, unpacking)
	// through cfg.Progress. The error is a *StartError when the driver can tell whether trying again may help.
	Start(ctx context.Context, cfg *TaskConfig) (*Handle, error)
	// Recover adopts a task started by an earlier life of the agent. ErrTaskNotFound when nothing of it is left.
	Recover(ctx context.Context, h *Handle) error
	// Wait blocks until the task ended or ctx is done (then ctx.Err()). It may be called any number of times.
	Wait(ctx context.Context, taskID string) (*ExitResult, error)
	// Stop asks with the signal ("" means the driver's default), and kills everything in the task after the timeout.
	// It returns when the task has ended. Stopping an ended task is not an error.
	Stop(ctx context.Context, taskID string, signal string, timeout time.Duration) error
	// Destroy removes all that is left of the task, killing it first if need be. Idempotent.
	Destroy(ctx context.Context, taskID string) error
	// Inspect tells what the driver knows of the task. ErrTaskNotFound when it knows nothing.
	Inspect(ctx context.Context, taskID string) (*TaskStatus, error)
	// Stats samples the task's use once.
	Stats(ctx context.Context, taskID string) (*Usage, error)
	// Signal sends one signal (name such as "SIGHUP", with or without SIG) to the task's first process.
	Signal(ctx context.Context, taskID string, signal string) error
	// Exec runs a command inside the running task until it ends or ctx is done, streaming both ways.
	Exec(ctx context.Context, taskID string, req *ExecRequest) (*ExitResult, error)
	// List names every task of this driver that exists on the host, adopted or not. The janitor compares it with the plan.
	List(ctx context.Context) ([]Handle, error)
}

// Capabilities say what a task runner may ask of a driver.
type Capabilities struct {
	SendSignals bool
	Exec        bool
	// FSIsolation is "image", "chroot", "unveil" or "none".
	FSIsolation string
	// NetworkIsolation are the modes the driver can join: "host", "group" (the allocation's namespace), "none".
	NetworkIsolation []string
	// DisableLogCollection: the driver writes no stdout or stderr files.
	DisableLogCollection bool
}

// Fingerprint is one driver's state on a node.
type Fingerprint struct {
	Detected          bool
	Healthy           bool
	HealthDescription string
	// Attributes are node attributes without the "driver.<name>." prefix being implied: full names.
	Attributes map[string]string
}

// TaskConfig is everything a driver needs to start a task once. All strings are interpolated already.
type TaskConfig struct {
	// ID is unique per start (allocation, task and attempt), stable text of [a-zA-Z0-9._-], at most 76 bytes.
	ID        string
	AllocID   string
	Namespace string
	JobID     string
	Group     string
	Task      string
	// Owner names this agent's node; List only returns tasks of the same owner.
	Owner string

	User   string
	Env    map[string]string
	Config map[string]any // the task's `config` block, validated by the driver's schema at submit
	// Ports maps a port label to what the task listens on and what the host publishes.
	Ports map[string]PortMapping

	Resources Resources
	Mounts    []Mount
	Devices   []Device

	// Network is how the task is attached: "host" (no namespace), "none", or "group" with NetNS the path of the
	// allocation's network namespace.
	Network string
	NetNS   string
	// Hostname inside the task; "" leaves the driver's default.
	Hostname string

	// TaskDir is the host directory with local/, secrets/ and tmp/; AllocDir is the shared one.
	// Both are mounted by Mounts; drivers without image isolation use them as they are.
	TaskDir  string
	AllocDir string
	// StdoutPath and StderrPath are existing regular files the task's output is appended to (O_APPEND) by whatever
	// outlives the agent. Never pipes: a task must not block because an agent is away.
	StdoutPath string
	StderrPath string

	// KillSignal is the default signal of Stop; "" means the image's or the driver's own.
	KillSignal string
	// CgroupParent is the cgroup (path below each hierarchy's root) under which the task's own is made.
	CgroupParent string
	// Progress is told of long steps. May be nil. It must not block.
	Progress func(Progress)
}

// PortMapping is one labelled port of the allocation.
type PortMapping struct {
	HostIP string
	Host   int
	Task   int
}

// Resources limit the task. Zero means no limit of that kind, except MemoryMB which must be positive.
type Resources struct {
	CPUShares   int64 // MHz, becomes a proportional weight
	Cores       []uint16
	MemoryMB    int64 // hard limit, unless MemoryMaxMB is larger
	MemoryMaxMB int64
	PidsLimit   int64
}

// Mount is a host path made visible in the task.
type Mount struct {
	HostPath    string
	TaskPath    string
	ReadOnly    bool
	Propagation string // "private" (default), "host-to-task", "bidirectional"
}

// Device is a host device node given to the task.
type Device struct {
	HostPath    string
	TaskPath    string
	Permissions string // "rwm"
}

// Progress is one step of a start that takes long enough to be told.
type Progress struct {
	Phase   string // "pulling", "unpacking", "creating"
	Message string
	Current int64 // bytes
	Total   int64 // bytes, 0 if unknown
}

// Handle is what must be remembered to find a task again after the agent died. It is stored as JSON on the node.
type Handle struct {
	Driver    string
	TaskID    string
	AllocID   string
	Task      string
	Pid       int
	StartedAt time.Time
	// State is the driver's own, opaque to everyone else.
	State []byte `json:",omitempty"`
}

// ExitResult tells how a task or an exec ended.
type ExitResult struct {
	ExitCode  int
	Signal    int
	OOMKilled bool
	// Unknown: the task is gone and nobody saw how. ExitCode is then meaningless.
	Unknown bool
	// Err is a fault of the driver while waiting, as text.
	Err string
	At  time.Time
}

// Successful reports an exit that was seen, with status zero and no signal.
func (r *ExitResult) Successful() bool {
	return r != nil && !r.Unknown && r.ExitCode == 0 && r.Signal == 0 && r.Err == "" && !r.OOMKilled
}

// TaskStatus is a task as the driver sees it now.
type TaskStatus struct {
	Handle  Handle
	Running bool
	Exit    *ExitResult // set when not running and the exit is known
	// ImageDigest and Attributes are shown to people; may be empty.
	ImageDigest string
	Attributes  map[string]string
}

// Usage is one sample of what a task uses.
type Usage struct {
	At               time.Time
	CPUTotalNS       uint64 // since the start of the task
	CPUUserNS        uint64
	CPUSystemNS      uint64
	ThrottledPeriods uint64
	ThrottledNS      uint64
	MemoryRSS        uint64 // bytes
	MemoryUsage      uint64 // bytes, with cache
	MemoryMaxUsage   uint64
	MemoryCache      uint64
	MemorySwap       uint64
	Pids             uint64
}

// ExecRequest is a command to run inside a task.
type ExecRequest struct {
	Command []string
	TTY     bool
	Env     map[string]string
	Stdin   io.Reader // nil: no input
	Stdout  io.Writer // with TTY everything comes here
	Stderr  io.Writer
	Resize  <-chan TermSize // nil: fixed size
}

// TermSize is a terminal's size in characters.
type TermSize struct{ Height, Width int }
