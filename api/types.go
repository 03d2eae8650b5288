package api

import (
	"time"

	"berth/structs"
)

// Allocation is an allocation with what the stored form derives: its name.
type Allocation struct {
	structs.Allocation
	Name string
}

// NewAllocation is the view of a stored allocation.
func NewAllocation(a *structs.Allocation) *Allocation {
	return &Allocation{Allocation: *a, Name: a.Name()}
}

// Node is a node with what the stored form derives: whether it drains.
type Node struct {
	structs.Node
	Drain bool
}

// NewNode is the view of a stored node.
func NewNode(n *structs.Node) *Node { return &Node{Node: *n, Drain: n.DrainStrategy != nil} }

// NodeListStub is a node in a list.
type NodeListStub struct {
	Address               string
	ID                    structs.ID
	Attributes            map[string]string `json:",omitempty"`
	Datacenter            string
	Name                  string
	NodeClass             string
	NodePool              string
	Version               string
	Drain                 bool
	SchedulingEligibility string
	Taints                []*structs.Taint `json:",omitempty"`
	Status                structs.NodeStatus
	StatusDescription     string
	Drivers               map[string]*structs.DriverInfo
	HostVolumes           map[string]*structs.HostVolumeConfig
	NodeResources         *structs.NodeResources         `json:",omitempty"`
	ReservedResources     *structs.NodeReservedResources `json:",omitempty"`
	LastDrain             *structs.DrainMetadata
	CreateIndex           uint64
	ModifyIndex           uint64
}

// EvalResponse names the evaluation that will act on a write.
type EvalResponse struct {
	EvalID          structs.ID
	EvalCreateIndex uint64
	JobModifyIndex  uint64 `json:",omitempty"`
	structs.QueryMeta
}

// NodeUpdateResponse answers changes of a node.
type NodeUpdateResponse struct {
	NodeModifyIndex uint64
	EvalIDs         []structs.ID
	EvalCreateIndex uint64
	structs.QueryMeta
}

// DeploymentUpdateResponse answers changes of a deployment.
type DeploymentUpdateResponse struct {
	EvalID                structs.ID
	EvalCreateIndex       uint64
	DeploymentModifyIndex uint64
	RevertedJobVersion    *uint64
	structs.QueryMeta
}

// AllocStopResponse answers the stop of an allocation.
type AllocStopResponse struct {
	EvalID structs.ID
	structs.WriteMeta
}

// PlanRequest asks what a job would change.
type PlanRequest struct {
	Job            *structs.Job
	Diff           bool
	PolicyOverride bool `json:",omitempty"`
}

// PlanResponse says what a job would change, without changing it.
type PlanResponse struct {
	Annotations        *structs.PlanAnnotations
	FailedTGAllocs     map[string]*structs.AllocMetric
	JobModifyIndex     uint64
	CreatedEvals       []*structs.Evaluation
	Diff               *structs.JobDiff
	NextPeriodicLaunch time.Time
	Warnings           string
	// Explanations tell, by group, why something could not be placed. Beside the contract.
	Explanations map[string]*structs.Explanation `json:",omitempty"`
	// Placements and Stops are what would begin and end. Beside the contract; preempted allocations are in Annotations.
	Placements []*PlannedPlacement `json:",omitempty"`
	Stops      []*PlannedStop      `json:",omitempty"`
	structs.QueryMeta
}

// ValidateResponse lists what is wrong with a job.
type ValidateResponse struct {
	DriverConfigValidated bool
	ValidationErrors      []string
	Error                 string
	Warnings              string
}

// JobVersionsResponse holds the versions of a job, newest first.
type JobVersionsResponse struct {
	Versions []*structs.Job
	Diffs    []*structs.JobDiff
	structs.QueryMeta
}

// JobScaleStatus counts a job's groups against what they should be.
type JobScaleStatus struct {
	JobID          string
	Namespace      string
	JobCreateIndex uint64
	JobModifyIndex uint64
	JobStopped     bool
	TaskGroups     map[string]*GroupScaleStatus
}

// GroupScaleStatus counts one group.
type GroupScaleStatus struct {
	Desired, Placed, Running, Healthy, Unhealthy int
	Events                                       []ScalingEvent
}

