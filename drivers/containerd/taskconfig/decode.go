package taskconfig

import (
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"berth/structs"
)

// Decode reads a config block whose interpolations are done. The error holds every fault, as structs.Faults.
func Decode(raw map[string]any) (*Config, error) {
	c, faults := decode(raw, false)
	if len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}

// Checker checks config blocks as they are submitted, with interpolations still in them; it is a structs.ConfigChecker.
type Checker struct{}

// CheckConfig returns every fault of the block; paths are relative to it.
func (Checker) CheckConfig(raw map[string]any) structs.Faults {
	_, faults := decode(raw, true)
	return faults
}

func decode(raw map[string]any, lax bool) (*Config, structs.Faults) {
	var faults structs.Faults
	b := &block{raw: raw, lax: lax, faults: &faults}
	b.open(topKeys)
	c := &Config{
		Image: b.str("image"), Command: b.str("command"), Args: b.list("args", false), Entrypoint: b.list("entrypoint", true),
		Load: b.str("load"), ImagePullTimeout: b.duration("image_pull_timeout"), AuthSoftFail: b.boolean("auth_soft_fail"),
		Ports: b.list("ports", false), WorkDir: b.str("work_dir"), Hostname: b.str("hostname"), Volumes: b.list("volumes", false),
		ExtraHosts: b.list("extra_hosts", false), DNSServers: b.list("dns_servers", false),
		DNSSearch: b.list("dns_search_domains", false), DNSOptions: b.list("dns_options", false),
		Privileged: b.boolean("privileged"), ReadonlyRootfs: b.boolean("readonly_rootfs"), SecurityOpt: b.list("security_opt", false),
		Sysctl: b.stringMap("sysctl"), GroupAdd: b.list("group_add", false),
		PidsLimit: b.integer("pids_limit"), ShmSizeBytes: b.atLeast("shm_size", 4096),
		MemoryHardLimitMB: b.atLeast("memory_hard_limit", 1), CPUHardLimit: b.boolean("cpu_hard_limit"),
		CPUCFSPeriodUS: b.integer("cpu_cfs_period"), CPUSetCPUs: b.str("cpuset_cpus"), OOMScoreAdj: int(b.integer("oom_score_adj")),
		Interactive: b.boolean("interactive"), TTY: b.boolean("tty"), Labels: b.stringMap("labels"),
	}
	_, c.EntrypointSet = raw["entrypoint"]
	c.decodeImage(b)
	c.decodeNetwork(b)
	c.decodeSecurity(b)
	c.decodeMounts(b)
	c.decodeLimits(b)
	return c, faults
}

// oneOf checks a word, "" being allowed.
func (b *block) oneOf(key, found string, allowed ...string) bool {
	if found == "" || slices.Contains(allowed, found) || b.interpolated(found) {
		return true
	}
	b.fault(key, "found %q, allowed: %s", found, strings.Join(allowed, ", "))
	return false
}

func (c *Config) decodeImage(b *block) {
	c.Image = strings.TrimPrefix(c.Image, "docker://")
	if i := strings.Index(c.Image, "://"); i > 0 {
		b.fault("image", "found %q, allowed: a reference without %q", c.Image, c.Image[:i+3])
	}
	if strings.ContainsAny(c.Image, " \t\n") && !b.interpolated(c.Image) {
		b.fault("image", "found %q, allowed: a reference without spaces", c.Image)
	}
	c.PullPolicy = b.str("image_pull_policy")
	b.oneOf("image_pull_policy", c.PullPolicy, PullMissing, PullAlways, PullNever)
	switch {
	case b.boolean("force_pull") && c.PullPolicy == PullNever:
		b.fault("force_pull", "contradicts image_pull_policy = \"never\"")
	case b.boolean("force_pull"):
		c.PullPolicy = PullAlways
	case c.PullPolicy == "" && moves(c.Image):
		c.PullPolicy = PullNewest
	case c.PullPolicy == "":
		c.PullPolicy = PullMissing
	}
	if a := b.child("auth", keysOf("auth")); a != nil {
		c.Auth = &Auth{Username: a.str("username"), Password: a.str("password"), ServerAddress: a.str("server_address")}
		_ = a.str("email") // checked, of no use
	}
	if c.Load != "" && !b.interpolated(c.Load) && !isLocal(c.Load) {
		b.fault("load", "found %q, allowed: a file inside the task directory", c.Load)
	}
	if c.WorkDir != "" && !path.IsAbs(c.WorkDir) && !b.interpolated(c.WorkDir) {
		b.fault("work_dir", "found %q, allowed: an absolute path", c.WorkDir)
	}
}

