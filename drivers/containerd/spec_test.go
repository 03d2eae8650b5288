package containerd

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"berth/drivers"
	"berth/drivers/containerd/daemon"
	"berth/drivers/containerd/taskconfig"
)

type block = map[string]any

// image is what the task's own settings replace.
var image = ocispec.ImageConfig{Entrypoint: []string{"/entry"}, Cmd: []string{"image"}, Env: []string{"FROM=image"}, WorkingDir: "/image"}

// specOf makes the spec of a task with that config, as Start does.
func specOf(t *testing.T, policy Config, config block, change func(*drivers.TaskConfig)) (*specs.Spec, *taskconfig.Config, error) {
	t.Helper()
	dir := t.TempDir()
	cfg := &drivers.TaskConfig{ID: "task", Network: "none", TaskDir: filepath.Join(dir, "task"), AllocDir: filepath.Join(dir, "alloc"),
		Resources: drivers.Resources{CPUShares: 500, MemoryMB: 64}, CgroupParent: "berth.slice", Config: block{"image": "a"}}
	for _, d := range []string{filepath.Join(cfg.TaskDir, "local"), cfg.AllocDir, filepath.Join(dir, "own")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for k, v := range config {
		cfg.Config[k] = v
	}
	if change != nil {
		change(cfg)
	}
	if faults := (taskconfig.Checker{}).CheckConfig(cfg.Config); len(faults) > 0 {
		t.Fatalf("refused at submit: %v", faults)
	}
	tc, err := taskconfig.Decode(cfg.Config)
	if err != nil {
		t.Fatal(err)
	}
	policy.Daemon = daemon.New(daemon.Config{DataDir: filepath.Join(dir, "data")})
	own := filepath.Join(dir, "own")
	in := &specInput{cfg: cfg, tc: tc, image: image, policy: New(policy), record: "/record", dir: own, stage: stageIn(own)}
	ctx := namespaces.WithNamespace(context.Background(), daemon.Namespace)
	s, err := oci.GenerateSpec(ctx, nil, &containers.Container{ID: cfg.ID})
	if err != nil {
		t.Fatal(err)
	}
	err = in.apply(s)
	t.Cleanup(func() {
		if err := in.stage.clear(); err != nil {
			t.Error(err)
		}
	})
	return s, tc, err
}

func mountAt(s *specs.Spec, target string) *specs.Mount {
	i := slices.IndexFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == target })
	if i < 0 {
		return &specs.Mount{}
	}
	return &s.Mounts[i]
}

func optionsAt(target string) func(*specs.Spec) any {
	return func(s *specs.Spec) any { return strings.Join(mountAt(s, target).Options, ",") }
}

func sourceOf(target string) func(*specs.Spec) any {
	return func(s *specs.Spec) any {
		b, err := os.ReadFile(mountAt(s, target).Source)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
}

func hasNamespace(kind specs.LinuxNamespaceType) func(*specs.Spec) any {
	return func(s *specs.Spec) any {
		return slices.ContainsFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == kind })
	}
}

func rlimit(name string) func(*specs.Spec) any {
	return func(s *specs.Spec) any {
		for _, l := range s.Process.Rlimits {
			if l.Type == name {
				return []uint64{l.Soft, l.Hard}
			}
		}
		return nil
	}
}

// elsewhere are the keys that do not end in the spec, with the test that shows their effect.
var elsewhere = map[string]string{
	"image": "TestAnImageArchiveOfEitherFormCanBeLoaded", "load": "TestFilesOfATaskAreReadWithinBoundsAndNeverWaitedFor",
	"force_pull": "TestImageKeys", "image_pull_policy": "TestImageKeys", "image_pull_timeout": "TestAPullThatHangsEnds",
	"auth": "TestImageKeys", "auth_soft_fail": "TestAuthSoftFail", "group_add": "TestUserFilesOfAnImageAreReadWithinBounds",
	"labels": "TestLabels", "interactive": "TestInteractive", "ports": "TestPortsAreTheGroups",
	"runtime": "TestDecode: runc is the only one", "userns_mode": "TestEveryFaultIsNamed: host is the only one",
}

