package config

import (
	"github.com/hashicorp/hcl/v2"
)

// file is one configuration file. Pointers tell what was written from what was not. Settings without a place here are unknown.
type file struct {
	Region             *string           `hcl:"region,optional"`
	Datacenter         *string           `hcl:"datacenter,optional"`
	JoinToken          *string           `hcl:"join_token,optional"`
	Name               *string           `hcl:"name,optional"`
	DataDir            *string           `hcl:"data_dir,optional"`
	BindAddr           *string           `hcl:"bind_addr,optional"`
	LogLevel           *string           `hcl:"log_level,optional"`
	LogJSON            *bool             `hcl:"log_json,optional"`
	LogFile            *string           `hcl:"log_file,optional"`
	EnableDebug        *bool             `hcl:"enable_debug,optional"`
	LeaveOnInterrupt   *bool             `hcl:"leave_on_interrupt,optional"`
	LeaveOnTerminate   *bool             `hcl:"leave_on_terminate,optional"`
	DisableUpdateCheck *bool             `hcl:"disable_update_check,optional"`
	DisableAnonymous   *bool             `hcl:"disable_anonymous_signature,optional"`
	PluginDir          *string           `hcl:"plugin_dir,optional"`
	EnableSyslog       *bool             `hcl:"enable_syslog,optional"`
	SyslogFacility     *string           `hcl:"syslog_facility,optional"`
	LogRotateBytes     *int              `hcl:"log_rotate_bytes,optional"`
	LogRotateDuration  *string           `hcl:"log_rotate_duration,optional"`
	LogRotateMaxFiles  *int              `hcl:"log_rotate_max_files,optional"`
	LogLocation        *bool             `hcl:"log_include_location,optional"`
	Headers            map[string]string `hcl:"http_api_response_headers,optional"`
	HeaderBlocks       []free            `hcl:"http_api_response_headers,block"`

	Ports     *portsBlock     `hcl:"ports,block"`
	Addresses *addressesBlock `hcl:"addresses,block"`
	Advertise *addressesBlock `hcl:"advertise,block"`
	Server    *serverBlock    `hcl:"server,block"`
	Client    *clientBlock    `hcl:"client,block"`
	Limits    *limitsBlock    `hcl:"limits,block"`
	// Berth's own.
	AllowedHosts   []string        `hcl:"http_allowed_hosts,optional"`
	AllowedOrigins []string        `hcl:"http_allowed_origins,optional"`
	ACL            *aclBlock       `hcl:"acl,block"`
	TLS            *tlsBlock       `hcl:"tls,block"`
	Plugins        []pluginBlock   `hcl:"plugin,block"`
	Autopilot      *autopilotBlock `hcl:"autopilot,block"`

	Telemetry *telemetryBlock `hcl:"telemetry,block"`

	// Blocks that are understood and have no effect; each is warned of.
	Consul    []any1 `hcl:"consul,block"`
	Vault     []any1 `hcl:"vault,block"`
	UI        []any1 `hcl:"ui,block"`
	Audit     []any1 `hcl:"audit,block"`
	Sentinel  []any1 `hcl:"sentinel,block"`
	Reporting []any1 `hcl:"reporting,block"`
	RPC       []free `hcl:"rpc,block"`
}

// free is a block with any attributes.
type free struct {
	Rest hcl.Attributes `hcl:",remain"`
}

// any1 is a block with anything in it.
type any1 struct {
	Rest hcl.Body `hcl:",remain"`
}

type portsBlock struct {
	HTTP *int `hcl:"http,optional"`
	RPC  *int `hcl:"rpc,optional"`
	Serf *int `hcl:"serf,optional"`
}

type addressesBlock struct {
	HTTP *string `hcl:"http,optional"`
	RPC  *string `hcl:"rpc,optional"`
	Serf *string `hcl:"serf,optional"`
}

type aclBlock struct {
	Enabled          *bool   `hcl:"enabled,optional"`
	TokenTTL         *string `hcl:"token_ttl,optional"`
	PolicyTTL        *string `hcl:"policy_ttl,optional"`
	RoleTTL          *string `hcl:"role_ttl,optional"`
	ReplicationToken *string `hcl:"replication_token,optional"`
	MinExpiration    *string `hcl:"token_min_expiration_ttl,optional"`
	MaxExpiration    *string `hcl:"token_max_expiration_ttl,optional"`
}

