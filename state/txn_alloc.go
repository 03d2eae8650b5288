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
	if old != nil && old.Job != nil && old.JobVersion == a.JobVersion {
		a.Job = old.Job
	} else {
		a.Job = t.JobVersion(a.Namespace, a.JobID, a.JobVersion)
	}
	w.allocsByJob.Set(t.pen(), a)
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
	t.account(old, a)
}

// DeleteAlloc forgets an allocation.
func (t *WriteTxn) DeleteAlloc(id structs.ID) {
	a := drop(t, TableAllocs, &t.work.allocs, id)
	if a == nil {
		return
	}
	w := t.work
	w.allocsByJob.Delete(t.pen(), byKey{ns: a.Namespace, name: a.JobID, id: id})
	w.allocsByNode.Delete(t.pen(), byKey{owner: a.NodeID, id: id})
	w.allocsByEval.Delete(t.pen(), byKey{owner: a.EvalID, id: id})
	w.allocsByDeployment.Delete(t.pen(), byKey{owner: a.DeploymentID, id: id})
	t.account(a, nil)
}

// account keeps what is derived from allocations; before or after may be nil.
func (t *WriteTxn) account(before, after *structs.Allocation) {
	a := after
	if a == nil {
		a = before
	}
	key := structs.JobKey{Namespace: a.Namespace, ID: a.JobID}
	var by JobCounts
	held, holds := false, false
	from, to := "", ""
	if before != nil {
		by.Allocs--
		by.Live -= one(!before.Terminal())
		held, from = before.HoldsResources(), before.ClientStatus
	}
	if after != nil {
		by.Allocs++
		by.Live += one(!after.Terminal())
		holds, to = after.HoldsResources(), after.ClientStatus
	}
	t.count(key, by)
	// What is over stays counted in the summary when it is reaped: the summary is the job's history.
	if !t.restoring && (after != nil || before.HoldsResources()) {
		t.tally(key, a.TaskGroup, from, to)
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
	t.uses[node] = u
	t.work.nodeUse.Set(t.pen(), u)
	return u
}

// PutEval stores an evaluation. Its job must be that of the evaluation it replaces.
func (t *WriteTxn) PutEval(e *structs.Evaluation) {
	old := put(t, TableEvals, &t.work.evals, e)
	var created uint64
	by := JobCounts{Evals: 1, OpenEvals: one(!e.Terminal())}
	if old != nil {
		created = old.CreateIndex
		by.Evals--
		by.OpenEvals -= one(!old.Terminal())
	}
	t.stamp(&e.CreateIndex, &e.ModifyIndex, created)
	t.work.evalsByJob.Set(t.pen(), e)
	t.count(e.JobKey(), by)
	if !t.restoring && len(e.QueuedAllocations) > 0 {
		t.queued(e.JobKey(), e.QueuedAllocations)
	}
}

// DeleteEval forgets an evaluation.
func (t *WriteTxn) DeleteEval(id structs.ID) {
	e := drop(t, TableEvals, &t.work.evals, id)
	if e == nil {
		return
	}
	t.work.evalsByJob.Delete(t.pen(), byKey{ns: e.Namespace, name: e.JobID, n: e.CreateIndex, id: id})
	t.count(e.JobKey(), JobCounts{Evals: -1, OpenEvals: -one(!e.Terminal())})
}
