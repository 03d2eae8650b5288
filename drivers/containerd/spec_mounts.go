package containerd

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"berth/drivers"
	"berth/drivers/containerd/taskconfig"
)

// mounts are the kernel's file systems, then the caller's mounts, then those of the task's config.
func (in *specInput) mounts(s *specs.Spec) error {
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == "/run" }) // the image's own stays
	s.Mounts = append(s.Mounts, specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup",
		Options: []string{"ro", "nosuid", "noexec", "nodev"}})
	if in.tc.ShmSizeBytes > 0 {
		for i := range s.Mounts {
			if m := &s.Mounts[i]; m.Destination == "/dev/shm" {
				m.Options = append(slices.DeleteFunc(slices.Clone(m.Options), func(o string) bool { return strings.HasPrefix(o, "size=") }),
					fmt.Sprintf("size=%d", in.tc.ShmSizeBytes))
			}
		}
	}
	s.Linux.RootfsPropagation = "rprivate"
	s.Root.Readonly = in.tc.ReadonlyRootfs
	var own []specs.Mount
	for _, m := range in.cfg.Mounts {
		own = append(own, bind(m.HostPath, m.TaskPath, m.ReadOnly, propagations[m.Propagation]))
	}
	for _, m := range in.tc.Mounts {
		sm, err := in.configMount(m)
		if err != nil {
			return err
		}
		own = append(own, sm)
	}
	for _, v := range in.tc.Volumes {
		sm, err := in.volume(v)
		if err != nil {
			return err
		}
		own = append(own, sm)
	}
	own, err := in.names(own)
	if err != nil {
		return err
	}
	for _, m := range own {
		if m.Destination == "/" || slices.Contains([]string{"/proc", "/sys", "/dev"}, m.Destination) {
			return &drivers.StartError{Reason: fmt.Sprintf("nothing may be mounted over %s in a task", m.Destination)}
		}
		if m.Options != nil && slices.Contains(m.Options, "rshared") {
			s.Linux.RootfsPropagation = "rshared"
		} else if slices.Contains(m.Options, "rslave") && s.Linux.RootfsPropagation == "rprivate" {
			s.Linux.RootfsPropagation = "rslave"
		}
	}
	// A deeper mount comes after the one it lies in.
	slices.SortStableFunc(own, func(a, b specs.Mount) int {
		return strings.Count(a.Destination, "/") - strings.Count(b.Destination, "/")
	})
	s.Mounts = append(s.Mounts, own...)
	return nil
}

// propagations are the words of the job file in the kernel's. Constant.
var propagations = map[string]string{
	"": "rprivate", "private": "rprivate", "rprivate": "rprivate", "host-to-task": "rslave", "slave": "rslave", "rslave": "rslave",
	"bidirectional": "rshared", "shared": "rshared", "rshared": "rshared",
}

func bind(source, target string, readOnly bool, propagation string) specs.Mount {
	mode := "rw"
	if readOnly {
		mode = "ro"
	}
	return specs.Mount{Destination: path.Clean("/" + target), Type: "bind", Source: source,
		Options: []string{"rbind", mode, propagation, "nosuid", "nodev"}}
}

func (in *specInput) configMount(m taskconfig.Mount) (specs.Mount, error) {
	if m.Type == "tmpfs" {
		size, mode := m.SizeBytes, m.Mode
		if size == 0 {
			size = in.memoryBytes() / 2
		}
		if mode == 0 {
			mode = 0o1777
		}
		rw := "rw"
		if m.ReadOnly {
			rw = "ro"
		}
		return specs.Mount{Destination: path.Clean("/" + m.Target), Type: "tmpfs", Source: "tmpfs",
			Options: []string{"nosuid", "nodev", rw, fmt.Sprintf("size=%d", size), fmt.Sprintf("mode=%o", mode)}}, nil
	}
	source, err := in.hostPath(m.Source)
	if err != nil {
		return specs.Mount{}, err
	}
	return bind(source, m.Target, m.ReadOnly, propagations[m.Propagation]), nil
}

// volume reads "host:task[:options]".
func (in *specInput) volume(v string) (specs.Mount, error) {
	parts := strings.Split(v, ":")
	if len(parts) < 2 {
		return specs.Mount{}, &drivers.StartError{Reason: fmt.Sprintf("volume %q is not of the form host:task", v)}
	}
	source, err := in.hostPath(parts[0])
	if err != nil {
		return specs.Mount{}, err
	}
	readOnly, propagation := false, "rprivate"
	if len(parts) == 3 {
		for _, o := range strings.Split(parts[2], ",") {
			switch p, known := propagations[o]; {
			case o == "ro":
				readOnly = true
			case o == "rw" || o == "z" || o == "Z":
			case known && o != "":
				propagation = p
			default:
				return specs.Mount{}, &drivers.StartError{Reason: fmt.Sprintf("volume %q has the unknown option %q", v, o),
					Hint: "allowed are ro, rw and a propagation such as rslave"}
			}
		}
	}
	return bind(source, parts[1], readOnly, propagation), nil
}

// neverMounted are host paths no configuration makes available, nor anything that holds or lies in them. Constant.
var neverMounted = []string{"/proc", "/sys", "/dev", "/run/containerd", "/run/docker.sock", "/var/run/docker.sock", "/run/berth", "/var/lib/containerd"}

