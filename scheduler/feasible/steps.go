package feasible

import (
	"slices"
	"strings"

	"berth/scheduler/fleet"
	"berth/structs"
)

// Reasons of the contract that are not constraints.
const (
	ReasonDrivers     = "missing drivers"
	ReasonDevices     = "missing devices"
	ReasonNetwork     = "missing network"
	ReasonHostVolumes = "missing compatible host volumes"
	ReasonCSIVolumes  = "missing CSI plugins"
)

// Step is one rule a node must pass.
type Step struct {
	Reason string
	// Escapes: the answer depends on something the computed class does not capture, so that a new node of a class that
	// was refused may pass.
	Escapes bool
	// Observe tells what a node that failed has and what was wanted of it.
	Observe func(*structs.Node) (observed, wanted string)

	key  fleet.FilterKey
	test func() func(*structs.Node) bool
}

// Rows are the nodes that pass the step.
func (s *Step) Rows(f *fleet.Fleet) fleet.Bitmap {
	return f.Filter(s.key, func(n *structs.Node) bool { return s.lazy()(n) })
}

func (s *Step) lazy() func(*structs.Node) bool {
	test := s.test()
	s.test = func() func(*structs.Node) bool { return test }
	return test
}

// Steps lists the rules of a group in the order of the contract: the job's constraints, drivers, the group's and its
// tasks' constraints, devices, network, volumes.
func Steps(job *structs.Job, g *structs.TaskGroup) []*Step {
	var steps []*Step
	for _, c := range job.Constraints {
		steps = appendConstraint(steps, c)
	}
	var drivers []string
	for _, t := range g.Tasks {
		if !slices.Contains(drivers, t.Driver) {
			drivers = append(drivers, t.Driver)
		}
	}
	slices.Sort(drivers)
	for _, d := range drivers {
		steps = append(steps, driverStep(d))
	}
	for _, c := range g.Constraints {
		steps = appendConstraint(steps, c)
	}
	for _, t := range g.Tasks {
		for _, c := range t.Constraints {
			steps = appendConstraint(steps, c)
		}
	}
	if s := deviceStep(g); s != nil {
		steps = append(steps, s)
	}
	steps = appendNetwork(steps, g)
	return appendVolumes(steps, g)
}

func appendConstraint(steps []*Step, c *structs.Constraint) []*Step {
	if c.Operand == structs.OpDistinctHosts || c.Operand == structs.OpDistinctProperty {
		return steps
	}
	return append(steps, &Step{
		Reason:  c.String(),
		Escapes: fleet.UniqueTarget(c.LTarget) || fleet.UniqueTarget(c.RTarget),
		Observe: func(n *structs.Node) (string, string) { return observe(n, c), c.String() },
		key:     fleet.FilterKey{Kind: "constraint", A: c.LTarget, B: c.Operand, C: c.RTarget},
		test:    func() func(*structs.Node) bool { return Constraint(c) },
	})
}

func observe(n *structs.Node, c *structs.Constraint) string {
	v, ok := fleet.Resolve(c.LTarget, n)
	if !ok {
		return c.LTarget + " is not set"
	}
	return c.LTarget + " is " + quoted(v)
}

func quoted(s string) string { return `"` + s + `"` }

func driverStep(driver string) *Step {
	return &Step{
		Reason: ReasonDrivers,
		Observe: func(n *structs.Node) (string, string) {
			return driverState(n, driver), "driver " + quoted(driver) + " detected and healthy"
		},
		key: fleet.FilterKey{Kind: "driver", A: driver},
		test: func() func(*structs.Node) bool {
			return func(n *structs.Node) bool { return driverState(n, driver) == "" }
		},
	}
}

// driverState is empty when the driver may be used, else what is wrong with it.
func driverState(n *structs.Node, driver string) string {
	if d, ok := n.Drivers[driver]; ok {
		switch {
		case !d.Detected:
			return "driver " + quoted(driver) + " is not detected"
		case !d.Healthy:
			return strings.TrimSuffix("driver "+quoted(driver)+" is unhealthy: "+d.HealthDescription, ": ")
		}
		return ""
	}
	if v := n.Attributes["driver."+driver]; v == "1" || v == "true" {
		return ""
	}
	return "driver " + quoted(driver) + " is not there"
}

