package structs

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// checkServices checks the services of the group and of its tasks, which share one set of names and one provider.
func (c *checker) checkServices(p *place, g *TaskGroup, ports portSet) {
	sc := &serviceScope{group: g, ports: ports, seen: map[string]bool{}}
	for i, s := range g.Services {
		c.checkService(p.item("Services", i), sc, s, nil)
	}
	for i, t := range g.Tasks {
		for k, s := range t.Services {
			c.checkService(p.item("Tasks", i).item("Services", k), sc, s, t)
		}
	}
}

// serviceScope is what the services of one group share.
type serviceScope struct {
	group    *TaskGroup
	ports    portSet
	seen     map[string]bool
	provider string
}

// checkService checks one service; task is nil for one of the group.
func (c *checker) checkService(p *place, sc *serviceScope, s *Service, task *Task) {
	c.checkServiceName(p, s.Name)
	c.oneOf(p.in("Provider"), "provider", s.Provider, ProviderConsul, ProviderNomad)
	if sc.provider == "" {
		sc.provider = s.Provider
	} else if s.Provider != sc.provider {
		c.fault(p.in("Provider"), "provider is %q, but another service of the group has %q", clip(s.Provider), clip(sc.provider)).Hint = "all services of a group share one provider"
	}
	owner := s.TaskName
	if task != nil {
		owner = task.Name
	}
	key := s.Name + "\x00" + owner + "\x00" + s.PortLabel
	if sc.seen[key] {
		c.fault(p.in("Name"), "service %q with the same port is there twice in the group", clip(s.Name)).Hint = "give one another name or port"
	}
	sc.seen[key] = true
	c.checkServiceAddress(p, sc, s, task)
	c.oneOf(p.in("OnUpdate"), "on_update", s.OnUpdate, OnUpdateRequireHealthy, OnUpdateIgnoreWarnings, OnUpdateIgnore)
	if s.Weights != nil && (s.Weights.Passing < 0 || s.Weights.Warning < 0) {
		c.fault(p.in("Weights"), "a weight is negative")
	}
	if s.Connect != nil {
		c.fault(p.in("Connect"), "connect needs Consul's service mesh, which Berth does not run").Hint =
			"remove the block, and reach the service by the address that the registry or a template gives"
	}
	if s.Kind != "" {
		c.warn(p.in("Kind"), "kind has no effect: it is for gateways of Consul's service mesh, which Berth does not run").Hint = "remove kind"
	}
	if s.Cluster != "" && s.Cluster != "default" {
		c.warn(p.in("Cluster"), "cluster has no effect: Berth talks to no Consul").Hint = "remove cluster"
	}
	if task == nil && s.TaskName != "" && sc.group.LookupTask(s.TaskName) == nil {
		c.fault(p.in("TaskName"), "task %q is not in group %q", clip(s.TaskName), clip(sc.group.Name)).Hint = didYouMean(s.TaskName, taskNames(sc.group))
	}
	if s.Identity != nil {
		c.checkServiceIdentity(p.in("Identity"), s.Identity)
	}
	c.checkCheckRestart(p.in("CheckRestart"), s.CheckRestart, s.OnUpdate)
	for i, check := range s.Checks {
		c.checkServiceCheck(p.item("Checks", i), sc, s, check, task)
	}
}

func taskNames(g *TaskGroup) []string {
	names := make([]string, len(g.Tasks))
	for i, t := range g.Tasks {
		names[i] = t.Name
	}
	return names
}

func (c *checker) checkServiceName(p *place, name string) {
	bare := name
	for {
		from := strings.Index(bare, "${")
		if from < 0 {
			break
		}
		to := strings.Index(bare[from:], "}")
		if to < 0 {
			break
		}
		bare = bare[:from] + "x" + bare[from+to+1:]
	}
	if !dnsLabel(bare) {
		c.fault(p.in("Name"), "service name %q must be 1 to 63 letters, digits and inner hyphens", clip(name))
	}
}

