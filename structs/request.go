package structs

//msgp:ignore JobRegisterRequest JobRegisterResponse JobListStub QueryMeta WriteMeta

import "time"

// QueryMeta goes with every read; some answers carry it inline.
type QueryMeta struct {
	Index       uint64        `json:"Index"`
	LastContact time.Duration `json:"LastContact"`
	KnownLeader bool          `json:"KnownLeader"`
	NextToken   string        `json:"NextToken"`
}

// WriteMeta goes with every write.
type WriteMeta struct{ Index uint64 }

// JobRegisterRequest is the body of a job registration.
type JobRegisterRequest struct {
	Job               *Job
	Submission        *JobSubmission `json:",omitempty"`
	EnforceIndex      bool           `json:",omitempty"`
	JobModifyIndex    uint64         `json:",omitempty"`
	PolicyOverride    bool           `json:",omitempty"`
	PreserveCounts    bool           `json:",omitempty"`
	PreserveResources bool           `json:",omitempty"`
	EvalPriority      int            `json:",omitempty"`
}

// JobRegisterResponse answers a registration or a stop.
type JobRegisterResponse struct {
	EvalID          ID
	EvalCreateIndex uint64
	JobModifyIndex  uint64
	Warnings        string
	QueryMeta
}

// JobListStub is a job in a list.
type JobListStub struct {
	ID                string
	ParentID          string
	Name              string
	Namespace         string
	Datacenters       []string
	NodePool          string
	Type              string
	Priority          int
	Periodic          bool
	ParameterizedJob  bool
	Stop              bool
	Suspended         bool `json:",omitempty"` // beside the contract
	Status            string
	StatusDescription string
	JobSummary        *JobSummary
	CreateIndex       uint64
	ModifyIndex       uint64
	JobModifyIndex    uint64
	SubmitTime        int64
	Meta              map[string]string `json:",omitempty" msg:",omitempty"`
	Version           uint64
}

// JobSummary counts a job's allocations by group and state.
type JobSummary struct {
	JobID       string
	Namespace   string
	Summary     map[string]TaskGroupSummary `msg:",omitempty"`
	Children    *JobChildrenSummary
	CreateIndex uint64
	ModifyIndex uint64
}

// TaskGroupSummary counts one group's allocations.
type TaskGroupSummary struct {
	Queued   int
	Complete int
	Failed   int
	Running  int
	Starting int
	Lost     int
	Unknown  int
}

// JobChildrenSummary counts a parent's children.
type JobChildrenSummary struct{ Pending, Running, Dead int64 }

// AllocListStub is an allocation in a list.
type AllocListStub struct {
	ID                    ID
	EvalID                ID
	Name                  string
	Namespace             string
	NodeID                ID
	NodeName              string
	JobID                 string
	JobType               string
	JobVersion            uint64
	TaskGroup             string
	AllocatedResources    *AllocatedResources `json:",omitempty"`
	DesiredStatus         string
	DesiredDescription    string
	DesiredTransition     DesiredTransition
	ClientStatus          string
	ClientDescription     string
	TaskStates            map[string]*TaskState `msg:",omitempty"`
	DeploymentStatus      *AllocDeploymentStatus
	FollowupEvalID        ID
	NextAllocation        ID
	RescheduleTracker     *RescheduleTracker
	PreemptedAllocations  []ID
	PreemptedByAllocation ID
	CreateIndex           uint64
	ModifyIndex           uint64
	CreateTime            int64
	ModifyTime            int64
}

// Stub is the allocation's line in a list.
func (a *Allocation) Stub() *AllocListStub {
	s := new(AllocListStub)
	a.StubIn(s)
	return s
}

// StubIn makes s the allocation's line in a list.
func (a *Allocation) StubIn(s *AllocListStub) {
	*s = AllocListStub{
		ID: a.ID, EvalID: a.EvalID, Name: a.Name(), Namespace: a.Namespace, NodeID: a.NodeID, NodeName: a.NodeName,
		JobID: a.JobID, JobVersion: a.JobVersion, TaskGroup: a.TaskGroup, DesiredStatus: a.DesiredStatus,
		DesiredDescription: a.DesiredDescription, DesiredTransition: a.DesiredTransition, ClientStatus: a.ClientStatus,
		ClientDescription: a.ClientDescription, TaskStates: a.TaskStates, DeploymentStatus: a.DeploymentStatus,
		FollowupEvalID: a.FollowupEvalID, NextAllocation: a.NextAllocation, RescheduleTracker: a.RescheduleTracker,
		PreemptedAllocations: a.PreemptedAllocations, PreemptedByAllocation: a.PreemptedByAllocation,
		CreateIndex: a.CreateIndex, ModifyIndex: a.ModifyIndex, CreateTime: a.CreateTime, ModifyTime: a.ModifyTime,
	}
	if a.Job != nil {
		s.JobType = a.Job.Type
	}
}

// NodeRegisterRequest is a client's description of itself.
type NodeRegisterRequest struct{ Node *Node }

// NodeRegisterResponse tells the client how to go on.
type NodeRegisterResponse struct {
	HeartbeatTTL time.Duration
	Index        uint64
}

// ShutdownDrainMax is the longest that a node may be drained before its agent ends.
const ShutdownDrainMax = 7 * 24 * time.Hour

// NodeShutdownRequest says that the agent of a node ends and wants it drained, or is back.
type NodeShutdownRequest struct {
	NodeID           ID
	SecretID         ID
	Back             bool
	Deadline         time.Duration
	Force            bool
	IgnoreSystemJobs bool
}

// NodeHeartbeatRequest says that the client lives. A client that is not known must register again (KindNotFound).
type NodeHeartbeatRequest struct {
	NodeID   ID
	SecretID ID
	Status   NodeStatus
}

// NodeAllocsRequest waits for the node's allocations to change beyond MinIndex.
type NodeAllocsRequest struct {
	NodeID   ID
	SecretID ID
	MinIndex uint64
	MaxWait  time.Duration
	// Known are the AllocModifyIndexes the client has by allocation id text: unchanged ones are not sent again.
	Known map[string]uint64 `msg:",omitempty"`
}

// NodeAllocsResponse is what should be on the node.
type NodeAllocsResponse struct {
	Index uint64
	// Allocs changed since Known; IDs are all that belong to the node: what is in neither was reaped.
	Allocs []*Allocation
	IDs    []ID
	// Jobs are the versions the Allocs need, each once.
	Jobs []*Job
}

// NodeUpdateAllocsRequest reports on allocations.
type NodeUpdateAllocsRequest struct {
	NodeID   ID
	SecretID ID
	Updates  []*AllocClientUpdate
}
