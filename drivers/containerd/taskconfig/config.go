package taskconfig

import "time"

// Config is a decoded `config` block. Zero values mean "not set".
type Config struct {
	// Image is a reference such as "redis:7" or "registry.example/a@sha256:...".
	Image string
	// Command and Entrypoint and Args follow docker: Entrypoint replaces the image's; Command and Args replace its command.
	Command    string
	Args       []string
	Entrypoint []string
	// EntrypointSet tells an empty entrypoint (which removes the image's) from none.
	EntrypointSet bool

	// Load is an archive in the task directory the image comes from.
	Load string
	// PullPolicy is "missing" (the default), "always" or "never"; PullNewest where none is set and the tag is "latest" or none.
	PullPolicy       string
	ImagePullTimeout time.Duration
	Auth             *Auth
	AuthSoftFail     bool

	Ports    []string
	WorkDir  string
	Hostname string

	// Volumes are "host:task[:options]".
	Volumes []string
	Mounts  []Mount
	Devices []Device

	// NetworkMode is "", "host", "none" or "bridge".
	NetworkMode string
	ExtraHosts  []string // "name:address"
	DNSServers  []string
	DNSSearch   []string
	DNSOptions  []string

	CapAdd, CapDrop []string // without CAP_, upper case; "ALL" is possible
	Privileged      bool
	HostPID         bool // pid_mode = "host"
	HostIPC         bool // ipc_mode = "host"
	HostUTS         bool // uts_mode = "host"
	ReadonlyRootfs  bool
	SecurityOpt     []string
	Ulimits         []Ulimit
	Sysctl          map[string]string
	GroupAdd        []string

	PidsLimit         int64
	ShmSizeBytes      int64
	MemoryHardLimitMB int64
	CPUHardLimit      bool
	CPUCFSPeriodUS    int64
	CPUSetCPUs        string
	OOMScoreAdj       int

	Interactive, TTY bool
	Labels           map[string]string
}

// Auth are credentials of a registry.
type Auth struct {
	Username, Password, ServerAddress string
}

// Mount is one `mount` or `mounts` entry.
type Mount struct {
	Type        string // "bind" or "tmpfs"
	Source      string
	Target      string
	ReadOnly    bool
	Propagation string // of a bind: "private", "rprivate", "rslave", "rshared"...
	SizeBytes   int64  // of a tmpfs; 0 means half of the task's memory
	Mode        int64  // of a tmpfs, permission bits; 0 means 01777
}

// Device is one `devices` entry.
type Device struct {
	HostPath, ContainerPath, Permissions string
}

// Ulimit is one resource limit.
type Ulimit struct {
	Name       string // such as "nofile"
	Soft, Hard int64
}

// Pull policies.
const (
	PullMissing = "missing"
	PullAlways  = "always"
	PullNever   = "never"
	// PullNewest asks the registry at every start, and is content with what is here when the registry cannot give it. It is
	// no word of the job file.
	PullNewest = "newest"
)
