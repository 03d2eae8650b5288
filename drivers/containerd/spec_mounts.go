package containerd

import (
	"fmt"
	"path"
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
	propagation := propagations[m.Propagation]
	source, err := in.source(m.Source, propagation)
	if err != nil {
		return specs.Mount{}, err
	}
	return bind(source, m.Target, m.ReadOnly, propagation), nil
}

// volume reads "host:task[:options]".
func (in *specInput) volume(v string) (specs.Mount, error) {
	parts := strings.Split(v, ":")
	if len(parts) < 2 {
		return specs.Mount{}, &drivers.StartError{Reason: fmt.Sprintf("volume %q is not of the form host:task", v)}
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
	source, err := in.source(parts[0], propagation)
	if err != nil {
		return specs.Mount{}, err
	}
	return bind(source, parts[1], readOnly, propagation), nil
}
