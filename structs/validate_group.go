package structs

import (
	"slices"
	"strconv"
	"strings"
)

func (c *checker) checkGroup(p *place, g *TaskGroup) {
	if g.Name == "" {
		c.fault(p.in("Name"), "the group has no name")
	} else if strings.ContainsRune(g.Name, 0) {
		c.fault(p.in("Name"), "the group name has a NUL in it")
	} else if strings.ContainsFunc(g.Name, hidden) {
		c.fault(p.in("Name"), "group name %q has characters that nobody sees", clip(g.Name))
	}
	atLeast(c, p.in("Count"), "count", g.Count, 0, "")
	if c.job.Type == JobTypeSystem && g.Desired() > 1 {
		c.fault(p.in("Count"), "count is %d; a system job runs at most 1 on each node", g.Desired())
	}
	atLeast(c, p.in("ShutdownDelay"), "shutdown_delay", g.ShutdownDelay, 0, "")
	if g.MaxRunDuration != nil {
		c.batchOnly(p.in("MaxRunDuration"), "max_run_duration")
		if *g.MaxRunDuration <= 0 {
			c.fault(p.in("MaxRunDuration"), "max_run_duration is %s; it must be more than 0", durationText(*g.MaxRunDuration))
		}
	}
	c.warnIgnored(p, g)
	c.checkMeta(p, g.Meta)
	c.checkPlacement(p, scopeGroup, g.Constraints, g.Affinities, g.Spreads)
	c.checkTogether(p, g)
	c.checkTolerations(p, g.Tolerations)
	c.checkDisruption(p, g)
	c.checkCompletion(p, g)
	c.checkTypeBlocks(p, g.Update != nil && c.job.Update == nil, g.Migrate != nil && c.job.Migrate == nil,
		g.ReschedulePolicy != nil && c.job.Reschedule == nil)
	mark := len(c.faults)
	c.checkRestart(p.in("RestartPolicy"), g.RestartPolicy)
	restartFaults := c.since(mark)
	c.inherited(p.in("ReschedulePolicy"), "Reschedule", c.rescheduleFaults, func(at *place) { c.checkReschedule(at, g.ReschedulePolicy) })
	c.checkGroupUpdate(p, g)
	c.checkMigrate(p.in("Migrate"), g.Migrate)
	c.checkDisconnect(p.in("Disconnect"), g.Disconnect)
	if g.EphemeralDisk != nil {
		within(c, p.in("EphemeralDisk").in("SizeMB"), "size", g.EphemeralDisk.SizeMB, 10, MaxAmount, " MB")
	}
	c.checkScaling(p.in("Scaling"), g)
	c.checkVolumes(p, g)
	ports := c.checkNetworks(p, g)
	c.checkServices(p, g, ports)
	if g.Consul != nil {
		c.warnConsul(p.in("Consul"))
	}
	c.checkTasks(p, g, ports)
	for i, t := range g.Tasks[:min(len(g.Tasks), c.limits.MaxTasks)] {
		at := p.item("Tasks", i).in("RestartPolicy")
		c.inherited(at, p.in("RestartPolicy").String(), restartFaults, func(at *place) { c.checkRestart(at, t.RestartPolicy) })
	}
}

func (c *checker) warnConsul(p *place) {
	c.warn(p, "the consul block has no effect: Berth talks to no Consul").Hint = "remove the block"
}

// warnIgnored tells of attributes the contract accepts and ignores.
func (c *checker) warnIgnored(p *place, g *TaskGroup) {
	for _, f := range []struct {
		set               bool
		field, attr, hint string
	}{
		{g.StopAfterClientDisconnect != nil, "StopAfterClientDisconnect", "stop_after_client_disconnect", "write disconnect { stop_on_client_after = ... }"},
		{g.MaxClientDisconnect != nil, "MaxClientDisconnect", "max_client_disconnect", "write disconnect { lost_after = ... }"},
		{g.PreventRescheduleOnLost != nil, "PreventRescheduleOnLost", "prevent_reschedule_on_lost", "write disconnect { replace = false }"},
	} {
		if f.set {
			c.warn(p.in(f.field), "%s is no longer used and ignored", f.attr).Hint = f.hint
		}
	}
}

func (c *checker) checkTasks(p *place, g *TaskGroup, ports portSet) {
	if len(g.Tasks) == 0 {
		c.fault(p.in("Tasks"), "group %q has no task", clip(g.Name)).Hint = `add task "name" { driver = "docker" ... }`
		return
	}
	if len(g.Tasks) > c.limits.MaxTasks {
		c.fault(p.in("Tasks"), "group %q has %d tasks; at most %d are allowed", clip(g.Name), len(g.Tasks), c.limits.MaxTasks)
		return
	}
	seen, mains, leader := map[string]bool{}, 0, ""
	for i, t := range g.Tasks {
		at := p.item("Tasks", i)
		if t.Name != "" && seen[t.Name] {
			c.fault(at.in("Name"), "task %q is in the group twice", clip(t.Name)).Hint = "task names must be unique in a group"
		}
		seen[t.Name] = true
		if t.IsMain() {
			mains++
		}
		if t.Leader {
			if leader != "" {
				c.fault(at.in("Leader"), "task %q is the leader already; a group has at most one", clip(leader))
			}
			leader = t.Name
		}
		c.checkTask(at, g, t, ports)
	}
	if mains == 0 {
		c.fault(p.in("Tasks"), "every task of group %q has a lifecycle block, so none is the main task", clip(g.Name)).Hint = "remove the lifecycle block of one"
	}
}

func (c *checker) checkScaling(p *place, g *TaskGroup) {
	s := g.Scaling
	if s == nil {
		return
	}
	if c.job.Type == JobTypeSystem || c.job.Type == JobTypeSysBatch {
		c.fault(p, "a %s job has no scaling block", c.job.Type).Hint = "it runs once on every node"
		return
	}
	c.oneOf(p.in("Type"), "type", s.Type, ScalingHorizontal)
	c.checkScalingRange(p, s)
	if s.Max == nil || val(s.Min) > *s.Max {
		return
	}
	if n := int64(g.Desired()); n < val(s.Min) || n > *s.Max {
		c.fault(p, "count is %d, outside the scaling range %d to %d", n, val(s.Min), *s.Max)
	}
}

func (c *checker) checkScalingRange(p *place, s *ScalingPolicy) {
	atLeast(c, p.in("Min"), "min", s.Min, 0, "")
	switch {
	case s.Max == nil:
		c.fault(p.in("Max"), "scaling has no max").Hint = "write the greatest allowed value"
	case *s.Max < val(s.Min):
		c.fault(p.in("Max"), "max is %d, less than min, which is %d", *s.Max, val(s.Min))
	}
}

// portSet are the port labels a service of a group or task may name.
type portSet map[string]bool

func (s portSet) labels() []string {
	out := make([]string, 0, len(s))
	for l := range s {
		out = append(out, l)
	}
	slices.Sort(out)
	return out
}

// knows reports a label of the set, a number, or something only the node can resolve.
func (s portSet) knows(label string) bool {
	if s[label] || strings.Contains(label, "${") {
		return true
	}
	n, err := strconv.Atoi(label)
	return err == nil && n > 0 && n <= 65535
}