func appendNetwork(steps []*Step, g *structs.TaskGroup) []*Step {
	mode := g.NetworkMode()
	if conf, ok := strings.CutPrefix(mode, "cni/"); ok {
		attr := "plugins.cni.config." + conf
		steps = append(steps, &Step{
			Reason:  ReasonNetwork,
			Observe: func(*structs.Node) (string, string) { return "no CNI configuration " + quoted(conf), mode },
			key:     fleet.FilterKey{Kind: "network", A: mode},
			test: func() func(*structs.Node) bool {
				return func(n *structs.Node) bool {
					if _, ok := n.Attributes[attr]; ok {
						return true
					}
					return hasNetworkMode(n, mode)
				}
			},
		})
	}
	var seen []string
	for _, nw := range g.Networks {
		for _, list := range [2][]structs.Port{nw.ReservedPorts, nw.DynamicPorts} {
			for _, p := range list {
				if p.HostNetwork == "" || p.HostNetwork == fleet.DefaultHostNetwork || slices.Contains(seen, p.HostNetwork) {
					continue
				}
				seen = append(seen, p.HostNetwork)
				steps = append(steps, hostNetworkStep(p.HostNetwork, p.Label))
			}
		}
	}
	return steps
}

func hasNetworkMode(n *structs.Node, mode string) bool {
	if n.NodeResources == nil {
		return false
	}
	for _, nw := range n.NodeResources.NodeNetworks {
		if nw.Mode == mode {
			return true
		}
	}
	return false
}

func hostNetworkStep(alias, label string) *Step {
	reason := "missing host network " + quoted(alias) + " for port " + quoted(label)
	return &Step{
		Reason:  reason,
		Escapes: true,
		Observe: func(*structs.Node) (string, string) {
			return "no address of host network " + quoted(alias), "host network " + quoted(alias)
		},
		key: fleet.FilterKey{Kind: "host network", A: alias},
		test: func() func(*structs.Node) bool {
			return func(n *structs.Node) bool { return fleet.HasHostNetwork(n, alias) }
		},
	}
}

func appendVolumes(steps []*Step, g *structs.TaskGroup) []*Step {
	names := make([]string, 0, len(g.Volumes))
	for name := range g.Volumes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v := g.Volumes[name]
		switch {
		case v.Type == "csi":
			steps = append(steps, &Step{
				Reason: ReasonCSIVolumes, Escapes: true,
				Observe: func(*structs.Node) (string, string) { return "no CSI plugin", "CSI volume " + quoted(v.Source) },
				key:     fleet.FilterKey{Kind: "csi"},
				test: func() func(*structs.Node) bool {
					return func(*structs.Node) bool { return false }
				},
			})
		case v.PerAlloc: // the source has the allocation's index: see VolumeStep
		default:
			steps = append(steps, VolumeStep(v.Source, v.ReadOnly))
		}
	}
	return steps
}

// VolumeStep wants a host volume by name, writable unless readOnly.
func VolumeStep(source string, readOnly bool) *Step {
	access := "rw"
	if readOnly {
		access = "ro"
	}
	return &Step{
		Reason:  ReasonHostVolumes,
		Escapes: true,
		Observe: func(n *structs.Node) (string, string) {
			if v, ok := n.HostVolumes[source]; ok && v.ReadOnly && !readOnly {
				return "host volume " + quoted(source) + " is read-only", "host volume " + quoted(source) + " writable"
			}
			return "no host volume " + quoted(source), "host volume " + quoted(source)
		},
		key: fleet.FilterKey{Kind: "host volume", A: source, B: access},
		test: func() func(*structs.Node) bool {
			return func(n *structs.Node) bool {
				v, ok := n.HostVolumes[source]
				return ok && (readOnly || !v.ReadOnly)
			}
		},
	}
}