type limitsBlock struct {
	HTTPSHandshakeTimeout *string `hcl:"https_handshake_timeout,optional"`
	HTTPMaxConnsPerClient *int    `hcl:"http_max_conns_per_client,optional"`
	RPCHandshakeTimeout   *string `hcl:"rpc_handshake_timeout,optional"`
	RPCMaxConnsPerClient  *int    `hcl:"rpc_max_conns_per_client,optional"`
	BodyBytes             *int64  `hcl:"http_max_body_bytes,optional"`
	ImageBytes            *int64  `hcl:"http_max_image_bytes,optional"`
}

type serverBlock struct {
	Enabled               *bool        `hcl:"enabled,optional"`
	BootstrapExpect       *int         `hcl:"bootstrap_expect,optional"`
	DataDir               *string      `hcl:"data_dir,optional"`
	HeartbeatGrace        *string      `hcl:"heartbeat_grace,optional"`
	MinHeartbeatTTL       *string      `hcl:"min_heartbeat_ttl,optional"`
	FailoverHeartbeatTTL  *string      `hcl:"failover_heartbeat_ttl,optional"`
	MaxHeartbeatsPerSec   *float64     `hcl:"max_heartbeats_per_second,optional"`
	NodeGC                *string      `hcl:"node_gc_threshold,optional"`
	JobGCInterval         *string      `hcl:"job_gc_interval,optional"`
	JobGC                 *string      `hcl:"job_gc_threshold,optional"`
	EvalGC                *string      `hcl:"eval_gc_threshold,optional"`
	BatchEvalGC           *string      `hcl:"batch_eval_gc_threshold,optional"`
	DeploymentGC          *string      `hcl:"deployment_gc_threshold,optional"`
	ACLTokenGC            *string      `hcl:"acl_token_gc_threshold,optional"`
	NumSchedulers         *int         `hcl:"num_schedulers,optional"`
	EnabledSchedulers     []string     `hcl:"enabled_schedulers,optional"`
	RaftProtocol          *int         `hcl:"raft_protocol,optional"`
	RaftMultiplier        *int         `hcl:"raft_multiplier,optional"`
	AuthoritativeRegion   *string      `hcl:"authoritative_region,optional"`
	Encrypt               *string      `hcl:"encrypt,optional"`
	RetryJoin             []string     `hcl:"retry_join,optional"`
	StartJoin             []string     `hcl:"start_join,optional"`
	NonVotingServer       *bool        `hcl:"non_voting_server,optional"`
	RedundancyZone        *string      `hcl:"redundancy_zone,optional"`
	RejoinAfterLeave      *bool        `hcl:"rejoin_after_leave,optional"`
	RetryInterval         *string      `hcl:"retry_interval,optional"`
	RetryMax              *int         `hcl:"retry_max,optional"`
	DefaultSchedulerBlock []any1       `hcl:"default_scheduler_config,block"`
	ServerJoin            []free       `hcl:"server_join,block"`
	PlanRejection         []free       `hcl:"plan_rejection_tracker,block"`
	Search                []free       `hcl:"search,block"`
	AtRest                *atRestBlock `hcl:"at_rest,block"`
	Backup                *backupBlock `hcl:"backup,block"`
	EnableEventBroker     *bool        `hcl:"enable_event_broker,optional"`
	EventBufferSize       *int         `hcl:"event_buffer_size,optional"`
}

type autopilotBlock struct {
	CleanupDeadServers      *bool   `hcl:"cleanup_dead_servers,optional"`
	LastContactThreshold    *string `hcl:"last_contact_threshold,optional"`
	MaxTrailingLogs         *int    `hcl:"max_trailing_logs,optional"`
	MinQuorum               *int    `hcl:"min_quorum,optional"`
	ServerStabilizationTime *string `hcl:"server_stabilization_time,optional"`
	RedundancyZones         *bool   `hcl:"enable_redundancy_zones,optional"`
	UpgradeMigration        *bool   `hcl:"disable_upgrade_migration,optional"`
	CustomUpgrades          *bool   `hcl:"enable_custom_upgrades,optional"`
}

