package check

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/hashicorp/go-version"

	"berth/structs"
)

// checkPlacedOn tells which rules of a group the node does not keep.
func checkPlacedOn(fs *faults, subject string, job *structs.Job, g *structs.TaskGroup, n *structs.Node) {
	if n.Status != structs.NodeStatusReady || n.SchedulingEligibility != structs.NodeEligible || n.DrainStrategy != nil {
		fs.add(subject, "node %s is not ready, or draining, or ineligible", n.Name)
	}
	checkTolerated(fs, subject, job, g, n)
	pool := func(name string) string {
		if name == "" {
			return "default"
		}
		return name
	}
	if job.NodePool != "all" && pool(job.NodePool) != pool(n.NodePool) {
		fs.add(subject, "node %s is in pool %q, the job wants %q", n.Name, n.NodePool, job.NodePool)
	}
	inDC := func(pattern string) bool {
		ok, err := path.Match(pattern, n.Datacenter)
		return err == nil && ok
	}
	if !slices.ContainsFunc(job.Datacenters, inDC) {
		fs.add(subject, "node %s is in datacenter %q, the job wants %v", n.Name, n.Datacenter, job.Datacenters)
	}
	rules := slices.Concat(job.Constraints, g.Constraints)
	for _, t := range g.Tasks {
		rules = append(rules, t.Constraints...)
		if d := n.Drivers[t.Driver]; n.Attributes["driver."+t.Driver] != "1" && (d == nil || !d.Detected || !d.Healthy) {
			fs.add(subject, "node %s has no healthy driver %q", n.Name, t.Driver)
		}
	}
	for _, c := range rules {
		if !kept(c, n) {
			fs.add(subject, "node %s does not keep %q", n.Name, c.String())
		}
	}
	for name, v := range g.Volumes {
		if v.Type == "host" && !v.PerAlloc {
			if have := n.HostVolumes[v.Source]; have == nil || have.ReadOnly && !v.ReadOnly {
				fs.add(subject, "node %s has no host volume %q for %q", n.Name, v.Source, name)
			}
		}
	}
}

// valueOf looks up "${attr.x}" and its like.
func valueOf(target string, n *structs.Node) (string, bool) {
	if !strings.HasPrefix(target, "${") {
		return target, true
	}
	name := strings.TrimSuffix(strings.TrimPrefix(target, "${"), "}")
	kind, key, _ := strings.Cut(name, ".")
	switch {
	case kind == "attr":
		v, ok := n.Attributes[key]
		return v, ok
	case kind == "meta":
		v, ok := n.Meta[key]
		return v, ok
	case name == "node.unique.id":
		return n.ID.String(), true
	case name == "node.unique.name":
		return n.Name, true
	case name == "node.datacenter":
		return n.Datacenter, true
	case name == "node.class":
		return n.NodeClass, true
	case name == "node.pool":
		return n.NodePool, true
	}
	return "", false
}

// kept reports that a node keeps a constraint; the distinct ones are looked at elsewhere.
func kept(c *structs.Constraint, n *structs.Node) bool {
	l, lok := valueOf(c.LTarget, n)
	r, rok := valueOf(c.RTarget, n)
	switch c.Operand {
	case "distinct_hosts", "distinct_property":
		return true
	case "is_set":
		return lok
	case "is_not_set":
		return !lok
	case "!=", "not":
		return l != r
	}
	if !lok || !rok {
		return false
	}
	switch c.Operand {
	case "", "=", "==", "is":
		return l == r
	case "<", "<=", ">", ">=":
		return ordered(l, r, c.Operand)
	case "regexp":
		re, err := regexp.Compile(r)
		return err == nil && re.MatchString(l)
	case "version":
		v, err := version.NewVersion(l)
		want, werr := version.NewConstraint(r)
		return err == nil && werr == nil && want.Check(v)
	case "semver":
		v, err := semver.StrictNewVersion(strings.TrimPrefix(l, "v"))
		want, werr := semver.NewConstraint(r)
		if err != nil || werr != nil {
			return false
		}
		want.IncludePrerelease = true
		return want.Check(v)
	case "set_contains", "set_contains_all":
		return covered(l, r) == len(elements(r))
	case "set_contains_any":
		return covered(l, r) > 0
	}
	return false
}

func elements(list string) []string {
	var all []string
	for part := range strings.SplitSeq(list, ",") {
		all = append(all, strings.TrimSpace(part))
	}
	return all
}

// covered counts the elements of want that have has.
func covered(have, want string) int {
	n := 0
	for _, e := range elements(want) {
		if slices.Contains(elements(have), e) {
			n++
		}
	}
	return n
}

// ordered compares whole numbers, else numbers, else texts.
func ordered(l, r, op string) bool {
	order := strings.Compare(l, r)
	lf, lerr := strconv.ParseFloat(l, 64)
	rf, rerr := strconv.ParseFloat(r, 64)
	if lerr == nil && rerr == nil {
		order = sign(lf < rf, lf > rf)
	}
	li, lerr := strconv.ParseInt(l, 10, 64)
	ri, rerr := strconv.ParseInt(r, 10, 64)
	if lerr == nil && rerr == nil {
		order = sign(li < ri, li > ri)
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func sign(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}
