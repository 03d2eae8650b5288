package structs

// warnLater tells what the language has and this version of Berth takes without doing it, so that nobody waits for it.
func (c *checker) warnLater(j *Job) {
	if !c.limits.Later {
		return
	}
	at := (*place)(nil)
	if j.Multiregion != nil {
		c.warn(at.in("Multiregion"), "multiregion has no effect in this version: the job runs in the region it is sent to").Hint = "send the job to each region"
	}
	for i, g := range j.TaskGroups {
		p := at.item("TaskGroups", i)
		for k := range g.Services {
			c.laterService(p.item("Services", k), g.Services[k])
		}
		if g.Scaling != nil && g.Scaling.Enabled != nil && *g.Scaling.Enabled {
			c.warn(p.in("Scaling"), "this version scales nothing by itself: min and max bound what people and tools ask for").Hint = "berth job scale"
		}
		for _, name := range sortedKeys(g.Volumes) {
			if g.Volumes[name] != nil && g.Volumes[name].Type == VolumeTypeCSI {
				c.warn(p.key("Volumes", name), "this version mounts no csi volumes: group %q cannot be placed", clip(g.Name)).Hint = `use type = "host"`
			}
		}
		for k, t := range g.Tasks {
			c.laterTask(p.item("Tasks", k), t)
		}
	}
}

func (c *checker) laterService(p *place, s *Service) {
	if len(s.Checks) > 0 {
		c.warn(p, "this version registers no services and runs no checks: %q is not found by name, and health is that of its tasks", clip(s.Name))
		return
	}
	c.warn(p, "this version registers no services: %q is not found by name", clip(s.Name)).Hint = "berth alloc status shows its address"
}

func (c *checker) laterTask(p *place, t *Task) {
	for i := range t.Services {
		c.laterService(p.item("Services", i), t.Services[i])
	}
	if len(t.Artifacts) > 0 {
		c.warn(p.item("Artifacts", 0), "this version fetches no artifacts: task %q will not start", clip(t.Name)).Hint = "put the files into the image or a volume"
	}
	if len(t.Templates) > 0 {
		c.warn(p.item("Templates", 0), "this version renders no templates: task %q will not start", clip(t.Name)).Hint = "use env, or put the file into the image"
	}
	if t.Resources != nil && t.Resources.NUMA != nil && t.Resources.NUMA.Affinity != "none" {
		c.warn(p.in("Resources").in("NUMA"), "this version places without regard to numa")
	}
	if t.CSIPluginConfig != nil {
		c.warn(p.in("CSIPluginConfig"), "this version knows no csi plugins: the task runs like any other")
	}
	if len(t.Secrets) > 0 {
		c.warn(p.item("Secrets", 0), "this version keeps no variables: the secrets are empty").Hint = "give the values in env"
	}
	if len(t.Identities) > 0 {
		c.warn(p.item("Identities", 0), "this version signs no identities: the task gets no token")
	}
	if len(t.Actions) > 0 {
		c.warn(p.item("Actions", 0), "this version runs no actions").Hint = "berth alloc exec runs a command in a task"
	}
	if t.Schedule != nil {
		c.warn(p.in("Schedule"), "this version follows no schedule of a task: it runs all the time").Hint = `a job of its own with periodic { crons = [...] } starts at given times`
	}
	if len(t.ScalingPolicies) > 0 {
		c.warn(p.item("ScalingPolicies", 0), "this version changes no resources by itself")
	}
}
