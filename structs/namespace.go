package structs

import (
	"fmt"
	"regexp"
	"slices"
)

// NamespaceCapabilities say what jobs of a namespace may use. An empty Enabled list allows everything that is not disabled.
type NamespaceCapabilities struct {
	EnabledTaskDrivers   []string
	DisabledTaskDrivers  []string
	EnabledNetworkModes  []string
	DisabledNetworkModes []string
}

// Rules of names and descriptions.
var (
	namespaceName = regexp.MustCompile(`^[a-zA-Z0-9-]{1,128}$`)
	poolName      = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)
)

const maxDescription = 256

// JobArgs names a job as arguments of a command do: with its namespace where that is not the default one.
func JobArgs(namespace, id string) string {
	if namespace == "" || namespace == DefaultNamespace {
		return id
	}
	return "-namespace " + namespace + " " + id
}

// Validate tells what is wrong with a namespace.
func (n *Namespace) Validate() error {
	switch {
	case !namespaceName.MatchString(n.Name):
		return NewError(KindInvalid, fmt.Sprintf("invalid name %q. Must match regex %s", n.Name, namespaceName))
	case len(n.Description) > maxDescription:
		return NewError(KindInvalid, fmt.Sprintf("description longer than %d", maxDescription))
	case n.Quota != "":
		return NewError(KindInvalid, fmt.Sprintf("namespace %q names quota %q: there are no quotas", n.Name, n.Quota))
	}
	return nil
}

// Validate tells what is wrong with a node pool.
func (p *NodePool) Validate() error {
	switch {
	case !poolName.MatchString(p.Name):
		return NewError(KindInvalid, fmt.Sprintf("invalid name %q, must match regex %s", p.Name, poolName))
	case p.Name == NodePoolAll:
		return NewError(KindInvalid, fmt.Sprintf("node pool %q cannot be changed: it stands for all nodes", p.Name))
	case len(p.Description) > maxDescription:
		return NewError(KindInvalid, fmt.Sprintf("description longer than %d", maxDescription))
	}
	if s := p.SchedulerConfiguration; s != nil && s.SchedulerAlgorithm != "" && s.SchedulerAlgorithm != SchedulerBinpack && s.SchedulerAlgorithm != SchedulerSpread {
		return NewError(KindInvalid, fmt.Sprintf("invalid scheduler algorithm %q: use %s or %s", s.SchedulerAlgorithm, SchedulerBinpack, SchedulerSpread))
	}
	return nil
}

// Allows gives the faults of a job that uses what its namespace does not allow. The job is canonical.
func (n *Namespace) Allows(j *Job) Faults {
	c := n.Capabilities
	if c == nil {
		return nil
	}
	allowed := func(what string, enabled, disabled []string) bool {
		return (len(enabled) == 0 || slices.Contains(enabled, what)) && !slices.Contains(disabled, what)
	}
	var faults Faults
	for i, g := range j.TaskGroups {
		for k, net := range g.Networks {
			if mode := net.Mode; !allowed(mode, c.EnabledNetworkModes, c.DisabledNetworkModes) {
				faults = append(faults, Fault{Path: fmt.Sprintf("TaskGroups[%d].Networks[%d].Mode", i, k),
					Message: fmt.Sprintf("used group network mode %q is not allowed in namespace %q", mode, n.Name)})
			}
		}
		for k, t := range g.Tasks {
			if !allowed(t.Driver, c.EnabledTaskDrivers, c.DisabledTaskDrivers) {
				faults = append(faults, Fault{Path: fmt.Sprintf("TaskGroups[%d].Tasks[%d].Driver", i, k),
					Message: fmt.Sprintf("used task driver %q is not allowed in namespace %q", t.Driver, n.Name)})
			}
		}
	}
	return faults
}
