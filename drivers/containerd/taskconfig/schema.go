package taskconfig

// Kind is the shape of a key's value.
type Kind string

// The kinds of values.
const (
	KindString     Kind = "string"
	KindBool       Kind = "bool"
	KindInt        Kind = "integer"
	KindDuration   Kind = "duration"
	KindList       Kind = "list of strings"
	KindStringList Kind = "string or list of strings"
	KindMap        Kind = "map of strings"
	KindBlock      Kind = "block"
	KindBlocks     Kind = "list of blocks"
)

// Key describes one key of the config block.
type Key struct {
	Name     string
	Kind     Kind
	Required bool
	// Refused, when not empty, says why the key does not work here and what to do instead.
	Refused string
	// Keys are the keys of a block.
	Keys []Key
}

// Schema lists every key of the config block, those that are refused by name too.
func Schema() []Key { return topKeys }

const noNetworkDriver = "addresses belong to the allocation's network; use the group's `network` block"

// topKeys is the schema. Constant.
var topKeys = []Key{
	{Name: "image", Kind: KindString, Required: true},
	{Name: "command", Kind: KindString},
	{Name: "args", Kind: KindList},
	{Name: "entrypoint", Kind: KindStringList},
	{Name: "load", Kind: KindString},
	{Name: "force_pull", Kind: KindBool},
	{Name: "image_pull_policy", Kind: KindString},
	{Name: "image_pull_timeout", Kind: KindDuration},
	{Name: "auth", Kind: KindBlock, Keys: []Key{
		{Name: "username", Kind: KindString},
		{Name: "password", Kind: KindString},
		{Name: "email", Kind: KindString},
		{Name: "server_address", Kind: KindString},
	}},
	{Name: "auth_soft_fail", Kind: KindBool},
	{Name: "ports", Kind: KindList},
	{Name: "work_dir", Kind: KindString},
	{Name: "hostname", Kind: KindString},
	{Name: "volumes", Kind: KindList},
	{Name: "mount", Kind: KindBlocks, Keys: mountKeys},
	{Name: "mounts", Kind: KindBlocks, Keys: mountKeys},
	{Name: "devices", Kind: KindBlocks, Keys: []Key{
		{Name: "host_path", Kind: KindString, Required: true},
		{Name: "container_path", Kind: KindString},
		{Name: "cgroup_permissions", Kind: KindString},
	}},
	{Name: "network_mode", Kind: KindString},
	{Name: "extra_hosts", Kind: KindList},
	{Name: "dns_servers", Kind: KindList},
	{Name: "dns_search_domains", Kind: KindList},
	{Name: "dns_options", Kind: KindList},
	{Name: "cap_add", Kind: KindList},
	{Name: "cap_drop", Kind: KindList},
	{Name: "privileged", Kind: KindBool},
	{Name: "readonly_rootfs", Kind: KindBool},
	{Name: "security_opt", Kind: KindList},
	{Name: "ulimit", Kind: KindMap},
	{Name: "sysctl", Kind: KindMap},
	{Name: "group_add", Kind: KindList},
	{Name: "pids_limit", Kind: KindInt},
	{Name: "shm_size", Kind: KindInt},
	{Name: "memory_hard_limit", Kind: KindInt},
	{Name: "cpu_hard_limit", Kind: KindBool},
	{Name: "cpu_cfs_period", Kind: KindInt},
	{Name: "cpuset_cpus", Kind: KindString},
	{Name: "oom_score_adj", Kind: KindInt},
	{Name: "interactive", Kind: KindBool},
	{Name: "tty", Kind: KindBool},
	{Name: "labels", Kind: KindMap},
	{Name: "init", Kind: KindBool},
	{Name: "pid_mode", Kind: KindString},
	{Name: "ipc_mode", Kind: KindString},
	{Name: "uts_mode", Kind: KindString},
	{Name: "userns_mode", Kind: KindString},
	{Name: "runtime", Kind: KindString},

	{Name: "advertise_ipv6_address", Kind: KindBool, Refused: noNetworkDriver},
	{Name: "cgroupns", Kind: KindString, Refused: "the driver chooses the cgroup namespace; remove the key"},
	{Name: "container_exists_attempts", Kind: KindInt, Refused: "containers are named by allocation and cannot collide; remove the key"},
	{Name: "healthchecks", Kind: KindBlock, Refused: "the image's health check is not run; use a `check` in the `service` block"},
	{Name: "ipv4_address", Kind: KindString, Refused: noNetworkDriver},
	{Name: "ipv6_address", Kind: KindString, Refused: noNetworkDriver},
	{Name: "isolation", Kind: KindString, Refused: "it is for Windows hosts; remove the key"},
	{Name: "logging", Kind: KindBlock, Refused: "the agent collects and rotates logs; use the task's `logs` block"},
	{Name: "mac_address", Kind: KindString, Refused: noNetworkDriver},
	{Name: "network_aliases", Kind: KindList, Refused: "use a `service` block to give the task a name"},
	{Name: "storage_opt", Kind: KindMap, Refused: "the snapshotter has no options per task; use `ephemeral_disk` to ask for space"},
	{Name: "volume_driver", Kind: KindString, Refused: "use the group's `volume` and the task's `volume_mount` blocks"},
	{Name: "port_map", Kind: KindMap, Refused: "use `to` in the port of the group's `network` block, and `ports` here"},
	{Name: "host_network", Kind: KindBool, Refused: "use `mode = \"host\"` in the group's `network` block"},
	{Name: "seccomp", Kind: KindBool, Refused: "the default seccomp profile is always on; `security_opt` changes it"},
	{Name: "cwd", Kind: KindString, Refused: "use `work_dir`"},
}

// mountKeys is the schema of a mount. Constant.
var mountKeys = []Key{
	{Name: "type", Kind: KindString},
	{Name: "target", Kind: KindString, Required: true},
	{Name: "source", Kind: KindString},
	{Name: "readonly", Kind: KindBool},
	{Name: "bind_options", Kind: KindBlock, Keys: []Key{{Name: "propagation", Kind: KindString}}},
	{Name: "tmpfs_options", Kind: KindBlock, Keys: []Key{
		{Name: "size", Kind: KindInt},
		{Name: "mode", Kind: KindInt},
	}},
	{Name: "volume_options", Kind: KindBlock, Refused: "named volumes come from the group's `volume` and the task's `volume_mount` blocks"},
}
