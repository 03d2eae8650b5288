package structs

import "strings"

// Service update rules and address modes.
const (
	OnUpdateRequireHealthy = "require_healthy"
	OnUpdateIgnoreWarnings = "ignore_warnings"
	OnUpdateIgnore         = "ignore"

	AddressModeAuto      = "auto"
	AddressModeHost      = "host"
	AddressModeAlloc     = "alloc"
	AddressModeAllocIPv6 = "alloc_ipv6"
	AddressModeDriver    = "driver"
)

// canonicalize gives the service its name (`${JOB}`, `${TASKGROUP}`, `${TASK}` and `${BASE}` are known now) and defaults.
// task is empty for a service of the group.
func (s *Service) canonicalize(job, group, task string) {
	if s == nil {
		return
	}
	base := strings.Trim(job+"-"+group+"-"+task, "-")
	setString(&s.Name, base)
	if strings.Contains(s.Name, "${") {
		names := strings.NewReplacer("${JOB}", job, "${TASKGROUP}", group, "${TASK}", task, "${BASE}", base)
		// A group may be called `${JOB}` itself: what would be another name the next time stays as it was written. So does what
		// would be none, as `${TASK}` of a service of the group: it is refused with what was written.
		if name := names.Replace(s.Name); name != "" && names.Replace(name) == name {
			s.Name = name
		}
	}
	setString(&s.Provider, ProviderConsul)
	setString(&s.AddressMode, AddressModeAuto)
	setString(&s.OnUpdate, OnUpdateRequireHealthy)
	if s.Provider == ProviderConsul {
		setString(&s.Cluster, "default")
	}
	if s.Weights == nil {
		s.Weights = &ServiceWeights{Passing: 1, Warning: 1}
	}
	s.CheckRestart.canonicalize()
	for _, c := range s.Checks {
		c.canonicalize(s)
	}
	if c := s.Connect; c != nil {
		c.SidecarService, c.SidecarTask, c.Gateway = tidyConfig(c.SidecarService), tidyConfig(c.SidecarTask), tidyConfig(c.Gateway)
	}
	if s.Identity != nil {
		s.Identity.ServiceName = s.Name
		s.Identity.canonicalize()
	}
}

func (c *ServiceCheck) canonicalize(s *Service) {
	if c == nil {
		return
	}
	setString(&c.Name, `service: "`+s.Name+`" check`)
	setString(&c.OnUpdate, s.OnUpdate)
	c.Type = strings.ToLower(c.Type)
	c.Method = strings.ToUpper(c.Method)
	c.CheckRestart = mergeCheckRestart(c.CheckRestart, s.CheckRestart)
	c.CheckRestart.canonicalize()
}

// mergeCheckRestart lets the check's own rule win over the service's.
func mergeCheckRestart(check, service *CheckRestart) *CheckRestart {
	if service == nil {
		return check
	}
	if check == nil {
		return &CheckRestart{Limit: service.Limit, Grace: pick(service.Grace), IgnoreWarnings: service.IgnoreWarnings}
	}
	if check.Limit == 0 {
		check.Limit = service.Limit
	}
	check.Grace = pick(check.Grace, service.Grace)
	check.IgnoreWarnings = check.IgnoreWarnings || service.IgnoreWarnings
	return check
}

func (r *CheckRestart) canonicalize() {
	if r != nil {
		setDefault(&r.Grace, *seconds(1))
	}
}
