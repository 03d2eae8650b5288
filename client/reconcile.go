package client

import "berth/structs"

// heldAlloc is what the node knows of an allocation it holds.
type heldAlloc struct {
	index     uint64 // AllocModifyIndex
	forgotten bool   // it is on its way out
	confirmed bool   // the servers listed it in this life of the agent
}

// changes is what an answer of the servers means for what the node holds.
type changes struct {
	start  []*structs.Allocation // to be run
	note   []*structs.Allocation // over before this node knew it: held, never run
	update []*structs.Allocation
	forget []structs.ID
}

// none reports that nothing is to be done.
func (c changes) none() bool {
	return len(c.start)+len(c.note)+len(c.update)+len(c.forget) == 0
}

// reconcile compares what is held with what the servers say. An answer older than an allocation cannot end it: a server
// that lags behind must not cost a running task.
func reconcile(held map[structs.ID]heldAlloc, resp *structs.NodeAllocsResponse) changes {
	var c changes
	listed := make(map[structs.ID]bool, len(resp.IDs))
	for _, id := range resp.IDs {
		listed[id] = true
	}
	for _, a := range resp.Allocs {
		h, known := held[a.ID]
		switch {
		case !listed[a.ID] || a.Group() == nil:
		case known && (h.forgotten || a.AllocModifyIndex <= h.index):
		case known:
			c.update = append(c.update, a)
		case a.ClientTerminal():
			c.note = append(c.note, a)
		default:
			c.start = append(c.start, a)
		}
	}
	for id, h := range held {
		if !listed[id] && !h.forgotten && resp.Index >= h.index {
			c.forget = append(c.forget, id)
		}
	}
	return c
}

// linkJobs gives every allocation of an answer its job, which is sent beside them once.
func linkJobs(resp *structs.NodeAllocsResponse) {
	type version struct {
		namespace, id string
		version       uint64
	}
	jobs := make(map[version]*structs.Job, len(resp.Jobs))
	for _, j := range resp.Jobs {
		jobs[version{j.Namespace, j.ID, j.Version}] = j
	}
	for i, a := range resp.Allocs {
		if a.Job == nil {
			own := *a
			own.Job = jobs[version{a.Namespace, a.JobID, a.JobVersion}]
			resp.Allocs[i] = &own
		}
	}
}