func (c *checker) checkServiceAddress(p *place, sc *serviceScope, s *Service, task *Task) {
	c.oneOf(p.in("AddressMode"), "address_mode", s.AddressMode, AddressModeAuto, AddressModeHost, AddressModeAlloc, AddressModeAllocIPv6, AddressModeDriver)
	if s.AddressMode == AddressModeDriver && task == nil {
		c.fault(p.in("AddressMode"), `address_mode "driver" is for services of a task`).Hint = `move the service into the task, or write "alloc"`
	}
	if s.Address != "" && s.AddressMode != AddressModeAuto {
		c.fault(p.in("Address"), `address needs address_mode = "auto", it is %q`, clip(s.AddressMode))
	}
	if s.PortLabel != "" && s.AddressMode != AddressModeDriver {
		c.checkPortLabel(p.in("PortLabel"), sc.ports, s.PortLabel)
	} else if n, err := strconv.Atoi(s.PortLabel); err == nil && (n < 1 || n > 65535) {
		c.fault(p.in("PortLabel"), "port is %d; a port is between 1 and 65535", n)
	}
}

func (c *checker) checkPortLabel(p *place, ports portSet, label string) {
	if ports.knows(label) {
		return
	}
	f := c.fault(p, "port %q is not declared in a network block of the group", clip(label))
	f.Hint = didYouMean(label, ports.labels())
	if f.Hint == "" {
		f.Hint = `add network { port "` + clip(label) + `" {} } to the group`
	}
}

func (c *checker) checkCheckRestart(p *place, r *CheckRestart, onUpdate string) {
	if r == nil {
		return
	}
	if r.Limit < 0 {
		c.fault(p.in("Limit"), "limit is %d; the least is 0", r.Limit)
	}
	atLeast(c, p.in("Grace"), "grace", r.Grace, 0, "")
	if onUpdate == OnUpdateIgnore && r.Limit > 0 {
		c.fault(p, `check_restart cannot be used with on_update = "ignore"`)
	}
}

func (c *checker) checkServiceCheck(p *place, sc *serviceScope, s *Service, check *ServiceCheck, task *Task) {
	kinds := []string{"http", "tcp", "grpc", "script"}
	if s.Provider == ProviderNomad {
		kinds = kinds[:2]
		c.checkNomadCheck(p, check)
	}
	c.oneOf(p.in("Type"), "type", check.Type, kinds...)
	c.checkTiming(p, check)
	c.checkCheckKind(p, sc, s, check, task)
	if check.PortLabel != "" && check.AddressMode != AddressModeDriver {
		c.checkPortLabel(p.in("PortLabel"), sc.ports, check.PortLabel)
	}
	switch {
	case check.AddressMode == AddressModeAuto:
		c.fault(p.in("AddressMode"), `a check has no address_mode "auto"`).Hint = "remove it: the service's mode is used"
	case check.AddressMode != "":
		c.oneOf(p.in("AddressMode"), "address_mode", check.AddressMode, AddressModeHost, AddressModeAlloc, AddressModeAllocIPv6, AddressModeDriver)
	}
	if check.AddressMode == AddressModeDriver && task == nil {
		c.fault(p.in("AddressMode"), `address_mode "driver" is for checks of a task's service`)
	}
	if task == nil && check.TaskName != "" && sc.group.LookupTask(check.TaskName) == nil {
		c.fault(p.in("TaskName"), "task %q is not in group %q", clip(check.TaskName), clip(sc.group.Name)).Hint = didYouMean(check.TaskName, taskNames(sc.group))
	}
	c.oneOf(p.in("InitialStatus"), "initial_status", check.InitialStatus, "", "passing", "warning", "critical", "success", "failure", "pending")
	if n := utf8.RuneCountInString(check.Notes); n > 255 {
		c.fault(p.in("Notes"), "notes has %d characters; at most 255 are allowed", n)
	}
	for _, f := range []struct {
		field, attr string
		n           int
	}{
		{"SuccessBeforePassing", "success_before_passing", check.SuccessBeforePassing},
		{"FailuresBeforeCritical", "failures_before_critical", check.FailuresBeforeCritical},
		{"FailuresBeforeWarning", "failures_before_warning", check.FailuresBeforeWarning},
	} {
		if f.n < 0 {
			c.fault(p.in(f.field), "%s is %d; the least is 0", f.attr, f.n)
		}
	}
	if check.OnUpdate != s.OnUpdate {
		c.oneOf(p.in("OnUpdate"), "on_update", check.OnUpdate, OnUpdateRequireHealthy, OnUpdateIgnoreWarnings, OnUpdateIgnore)
	}
	if own := check.CheckRestart; own != nil && (s.CheckRestart == nil || own.Limit != s.CheckRestart.Limit || check.OnUpdate != s.OnUpdate) {
		c.checkCheckRestart(p.in("CheckRestart"), own, check.OnUpdate)
	}
}