// moves tells whether an image is named by the tag that always means the newest.
func moves(image string) bool {
	if strings.Contains(image, "@") {
		return false
	}
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return !tagged || tag == "latest"
}

func isLocal(p string) bool {
	clean := path.Clean(p)
	return !path.IsAbs(clean) && clean != ".." && !strings.HasPrefix(clean, "../")
}

func keysOf(name string) []Key {
	k, _ := find(topKeys, name)
	return k.Keys
}

func (c *Config) decodeNetwork(b *block) {
	c.NetworkMode = b.str("network_mode")
	b.oneOf("network_mode", c.NetworkMode, "bridge", "host", "none")
	for i, s := range c.DNSServers {
		if _, err := netip.ParseAddr(s); err != nil && !b.interpolated(s) {
			b.fault("dns_servers["+strconv.Itoa(i)+"]", "found %q, allowed: an address", s)
		}
	}
	for i, s := range c.ExtraHosts {
		name, addr, ok := strings.Cut(s, ":")
		if _, err := netip.ParseAddr(strings.Trim(addr, "[]")); (!ok || name == "" || err != nil) && !b.interpolated(s) {
			b.fault("extra_hosts["+strconv.Itoa(i)+"]", "found %q, allowed: \"name:address\"", s)
		}
	}
	if len(c.Hostname) > 63 {
		b.fault("hostname", "found %d characters, allowed: 63", len(c.Hostname))
	}
}

func (c *Config) decodeSecurity(b *block) {
	c.CapAdd, c.CapDrop = capabilities(b, "cap_add"), capabilities(b, "cap_drop")
	for i, s := range c.SecurityOpt {
		switch normal := strings.Replace(s, ":", "=", 1); normal {
		case "no-new-privileges", "no-new-privileges=true", "no-new-privileges=false", "seccomp=unconfined":
			c.SecurityOpt[i] = normal
		default:
			if !b.interpolated(s) {
				b.fault("security_opt["+strconv.Itoa(i)+"]", "found %q, allowed: no-new-privileges=true, no-new-privileges=false, seccomp=unconfined", s)
			}
		}
	}
	if b.boolean("init") {
		b.fault("init", "not supported: the image's own first process is used; put an init such as tini into the image's entrypoint")
	}
	hosts := func(key string) bool {
		mode := b.str(key)
		b.oneOf(key, mode, "private", "host")
		return mode == "host"
	}
	c.HostPID, c.HostIPC, c.HostUTS = hosts("pid_mode"), hosts("ipc_mode"), hosts("uts_mode")
	if mode := b.str("userns_mode"); mode != "" && mode != "host" && !b.interpolated(mode) {
		b.fault("userns_mode", "found %q, allowed: host (tasks get no user namespace of their own)", mode)
	}
	if c.HostUTS && c.Hostname != "" {
		b.fault("hostname", "contradicts uts_mode = \"host\": it would rename the host")
	}
	b.oneOf("runtime", b.str("runtime"), "runc")
}

func capabilities(b *block, key string) []string {
	list := b.list(key, false)
	for i, s := range list {
		name := strings.TrimPrefix(strings.ToUpper(s), "CAP_")
		if name != "ALL" && !slices.Contains(knownCaps, name) && !b.interpolated(s) {
			b.fault(key+"["+strconv.Itoa(i)+"]", "found %q, which is no capability", s)
		}
		list[i] = name
	}
	return list
}

