package containerd

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"berth/drivers"
	"berth/drivers/containerd/shim"
	"berth/drivers/containerd/taskconfig"
)

// specInput is everything the container's spec is made from. The functions over it look at the host only where a host path
// has to be checked.
type specInput struct {
	cfg    *drivers.TaskConfig
	tc     *taskconfig.Config
	image  ocispec.ImageConfig
	policy *Driver
	record string // where the shim writes the exit
	dir    string // the driver's own directory of this task
	stage  *stage // where its volumes are mounted until the container has them
}

// apply turns containerd's default spec into the task's.
func (in *specInput) apply(s *specs.Spec) error {
	for _, step := range []func(*specs.Spec) error{
		in.process, in.namespaces, in.mounts, in.devices, in.security, in.resources,
	} {
		if err := step(s); err != nil {
			return err
		}
	}
	s.Annotations = map[string]string{shim.AnnotationRecord: in.record}
	return nil
}

func (in *specInput) process(s *specs.Spec) error {
	args, err := argv(in.image, in.tc)
	if err != nil {
		return err
	}
	p := s.Process
	p.Args, p.Env, p.Terminal = args, in.env(), in.tc.TTY
	p.Cwd = path.Clean("/" + firstSet(in.tc.WorkDir, in.image.WorkingDir))
	p.OOMScoreAdj = &in.tc.OOMScoreAdj
	return nil
}

// argv combines the image's entry point and command with the task's: an entry point of the task replaces both of the image's,
// a command or arguments of the task replace the image's command.
func argv(image ocispec.ImageConfig, tc *taskconfig.Config) ([]string, error) {
	entry, command := image.Entrypoint, image.Cmd
	if tc.EntrypointSet {
		entry, command = tc.Entrypoint, nil
	}
	if tc.Command != "" {
		command = append([]string{tc.Command}, tc.Args...)
	} else if len(tc.Args) > 0 {
		command = tc.Args
	}
	out := slices.Concat(entry, command)
	if len(out) == 0 || out[0] == "" {
		return nil, &drivers.StartError{Reason: "there is nothing to run: neither the task nor the image names a command",
			Hint: "set command in the task's config"}
	}
	return out, nil
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// env is the image's environment with the task's over it, sorted; nothing else gets in.
func (in *specInput) env() []string {
	vars := map[string]string{}
	set := func(kv string) {
		if k, v, ok := strings.Cut(kv, "="); ok && k != "" {
			vars[k] = v
		}
	}
	set(defaultPath)
	if h := in.hostname(); h != "" {
		vars["HOSTNAME"] = h
	}
	if in.tc.TTY {
		vars["TERM"] = "xterm"
	}
	for _, kv := range in.image.Env {
		set(kv)
	}
	for k, v := range in.cfg.Env {
		vars[k] = v
	}
	out := make([]string, 0, len(vars))
	for k, v := range vars {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

func (in *specInput) hostname() string { return firstSet(in.tc.Hostname, in.cfg.Hostname) }

func (in *specInput) namespaces(s *specs.Spec) error {
	mode := firstSet(in.cfg.Network, "none")
	switch want := in.tc.NetworkMode; {
	case want == "none":
		mode = "none"
	case want == "host" && mode != "host":
		if !in.policy.cfg.AllowHostNetwork {
			return &drivers.StartError{Reason: `network_mode is "host", but the group's network is not, and this node does not let tasks leave their group's network`,
				Hint: `write mode = "host" in the group's network block and remove network_mode, or ask the operator to set allow_host_network for the driver`}
		}
		mode = "host"
	}
	list := []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.CgroupNamespace}}
	for _, ns := range []struct {
		key  string
		host bool
		kind specs.LinuxNamespaceType
	}{{"pid_mode", in.tc.HostPID, specs.PIDNamespace}, {"ipc_mode", in.tc.HostIPC, specs.IPCNamespace}, {"uts_mode", in.tc.HostUTS, specs.UTSNamespace}} {
		switch {
		case !ns.host:
			list = append(list, specs.LinuxNamespace{Type: ns.kind})
		case !in.policy.cfg.AllowPrivileged:
			return &drivers.StartError{Reason: fmt.Sprintf(`%s = "host" is not allowed on this node`, ns.key),
				Hint: "remove it, or ask the operator to set allow_privileged for the driver"}
		}
	}
	switch mode {
	case "host":
	case "none":
		list = append(list, specs.LinuxNamespace{Type: specs.NetworkNamespace})
	case "group":
		if in.cfg.NetNS == "" {
			return fmt.Errorf("network mode is group but no namespace is given")
		}
		list = append(list, specs.LinuxNamespace{Type: specs.NetworkNamespace, Path: in.cfg.NetNS})
	default:
		return fmt.Errorf("network mode %q is not one of host, group, none", mode)
	}
	s.Linux.Namespaces = list
	if !in.tc.HostUTS {
		s.Hostname = in.hostname()
	}
	if err := in.ports(); err != nil {
		return err
	}
	return in.sysctls(s, mode)
}

// ports checks the labels of `ports`: every port of the group is published, whether it is named there or not.
func (in *specInput) ports() error {
	for _, label := range in.tc.Ports {
		if _, ok := in.cfg.Ports[label]; !ok {
			return &drivers.StartError{Reason: fmt.Sprintf("ports names %q, which is no port of the group (it has: %s)", label,
				strings.Join(slices.Sorted(maps.Keys(in.cfg.Ports)), ", ")), Hint: "add the port to the group's network block, or remove it from ports"}
		}
	}
	return nil
}

// namespacedSysctls are the settings that belong to a container and not to the host. Constant.
var namespacedSysctls = []string{"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
	"kernel.shmmni", "kernel.shm_rmid_forced"}

func hostsIPC(name string) bool { return !strings.HasPrefix(name, "net.") }

func (in *specInput) sysctls(s *specs.Spec, mode string) error {
	out := map[string]string{}
	if mode == "none" {
		// Ports below 1024 and ping need no capability in a network of one's own.
		out["net.ipv4.ip_unprivileged_port_start"] = "0"
		out["net.ipv4.ping_group_range"] = "0 2147483647"
	}
	for name, value := range in.tc.Sysctl {
		switch {
		case strings.Contains(name, "/"), strings.Contains(name, ".."):
			return &drivers.StartError{Reason: fmt.Sprintf("sysctl %q is not a name such as net.core.somaxconn", name)}
		case in.tc.HostIPC && hostsIPC(name):
			return &drivers.StartError{Reason: fmt.Sprintf("sysctl %s would change the host: the task shares its ipc namespace", name)}
		case strings.HasPrefix(name, "net.") && mode != "host", strings.HasPrefix(name, "fs.mqueue."), slices.Contains(namespacedSysctls, name):
			out[name] = value
		case strings.HasPrefix(name, "net."):
			return &drivers.StartError{Reason: fmt.Sprintf("sysctl %s would change the host: the task is in the host's network", name),
				Hint: `use mode = "bridge" in the group's network block`}
		default:
			return &drivers.StartError{Reason: fmt.Sprintf("sysctl %s is not the container's own and would change the host", name),
				Hint: "set it on the host; tasks may set net.*, fs.mqueue.* and kernel.shm*, kernel.msg*, kernel.sem"}
		}
	}
	s.Linux.Sysctl = out
	return nil
}

func firstSet(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
