package structs

import (
	"strings"
)

func (c *checker) checkTask(p *place, g *TaskGroup, t *Task, ports portSet) {
	switch {
	case t.Name == "":
		c.fault(p.in("Name"), "the task has no name")
	case strings.ContainsAny(t.Name, "/\\\x00"):
		c.fault(p.in("Name"), "task name %q has a slash or a NUL in it", clip(t.Name))
	case strings.ContainsFunc(t.Name, hidden):
		c.fault(p.in("Name"), "task name %q has characters that nobody sees", clip(t.Name))
	case t.Name == "alloc" || t.Name == "." || t.Name == "..":
		c.fault(p.in("Name"), "%q cannot be the name of a task: the allocation's own directory has it", t.Name)
	}
	c.checkDriver(p, t, ports)
	if strings.ContainsRune(t.User, 0) {
		c.fault(p.in("User"), "the user has a NUL in it")
	}
	c.checkEnv(p, t.Env)
	c.checkMeta(p, t.Meta)
	c.checkPlacement(p, scopeTask, t.Constraints, t.Affinities, nil)
	atLeast(c, p.in("KillTimeout"), "kill_timeout", t.KillTimeout, 0, "")
	if t.ShutdownDelay < 0 {
		c.fault(p.in("ShutdownDelay"), "shutdown_delay is %s; the least is 0s", durationText(t.ShutdownDelay))
	}
	c.checkSignal(p.in("KillSignal"), "kill_signal", t.KillSignal)
	if t.Lifecycle != nil {
		c.oneOf(p.in("Lifecycle").in("Hook"), "hook", t.Lifecycle.Hook, HookPrestart, HookPoststart, HookPoststop)
	}
	c.checkLogs(p.in("LogConfig"), g, t.LogConfig)
	c.checkResources(p.in("Resources"), t.Resources)
	c.checkArtifacts(p, t.Artifacts)
	c.checkTemplates(p, t.Templates)
	if t.DispatchPayload != nil {
		c.checkDispatchFile(p.in("DispatchPayload").in("File"), t.DispatchPayload.File)
	}
	c.checkMounts(p, g, t)
	c.checkCSIPlugin(p.in("CSIPluginConfig"), t.CSIPluginConfig)
	c.checkIntegrations(p, t)
	c.checkIdentities(p, t)
	c.checkSecrets(p, t.Secrets)
	c.checkActions(p, t.Actions)
	c.checkSchedule(p.in("Schedule"), t.Schedule)
	for i, s := range t.ScalingPolicies {
		at := p.item("ScalingPolicies", i)
		c.oneOf(at.in("Type"), "type", s.Type, ScalingVerticalCPU, ScalingVerticalMem)
		c.checkScalingRange(at, s)
	}
}

func (c *checker) checkDriver(p *place, t *Task, ports portSet) {
	drivers := c.limits.Drivers
	if t.Driver == "" {
		c.fault(p.in("Driver"), "task %q has no driver", clip(t.Name)).Hint = `write driver = "docker"`
		return
	}
	if drivers == nil {
		return
	}
	checker, known := drivers[t.Driver]
	if !known {
		f := c.warn(p.in("Driver"), "driver %q is not one of this Berth; no node will run the task", clip(t.Driver))
		f.Hint = didYouMean(t.Driver, sortedKeys(drivers))
		if f.Hint == "" {
			f.Hint = "use " + either(sortedKeys(drivers))
		}
		return
	}
	if checker == nil {
		return
	}
	for _, f := range checker.CheckConfig(t.Config) {
		path := p.in("Config").String()
		if f.Path != "" {
			path += "." + f.Path
		}
		own := c.fault(nil, "%s", f.Message)
		own.Path, own.Hint, own.Warning, own.Name = path, f.Hint, f.Warning, f.Name
	}
	labels, _ := t.Config["ports"].([]any)
	for i, label := range labels {
		if text, ok := label.(string); ok && !strings.Contains(text, "${") {
			c.checkPortLabel(p.in("Config").item("ports", i), ports, text)
		}
	}
}