func (c *checker) checkTiming(p *place, check *ServiceCheck) {
	for _, f := range []struct {
		field, attr string
		d           time.Duration
	}{{"Interval", "interval", check.Interval}, {"Timeout", "timeout", check.Timeout}} {
		switch {
		case f.d == 0:
			c.fault(p.in(f.field), "the check has no %s", f.attr).Hint = `write ` + f.attr + ` = "10s"`
		case f.d < time.Second:
			c.fault(p.in(f.field), "%s is %s; the least is 1s", f.attr, durationText(f.d))
		}
	}
}

// checkCheckKind checks what each type of check needs.
func (c *checker) checkCheckKind(p *place, sc *serviceScope, s *Service, check *ServiceCheck, task *Task) {
	network := check.Type == "http" || check.Type == "tcp" || check.Type == "grpc"
	if network && check.PortLabel == "" && s.PortLabel == "" && s.Connect == nil {
		c.fault(p.in("PortLabel"), "the %s check has no port, and neither has its service", check.Type).Hint = `write port = "<label>" in the service`
	}
	switch check.Type {
	case "http":
		u, err := url.Parse(check.Path)
		switch {
		case check.Path == "":
			c.fault(p.in("Path"), "the http check has no path").Hint = `write path = "/"`
		case strings.Contains(check.Path, "${"):
		case err != nil:
			c.fault(p.in("Path"), "path %q is not a URL path", clip(check.Path))
		case u.Scheme != "" || u.Host != "":
			c.fault(p.in("Path"), "path %q must not name a scheme or host", clip(check.Path)).Hint = "write " + strconv.Quote(u.RequestURI())
		}
		c.oneOf(p.in("Protocol"), "protocol", strings.ToLower(check.Protocol), "", "http", "https")
		c.oneOf(p.in("Method"), "method", check.Method, "", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE")
	case "script":
		if check.Command == "" {
			c.fault(p.in("Command"), "the script check has no command")
		}
		if task == nil && check.TaskName == "" && s.TaskName == "" && len(sc.group.Tasks) != 1 {
			c.fault(p.in("TaskName"), "the script check of a group service must name the task it runs in").Hint = `write task = "<name>"`
		}
	}
	if check.Expose && s.Provider != ProviderNomad {
		c.fault(p.in("Expose"), "expose leads through the proxy of Consul's service mesh, which Berth does not run").Hint = "remove expose"
	}
}

// checkNomadCheck refuses what the native registry's checks do not have.
func (c *checker) checkNomadCheck(p *place, check *ServiceCheck) {
	for _, f := range []struct {
		set         bool
		field, attr string
	}{
		{check.Expose, "Expose", "expose"},
		{check.OnUpdate == OnUpdateIgnoreWarnings, "OnUpdate", `on_update = "ignore_warnings"`},
		{check.CheckRestart != nil && check.CheckRestart.IgnoreWarnings, "CheckRestart.IgnoreWarnings", "ignore_warnings in check_restart"},
		{check.AddressMode == AddressModeDriver, "AddressMode", `address_mode = "driver"`},
		{check.SuccessBeforePassing > 0, "SuccessBeforePassing", "success_before_passing"},
		{check.FailuresBeforeCritical > 0, "FailuresBeforeCritical", "failures_before_critical"},
		{check.FailuresBeforeWarning > 0, "FailuresBeforeWarning", "failures_before_warning"},
		{check.TLSServerName != "", "TLSServerName", "tls_server_name"},
	} {
		if f.set {
			c.fault(p.in(f.field), `checks of provider "nomad" have no %s`, f.attr).Hint = `remove it, or use provider = "consul"`
		}
	}
}
