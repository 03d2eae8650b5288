package taskrunner

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"berth/drivers"
	"berth/structs"
)

// prepare makes what must be there before the first start of this life of the agent. Every part may be done again.
func (r *Runner) prepare() error {
	r.mu.Lock()
	task, alloc := r.task, r.alloc
	r.mu.Unlock()
	if err := unsupported(task); err != nil {
		e := event(structs.TaskFailedValidation, err.Error(), "validation_error", err.Error())
		if len(task.Artifacts) > 0 {
			e = event(structs.TaskArtifactFailed, err.Error(), "download_error", err.Error())
		}
		r.emit(e, nil)
		return r.decide(ending{hopeless: true}, func(*Record) {})
	}
	if r.rec.Attempt == 0 {
		r.emit(setupEvent("Building Task Directory"), nil)
	}
	if d := task.DispatchPayload; d != nil && d.File != "" && len(alloc.Job.Payload) > 0 {
		if err := writePayload(r.cfg.Place().LocalDir, d.File, alloc.Job.Payload); err != nil {
			return r.judgeStart(&drivers.StartError{Reason: "write dispatch payload", Err: err}, structs.TaskSetupFailure)
		}
	}
	r.prepared = true
	return nil
}

// unsupported names what the task asks for and this node cannot do. A task that ran without it would do something else
// than its author wrote.
func unsupported(t *structs.Task) error {
	var errs []error
	if n := len(t.Artifacts); n > 0 {
		errs = append(errs, fmt.Errorf("this node cannot fetch artifacts yet, and the task has %d: put the files into the image or a volume", n))
	}
	if n := len(t.Templates); n > 0 {
		errs = append(errs, fmt.Errorf("this node cannot render templates yet, and the task has %d: use env or put the file into the image", n))
	}
	if t.Vault != nil {
		errs = append(errs, errors.New("this node cannot reach Vault: remove the task's vault block"))
	}
	return errors.Join(errs...)
}

// writePayload writes below local/, never following a link out of it.
func writePayload(local, file string, payload []byte) error {
	root, err := os.OpenRoot(local)
	if err != nil {
		return err
	}
	defer root.Close()
	if dir := filepath.Dir(file); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return root.WriteFile(file, payload, 0o644)
}

// pathsInTask are where a driver with an own root file system shows the task's directories.
const (
	allocInTask   = "/alloc"
	localInTask   = "/local"
	secretsInTask = "/secrets"
)

// taskConfig is everything the driver needs for one start.
func (r *Runner) taskConfig(id string) (*drivers.TaskConfig, error) {
	r.mu.Lock()
	task, alloc := r.task, r.alloc
	r.mu.Unlock()
	p := r.cfg.Place()
	isolated := r.cfg.Driver.Capabilities().FSIsolation == "image"
	cfg := &drivers.TaskConfig{
		ID: id, AllocID: alloc.ID.String(), Namespace: alloc.Namespace, JobID: alloc.JobID, Group: alloc.TaskGroup,
		Task: task.Name, Owner: r.cfg.NodeID.String(),
		User: p.Env.Replace(task.User), Env: maps.Clone(p.Env.Map()), Config: p.Env.ReplaceConfig(task.Config),
		Ports: ports(alloc), Resources: resources(alloc, task),
		Network: "host", Hostname: p.Hostname,
		TaskDir: p.TaskDir, AllocDir: p.AllocDir, StdoutPath: p.StdoutPath, StderrPath: p.StderrPath,
		KillSignal: task.KillSignal, CgroupParent: r.cfg.CgroupParent,
		Progress: r.progress,
	}
	if p.NetNS != "" {
		cfg.Network, cfg.NetNS = "group", p.NetNS
	}
	if isolated {
		cfg.Mounts = append(cfg.Mounts,
			drivers.Mount{HostPath: p.AllocDir, TaskPath: allocInTask},
			drivers.Mount{HostPath: p.LocalDir, TaskPath: localInTask},
			drivers.Mount{HostPath: p.SecretsDir, TaskPath: secretsInTask})
		for path, target := range map[string]string{p.ResolvConf: "/etc/resolv.conf", p.Hosts: "/etc/hosts"} {
			if path != "" {
				cfg.Mounts = append(cfg.Mounts, drivers.Mount{HostPath: path, TaskPath: target})
			}
		}
	}
	volumes, err := volumeMounts(alloc.Group(), task, p)
	if err != nil {
		return nil, err
	}
	cfg.Mounts = append(cfg.Mounts, volumes...)
	return cfg, nil
}

// volumeMounts are the node's directories the task asked for.
func volumeMounts(g *structs.TaskGroup, t *structs.Task, p Place) ([]drivers.Mount, error) {
	var out []drivers.Mount
	for _, vm := range t.VolumeMounts {
		name := deref(vm.Volume)
		req, asked := g.Volumes[name]
		if !asked {
			return nil, fmt.Errorf("volume %q is not among the group's volumes", name)
		}
		if req.Type != "" && req.Type != "host" {
			return nil, fmt.Errorf("volume %q is of type %q, and this node has host volumes only", name, req.Type)
		}
		host := p.HostVolumes[p.Env.Replace(req.Source)]
		if host == nil {
			return nil, fmt.Errorf("volume %q: this node has no host volume %q", name, req.Source)
		}
		out = append(out, drivers.Mount{
			HostPath: host.Path, TaskPath: p.Env.Replace(deref(vm.Destination)),
			ReadOnly: host.ReadOnly || req.ReadOnly || deref(vm.ReadOnly), Propagation: deref(vm.PropagationMode),
		})
	}
	return out, nil
}

func ports(alloc *structs.Allocation) map[string]drivers.PortMapping {
	if alloc.AllocatedResources == nil {
		return nil
	}
	out := map[string]drivers.PortMapping{}
	for _, p := range alloc.AllocatedResources.Shared.Ports {
		to := p.To
		if to <= 0 {
			to = p.Value
		}
		out[p.Label] = drivers.PortMapping{HostIP: p.HostIP, Host: p.Value, Task: to}
	}
	return out
}

// resources are what the scheduler gave, or what the job asked for where nothing is recorded.
func resources(alloc *structs.Allocation, t *structs.Task) drivers.Resources {
	if alloc.AllocatedResources != nil {
		if a := alloc.AllocatedResources.Tasks[t.Name]; a != nil {
			return drivers.Resources{
				CPUShares: a.Cpu.CpuShares, Cores: a.Cpu.ReservedCores,
				MemoryMB: a.Memory.MemoryMB, MemoryMaxMB: max(a.Memory.MemoryMaxMB, 0),
			}
		}
	}
	if t.Resources == nil {
		return drivers.Resources{}
	}
	return drivers.Resources{CPUShares: int64(deref(t.Resources.CPU)), MemoryMB: int64(deref(t.Resources.MemoryMB))}
}

// progressEvery is how often one phase of a start is told of at most: every event is a write on the servers.
const progressEvery = time.Second

// progress tells of a long step of the start; the making of the container itself is not one.
func (r *Runner) progress(p drivers.Progress) {
	if p.Phase == "creating" {
		return
	}
	now := time.Now()
	r.mu.Lock()
	quiet := p.Phase == r.phase && now.Sub(r.told) < progressEvery
	if !quiet {
		r.phase, r.told = p.Phase, now
	}
	r.mu.Unlock()
	if !quiet {
		r.emit(driverEvent(p), nil)
	}
}
