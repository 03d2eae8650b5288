package check

import (
	"slices"
	"strconv"

	"berth/structs"
)

// Plan tells what is wrong with a plan made for a world. The world is not changed. versions finds a job of a version.
func Plan(w *World, p *structs.Plan, versions func(namespace, id string, version uint64) *structs.Job) []Fault {
	c := &planCheck{w: w, p: p, known: map[structs.ID]*structs.Allocation{}, stopped: map[structs.ID]*structs.PlanStop{}, unknown: map[structs.ID]bool{}}
	for _, a := range w.Allocs {
		c.known[a.ID] = a
	}
	c.stops()
	c.updates()
	for _, g := range p.Place {
		c.group(g, versions(g.Namespace, g.JobID, g.JobVersion))
	}
	c.rooms()
	c.distinct()
	c.together()
	c.depends()
	c.names()
	c.queues()
	c.evicted()
	return c.sorted()
}

type planCheck struct {
	faults
	w       *World
	p       *structs.Plan
	known   map[structs.ID]*structs.Allocation
	stopped map[structs.ID]*structs.PlanStop
	unknown map[structs.ID]bool // by the plan
	placed  []*structs.Allocation
}

func (c *planCheck) stops() {
	for _, s := range c.p.Stop {
		a := c.known[s.AllocID]
		switch {
		case a == nil:
			c.add("stop "+s.AllocID.Short(), "there is no such allocation")
			continue
		case c.stopped[s.AllocID] != nil:
			c.add(allocSubject(a), "is stopped twice")
		case a.ServerTerminal() && s.DesiredStatus == "" && s.ClientStatus == structs.AllocClientLost && !a.ClientTerminal():
			c.stopped[s.AllocID] = s // its node cannot tell that it ended
			continue
		case a.ServerTerminal():
			c.add(allocSubject(a), "was stopped before")
		}
		c.stopped[s.AllocID] = s
		if s.DesiredStatus != structs.AllocDesiredStop && s.DesiredStatus != structs.AllocDesiredEvict {
			c.add(allocSubject(a), "is stopped with status %q", s.DesiredStatus)
		}
	}
}

func (c *planCheck) updates() {
	seen := map[structs.ID]bool{}
	for _, u := range c.p.Update {
		a := c.known[u.AllocID]
		switch {
		case a == nil:
			c.add("update "+u.AllocID.Short(), "there is no such allocation")
			continue
		case seen[u.AllocID]:
			c.add(allocSubject(a), "is updated twice")
		case c.stopped[u.AllocID] != nil && u.JobVersion != a.JobVersion:
			c.add(allocSubject(a), "is stopped and given another version")
		}
		seen[u.AllocID] = true
		if u.ClientStatus == structs.AllocClientUnknown {
			c.unknown[u.AllocID] = true
		}
	}
}

// group looks at the placements of one group and takes them as allocations.
func (c *planCheck) group(g *structs.PlanGroup, job *structs.Job) {
	subject := "plan " + g.JobID + "." + g.TaskGroup
	spec := job.LookupGroup(g.TaskGroup)
	if spec == nil {
		c.add(subject, "version %d has no such group", g.JobVersion)
		return
	}
	if !g.DeploymentID.IsZero() && !c.hasDeployment(g.DeploymentID) {
		c.add(subject, "there is no deployment %s", g.DeploymentID.Short())
	}
	for _, item := range g.Items {
		a := &structs.Allocation{
			ID: item.AllocID, Namespace: g.Namespace, JobID: g.JobID, Job: job, JobVersion: g.JobVersion, TaskGroup: g.TaskGroup,
			Index: item.Index, NodeID: item.NodeID, DesiredStatus: structs.AllocDesiredRun,
			ClientStatus: structs.AllocClientPending, DeploymentID: g.DeploymentID,
			PreviousAllocation: item.PreviousAllocation, AllocatedResources: resources(g, item),
		}
		if item.Canary {
			a.DeploymentStatus = &structs.AllocDeploymentStatus{Canary: true}
		}
		if item.AllocID.IsZero() || c.known[item.AllocID] != nil {
			c.add(allocSubject(a), "its id is no new one")
		}
		c.known[item.AllocID] = a
		c.placed = append(c.placed, a)
		if prev := c.known[item.PreviousAllocation]; !item.PreviousAllocation.IsZero() &&
			(prev == nil || prev.JobID != g.JobID || prev.TaskGroup != g.TaskGroup) {
			c.add(allocSubject(a), "replaces no allocation of its group")
		}
		n := c.w.node(item.NodeID)
		if n == nil {
			c.add(allocSubject(a), "its node %s does not exist", item.NodeID.Short())
			continue
		}
		checkPlacedOn(&c.faults, allocSubject(a), job, spec, n)
		c.given(a, spec)
	}
}

func (c *planCheck) hasDeployment(id structs.ID) bool {
	return c.p.Deployment != nil && c.p.Deployment.ID == id ||
		slices.ContainsFunc(c.w.Deployments, func(d *structs.Deployment) bool { return d.ID == id })
}

