package fsm

import "berth/structs"

// reap removes what is over. What is not, or not any more, or gone already, is left as it is: the reaper looked at an older
// state.
func (a *applier) reap(c *structs.ReapCommand) (any, error) {
	for _, id := range c.Allocs {
		al := a.txn.Alloc(id)
		if al == nil || !al.ClientTerminal() && a.txn.Node(al.NodeID) != nil {
			continue
		}
		a.txn.DeleteAlloc(id)
		a.touch(al.Namespace, al.JobID)
	}
	for _, id := range c.Evals {
		if e := a.txn.Eval(id); e != nil && e.Terminal() {
			a.txn.DeleteEval(id)
			a.touch(e.Namespace, e.JobID)
		}
	}
	for _, id := range c.Deployments {
		if d := a.txn.Deployment(id); d != nil && !d.Active() {
			a.txn.DeleteDeployment(id)
		}
	}
	for _, ref := range c.Jobs {
		a.reapJob(structs.JobKey{Namespace: ref.Namespace, ID: ref.ID})
	}
	for _, key := range a.touched {
		if a.txn.Job(key.Namespace, key.ID) == nil {
			a.purge(key) // versions that only the reaped allocations were of
		}
	}
	for _, id := range c.Nodes {
		a.reapNode(id)
	}
	return nil, nil
}

func (a *applier) reapJob(key structs.JobKey) {
	job := a.txn.Job(key.Namespace, key.ID)
	n := a.txn.JobCounts(key.Namespace, key.ID)
	if job != nil && n.Live == 0 && n.OpenEvals == 0 && jobStatus(job, n) == structs.JobStatusDead {
		a.purge(key)
	}
}

func (a *applier) reapNode(id structs.ID) {
	n := a.txn.Node(id)
	if n == nil || n.Status != structs.NodeStatusDown {
		return
	}
	for al := range a.txn.AllocsByNode(id) {
		if !al.Terminal() {
			return
		}
	}
	a.txn.DeleteNode(id)
}
