package taskenv

import (
	"maps"
	"strconv"
	"strings"

	"berth/structs"
)

// Paths are directories as the task sees them.
type Paths struct{ Alloc, Local, Secrets string }

// PathsInImage are those of a task with a root file system of its own.
func PathsInImage() Paths { return Paths{Alloc: "/alloc", Local: "/local", Secrets: "/secrets"} }

// Input is everything the environment is made of.
type Input struct {
	Node   *structs.Node
	Region string
	Alloc  *structs.Allocation // with Job
	Task   *structs.Task
	Paths  Paths
	// AllocIP and AllocInterface are the allocation's own, "" when it uses the machine's network.
	AllocIP, AllocInterface string
}

// Env is a task's environment. It does not change.
type Env struct {
	vars map[string]string // of the task
	node map[string]string // ${node.x}, ${attr.x}, ${meta.x}, by their full name
}

// New makes the environment: what Berth gives, overlaid by the task's own `env`, whose values may refer to the first.
func New(in Input) *Env {
	e := &Env{vars: map[string]string{}, node: map[string]string{}}
	e.nodeValues(in)
	e.identity(in)
	e.limits(in)
	e.meta(in)
	e.ports(in)
	own := make(map[string]string, len(in.Task.Env))
	for k, v := range in.Task.Env {
		if name := clean(e.Replace(k)); name != "" {
			own[name] = e.Replace(v)
		}
	}
	maps.Copy(e.vars, own)
	return e
}

func (e *Env) nodeValues(in Input) {
	n := in.Node
	if n == nil {
		return
	}
	for k, v := range map[string]string{
		"node.unique.id": n.ID.String(), "node.unique.name": n.Name, "node.datacenter": n.Datacenter, "node.region": in.Region,
		"node.class": n.NodeClass, "node.pool": n.NodePool,
	} {
		e.node[k] = v
	}
	for k, v := range n.Attributes {
		e.node["attr."+k] = v
	}
	for k, v := range n.Meta {
		e.node["meta."+k] = v
	}
}

func (e *Env) identity(in Input) {
	a := in.Alloc
	e.vars["NOMAD_ALLOC_DIR"], e.vars["NOMAD_TASK_DIR"], e.vars["NOMAD_SECRETS_DIR"] = in.Paths.Alloc, in.Paths.Local, in.Paths.Secrets
	e.vars["NOMAD_ALLOC_ID"], e.vars["NOMAD_SHORT_ALLOC_ID"] = a.ID.String(), a.ID.Short()
	e.vars["NOMAD_ALLOC_NAME"], e.vars["NOMAD_ALLOC_INDEX"] = a.Name(), strconv.FormatUint(uint64(a.Index), 10)
	e.vars["NOMAD_TASK_NAME"], e.vars["NOMAD_GROUP_NAME"] = in.Task.Name, a.TaskGroup
	e.vars["NOMAD_JOB_ID"], e.vars["NOMAD_JOB_NAME"] = a.JobID, a.Job.Name
	if a.Job.ParentID != "" {
		e.vars["NOMAD_JOB_PARENT_ID"] = a.Job.ParentID
	}
	e.vars["NOMAD_NAMESPACE"], e.vars["NOMAD_REGION"] = a.Namespace, in.Region
	if in.Node != nil {
		e.vars["NOMAD_DC"] = in.Node.Datacenter
		if in.Node.CgroupParent != "" {
			e.vars["NOMAD_PARENT_CGROUP"] = in.Node.CgroupParent
		}
	}
}

func (e *Env) limits(in Input) {
	if in.Alloc.AllocatedResources == nil {
		return
	}
	r := in.Alloc.AllocatedResources.Tasks[in.Task.Name]
	if r == nil {
		return
	}
	e.vars["NOMAD_CPU_LIMIT"] = strconv.FormatInt(r.Cpu.CpuShares, 10)
	e.vars["NOMAD_MEMORY_LIMIT"] = strconv.FormatInt(r.Memory.MemoryMB, 10)
	if r.Memory.MemoryMaxMB > 0 {
		e.vars["NOMAD_MEMORY_MAX_LIMIT"] = strconv.FormatInt(r.Memory.MemoryMaxMB, 10)
	}
	if len(r.Cpu.ReservedCores) > 0 {
		e.vars["NOMAD_CPU_CORES"] = cpuset(r.Cpu.ReservedCores)
	}
}

// cpuset writes sorted cores as the kernel does: 1-3,5.
func cpuset(cores []uint16) string {
	var b strings.Builder
	for i := 0; i < len(cores); {
		j := i
		for j+1 < len(cores) && cores[j+1] == cores[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(cores[i])))
		if j > i {
			b.WriteString("-" + strconv.Itoa(int(cores[j])))
		}
		i = j + 1
	}
	return b.String()
}

func (e *Env) meta(in Input) {
	j := in.Alloc.Job
	g := j.LookupGroup(in.Alloc.TaskGroup)
	meta := map[string]string{}
	if p := j.ParameterizedJob; p != nil {
		for _, k := range p.MetaOptional {
			meta[k] = "" // absent ones of a dispatched job are empty, not missing
		}
	}
	if g != nil {
		maps.Copy(meta, j.EffectiveMeta(g, in.Task))
	}
	for k, v := range meta {
		e.vars["NOMAD_META_"+strings.ToUpper(clean(k))] = v
	}
	for k, v := range meta { // the name as written wins where two keys differ in case only
		e.vars["NOMAD_META_"+clean(k)] = v
	}
}

// clean makes a name that every shell takes.
func clean(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, name)
}

// Map is the environment; the caller may change it.
func (e *Env) Map() map[string]string { return maps.Clone(e.vars) }