func resources(g *structs.PlanGroup, item *structs.Placement) *structs.AllocatedResources {
	if g.Resources == nil {
		return nil
	}
	r := *g.Resources
	r.Shared.Ports = item.Ports
	if len(item.Tasks) > 0 {
		r.Tasks = item.Tasks
	}
	return &r
}

// given compares what an allocation was given with what its group asks for.
func (c *planCheck) given(a *structs.Allocation, g *structs.TaskGroup) {
	ports := 0
	for _, nw := range g.Networks {
		ports += len(nw.ReservedPorts) + len(nw.DynamicPorts)
		for _, p := range nw.ReservedPorts {
			if !slices.ContainsFunc(a.AllocatedResources.Shared.Ports, func(m structs.AllocatedPortMapping) bool {
				return m.Label == p.Label && m.Value == p.Value
			}) {
				c.add(allocSubject(a), "was not given port %d", p.Value)
			}
		}
	}
	if n := len(a.AllocatedResources.Shared.Ports); n < ports {
		c.add(allocSubject(a), "was given %d of %d ports", n, ports)
	}
	for _, t := range g.Tasks {
		got := a.AllocatedResources.Tasks[t.Name]
		if got == nil {
			c.add(allocSubject(a), "nothing is given to task %s", t.Name)
			continue
		}
		if t.Resources == nil {
			continue
		}
		if want := t.Resources.Cores; want != nil && len(got.Cpu.ReservedCores) != *want {
			c.add(allocSubject(a), "task %s was given %d of %d cores", t.Name, len(got.Cpu.ReservedCores), *want)
		}
		devices, wanted := 0, 0
		for _, d := range got.Devices {
			devices += len(d.DeviceIDs)
		}
		for _, d := range t.Resources.Devices {
			wanted++
			if d.Count != nil {
				wanted += int(*d.Count) - 1
			}
		}
		if devices != wanted {
			c.add(allocSubject(a), "task %s was given %d of %d devices", t.Name, devices, wanted)
		}
		if want := t.Resources.MemoryMB; want != nil && got.Memory.MemoryMB != int64(*want) {
			c.add(allocSubject(a), "task %s was given %d of %d MB", t.Name, got.Memory.MemoryMB, *want)
		}
	}
}

// rooms looks at the nodes that are given something. Only what is lost by the plan has left them.
func (c *planCheck) rooms() {
	byNode := map[structs.ID][]*structs.Allocation{}
	for _, a := range c.placed {
		byNode[a.NodeID] = nil
	}
	for _, a := range c.w.Allocs {
		if _, touched := byNode[a.NodeID]; touched && c.holds(a) {
			byNode[a.NodeID] = append(byNode[a.NodeID], a)
		}
	}
	for _, a := range c.placed {
		byNode[a.NodeID] = append(byNode[a.NodeID], a)
	}
	for _, n := range c.w.Nodes {
		if list := byNode[n.ID]; len(list) > 0 {
			checkNode(&c.faults, n, list)
		}
	}
}

// holds reports that the allocation still holds its resources after the plan.
func (c *planCheck) holds(a *structs.Allocation) bool {
	if s := c.stopped[a.ID]; s != nil && s.ClientStatus == structs.AllocClientLost {
		return false
	}
	return a.HoldsResources()
}

// distinct looks at distinct_hosts and distinct_property of the groups that are placed.
func (c *planCheck) distinct() {
	done := map[[2]string]bool{}
	for _, a := range c.placed {
		key := [2]string{a.Namespace + "/" + a.JobID, a.TaskGroup}
		if done[key] {
			continue
		}
		done[key] = true
		for _, r := range a.Job.Constraints {
			c.distinctRule(r, a, "")
		}
		for _, r := range a.Group().Constraints {
			c.distinctRule(r, a, a.TaskGroup)
		}
	}
}

// distinctRule counts, for each value, the allocations of a job, or of one group of it. A value is only wrong if something is
// placed there now: a job may have broken the rule before it had it.
func (c *planCheck) distinctRule(r *structs.Constraint, of *structs.Allocation, group string) {
	limit, target := 1, r.LTarget
	switch r.Operand {
	case "distinct_hosts":
		if r.RTarget == "false" {
			return
		}
		target = "${node.unique.id}"
	case "distinct_property":
		if n, err := strconv.Atoi(r.RTarget); err == nil && n > 0 {
			limit = n
		}
	default:
		return
	}
	count, placed := map[string]int{}, map[string]bool{}
	note := func(a *structs.Allocation, isNew bool) {
		if a.Namespace != of.Namespace || a.JobID != of.JobID || group != "" && a.TaskGroup != group {
			return
		}
		n := c.w.node(a.NodeID)
		if n == nil {
			return
		}
		v, ok := valueOf(target, n)
		if !ok {
			if isNew {
				c.add(allocSubject(a), "node %s has no %s for %q", n.Name, target, r.String())
			}
			return
		}
		count[v]++
		placed[v] = placed[v] || isNew
	}
	for _, a := range c.w.Allocs {
		if c.holds(a) {
			note(a, false)
		}
	}
	for _, a := range c.placed {
		note(a, true)
	}
	for v, n := range count {
		if placed[v] && n > limit {
			c.add("job "+of.JobID, "%q: %d allocations share %q", r.String(), n, v)
		}
	}
}
