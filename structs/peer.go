package structs

import (
	"maps"
	"slices"
	"strings"
)

// Relations of a Peer.
const (
	PeerNear  = "near"
	PeerApart = "apart"
)

// Peer is a rule about where a group runs in relation to allocations of other groups and jobs of its namespace. Beside the
// contract.
type Peer struct {
	// Job, Group and Meta say whose allocations are meant: names in which * stands for anything, empty for all, and meta of the
	// job or group that they must have.
	Job   string
	Group string
	Meta  map[string]string `msg:",omitempty"`
	// Topology is the attribute whose value two nodes share when they are near each other. Default ${node.unique.id}.
	Topology string
	// Relation is PeerNear or PeerApart. A required PeerApart holds both ways: whoever is meant stays away too.
	Relation string
	// Weight is 1 to 100 for a wish; nil for a rule that must be kept.
	Weight *int8
}

// Required reports a rule that must be kept.
func (p *Peer) Required() bool { return p.Weight == nil }

// Means reports that the rule is about allocations of that group of a job.
func (p *Peer) Means(job, group string, jobMeta, groupMeta map[string]string) bool {
	if !globs(p.Job, job) || !globs(p.Group, group) {
		return false
	}
	for key, want := range p.Meta {
		have, ok := groupMeta[key]
		if !ok {
			have, ok = jobMeta[key]
		}
		if !ok || !globs(want, have) {
			return false
		}
	}
	return true
}

// String names the rule: "apart from job=db-* on ${node.datacenter}".
func (p *Peer) String() string {
	var whose []string
	if p.Job != "" {
		whose = append(whose, "job="+p.Job)
	}
	if p.Group != "" {
		whose = append(whose, "group="+p.Group)
	}
	for _, key := range slices.Sorted(maps.Keys(p.Meta)) {
		whose = append(whose, "meta."+key+"="+p.Meta[key])
	}
	relation := "near "
	if p.Relation == PeerApart {
		relation = "apart from "
	}
	return relation + strings.Join(whose, " ") + " on " + p.Topology
}

func (p *Peer) canonicalize() {
	setString(&p.Topology, "${node.unique.id}")
}

// globs reports that text is as the pattern says: * stands for any text, an empty pattern for all.
func globs(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
