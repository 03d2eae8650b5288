package state

import "berth/structs"

// PutAlloc stores an allocation: it is linked to its job version and counted. AllocModifyIndex is the caller's to set. Its
// job and node must be those of the allocation it replaces.
func (t *WriteTxn) PutAlloc(a *structs.Allocation) {
	w := t.work
	old := put(t, TableAllocs, &w.allocs, a)
	var created uint64
	if old != nil {
		created = old.CreateIndex
	}
	t.stamp(&a.CreateIndex, &a.ModifyIndex, created)
	rec := t.record(structs.JobKey{Namespace: a.Namespace, ID: a.JobID})
	if old != nil && old.Job != nil && old.JobVersion == a.JobVersion {
		a.Job = old.Job
	} else {
		a.Job = rec.version(a.JobVersion)
	}
	rec.allocs.Set(rec.edit, a)
	w.allocsByNode.Set(t.pen(), a)
	if old != nil && old.EvalID != a.EvalID {
		w.allocsByEval.Delete(t.pen(), byKey{owner: old.EvalID, id: a.ID})
	}
	w.allocsByEval.Set(t.pen(), a)
	if old != nil && old.DeploymentID != a.DeploymentID && !old.DeploymentID.IsZero() {
		w.allocsByDeployment.Delete(t.pen(), byKey{owner: old.DeploymentID, id: a.ID})
	}
	if !a.DeploymentID.IsZero() {
		w.allocsByDeployment.Set(t.pen(), a)
	}
	t.account(rec, old, a)
}

// DeleteAlloc forgets an allocation.
func (t *WriteTxn) DeleteAlloc(id structs.ID) {
	a := drop(t, TableAllocs, &t.work.allocs, id)
	if a == nil {
		return
	}
	w := t.work
	rec := t.record(structs.JobKey{Namespace: a.Namespace, ID: a.JobID})
	rec.allocs.Delete(rec.edit, id)
	w.allocsByNode.Delete(t.pen(), byKey{owner: a.NodeID, id: id})
	w.allocsByEval.Delete(t.pen(), byKey{owner: a.EvalID, id: id})
	w.allocsByDeployment.Delete(t.pen(), byKey{owner: a.DeploymentID, id: id})
	t.account(rec, a, nil)
	t.tidy(rec)
}

// account keeps what is derived from allocations; before or after may be nil.
func (t *WriteTxn) account(rec *record, before, after *structs.Allocation) {
	a := after
	if a == nil {
		a = before
	}
	held, holds := false, false
	from, to := "", ""
	if before != nil {
		rec.live -= one(!before.Terminal())
		held, from = before.HoldsResources(), before.ClientStatus
	}
	if after != nil {
		rec.live += one(!after.Terminal())
		holds, to = after.HoldsResources(), after.ClientStatus
	}
	// What is over stays counted in the summary when it is reaped: the summary is the job's history.
	if !t.restoring && (after != nil || before.HoldsResources()) {
		t.tally(rec, a.TaskGroup, from, to)
	}
	if held && holds && before.AllocatedResources == after.AllocatedResources || !held && !holds {
		return
	}
	u := t.use(a.NodeID)
	if held {
		u.Remove(before.AllocatedResources)
	}
	if holds {
		u.Add(after.AllocatedResources)
	}
	if u.Allocs == 0 {
		t.work.nodeUse.Delete(t.pen(), u.NodeID)
		delete(t.uses, u.NodeID)
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// use is a node's use to be changed in place.
func (t *WriteTxn) use(node structs.ID) *NodeUse {
	if u := t.uses[node]; u != nil {
		return u
	}
	u := &NodeUse{NodeID: node}
	if old := t.NodeUse(node); old != nil {
		u = old.Clone()
	}
	if t.uses == nil {
		t.uses = map[structs.ID]*NodeUse{}
	}
	t.uses[node] = u
	t.work.nodeUse.Set(t.pen(), u)
	return u
}

// PutEval stores an evaluation. Its job must be that of the evaluation it replaces.
func (t *WriteTxn) PutEval(e *structs.Evaluation) {
	old := put(t, TableEvals, &t.work.evals, e)
	rec := t.record(e.JobKey())
	rec.open += one(!e.Terminal())
	var created uint64
	if old != nil {
		created = old.CreateIndex
		rec.open -= one(!old.Terminal())
	}
	t.stamp(&e.CreateIndex, &e.ModifyIndex, created)
	rec.evals.Set(rec.edit, e)
	if !t.restoring && len(e.QueuedAllocations) > 0 {
		t.queued(rec, e.QueuedAllocations)
	}
}

// DeleteEval forgets an evaluation.
func (t *WriteTxn) DeleteEval(id structs.ID) {
	e := drop(t, TableEvals, &t.work.evals, id)
	if e == nil {
		return
	}
	rec := t.record(e.JobKey())
	rec.evals.Delete(rec.edit, ageKey{e.CreateIndex, id})
	rec.open -= one(!e.Terminal())
	t.tidy(rec)
}
