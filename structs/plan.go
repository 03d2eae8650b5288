package structs

//msgp:ignore PlanResult

// Plan is what the scheduler wants changed for one evaluation. It is specific: applying it leaves no choice. A large
// evaluation yields several plans (slices); each is applied whole or refused per node.
type Plan struct {
	EvalID ID
	// SnapshotIndex is the state the plan was made from.
	SnapshotIndex uint64
	Priority      int
	AllAtOnce     bool // refuse the whole plan if any node refuses

	Place  []*PlanGroup
	Stop   []*PlanStop
	Update []*PlanUpdate

	Deployment        *Deployment // created or replaced by this plan; nil: none
	DeploymentUpdates []*DeploymentStatusUpdate
	Annotations       *PlanAnnotations
}

// Empty reports a plan that changes nothing.
func (p *Plan) Empty() bool {
	return len(p.Place) == 0 && len(p.Stop) == 0 && len(p.Update) == 0 && p.Deployment == nil && len(p.DeploymentUpdates) == 0
}

// PlanGroup is a run of new allocations alike in everything but what Items tell.
type PlanGroup struct {
	Namespace    string
	JobID        string
	JobVersion   uint64
	TaskGroup    string
	EvalID       ID
	DeploymentID ID
	// Resources is shared by all items; an item's Ports replace Shared.Ports.
	Resources *AllocatedResources
	// Metrics are the items' that have none of their own.
	Metrics *AllocMetric
	Items   []*Placement
}

// Placement is one new allocation.
type Placement struct {
	AllocID  ID
	Index    uint32
	NodeID   ID
	NodeName string
	Ports    []AllocatedPortMapping
	// Tasks overrides the group's task resources when devices or cores differ; nil otherwise.
	Tasks                map[string]*AllocatedTaskResources `msg:",omitempty"`
	Canary               bool
	PreviousAllocation   ID
	RescheduleTracker    *RescheduleTracker
	PreemptedAllocations []ID
	Metrics              *AllocMetric
}

// PlanStop ends an allocation, or marks it when its node is gone.
type PlanStop struct {
	AllocID       ID
	DesiredStatus string // stop | evict
	Description   string
	// ClientStatus is set by the servers only where the node cannot: "lost", "unknown"; else "".
	ClientStatus   string
	FollowupEvalID ID
	PreemptedBy    ID
}

// PlanUpdate moves a running allocation to a new job version in place, or annotates it.
type PlanUpdate struct {
	AllocID        ID
	JobVersion     uint64
	Resources      *AllocatedResources // nil: unchanged
	DeploymentID   ID
	FollowupEvalID ID // a delayed reschedule is waiting in this evaluation
	ClearFollowup  bool
	ClientStatus   string // "unknown" for disconnected ones; else ""
	Description    string
}

// PlanResult is what the servers accepted of a plan.
type PlanResult struct {
	// RefusedNodes are the nodes whose placements were dropped, with the reason; empty when all was accepted.
	RefusedNodes map[ID]string
	Placed       int
	Index        uint64
}

// PlanAnnotations count what a plan does, by group.
type PlanAnnotations struct {
	DesiredTGUpdates map[string]*DesiredUpdates `msg:",omitempty"`
	PreemptedAllocs  []*AllocListStub
}

// DesiredUpdates count the changes of one group.
type DesiredUpdates struct {
	Ignore            uint64
	Place             uint64
	Migrate           uint64
	Stop              uint64
	InPlaceUpdate     uint64
	DestructiveUpdate uint64
	Canary            uint64
	Preemptions       uint64
	Disconnect        uint64
	Reconnect         uint64
	RescheduleNow     uint64
	RescheduleLater   uint64
}
