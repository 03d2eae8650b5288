package containerd_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/drivers/containerd"
	"berth/drivers/containerd/daemon"
	"berth/drivers/drivertest"
	"berth/internal/testimage"
)

type values = map[string]any

func with(cfg *drivers.TaskConfig, config values) *drivers.TaskConfig {
	for k, v := range config {
		cfg.Config[k] = v
	}
	return cfg
}

// What weakens the isolation needs the operator's word, and each word permits only what it says.
func TestPermissions(t *testing.T) {
	n := newNode(t)
	host := mkdir(t, t.TempDir(), "host")
	everything := containerd.Config{AllowPrivileged: true, AllowHostNetwork: true, VolumesEnabled: true, AllowCaps: []string{"NET_RAW"},
		AllowDevices: []string{"/dev/fuse", "/dev/nul?"}}
	for name, c := range map[string]struct {
		config  values
		word    string // in the refusal
		permit  func(*containerd.Config)
		forbid  func(*containerd.Config)
		network string
	}{
		"privileged":    {config: values{"privileged": true}, word: "allow_privileged", permit: func(c *containerd.Config) { c.AllowPrivileged = true }},
		"pid":           {config: values{"pid_mode": "host"}, word: "allow_privileged", permit: func(c *containerd.Config) { c.AllowPrivileged = true }},
		"ipc":           {config: values{"ipc_mode": "host"}, word: "allow_privileged", permit: func(c *containerd.Config) { c.AllowPrivileged = true }},
		"uts":           {config: values{"uts_mode": "host"}, word: "allow_privileged", permit: func(c *containerd.Config) { c.AllowPrivileged = true }},
		"unconfined":    {config: values{"security_opt": []any{"seccomp=unconfined"}}, word: "allow_privileged", permit: func(c *containerd.Config) { c.AllowPrivileged = true }},
		"new-privs":     {config: values{"security_opt": []any{"no-new-privileges=false"}}, word: "allow_privileged", permit: func(c *containerd.Config) { c.AllowPrivileged = true }},
		"capability":    {config: values{"cap_add": []any{"net_raw"}}, word: "allow_caps", permit: func(c *containerd.Config) { c.AllowCaps = []string{"NET_RAW"} }},
		"all-caps":      {config: values{"cap_add": []any{"all"}}, word: "allow_caps", permit: func(c *containerd.Config) { c.AllowCaps = []string{"ALL"} }},
		"device":        {config: values{"devices": []any{values{"host_path": "/dev/null", "container_path": "/dev/mine"}}}, word: "allow_devices", permit: func(c *containerd.Config) { c.AllowDevices = []string{"/dev/null"} }},
		"network":       {config: values{"network_mode": "host"}, word: "allow_host_network", permit: func(c *containerd.Config) { c.AllowHostNetwork = true }},
		"volume":        {config: values{"volumes": []any{host + ":/v"}}, word: "volumes enabled", permit: func(c *containerd.Config) { c.VolumesEnabled = true }},
		"mount":         {config: values{"mount": []any{values{"type": "bind", "source": host, "target": "/v"}}}, word: "volumes enabled", permit: func(c *containerd.Config) { c.VolumesEnabled = true }},
		"other-path":    {config: values{"volumes": []any{host + ":/v"}}, word: "allowed: /srv", permit: func(c *containerd.Config) { c.VolumesEnabled, c.VolumePaths = true, []string{filepath.Dir(host)} }, forbid: func(c *containerd.Config) { c.VolumesEnabled, c.VolumePaths = true, []string{"/srv"} }},
		"many-pids":     {config: values{"pids_limit": 5000}, word: "pids_limit", permit: func(c *containerd.Config) { c.PidsLimit = 6000 }},
		"group-is-host": {config: values{"network_mode": "host"}, network: "host", permit: func(*containerd.Config) {}},
	} {
		t.Run(name, func(t *testing.T) {
			n.t = t
			if c.word != "" {
				n.cfg = containerd.Config{}
				if c.forbid != nil {
					c.forbid(&n.cfg)
				}
				n.again()
				n.refused(with(n.config("refused-"+name, "true"), c.config), c.word)
			}
			n.cfg = containerd.Config{}
			c.permit(&n.cfg)
			n.again()
			cfg := with(n.config("permitted-"+name, "true"), c.config)
			if c.network != "" {
				cfg.Network = c.network
			}
			if r, out := n.run(cfg); !r.Successful() {
				t.Errorf("%+v\n%s", r, out)
			}
		})
	}
	n.t = t
	n.cfg = everything
	n.again()
	for name, c := range map[string]struct {
		config values
		word   string
	}{
		"proc":   {values{"volumes": []any{"/proc:/v"}}, "may never be mounted"},
		"root":   {values{"volumes": []any{"/:/v"}}, "may never be mounted"},
		"ours":   {values{"volumes": []any{n.dataDir + ":/v"}}, "may never be mounted"},
		"over":   {values{"volumes": []any{host + ":/proc"}}, "nothing may be mounted over"},
		"hard":   {values{"memory_hard_limit": 1 << 40}, "more than this node has"},
		"soft":   {values{"memory_hard_limit": 32}, "less than the task's memory"},
		"sysctl": {values{"sysctl": values{"kernel.core_pattern": "|/x"}}, "would change the host"},
		"slash":  {values{"sysctl": values{"net/../kernel/core_pattern": "|/x"}}, "is not a name"},
		"hides":  {values{"oom_score_adj": -1000}, "oom_score_adj"},
		"limit":  {values{"ulimit": values{"nofile": "2000000000"}}, "cannot be made as the task's config asks"},
		"value":  {values{"sysctl": values{"net.ipv4.ip_forward": "perhaps"}}, "cannot be made as the task's config asks"},
	} {
		n.refused(with(n.config("never-"+name, "true"), c.config), c.word)
	}
	cfg := with(n.config("never-max", "true"), values{"memory_hard_limit": 256})
	cfg.Resources.MemoryMaxMB = 128
	n.refused(cfg, "more than the task's memory_max")
}

