package structs

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Canonicalize fills every default of the contract, by job type, and brings equal things into one form: empty lists and
// maps become nil, numbers of driver configurations int64 where they are whole, operators their short names. It is
// idempotent, and reads no clock and no randomness.
//
// Decision: Berth adds no implied constraints (the contract's `${attr.plugins.cni…}`, `${attr.os.signals}` and so on).
// Whether a node can do what a group needs (drivers, network mode, signals, secrets providers) is checked by the
// scheduler from the job itself, so what is read back is what was written plus its defaults.
func (j *Job) Canonicalize() {
	if j == nil {
		return
	}
	tidy(j)
	setString(&j.ID, j.Name)
	setString(&j.Name, j.ID)
	setString(&j.Region, DefaultRegion)
	setString(&j.Namespace, DefaultNamespace)
	setString(&j.NodePool, DefaultNodePool)
	setString(&j.Type, JobTypeService)
	if j.Priority == 0 {
		j.Priority = DefaultPriority
	}
	if len(j.Datacenters) == 0 {
		j.Datacenters = []string{"*"}
	}
	canonicalizePlacement(j.Constraints, j.Affinities, j.Spreads)
	canonicalizeTolerations(j.Tolerations)
	canonicalizeDependencies(j.DependsOn)
	if j.Update != nil || j.rolls() {
		j.Update = mergeUpdate(j.Update, defaultUpdate)
	}
	j.Periodic.canonicalize()
	j.Multiregion.canonicalize()
	if j.ParameterizedJob != nil {
		setString(&j.ParameterizedJob.Payload, DispatchPayloadOptional)
	}
	for _, g := range j.TaskGroups {
		g.canonicalize(j)
	}
}

// rolls reports a job type that has the update block.
func (j *Job) rolls() bool { return j.Type == JobTypeService || j.Type == JobTypeSystem }

// Payload rules of a parameterized job.
const (
	DispatchPayloadOptional  = "optional"
	DispatchPayloadRequired  = "required"
	DispatchPayloadForbidden = "forbidden"
)

func (p *PeriodicConfig) canonicalize() {
	if p == nil {
		return
	}
	setDefault(&p.Enabled, true)
	setDefault(&p.ProhibitOverlap, false)
	setDefault(&p.TimeZone, "UTC")
	if *p.TimeZone == "" {
		*p.TimeZone = "UTC"
	}
	setString(&p.SpecType, "cron")
}

func (m *Multiregion) canonicalize() {
	if m == nil {
		return
	}
	if m.Strategy == nil {
		m.Strategy = &MultiregionStrategy{}
	}
	setDefault(&m.Strategy.MaxParallel, 0)
	setDefault(&m.Strategy.OnFailure, "")
	for _, r := range m.Regions {
		setDefault(&r.Count, 1)
	}
}

func (g *TaskGroup) canonicalize(j *Job) {
	if g == nil {
		return
	}
	if g.Count == nil {
		count := 1
		if g.Scaling != nil && g.Scaling.Min != nil {
			count = int(*g.Scaling.Min)
		}
		g.Count = &count
	}
	canonicalizePlacement(g.Constraints, g.Affinities, g.Spreads)
	for _, p := range g.Peers {
		if p != nil {
			p.canonicalize()
		}
	}
	canonicalizeTolerations(g.Tolerations)
	g.canonicalizePolicies(j)
	g.Scaling.canonicalize(ScalingHorizontal, map[string]string{"Namespace": j.Namespace, "Job": j.ID, "Group": g.Name})
	if g.Scaling != nil {
		setDefault(&g.Scaling.Min, int64(*g.Count))
	}
	setDefault(&g.ShutdownDelay, 0)
	for name, v := range g.Volumes {
		if v != nil {
			setString(&v.Name, name)
		}
	}
	g.Consul.canonicalize()
	for _, n := range g.Networks {
		n.canonicalize()
	}
	for _, s := range g.Services {
		s.canonicalize(j.ID, g.Name, "")
	}
	for _, t := range g.Tasks {
		t.canonicalize(j, g)
	}
}

func (n *NetworkResource) canonicalize() {
	if n == nil {
		return
	}
	setString(&n.Mode, NetworkModeHost)
	setDefault(&n.MBits, 0)
	if n.DNS != nil && len(n.DNS.Servers)+len(n.DNS.Searches)+len(n.DNS.Options) == 0 {
		n.DNS = nil
	}
	if n.CNI != nil && len(n.CNI.Args) == 0 {
		n.CNI = nil
	}
	// A port with a number is a static one, wherever it was listed.
	for _, p := range n.DynamicPorts {
		if p.Value > 0 {
			n.ReservedPorts = append(slices.Clip(n.ReservedPorts), p)
		}
	}
	n.DynamicPorts = slices.DeleteFunc(n.DynamicPorts, func(p Port) bool { return p.Value > 0 })
	if len(n.DynamicPorts) == 0 {
		n.DynamicPorts = nil
	}
	for _, ports := range [][]Port{n.ReservedPorts, n.DynamicPorts} {
		for i := range ports {
			setString(&ports[i].HostNetwork, "default")
		}
	}
}

// operandNames are other spellings of operators.
var operandNames = map[string]string{"": "=", "==": "=", "is": "=", "not": "!="}

func canonicalOperand(op string) string {
	op = strings.TrimSpace(op)
	if short, ok := operandNames[op]; ok {
		return short
	}
	return op
}

func canonicalizePlacement(cs []*Constraint, as []*Affinity, ss []*Spread) {
	for _, c := range cs {
		if c == nil {
			continue
		}
		c.Operand = canonicalOperand(c.Operand)
		if c.Operand == OpDistinctHosts {
			setString(&c.RTarget, "true")
			if on, err := strconv.ParseBool(c.RTarget); err == nil {
				c.RTarget = strconv.FormatBool(on)
			}
		}
	}
	for _, a := range as {
		if a != nil {
			a.Operand = canonicalOperand(a.Operand)
			setDefault(&a.Weight, 50)
		}
	}
	for _, s := range ss {
		if s != nil {
			setDefault(&s.Weight, 50)
		}
	}
}

func (c *Consul) canonicalize() {
	if c != nil {
		setString(&c.Cluster, "default")
	}
}

// setDefault gives an unset pointer its default.
func setDefault[T any](p **T, def T) {
	if *p == nil {
		*p = &def
	}
}

// setString gives an empty string its default.
func setString(s *string, def string) {
	if *s == "" {
		*s = def
	}
}

// pick is the first set pointer, copied so that two owners never share it.
func pick[T any](ps ...*T) *T {
	for _, p := range ps {
		if p != nil {
			v := *p
			return &v
		}
	}
	return nil
}

func seconds(n int) *time.Duration { return new(time.Duration(n) * time.Second) }
func minutes(n int) *time.Duration { return seconds(60 * n) }
func hours(n int) *time.Duration   { return minutes(60 * n) }
