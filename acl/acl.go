package acl

import (
	"cmp"
	"slices"
	"strings"
)

// ACL is what a caller may do. It does not change once made.
type ACL struct {
	management   bool
	namespaces   rules
	variables    map[string]rules // by the glob of their namespace
	nodePools    rules
	hostVolumes  rules
	node, agent  Level
	operator     Level
	operatorCaps Caps
	plugin       Level
	quota        Level
}

// Management may do everything.
func Management() *ACL { return &ACL{management: true} }

// rules are those about one kind of object: of names, and of globs, those with the most letters first.
type rules struct {
	exact map[string]Caps
	globs []Rule
}

// Compile joins policies. The rules about one glob are added up, deny included, whichever policy they are of.
func Compile(policies []*Policy) *ACL {
	a := &ACL{}
	namespaces, pools, volumes, variables := map[string]Caps{}, map[string]Caps{}, map[string]Caps{}, map[string]map[string]Caps{}
	for _, p := range policies {
		for _, n := range p.Namespaces {
			namespaces[n.Glob] |= n.Caps
			if variables[n.Glob] == nil {
				variables[n.Glob] = map[string]Caps{}
			}
			collect(variables[n.Glob], n.Variables)
		}
		collect(pools, p.NodePools)
		collect(volumes, p.HostVolumes)
		a.node, a.agent, a.operator = max(a.node, p.Node), max(a.agent, p.Agent), max(a.operator, p.Operator)
		a.plugin, a.quota = max(a.plugin, p.Plugin), max(a.quota, p.Quota)
		a.operatorCaps |= p.OperatorCaps
	}
	a.namespaces, a.nodePools, a.hostVolumes = sorted(namespaces), sorted(pools), sorted(volumes)
	a.variables = make(map[string]rules, len(variables))
	for glob, paths := range variables {
		a.variables[glob] = sorted(paths)
	}
	return a
}

func collect(to map[string]Caps, from []Rule) {
	for _, r := range from {
		to[r.Glob] |= r.Caps
	}
}

func sorted(all map[string]Caps) rules {
	out := rules{exact: map[string]Caps{}}
	for glob, caps := range all {
		if strings.Contains(glob, "*") {
			out.globs = append(out.globs, Rule{glob, caps})
		} else {
			out.exact[glob] = caps
		}
	}
	slices.SortFunc(out.globs, func(a, b Rule) int { return cmp.Or(letters(b.Glob)-letters(a.Glob), strings.Compare(a.Glob, b.Glob)) })
	return out
}

// letters is how much of a name a glob spells out: the more, the closer it is.
func letters(glob string) int { return len(glob) - strings.Count(glob, "*") }

// of is what the closest rule grants on a name; globs equally close are added up.
func (r *rules) of(name string) Caps {
	if c, ok := r.exact[name]; ok {
		return c
	}
	var out Caps
	closest := -1
	for _, g := range r.globs {
		switch n := letters(g.Glob); {
		case n < closest:
			return out
		case match(g.Glob, name):
			closest = n
			out |= g.Caps
		}
	}
	return out
}

// somewhere reports whether a rule grants one of the capabilities.
func (r *rules) somewhere(any Caps) bool {
	for _, c := range r.exact {
		if c.has(any) {
			return true
		}
	}
	return slices.ContainsFunc(r.globs, func(g Rule) bool { return g.Caps.has(any) })
}

// match reports whether a name is of a glob, whose * stands for any letters and none.
func match(glob, name string) bool {
	head, rest, starred := strings.Cut(glob, "*")
	if !starred {
		return glob == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], after
	}
}

// IsManagement reports whether everything is allowed.
func (a *ACL) IsManagement() bool { return a.management }

// Namespace reports whether one of the capabilities is held in a namespace.
func (a *ACL) Namespace(name string, any Caps) bool {
	return a.management || a.namespaces.of(name).has(any)
}

// AnyNamespace reports whether there may be a namespace in which one of the capabilities is held.
func (a *ACL) AnyNamespace(any Caps) bool { return a.management || a.namespaces.somewhere(any) }

// SeesNamespace reports whether anything at all is held in a namespace.
func (a *ACL) SeesNamespace(name string) bool { return a.Namespace(name, ^Deny) }

// Variable reports whether a capability is held on a path of a namespace. The paths are those of the rule about the namespace.
func (a *ACL) Variable(namespace, path string, any Caps) bool {
	if a.management {
		return true
	}
	if a.namespaces.of(namespace)&Deny != 0 {
		return false
	}
	var out Caps
	for _, glob := range a.namespaces.closest(namespace) {
		paths := a.variables[glob]
		out |= paths.of(path)
	}
	return out.has(any)
}

// closest are the globs of the rules about a name.
func (r *rules) closest(name string) []string {
	if _, ok := r.exact[name]; ok {
		return []string{name}
	}
	var out []string
	for _, g := range r.globs {
		if len(out) > 0 && letters(g.Glob) < letters(out[0]) {
			break
		}
		if match(g.Glob, name) {
			out = append(out, g.Glob)
		}
	}
	return out
}

// NodePool reports whether one of the capabilities is held on a node pool.
func (a *ACL) NodePool(name string, any Caps) bool {
	return a.management || a.nodePools.of(name).has(any)
}

// AnyNodePool reports whether there may be a pool on which one of the capabilities is held.
func (a *ACL) AnyNodePool(any Caps) bool { return a.management || a.nodePools.somewhere(any) }

// HostVolume reports whether one of the capabilities is held on a host volume.
func (a *ACL) HostVolume(name string, any Caps) bool {
	return a.management || a.hostVolumes.of(name).has(any)
}

// Node reports whether nodes may be read or changed.
func (a *ACL) Node(l Level) bool { return a.management || a.node.at(l) }

// Agent is Node for agents.
func (a *ACL) Agent(l Level) bool { return a.management || a.agent.at(l) }

// Operator is Node for what is the operator's.
func (a *ACL) Operator(l Level) bool { return a.management || a.operator.at(l) }

// OperatorMay reports whether one of the operator's capabilities is held. Its policy grants none of them.
func (a *ACL) OperatorMay(any Caps) bool {
	return a.management || a.operator != LevelDeny && a.operatorCaps.has(any)
}

// Plugin is Node for plugins.
func (a *ACL) Plugin(l Level) bool { return a.management || a.plugin.at(l) }

// Quota is Node for quotas.
func (a *ACL) Quota(l Level) bool { return a.management || a.quota.at(l) }