func TestEveryKeyOfTheConfigReachesTheSpec(t *testing.T) {
	everything := Config{AllowPrivileged: true, AllowHostNetwork: true, VolumesEnabled: true, AllowDevices: []string{"/dev/null"},
		NodeCPUMHz: func() int64 { return 0 }}
	group := func(c *drivers.TaskConfig) { c.Network, c.NetNS = "group", "/run/netns/x" }
	cases := []struct {
		key    string
		config block
		change func(*drivers.TaskConfig)
		get    func(*specs.Spec) any
		want   any
	}{
		{"command", block{"command": "/x"}, nil, func(s *specs.Spec) any { return s.Process.Args }, []string{"/entry", "/x"}},
		{"args", block{"args": []any{"-a", 1}}, nil, func(s *specs.Spec) any { return s.Process.Args }, []string{"/entry", "-a", "1"}},
		{"args", block{"command": "/x", "args": []any{"-a"}}, nil, func(s *specs.Spec) any { return s.Process.Args }, []string{"/entry", "/x", "-a"}},
		{"args", nil, nil, func(s *specs.Spec) any { return s.Process.Args }, []string{"/entry", "image"}},
		{"entrypoint", block{"entrypoint": []any{"/e", "f"}}, nil, func(s *specs.Spec) any { return s.Process.Args }, []string{"/e", "f"}},
		{"entrypoint", block{"entrypoint": "/e", "args": []any{"g"}}, nil, func(s *specs.Spec) any { return s.Process.Args }, []string{"/e", "g"}},
		{"entrypoint", block{"entrypoint": []any{}, "command": "/x"}, nil, func(s *specs.Spec) any { return s.Process.Args }, []string{"/x"}},
		{"work_dir", block{"work_dir": "/w/../v"}, nil, func(s *specs.Spec) any { return s.Process.Cwd }, "/v"},
		{"work_dir", nil, nil, func(s *specs.Spec) any { return s.Process.Cwd }, "/image"},
		{"hostname", block{"hostname": "me"}, nil, func(s *specs.Spec) any { return s.Hostname }, "me"},
		{"tty", block{"tty": true}, nil, func(s *specs.Spec) any { return s.Process.Terminal }, true},
		{"oom_score_adj", block{"oom_score_adj": 300}, nil, func(s *specs.Spec) any { return *s.Process.OOMScoreAdj }, 300},

		{"volumes", block{"volumes": []any{"local:/v:ro,rslave"}}, nil, optionsAt("/v"), "rbind,ro,rslave,nosuid,nodev"},
		{"mount", block{"mount": []any{block{"type": "bind", "source": "local", "target": "/v"}}}, nil, optionsAt("/v"), "rbind,rw,rprivate,nosuid,nodev"},
		{"mounts", block{"mounts": []any{block{"type": "tmpfs", "target": "/v", "readonly": true, "tmpfs_options": block{"size": 8192, "mode": 0o700}}}}, nil, optionsAt("/v"), "nosuid,nodev,ro,size=8192,mode=700"},
		{"mount", block{"mount": []any{block{"type": "bind", "source": "local", "target": "/v", "bind_options": block{"propagation": "rshared"}}}}, nil, func(s *specs.Spec) any { return s.Linux.RootfsPropagation }, "rshared"},
		{"shm_size", block{"shm_size": 123456}, nil, optionsAt("/dev/shm"), "nosuid,noexec,nodev,mode=1777,size=123456"},
		{"readonly_rootfs", block{"readonly_rootfs": true}, nil, func(s *specs.Spec) any { return s.Root.Readonly }, true},
		{"devices", block{"devices": []any{block{"host_path": "/dev/null", "container_path": "/dev/mine", "cgroup_permissions": "r"}}}, nil, func(s *specs.Spec) any {
			return s.Linux.Devices[len(s.Linux.Devices)-1].Path + " " + s.Linux.Resources.Devices[len(s.Linux.Resources.Devices)-1].Access
		}, "/dev/mine r"},

		{"extra_hosts", block{"extra_hosts": []any{"a:10.0.0.1", "b:[::2]"}}, nil, sourceOf("/etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n10.0.0.1 a\n::2 b\n"},
		{"dns_servers", block{"dns_servers": []any{"10.0.0.2"}}, nil, sourceOf("/etc/resolv.conf"), "nameserver 10.0.0.2\n"},
		{"dns_search_domains", block{"dns_search_domains": []any{"a.example", "b.example"}}, nil, sourceOf("/etc/resolv.conf"), "search a.example b.example\n"},
		{"dns_options", block{"dns_options": []any{"ndots:2"}}, nil, sourceOf("/etc/resolv.conf"), "options ndots:2\n"},
		{"network_mode", block{"network_mode": "none"}, group, func(s *specs.Spec) any { return namespacePath(s, specs.NetworkNamespace) }, ""},
		{"network_mode", block{"network_mode": "bridge"}, group, func(s *specs.Spec) any { return namespacePath(s, specs.NetworkNamespace) }, "/run/netns/x"},
		{"network_mode", block{"network_mode": "host"}, group, hasNamespace(specs.NetworkNamespace), false},
		{"pid_mode", block{"pid_mode": "host"}, nil, hasNamespace(specs.PIDNamespace), false},
		{"ipc_mode", block{"ipc_mode": "host"}, nil, hasNamespace(specs.IPCNamespace), false},
		{"uts_mode", block{"uts_mode": "host"}, nil, hasNamespace(specs.UTSNamespace), false},
		{"sysctl", block{"sysctl": block{"net.core.somaxconn": "99"}}, nil, func(s *specs.Spec) any { return s.Linux.Sysctl["net.core.somaxconn"] }, "99"},

		{"cap_add", block{"cap_drop": []any{"all"}, "cap_add": []any{"net_raw"}}, nil, func(s *specs.Spec) any { return s.Process.Capabilities.Effective }, []string{"CAP_NET_RAW"}},
		{"cap_drop", block{"cap_drop": []any{"CAP_CHOWN"}}, nil, func(s *specs.Spec) any { return slices.Contains(s.Process.Capabilities.Bounding, "CAP_CHOWN") }, false},
		{"privileged", block{"privileged": true}, nil, func(s *specs.Spec) any {
			return s.Linux.Seccomp == nil && s.Linux.MaskedPaths == nil && !s.Process.NoNewPrivileges
		}, true},
		{"security_opt", block{"security_opt": []any{"seccomp:unconfined"}}, nil, func(s *specs.Spec) any { return s.Linux.Seccomp == nil && s.Process.NoNewPrivileges }, true},
		{"ulimit", block{"ulimit": block{"nofile": "10:20"}}, nil, rlimit("RLIMIT_NOFILE"), []uint64{10, 20}},
		{"ulimit", block{"ulimit": block{"memlock": "-1"}}, nil, rlimit("RLIMIT_MEMLOCK"), []uint64{1<<64 - 1, 1<<64 - 1}},

		{"pids_limit", block{"pids_limit": 77}, nil, func(s *specs.Spec) any { return *s.Linux.Resources.Pids.Limit }, int64(77)},
		{"memory_hard_limit", block{"memory_hard_limit": 128}, nil, func(s *specs.Spec) any {
			return []int64{*s.Linux.Resources.Memory.Limit, *s.Linux.Resources.Memory.Reservation}
		}, []int64{128 << 20, 64 << 20}},
		{"cpuset_cpus", block{"cpuset_cpus": "0-1"}, nil, func(s *specs.Spec) any { return s.Linux.Resources.CPU.Cpus }, "0-1"},
		{"cpu_cfs_period", block{"cpu_hard_limit": true, "cpu_cfs_period": 50000}, nil, func(s *specs.Spec) any { return *s.Linux.Resources.CPU.Period }, uint64(50000)},
		{"cpu_hard_limit", block{"cpu_hard_limit": true}, nil, func(s *specs.Spec) any { return *s.Linux.Resources.CPU.Quota > 0 }, true},
		{"cpu_hard_limit", nil, nil, func(s *specs.Spec) any { return s.Linux.Resources.CPU.Quota == nil }, true},
	}
	everything.NodeCPUMHz = func() int64 { return 4000 }
	shown := map[string]bool{}
	for _, c := range cases {
		t.Run(c.key, func(t *testing.T) {
			shown[c.key] = true
			s, _, err := specOf(t, everything, c.config, c.change)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.get(s); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v: got %v, want %v", c.config, got, c.want)
			}
		})
	}
	refusedValues := map[string]bool{"init": true} // its one value that would do something is a fault at submit
	for _, k := range taskconfig.Schema() {
		if k.Refused == "" && !shown[k.Name] && elsewhere[k.Name] == "" && !refusedValues[k.Name] {
			t.Errorf("%s is accepted, and nothing shows what it does", k.Name)
		}
	}
}

func namespacePath(s *specs.Spec, kind specs.LinuxNamespaceType) string {
	for _, n := range s.Linux.Namespaces {
		if n.Type == kind {
			return n.Path
		}
	}
	return "the host's"
}

func TestPortsAreTheGroups(t *testing.T) {
	with := func(c *drivers.TaskConfig) { c.Ports = map[string]drivers.PortMapping{"http": {Host: 8080, Task: 80}} }
	if _, _, err := specOf(t, Config{}, block{"ports": []any{"http"}}, with); err != nil {
		t.Error(err)
	}
	if _, _, err := specOf(t, Config{}, block{"ports": []any{"https"}}, with); err == nil || !strings.Contains(err.Error(), `"https"`) || !strings.Contains(err.Error(), "http") {
		t.Errorf("%v", err)
	}
}

func TestLabels(t *testing.T) {
	_, tc, err := specOf(t, Config{}, block{"labels": block{"team": "a", "berth.task-id": "forged", "containerd.io/gc.root": "x", "long": strings.Repeat("x", 5000)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := labels(&meta{TaskID: "mine", Task: "t"}, tc)
	want := map[string]string{"team": "a", labelTask: "mine", "berth.task": "t"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
