package httpapi

import (
	"slices"

	"berth/acl"
	"berth/server/dryrun"
	"berth/state"
	"berth/structs"
)

// reads reports whether an answer about something else may tell of the jobs and allocations of a namespace.
func (r *request) reads(namespace string) bool { return r.holds(namespace, acl.ReadJob) }

// hidePlanned takes out of a plan what it would do to jobs that the caller may not read: that allocations leave, and from which nodes, stays.
func (r *request) hidePlanned(p *dryrun.Plan) {
	p.Evals = slices.DeleteFunc(p.Evals, func(e *structs.Evaluation) bool { return !r.reads(e.Namespace) })
	if p.Annotations == nil {
		return
	}
	for i, a := range p.Annotations.PreemptedAllocs {
		if !r.reads(a.Namespace) {
			p.Annotations.PreemptedAllocs[i] = &structs.AllocListStub{ID: a.ID, NodeID: a.NodeID, NodeName: a.NodeName, DesiredStatus: a.DesiredStatus,
				PreemptedByAllocation: a.PreemptedByAllocation}
		}
	}
}

// teller tells of what stands beside an object: of jobs and allocations of other namespaces only to who may read them.
type teller struct {
	*state.Snapshot
	reads func(namespace string) bool
}

func (r *request) teller(s *state.Snapshot) teller { return teller{s, r.reads} }