type clientBlock struct {
	Enabled          *bool             `hcl:"enabled,optional"`
	StateDir         *string           `hcl:"state_dir,optional"`
	AllocDir         *string           `hcl:"alloc_dir,optional"`
	Servers          []string          `hcl:"servers,optional"`
	NodeClass        *string           `hcl:"node_class,optional"`
	NodePool         *string           `hcl:"node_pool,optional"`
	Meta             map[string]string `hcl:"meta,optional"`
	MetaBlocks       []free            `hcl:"meta,block"`
	Taints           []string          `hcl:"taints,optional"`
	Options          map[string]string `hcl:"options,optional"`
	OptionBlocks     []free            `hcl:"options,block"`
	NetworkInterface *string           `hcl:"network_interface,optional"`
	NetworkSpeed     *int              `hcl:"network_speed,optional"`
	CPUTotal         *int64            `hcl:"cpu_total_compute,optional"`
	MemoryTotal      *int64            `hcl:"memory_total_mb,optional"`
	DiskTotal        *int64            `hcl:"disk_total_mb,optional"`
	MaxKillTimeout   *string           `hcl:"max_kill_timeout,optional"`
	MinDynamicPort   *int              `hcl:"min_dynamic_port,optional"`
	MaxDynamicPort   *int              `hcl:"max_dynamic_port,optional"`
	Reserved         *reservedBlock    `hcl:"reserved,block"`
	GCInterval       *string           `hcl:"gc_interval,optional"`
	GCParallel       *int              `hcl:"gc_parallel_destroys,optional"`
	GCDiskUsage      *float64          `hcl:"gc_disk_usage_threshold,optional"`
	GCInodeUsage     *float64          `hcl:"gc_inode_usage_threshold,optional"`
	GCMaxAllocs      *int              `hcl:"gc_max_allocs,optional"`
	NoHostUUID       *bool             `hcl:"no_host_uuid,optional"`
	DisableExec      *bool             `hcl:"disable_remote_exec,optional"`
	Bridge           *string           `hcl:"bridge_network_name,optional"`
	BridgeSubnet     *string           `hcl:"bridge_network_subnet,optional"`
	Hairpin          *bool             `hcl:"bridge_network_hairpin_mode,optional"`
	CNIPath          *string           `hcl:"cni_path,optional"`
	CNIConfigDir     *string           `hcl:"cni_config_dir,optional"`
	CgroupParent     *string           `hcl:"cgroup_parent,optional"`
	HostVolumes      []hostVolume      `hcl:"host_volume,block"`
	HostNetworks     []hostNetwork     `hcl:"host_network,block"`
	Template         []any1            `hcl:"template,block"`
	Artifact         []free            `hcl:"artifact,block"`
	ServerJoin       []free            `hcl:"server_join,block"`
	Drain            *drainBlock       `hcl:"drain_on_shutdown,block"`
}

type drainBlock struct {
	Deadline         *string `hcl:"deadline,optional"`
	Force            *bool   `hcl:"force,optional"`
	IgnoreSystemJobs *bool   `hcl:"ignore_system_jobs,optional"`
}

type reservedBlock struct {
	CPU    *int64  `hcl:"cpu,optional"`
	Memory *int64  `hcl:"memory,optional"`
	Disk   *int64  `hcl:"disk,optional"`
	Cores  *string `hcl:"cores,optional"`
	Ports  *string `hcl:"reserved_ports,optional"`
}

type hostVolume struct {
	Name     string `hcl:"name,label"`
	Path     string `hcl:"path"`
	ReadOnly *bool  `hcl:"read_only,optional"`
}

type hostNetwork struct {
	Name      string  `hcl:"name,label"`
	CIDR      *string `hcl:"cidr,optional"`
	Interface *string `hcl:"interface,optional"`
	Ports     *string `hcl:"reserved_ports,optional"`
}

type pluginBlock struct {
	Name   string        `hcl:"name,label"`
	Config *driverConfig `hcl:"config,block"`
	Args   []string      `hcl:"args,optional"`
}

// driverConfig is the config of plugin "docker" and plugin "containerd".
type driverConfig struct {
	Endpoint        *string       `hcl:"endpoint,optional"`
	Runtime         *string       `hcl:"runtime,optional"`
	AllowPrivileged *bool         `hcl:"allow_privileged,optional"`
	AllowHostNet    *bool         `hcl:"allow_host_network,optional"`
	AllowCaps       []string      `hcl:"allow_caps,optional"`
	AllowDevices    []string      `hcl:"allow_devices,optional"`
	PidsLimit       *int64        `hcl:"pids_limit,optional"`
	PullTimeout     *string       `hcl:"image_pull_timeout,optional"`
	Volumes         *volumesBlock `hcl:"volumes,block"`
	GC              []any1        `hcl:"gc,block"`
	Auth            []any1        `hcl:"auth,block"`
	Logging         []any1        `hcl:"logging,block"`
	ExtraLabels     []string      `hcl:"extra_labels,optional"`
}

type volumesBlock struct {
	Enabled *bool    `hcl:"enabled,optional"`
	Paths   []string `hcl:"paths,optional"`
	Label   *string  `hcl:"selinuxlabel,optional"`
}