func (c *checker) checkEnv(p *place, env map[string]string) {
	if n := mapBytes(env); n > c.limits.MaxEnvBytes {
		c.fault(p.in("Env"), "env has %d bytes; at most %d are allowed", n, c.limits.MaxEnvBytes)
	}
	for _, k := range sortedKeys(env) {
		if k == "" || strings.ContainsAny(k, "=\x00") {
			c.fault(p.key("Env", k), "%q cannot be the name of an environment variable", clip(k))
		} else if strings.ContainsRune(env[k], 0) {
			c.fault(p.key("Env", k), "the value of %s has a NUL in it", clip(k))
		}
	}
}

// checkSignal wants a name that every node knows: a task with another could not be stopped. References are not looked up there.
func (c *checker) checkSignal(p *place, what, name string) {
	if name == "" {
		return
	}
	if _, ok := SignalNumber(name); !ok {
		c.fault(p, "%s %q is not a signal", what, clip(name)).Hint = didYouMean("SIG"+strings.TrimPrefix(strings.ToUpper(name), "SIG"), sortedKeys(signals))
	}
}

func (c *checker) checkLogs(p *place, g *TaskGroup, l *LogConfig) {
	if l == nil {
		return
	}
	within(c, p.in("MaxFiles"), "max_files", l.MaxFiles, 1, MaxInstances, "")
	within(c, p.in("MaxFileSizeMB"), "max_file_size", l.MaxFileSizeMB, 1, MaxAmount, " MB")
	if g.EphemeralDisk == nil || val(l.Disabled) {
		return
	}
	files, size, disk := int64(val(l.MaxFiles)), int64(val(l.MaxFileSizeMB)), int64(val(g.EphemeralDisk.SizeMB))
	if files > 0 && size > 0 && disk > 0 && (size >= disk || files >= disk || files*size >= disk) {
		c.fault(p.in("MaxFileSizeMB"), "%d log files of %d MB do not fit the group's ephemeral_disk of %d MB", files, size, disk).Hint =
			"lower max_files or max_file_size, or raise size in ephemeral_disk"
	}
}

func (c *checker) checkDispatchFile(p *place, file string) {
	if file == "" {
		c.fault(p, "dispatch_payload has no file")
	} else if escapes("", file) {
		c.fault(p, "file %q leads out of the task's directory", clip(file))
	}
}

// checkIntegrations answers blocks that only make sense with another product.
func (c *checker) checkIntegrations(p *place, t *Task) {
	if t.Vault != nil {
		c.fault(p.in("Vault"), "the vault block needs a Vault cluster, which Berth does not talk to").Hint =
			`keep the values as variables, and read them with a secret block (provider = "nomad") or {{ nomadVar }} in a template`
	}
	if t.Consul != nil {
		c.warnConsul(p.in("Consul"))
	}
	if kind, _, _ := strings.Cut(t.Kind, ":"); t.Kind != "" {
		c.fault(p.in("Kind"), "kind %q belongs to Consul's service mesh, which Berth does not run", clip(kind)).Hint = "remove kind"
	}
}

func (c *checker) checkActions(p *place, actions []*Action) {
	seen := map[string]bool{}
	for i, a := range actions {
		at := p.item("Actions", i)
		switch {
		case a.Name == "" || len(a.Name) > 128 || strings.ContainsAny(a.Name, " \t\r\n\x00"):
			c.fault(at.in("Name"), "action name %q must be 1 to 128 characters without white space", clip(a.Name))
		case seen[a.Name]:
			c.fault(at.in("Name"), "action %q is there twice", clip(a.Name))
		}
		seen[a.Name] = true
		if a.Command == "" {
			c.fault(at.in("Command"), "action %q has no command", clip(a.Name))
		}
	}
}

func (c *checker) checkSchedule(p *place, s *TaskSchedule) {
	if s == nil {
		return
	}
	if s.Cron == nil {
		c.fault(p.in("Cron"), "schedule has no cron block")
		return
	}
	at := p.in("Cron")
	if s.Cron.Start == "" {
		c.fault(at.in("Start"), "cron has no start")
	} else {
		c.checkCron(at.in("Start"), s.Cron.Start)
	}
	if s.Cron.End == "" {
		c.fault(at.in("End"), "cron has no end")
	}
}
