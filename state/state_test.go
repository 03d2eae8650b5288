package state

import (
	"iter"

	"berth/structs"
)

// schedulerReads and triggerReads are what others declare that they read; they cannot be imported here.
type schedulerReads interface {
	Job(namespace, id string) *structs.Job
	AllocsByJob(namespace, id string) iter.Seq[*structs.Allocation]
	LatestDeployment(namespace, id string) *structs.Deployment
	NodePool(name string) *structs.NodePool
	SchedulerConfig() *structs.SchedulerConfiguration
}

type triggerReads interface {
	Jobs() iter.Seq[*structs.Job]
	Alloc(id structs.ID) *structs.Allocation
	AllocsByNode(node structs.ID) iter.Seq[*structs.Allocation]
}

var (
	_ schedulerReads = (*Snapshot)(nil)
	_ triggerReads   = (*Snapshot)(nil)
)
