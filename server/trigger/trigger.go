package trigger

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"berth/structs"
)

// State is what is read to find the jobs a change concerns.
type State interface {
	Jobs() iter.Seq[*structs.Job]
	Job(namespace, id string) *structs.Job
	Alloc(id structs.ID) *structs.Allocation
	AllocsByNode(node structs.ID) iter.Seq[*structs.Allocation]
}

// IDs makes ids for evaluations.
type IDs interface{ NewID() structs.ID }

// maker builds evaluations, one per job.
type maker struct {
	now  time.Time
	ids  IDs
	seen map[structs.JobKey]*structs.Evaluation
}

func newMaker(now time.Time, ids IDs) *maker {
	return &maker{now: now, ids: ids, seen: map[structs.JobKey]*structs.Evaluation{}}
}

// add makes the job's evaluation unless it has one; jobType and priority stand in for a job that is gone.
func (m *maker) add(key structs.JobKey, jobType string, priority int, reason string) *structs.Evaluation {
	if e := m.seen[key]; e != nil {
		return e
	}
	e := &structs.Evaluation{
		Namespace: key.Namespace, JobID: key.ID, Type: jobType, Priority: priority, TriggeredBy: reason,
		Status: structs.EvalStatusPending, CreateTime: m.now.UnixNano(), ModifyTime: m.now.UnixNano(),
	}
	m.seen[key] = e
	return e
}

// evals gives ids in the order of job keys, so that equal input gives equal output.
func (m *maker) evals() []*structs.Evaluation {
	all := make([]*structs.Evaluation, 0, len(m.seen))
	for _, e := range m.seen {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *structs.Evaluation) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.JobID, b.JobID))
	})
	for _, e := range all {
		e.ID = m.ids.NewID()
	}
	return all
}

// Node are the evaluations that follow when a node came, went, was drained or changed: of every job with an allocation
// there that is not over, and of every job that wants one on each node.
func Node(st State, node structs.ID, nodeIndex uint64, reason string, now time.Time, ids IDs) []*structs.Evaluation {
	m := newMaker(now, ids)
	note := func(e *structs.Evaluation) { e.NodeID, e.NodeModifyIndex = node, nodeIndex }
	for a := range st.AllocsByNode(node) {
		if a.ClientTerminal() {
			continue
		}
		job := st.Job(a.Namespace, a.JobID)
		if job == nil {
			job = a.Job
		}
		if job != nil {
			note(m.add(structs.JobKey{Namespace: a.Namespace, ID: a.JobID}, job.Type, job.Priority, reason))
		}
	}
	for job := range st.Jobs() {
		perNode := job.Type == structs.JobTypeSystem || job.Type == structs.JobTypeSysBatch
		if perNode && !job.Stopped() && !job.IsPeriodic() && !job.IsParameterized() {
			note(m.add(job.Key(), job.Type, job.Priority, reason))
		}
	}
	return m.evals()
}

// Reports are the evaluations that follow from what a client reports: of jobs whose allocation failed, ended although it
// should run, ended well as the last that is needed, or came back from being unknown.
func Reports(st State, updates []*structs.AllocClientUpdate, now time.Time, ids IDs) []*structs.Evaluation {
	m := newMaker(now, ids)
	for _, u := range updates {
		a := st.Alloc(u.ID)
		if a == nil || a.ServerTerminal() || a.ClientStatus == u.ClientStatus {
			continue
		}
		job := st.Job(a.Namespace, a.JobID)
		if job.Stopped() {
			continue
		}
		switch {
		case u.ClientStatus == structs.AllocClientFailed:
			m.add(job.Key(), job.Type, job.Priority, structs.EvalTriggerRetryFailedAlloc)
		case u.ClientStatus == structs.AllocClientComplete && job.Type == structs.JobTypeService:
			m.add(job.Key(), job.Type, job.Priority, structs.EvalTriggerRetryFailedAlloc)
		case u.ClientStatus == structs.AllocClientComplete && endsGroup(job, a):
			m.add(job.Key(), job.Type, job.Priority, structs.EvalTriggerCompletion)
		case a.ClientStatus == structs.AllocClientUnknown:
			m.add(job.Key(), job.Type, job.Priority, structs.EvalTriggerReconnect)
		}
	}
	return m.evals()
}

// endsGroup reports that an allocation that ended well may be the last its group needs.
func endsGroup(job *structs.Job, a *structs.Allocation) bool {
	g := job.LookupGroup(a.TaskGroup)
	return g != nil && g.Completion != nil && g.Completion.Success != nil
}
