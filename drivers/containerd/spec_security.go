package containerd

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/containerd/containerd/v2/pkg/cap"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"berth/drivers"
)

// security sets capabilities, the seccomp profile, the hidden paths and the resource limits of the process.
func (in *specInput) security(s *specs.Spec) error {
	if in.tc.Privileged {
		return in.privileged(s)
	}
	caps, err := in.capabilities()
	if err != nil {
		return err
	}
	setCaps(s, caps)
	s.Process.NoNewPrivileges = true
	s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, "/sys/fs/bpf", "/sys/kernel/debug", "/sys/kernel/tracing")
	confined := true
	for _, opt := range in.tc.SecurityOpt {
		weakens := opt == "seccomp=unconfined" || opt == "no-new-privileges=false"
		if weakens && !in.policy.cfg.AllowPrivileged {
			return &drivers.StartError{Reason: fmt.Sprintf("security_opt %q is not allowed on this node", opt),
				Hint: "the operator can set allow_privileged for the driver"}
		}
		switch opt {
		case "seccomp=unconfined":
			confined = false
		case "no-new-privileges=false":
			s.Process.NoNewPrivileges = false
		}
	}
	if confined {
		s.Linux.Seccomp = seccomp.DefaultProfile(s) // it depends on the capabilities
	}
	return in.rlimits(s)
}

func (in *specInput) privileged(s *specs.Spec) error {
	if !in.policy.cfg.AllowPrivileged {
		return &drivers.StartError{Reason: "privileged tasks are not allowed on this node",
			Hint: "add single capabilities with cap_add, or ask the operator to set allow_privileged for the driver"}
	}
	setCaps(s, allCaps())
	s.Process.NoNewPrivileges = false
	s.Linux.MaskedPaths, s.Linux.ReadonlyPaths, s.Linux.Seccomp = nil, nil, nil
	for i := range s.Mounts {
		if m := &s.Mounts[i]; m.Type == "sysfs" || m.Type == "cgroup" {
			m.Options = slices.DeleteFunc(slices.Clone(m.Options), func(o string) bool { return o == "ro" })
		}
	}
	s.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
	devs, err := oci.HostDevices()
	if err != nil {
		return fmt.Errorf("list the host's devices: %w", err)
	}
	s.Linux.Devices = append(s.Linux.Devices, devs...)
	return in.rlimits(s)
}

// capabilities are the default ones, changed by cap_add and cap_drop.
func (in *specInput) capabilities() ([]string, error) {
	set := map[string]bool{}
	for _, c := range DefaultCaps() {
		set[c] = true
	}
	if slices.Contains(in.tc.CapDrop, "ALL") {
		clear(set)
	}
	for _, c := range in.tc.CapAdd {
		if err := in.policy.capAllowed(c); err != nil {
			return nil, &drivers.StartError{Reason: err.Error()}
		}
		if c == "ALL" {
			for _, k := range allCaps() {
				set[strings.TrimPrefix(k, "CAP_")] = true
			}
			continue
		}
		set[c] = true
	}
	for _, c := range in.tc.CapDrop {
		delete(set, c)
	}
	out := make([]string, 0, len(set))
	for c := range set {
		out = append(out, "CAP_"+c)
	}
	slices.Sort(out)
	return out, nil
}

// allCaps are those the kernel and this process know: what we do not have we cannot give.
func allCaps() []string {
	caps, err := cap.Current()
	if err != nil {
		return nil
	}
	return caps
}

func setCaps(s *specs.Spec, caps []string) {
	s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Permitted: caps, Effective: caps}
}

func (in *specInput) rlimits(s *specs.Spec) error {
	limits := map[string]specs.POSIXRlimit{
		"RLIMIT_NOFILE":  nofile(),
		"RLIMIT_CORE":    {Type: "RLIMIT_CORE"},
		"RLIMIT_MEMLOCK": {Type: "RLIMIT_MEMLOCK", Soft: 64 << 10, Hard: 64 << 10},
	}
	for _, u := range in.tc.Ulimits {
		name := "RLIMIT_" + strings.ToUpper(u.Name)
		limits[name] = specs.POSIXRlimit{Type: name, Soft: uint64(u.Soft), Hard: uint64(u.Hard)} // -1 becomes infinity
	}
	names := make([]string, 0, len(limits))
	for n := range limits {
		names = append(names, n)
	}
	slices.Sort(names)
	s.Process.Rlimits = nil
	for _, n := range names {
		s.Process.Rlimits = append(s.Process.Rlimits, limits[n])
	}
	return nil
}

// nofile is 65536 open files, or as many as we have ourselves where we may not raise the limit.
func nofile() specs.POSIXRlimit {
	most := uint64(65536)
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &own); err == nil && own.Max < most && !slices.Contains(allCaps(), "CAP_SYS_RESOURCE") {
		most = own.Max
	}
	return specs.POSIXRlimit{Type: "RLIMIT_NOFILE", Soft: most, Hard: most}
}

// devices are containerd's harmless ones, those given by the caller, and those of the config the operator allows.
func (in *specInput) devices(s *specs.Spec) error {
	if err := oci.WithDefaultUnixDevices(nil, nil, nil, s); err != nil {
		return err
	}
	list := slices.Clone(in.cfg.Devices)
	for _, dev := range in.tc.Devices {
		if !slices.ContainsFunc(in.policy.cfg.AllowDevices, func(pattern string) bool {
			ok, err := filepath.Match(pattern, dev.HostPath)
			return err == nil && ok
		}) {
			return &drivers.StartError{Reason: fmt.Sprintf("device %s may not be given to a task on this node", dev.HostPath),
				Hint: "use a device block in resources, or ask the operator to add it to allow_devices of the driver"}
		}
		list = append(list, drivers.Device{HostPath: dev.HostPath, TaskPath: dev.ContainerPath, Permissions: dev.Permissions})
	}
	for _, dev := range list {
		err := oci.WithDevices(dev.HostPath, firstSet(dev.TaskPath, dev.HostPath), firstSet(dev.Permissions, "rwm"))(nil, nil, nil, s)
		if err != nil {
			return &drivers.StartError{Reason: fmt.Sprintf("device %s cannot be given to the task", dev.HostPath), Err: err}
		}
	}
	return nil
}