// again makes the driver anew, with n.cfg.
func (n *node) again() {
	cfg := n.cfg
	cfg.Daemon, cfg.Logger, cfg.Owner = n.daemon, logger(n.t), drivertest.Owner
	n.driver = containerd.New(cfg)
}

func TestAFullDiskIsNamed(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	n := &node{t: t, dataDir: mkdir(t, dir, "data"), cgroup: "/berth-test-full"}
	t.Cleanup(n.remove)
	n.up()
	n.load(imageName, testimage.Options{})
	big, err := testimage.New(testimage.Options{Files: map[string]testimage.File{"/big": {Content: noise(64 << 20)}}})
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "big.tar")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := testimage.WriteOCIArchive(f, "berth.local/big:1", big); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	named := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "no space is left on") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = n.driver.ImportArchive(context.Background(), f)
	named("import", err)
	fill := filepath.Join(dir, "fill")
	if err := os.WriteFile(fill, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	full := func() {
		t.Helper()
		w, err := os.OpenFile(fill, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for {
			if _, err := w.Write(make([]byte, 4096)); errors.Is(err, unix.ENOSPC) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	full()
	_, err = n.driver.Start(context.Background(), n.config("full", "true"))
	named("start", err)
	var se *drivers.StartError
	if !errors.As(err, &se) || !se.Recoverable {
		t.Errorf("%v will not be tried again", err)
	}
	other := daemon.New(daemon.Config{DataDir: filepath.Join(dir, "other", strings.Repeat("x", 200))})
	if err := exhaustInodes(dir); err != nil {
		t.Fatal(err)
	}
	named("another agent's directory", other.Run(context.Background()))
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=64m,nr_inodes=100000"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	if r, out := n.run(n.config("full", "echo again")); !r.Successful() || out != "again\n" {
		t.Errorf("with space again: %+v %q", r, out)
	}
}

// exhaustInodes takes every name a small tmpfs has.
func exhaustInodes(dir string) error {
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=48m,nr_inodes=3000"); err != nil {
		return err
	}
	for {
		f, err := os.CreateTemp(dir, "name-*")
		if errors.Is(err, unix.ENOSPC) {
			return nil
		}
		if err != nil {
			return err
		}
		f.Close()
	}
}

// noise does not compress.
func noise(size int) []byte {
	b := make([]byte, size)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return b
}