// hostPath resolves the host side of a mount: relative paths lie in the task's directory, absolute ones need permission.
// Symbolic links are followed before anything is judged.
func (in *specInput) hostPath(p string) (string, error) {
	if !filepath.IsAbs(p) {
		base := in.cfg.TaskDir
		full := filepath.Join(base, p)
		if !within(full, base) && !within(full, in.cfg.AllocDir) {
			return "", &drivers.StartError{Reason: fmt.Sprintf("volume source %q leaves the task directory", p)}
		}
		if err := os.MkdirAll(full, 0o777); err != nil && !os.IsExist(err) {
			if _, serr := os.Stat(full); serr != nil {
				return "", fmt.Errorf("make volume source %s: %w", p, err)
			}
		}
		real, err := filepath.EvalSymlinks(full)
		if err != nil {
			return "", fmt.Errorf("resolve volume source %s: %w", p, err)
		}
		for _, dir := range []string{base, in.cfg.AllocDir} {
			if d, err := filepath.EvalSymlinks(dir); err == nil && within(real, d) {
				return real, nil
			}
		}
		return "", &drivers.StartError{Reason: fmt.Sprintf("volume source %q leads out of the task directory by a symbolic link", p)}
	}
	if !in.policy.cfg.VolumesEnabled {
		return "", &drivers.StartError{Reason: fmt.Sprintf("host path %s may not be mounted: volumes from host paths are off on this node", p),
			Hint: "use a host volume with a volume_mount block, or ask the operator to set volumes enabled = true for the driver"}
	}
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", &drivers.StartError{Reason: fmt.Sprintf("host path %s cannot be mounted", p), Err: err}
	}
	for _, bad := range append(neverMounted, in.policy.cfg.Daemon.DataDir(), in.policy.cfg.Daemon.RunDir()) {
		if within(real, bad) || within(bad, real) {
			return "", &drivers.StartError{Reason: fmt.Sprintf("host path %s may never be mounted into a task: it is or holds %s", p, bad)}
		}
	}
	if allowed := in.policy.cfg.VolumePaths; len(allowed) > 0 && !slices.ContainsFunc(allowed, func(a string) bool { return within(real, a) }) {
		return "", &drivers.StartError{Reason: fmt.Sprintf("host path %s may not be mounted on this node, allowed: %s", p, strings.Join(allowed, ", "))}
	}
	return real, nil
}

// within tells whether p is dir or lies in it.
func within(p, dir string) bool {
	if dir == "" {
		return false
	}
	rel, err := filepath.Rel(dir, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// names puts extra_hosts and dns_* into copies of the files the caller mounts, or into new ones.
func (in *specInput) names(own []specs.Mount) ([]specs.Mount, error) {
	edit := func(target string, change func(old string) string) error {
		i := slices.IndexFunc(own, func(m specs.Mount) bool { return m.Destination == target })
		old := ""
		if i >= 0 {
			b, err := os.ReadFile(own[i].Source)
			if err != nil {
				return fmt.Errorf("read the task's %s: %w", target, err)
			}
			old = string(b)
		}
		file := filepath.Join(in.dir, path.Base(target))
		if err := os.WriteFile(file, []byte(change(old)), 0o644); err != nil {
			return fmt.Errorf("write the task's %s: %w", target, err)
		}
		if err := os.Chmod(file, 0o644); err != nil { // whatever the agent's umask is
			return fmt.Errorf("write the task's %s: %w", target, err)
		}
		m := bind(file, target, false, "rprivate")
		if i >= 0 {
			own[i] = m
		} else {
			own = append(own, m)
		}
		return nil
	}
	if len(in.tc.ExtraHosts) > 0 {
		err := edit("/etc/hosts", func(old string) string {
			if old == "" {
				old = "127.0.0.1 localhost\n::1 localhost\n"
			}
			for _, h := range in.tc.ExtraHosts {
				name, addr, _ := strings.Cut(h, ":")
				old += strings.Trim(addr, "[]") + " " + name + "\n"
			}
			return old
		})
		if err != nil {
			return nil, err
		}
	}
	if len(in.tc.DNSServers)+len(in.tc.DNSSearch)+len(in.tc.DNSOptions) > 0 {
		err := edit("/etc/resolv.conf", func(old string) string {
			return resolvConf(old, in.tc)
		})
		if err != nil {
			return nil, err
		}
	}
	return own, nil
}

// resolvConf replaces the kinds of lines the task sets and keeps the others.
func resolvConf(old string, tc *taskconfig.Config) string {
	var b strings.Builder
	for line := range strings.Lines(old) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "nameserver" && len(tc.DNSServers) > 0,
			(word == "search" || word == "domain") && len(tc.DNSSearch) > 0,
			word == "options" && len(tc.DNSOptions) > 0:
		default:
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	for _, s := range tc.DNSServers {
		b.WriteString("nameserver " + s + "\n")
	}
	if len(tc.DNSSearch) > 0 {
		b.WriteString("search " + strings.Join(tc.DNSSearch, " ") + "\n")
	}
	if len(tc.DNSOptions) > 0 {
		b.WriteString("options " + strings.Join(tc.DNSOptions, " ") + "\n")
	}
	return b.String()
}