// ScalingEvent is one change of a count.
type ScalingEvent struct {
	Time          uint64
	Count         *int64
	PreviousCount int64
	Message       string
	Error         bool
	Meta          map[string]any
	EvalID        *string
}

// ScalingRequest changes the count of one group.
type ScalingRequest struct {
	Count          *int64
	Target         map[string]string
	Message        string
	Error          bool
	Meta           map[string]any
	PolicyOverride bool   `json:",omitempty"`
	EnforceIndex   bool   `json:",omitempty"`
	JobModifyIndex uint64 `json:",omitempty"`
}

// JobStatus is a job with the states of its allocations, for overviews.
type JobStatus struct {
	ID, Namespace, Name, Type, NodePool string
	Datacenters                         []string
	Priority                            int
	Version                             uint64
	SubmitTime                          int64
	ModifyIndex                         uint64
	Allocs                              []JobStatusAlloc
	GroupCountSum                       int
	ChildStatuses                       []string
	ParentID                            string
	LatestDeployment                    *JobStatusDeployment
	Stop                                bool
	IsPack                              bool
	Status                              string
}

// JobStatusAlloc is one allocation in an overview.
type JobStatusAlloc struct {
	ID               structs.ID
	Group            string
	ClientStatus     string
	NodeID           structs.ID
	DeploymentStatus JobStatusAllocDeployment
	JobVersion       uint64
	FollowupEvalID   structs.ID
	HasPausedTask    bool
}

// JobStatusAllocDeployment is an allocation's part in a deployment, short.
type JobStatusAllocDeployment struct {
	Canary  bool
	Healthy *bool
}

// JobStatusDeployment is the newest deployment, short.
type JobStatusDeployment struct {
	ID                structs.ID
	IsActive          bool
	JobVersion        uint64
	Status            string
	StatusDescription string
	AllAutoPromote    bool
	RequiresPromotion bool
}

// SchedulerConfigurationResponse holds the scheduler's configuration.
type SchedulerConfigurationResponse struct {
	SchedulerConfig *structs.SchedulerConfiguration
	structs.QueryMeta
}

// SchedulerSetResponse tells whether the configuration was replaced.
type SchedulerSetResponse struct {
	Updated bool
	structs.WriteMeta
}

// RaftServer is one voter of the cluster.
type RaftServer struct {
	ID, Node, Address, RaftProtocol string
	Leader, Voter                   bool
}

// RaftConfiguration lists the servers of the Raft cluster.
type RaftConfiguration struct {
	Servers []*RaftServer
	Index   uint64
}

// AgentMember is one server as gossip knows it.
type AgentMember struct {
	Name   string
	Addr   string
	Port   uint16
	Tags   map[string]string
	Status string

	ProtocolMin, ProtocolMax, ProtocolCur uint8
	DelegateMin, DelegateMax, DelegateCur uint8
}

// ServerMembers lists the servers an agent knows.
type ServerMembers struct {
	ServerName, ServerRegion, ServerDC string
	Members                            []*AgentMember
}

// AgentSelf is an agent's description of itself.
type AgentSelf struct {
	Config map[string]any               `json:"config"`
	Member AgentMember                  `json:"member"`
	Stats  map[string]map[string]string `json:"stats"`
}

// AgentHealth says whether the agent's roles work.
type AgentHealth struct {
	Client *AgentHealthRole `json:"client,omitempty"`
	Server *AgentHealthRole `json:"server,omitempty"`
}

// AgentHealthRole is one role's health.
type AgentHealthRole struct {
	Ok      bool   `json:"ok"`
	Message string `json:"message"`
}

// SearchResponse holds ids that begin with what was looked for, by context.
type SearchResponse struct {
	Matches     map[string][]string
	Truncations map[string]bool
	structs.QueryMeta
}

// FuzzyMatch is a name that holds what was looked for, and where it is: of what is in a job namespace, job, group and task.
type FuzzyMatch struct {
	ID    string
	Scope []string `json:",omitempty"`
}

// FuzzySearchResponse holds what was found, by context.
type FuzzySearchResponse struct {
	Matches     map[string][]FuzzyMatch
	Truncations map[string]bool
	structs.QueryMeta
}

// ImageLoadResponse names the images an archive held.
type ImageLoadResponse struct {
	NodeID structs.ID
	Images []string
}
