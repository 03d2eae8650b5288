package structs

import "strings"

func (c *checker) checkResources(p *place, r *Resources) {
	if r == nil {
		return
	}
	within(c, p.in("Cores"), "cores", r.Cores, 0, MaxInstances, "")
	switch {
	case val(r.Cores) > 0 && val(r.CPU) > 0:
		c.fault(p.in("Cores"), "cores and cpu are both set").Hint = "keep one: whole cores, or a share in MHz"
	case val(r.Cores) == 0:
		within(c, p.in("CPU"), "cpu", r.CPU, 1, MaxAmount, " MHz")
	}
	within(c, p.in("MemoryMB"), "memory", r.MemoryMB, 10, MaxAmount, " MB")
	if most := val(r.MemoryMaxMB); most > MaxAmount {
		c.fault(p.in("MemoryMaxMB"), "memory_max is %d MB; the most is %d MB", most, int64(MaxAmount)).Hint = "write -1 for no limit"
	} else if most != 0 && most != -1 && most < val(r.MemoryMB) {
		c.fault(p.in("MemoryMaxMB"), "memory_max is %d MB, less than memory, which is %d MB", most, val(r.MemoryMB)).Hint = "raise it, or write -1 for no limit"
	}
	atLeast(c, p.in("SecretsMB"), "secrets", r.SecretsMB, 0, " MB")
	if s := val(r.SecretsMB); s > 1 && s > val(r.MemoryMB) {
		c.fault(p.in("SecretsMB"), "secrets is %d MB, more than memory, which is %d MB and holds it", s, val(r.MemoryMB))
	}
	if val(r.DiskMB) > 0 {
		c.fault(p.in("DiskMB"), "a task has no disk of its own").Hint = "write ephemeral_disk { size = ... } in the group"
	}
	if val(r.IOPS) > 0 {
		c.warn(p.in("IOPS"), "iops is deprecated and ignored").Hint = "remove it"
	}
	for i, d := range r.Devices {
		at := p.item("Devices", i)
		if parts := strings.Split(d.Name, "/"); len(parts) > 3 || hasEmpty(parts) {
			c.fault(at.in("Name"), "device %q must be <type>, <vendor>/<type> or <vendor>/<type>/<model>", clip(d.Name))
		}
		if d.Count != nil && *d.Count == 0 {
			c.fault(at.in("Count"), "count is 0; the least is 1")
		}
		if d.Count != nil && *d.Count > MaxInstances {
			c.fault(at.in("Count"), "count is %d; the most is %d", *d.Count, MaxInstances)
		}
		c.checkPlacement(at, scopeDevice, d.Constraints, d.Affinities, nil)
	}
	if r.NUMA != nil {
		c.checkNUMA(p.in("NUMA"), r)
	}
}

func (c *checker) checkNUMA(p *place, r *Resources) {
	c.oneOf(p.in("Affinity"), "affinity", r.NUMA.Affinity, "none", "prefer", "require")
	if r.NUMA.Affinity != "none" && val(r.Cores) == 0 {
		c.fault(p.in("Affinity"), "numa needs whole cores").Hint = "write cores = 1 in resources"
	}
	names := make([]string, len(r.Devices))
	for i, d := range r.Devices {
		names[i] = d.Name
	}
	for i, want := range r.NUMA.Devices {
		found := false
		for _, n := range names {
			found = found || n == want
		}
		if !found {
			c.fault(p.item("Devices", i), "device %q is not among the devices of the task", clip(want)).Hint = didYouMean(want, names)
		}
	}
}

func hasEmpty(parts []string) bool {
	for _, p := range parts {
		if p == "" {
			return true
		}
	}
	return false
}