func (c *Config) decodeMounts(b *block) {
	for _, key := range []string{"mount", "mounts"} {
		for _, m := range b.children(key, mountKeys) {
			mt := Mount{Type: m.str("type"), Source: m.str("source"), Target: m.str("target"), ReadOnly: m.boolean("readonly")}
			if mt.Type == "" {
				mt.Type = "volume"
			}
			if mt.Type == "volume" {
				m.fault("type", "found \"volume\", allowed: bind, tmpfs (named volumes come from the group's `volume` and the task's `volume_mount` blocks)")
			}
			m.oneOf("type", mt.Type, "bind", "tmpfs", "volume")
			if mt.Target != "" && !path.IsAbs(mt.Target) && !isLocal(mt.Target) && !m.interpolated(mt.Target) {
				m.fault("target", "found %q, allowed: an absolute path", mt.Target)
			}
			if mt.Type == "bind" && mt.Source == "" {
				m.fault("source", "required for a bind mount, but not set")
			}
			if o := m.child("bind_options", mountOption("bind_options")); o != nil {
				mt.Propagation = o.str("propagation")
				o.oneOf("propagation", mt.Propagation, "private", "rprivate", "slave", "rslave", "shared", "rshared")
			}
			if o := m.child("tmpfs_options", mountOption("tmpfs_options")); o != nil {
				mt.SizeBytes, mt.Mode = o.atLeast("size", 4096), o.atLeast("mode", 1)
			}
			c.Mounts = append(c.Mounts, mt)
		}
	}
	for i, v := range c.Volumes {
		parts := strings.Split(v, ":")
		if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
			if !b.interpolated(v) {
				b.fault("volumes["+strconv.Itoa(i)+"]", "found %q, allowed: \"host:task\" or \"host:task:ro\"", v)
			}
		}
	}
	for _, d := range b.children("devices", keysOf("devices")) {
		dev := Device{HostPath: d.str("host_path"), ContainerPath: d.str("container_path"), Permissions: d.str("cgroup_permissions")}
		if strings.Trim(dev.Permissions, "rwm") != "" && !d.interpolated(dev.Permissions) {
			d.fault("cgroup_permissions", "found %q, allowed: letters of rwm", dev.Permissions)
		}
		c.Devices = append(c.Devices, dev)
	}
}

func mountOption(name string) []Key {
	k, _ := find(mountKeys, name)
	return k.Keys
}

func (c *Config) decodeLimits(b *block) {
	if c.CPUCFSPeriodUS != 0 && (c.CPUCFSPeriodUS < 1000 || c.CPUCFSPeriodUS > 1_000_000) {
		b.fault("cpu_cfs_period", "found %d, allowed: 1000 to 1000000 microseconds", c.CPUCFSPeriodUS)
	}
	if c.OOMScoreAdj < 0 || c.OOMScoreAdj > 1000 {
		b.fault("oom_score_adj", "found %d, allowed: 0 to 1000 (a task may offer itself to the kernel's out-of-memory killer, not hide from it)", c.OOMScoreAdj)
	}
	if c.PidsLimit < 0 {
		b.fault("pids_limit", "found %d, allowed: 1 or more", c.PidsLimit)
	}
	limits := b.stringMap("ulimit")
	names := make([]string, 0, len(limits))
	for name := range limits {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if b.interpolated(limits[name]) {
			continue
		}
		if !slices.Contains(knownUlimits, name) {
			b.fault("ulimit."+name, "unknown limit, allowed: %s", strings.Join(knownUlimits, ", "))
			continue
		}
		soft, hard, both := strings.Cut(limits[name], ":")
		if !both {
			hard = soft
		}
		s, ok1 := limitValue(soft)
		h, ok2 := limitValue(hard)
		if !ok1 || !ok2 || h != -1 && (s == -1 || s > h) {
			b.fault("ulimit."+name, "found %q, allowed: \"soft:hard\" or one number for both, -1 for unlimited", limits[name])
			continue
		}
		c.Ulimits = append(c.Ulimits, Ulimit{Name: name, Soft: s, Hard: h})
	}
}

func limitValue(s string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	return n, err == nil && n >= -1
}

// knownUlimits are the kernel's resource limits. Constant.
var knownUlimits = []string{
	"as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime",
	"sigpending", "stack",
}

// knownCaps are the kernel's capabilities. Constant.
var knownCaps = []string{
	"AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE",
	"DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN",
	"MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID",
	"SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE",
	"SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
}
