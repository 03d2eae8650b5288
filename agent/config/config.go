package config

import (
	"crypto/tls"
	"time"

	"berth/server"
	"berth/server/backup"
	"berth/server/events"
	"berth/server/heartbeat"
	"berth/server/reap"
	"berth/structs"
)

// Config is what an agent is run with.
type Config struct {
	Dev        bool
	Name       string // "" is the host's name
	Region     string
	Datacenter string
	DataDir    string // absolute; in -dev it is made and removed by the agent unless it was given
	BindAddr   string
	LogLevel   string
	LogJSON    bool
	LogFile    string
	Debug      bool

	HTTPAddr string // host:port the API listens on
	RPCBind  string // host:port the cluster port listens on
	RPCAddr  string // host:port others reach it by
	SerfBind string // host:port gossip listens on
	SerfAddr string // host:port others reach it by
	Headers  map[string]string

	Server Server
	Client Client
	Limits Limits
	// AllowedHosts are names the API may be called by besides the agent's own, AllowedOrigins pages of other sites that may use it.
	AllowedHosts, AllowedOrigins []string
	Driver                       Driver
	TLS                          TLS
	ACL                          ACL
	Telemetry                    Telemetry
	// JoinToken lets a machine without a certificate join a cluster.
	JoinToken string
	// Joined tells that it has a certificate of an earlier run.
	Joined bool

	// Files are those the configuration was read from.
	Files []string
	// Warnings are settings without effect, one sentence each.
	Warnings []string
}

// Server is the server's part.
type Server struct {
	Enabled   bool
	Heartbeat heartbeat.Config
	GC        reap.Thresholds
	Events    events.Config
	// AuthoritativeRegion decides over policies, roles, global tokens, namespaces and node pools; "" is the server's own.
	AuthoritativeRegion string

	// Expect is how many servers form the cluster together; 0 for one that joins a cluster which is there.
	Expect         int
	Join           []string // addresses of the gossip of other servers
	RetryInterval  time.Duration
	RetryMax       int
	AtRest         AtRest
	Encrypt        []byte // key of gossip; nil takes the cluster's own
	NonVoter       bool
	RaftMultiplier int
	Rejoin         bool
	LeaveOnStop    bool // by a signal that says so (leave_on_terminate, leave_on_interrupt)
	Autopilot      server.AutopilotConfig
	// Backup is where snapshots go by a schedule; nil saves none.
	Backup *backup.Plan
}

// Client is the node's part.
type Client struct {
	Enabled          bool
	AllocDir         string
	NodeClass        string
	NodePool         string
	Meta             map[string]string
	Taints           []*structs.Taint
	CPUTotalMHz      int64
	MemoryTotalMB    int64
	DiskTotalMB      int64
	NetworkInterface string
	Bridge           string
	BridgeSubnet     string
	Hairpin          bool
	CgroupParent     string
	MinDynamicPort   int
	MaxDynamicPort   int
	MaxKillTimeout   time.Duration
	GCMaxAllocs      int
	GCDiskPercent    float64
	Reserved         structs.NodeReservedResources
	HostVolumes      map[string]*structs.HostVolumeConfig
	HostNetworks     map[string]*structs.HostNetworkConfig
	DisableExec      bool
	// Drain is how the node is emptied when the agent is told to end; nil leaves its work running.
	Drain *Drain
	// Servers are cluster ports of servers, host:port, for a node without one.
	Servers []string
}

// Driver is the containerd driver's part, shared by its names "containerd" and "docker".
type Driver struct {
	Address          string // of a containerd of the host; "" is our own
	Runc             string
	AllowPrivileged  bool
	AllowHostNetwork bool
	AllowCaps        []string
	AllowDevices     []string
	VolumesEnabled   bool
	VolumePaths      []string
	PidsLimit        int64
	PullTimeout      time.Duration
}

// Limits bound what callers of the API and of the cluster port may use.
type Limits struct {
	MaxConnsPerClient int   // open connections of one address to the API; 0 is no limit
	BodyBytes         int64 // of a request's body, archives of images aside
	ImageBytes        int64 // of an archive of images
	// HTTPSHandshake and RPCHandshake are how long a TLS connection to the API, and one to the cluster port, may take until it says what it is
	// for; 0 is no limit.
	HTTPSHandshake, RPCHandshake time.Duration
	// RPCConnsPerClient is how many connections of one address the cluster port has at a time; 0 is no limit but those of each machine.
	RPCConnsPerClient int
}

// handshakeTime is how long a handshake may take.
const handshakeTime = 5 * time.Second

// Ports of the contract.
const (
	PortHTTP = 4646
	PortRPC  = 4647
	PortSerf = 4648
)

// Default is the configuration without files or flags.
func Default() *Config {
	return &Config{
		Telemetry: Telemetry{Interval: time.Second, FilterDefault: true},
		TLS:       TLS{MinVersion: tls.VersionTLS12},
		ACL:       ACL{TTL: aclTTL, MinExpiration: minExpiration, MaxExpiration: maxExpiration},
		Region:    "global", Datacenter: "dc1", BindAddr: defaultBind, LogLevel: "INFO",
		Client: Client{NodePool: structs.DefaultNodePool, MinDynamicPort: 20000, MaxDynamicPort: 32000, MaxKillTimeout: 30 * time.Second,
			GCMaxAllocs: 50, GCDiskPercent: 80, CgroupParent: "berth.slice"},
		Limits: Limits{MaxConnsPerClient: 100, BodyBytes: 64 << 20, ImageBytes: 32 << 30, HTTPSHandshake: handshakeTime, RPCHandshake: handshakeTime},
	}
}

// applyDev turns a configuration into that of `agent -dev`: server and client, on loopback, nothing kept.
func (c *Config) applyDev() {
	c.Dev, c.BindAddr, c.Server.Enabled, c.Client.Enabled, c.Debug = true, "127.0.0.1", true, true, true
	c.Telemetry.Prometheus, c.Telemetry.AllocMetrics, c.Telemetry.NodeMetrics = true, true, true
}
