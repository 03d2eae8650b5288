package structs

import (
	"strconv"
	"time"
)

// Desired statuses of an allocation, written by the scheduler.
const (
	AllocDesiredRun   = "run"
	AllocDesiredStop  = "stop"
	AllocDesiredEvict = "evict"
)

// Client statuses of an allocation, written by its node.
const (
	AllocClientPending  = "pending"
	AllocClientRunning  = "running"
	AllocClientComplete = "complete"
	AllocClientFailed   = "failed"
	AllocClientLost     = "lost"
	AllocClientUnknown  = "unknown"
)

// Desired descriptions of the contract.
const (
	AllocNotNeeded      = "alloc not needed due to job update"
	AllocMigrating      = "alloc is being migrated"
	AllocSuspended      = "alloc not needed while the job is suspended"
	AllocGivenUp        = "alloc not needed since the job was given up"
	AllocEnough         = "alloc not needed since enough ended well"
	AllocUpdating       = "alloc is being updated due to job update"
	AllocLost           = "alloc is lost since its node is down"
	AllocUnknown        = "alloc is unknown since its node is disconnected"
	AllocInPlace        = "alloc updating in-place"
	AllocNodeTainted    = "alloc not needed as node is tainted"
	AllocRescheduled    = "alloc was rescheduled because it failed"
	AllocReconnected    = "alloc not needed due to disconnected client reconnect"
	AllocPreempted      = "Preempted by alloc ID "
	AllocUserStop       = "alloc is stopped by user request"
	AllocReplacedOnNode = "alloc is being replaced"
)

// Allocation is one instance of a group on a node. JSON adds what is derived (Name, JobVersion) in the API's view.
//
// Allocations alike share Job and AllocatedResources.Tasks by pointer: change neither.
type Allocation struct {
	ID         ID
	Namespace  string
	EvalID     ID
	Index      uint32 `json:"-"` // Name is JobID.TaskGroup[Index]
	NodeID     ID
	NodeName   string
	JobID      string
	Job        *Job `msg:"-"` // of JobVersion; linked by the store, sent beside on the wire
	JobVersion uint64
	TaskGroup  string

	AllocatedResources *AllocatedResources
	Metrics            *AllocMetric

	DesiredStatus      string
	DesiredDescription string
	DesiredTransition  DesiredTransition
	ClientStatus       string
	ClientDescription  string
	TaskStates         map[string]*TaskState `msg:",omitempty"`
	AllocStates        []*AllocState
	NetworkStatus      *AllocNetworkStatus

	DeploymentID          ID
	DeploymentStatus      *AllocDeploymentStatus
	FollowupEvalID        ID
	PreviousAllocation    ID
	NextAllocation        ID
	RescheduleTracker     *RescheduleTracker
	PreemptedAllocations  []ID
	PreemptedByAllocation ID

	CreateIndex      uint64
	ModifyIndex      uint64
	AllocModifyIndex uint64 // changes made by servers only, not by the client's reports
	CreateTime       int64  // Unix ns
	ModifyTime       int64  // Unix ns
}

// Name is job.group[index].
func (a *Allocation) Name() string { return AllocName(a.JobID, a.TaskGroup, a.Index) }

// AllocName is the name of an allocation.
func AllocName(job, group string, index uint32) string {
	return job + "." + group + "[" + strconv.FormatUint(uint64(index), 10) + "]"
}

// Group is the allocation's group in its job version, nil when the job is not linked.
func (a *Allocation) Group() *TaskGroup { return a.Job.LookupGroup(a.TaskGroup) }

// ServerTerminal reports that the servers want it stopped.
func (a *Allocation) ServerTerminal() bool {
	return a.DesiredStatus == AllocDesiredStop || a.DesiredStatus == AllocDesiredEvict
}

// ClientTerminal reports that it has ended on its node and holds nothing there any more.
func (a *Allocation) ClientTerminal() bool {
	switch a.ClientStatus {
	case AllocClientComplete, AllocClientFailed, AllocClientLost:
		return true
	}
	return false
}

// Terminal reports that it is over, or wanted so.
func (a *Allocation) Terminal() bool { return a.ServerTerminal() || a.ClientTerminal() }

// HoldsResources reports that its node's resources count as used by it: until the client says that it ended.
func (a *Allocation) HoldsResources() bool { return !a.ClientTerminal() }

// DesiredTransition asks the scheduler to move the allocation.
type DesiredTransition struct {
	Migrate                 *bool
	Reschedule              *bool
	ForceReschedule         *bool
	NoShutdownDelay         *bool
	MigrateDisablePlacement *bool
}

// AllocState is one change of a field the servers need the time of.
type AllocState struct {
	Field uint8 // 0: client status
	Value string
	Time  time.Time
}

// AllocNetworkStatus is the allocation's own network on its node.
type AllocNetworkStatus struct {
	InterfaceName string
	Address       string
	AddressIPv6   string
	DNS           *DNSConfig
}

// AllocDeploymentStatus is the allocation's part in its deployment.
type AllocDeploymentStatus struct {
	Healthy     *bool // nil: not known yet
	Timestamp   time.Time
	Canary      bool
	ModifyIndex uint64
}

// RescheduleTracker is the chain of failures before this allocation.
type RescheduleTracker struct {
	Events         []*RescheduleEvent
	Failures       int    `json:",omitempty"` // that counted, of this index, however long ago; beside the contract
	LastReschedule string // ok | pending | no more attempts
}

// RescheduleEvent is one replacement.
type RescheduleEvent struct {
	RescheduleTime int64 // Unix ns
	PrevAllocID    ID
	PrevNodeID     ID
	Delay          time.Duration
	Ignored        bool `json:",omitempty"` // it does not count: beside the contract
}

// Task states.
const (
	TaskStatePending = "pending"
	TaskStateRunning = "running"
	TaskStateDead    = "dead"
)

// TaskState is a task as its node reports it.
type TaskState struct {
	State       string
	Failed      bool
	Restarts    uint64
	LastRestart time.Time
	StartedAt   time.Time
	FinishedAt  time.Time
	Events      []*TaskEvent // at most MaxTaskEvents, oldest first
}

// Successful reports that the task ended well.
func (s *TaskState) Successful() bool { return s != nil && s.State == TaskStateDead && !s.Failed }

// MaxTaskEvents is how many events a task keeps.
const MaxTaskEvents = 10

// Task event types of the contract.
const (
	TaskSetup               = "Task Setup"
	TaskSetupFailure        = "Setup Failure"
	TaskDriverFailure       = "Driver Failure"
	TaskDriverMessage       = "Driver"
	TaskReceived            = "Received"
	TaskFailedValidation    = "Failed Validation"
	TaskStarted             = "Started"
	TaskTerminated          = "Terminated"
	TaskKilling             = "Killing"
	TaskKilled              = "Killed"
	TaskRestarting          = "Restarting"
	TaskNotRestarting       = "Not Restarting"
	TaskDownloadingArtifact = "Downloading Artifacts"
	TaskArtifactFailed      = "Failed Artifact Download"
	TaskSiblingFailed       = "Sibling Task Failed"
	TaskSignaling           = "Signaling"
	TaskRestartSignal       = "Restart Signaled"
	TaskLeaderDead          = "Leader Task Dead"
	TaskBuildingTaskDir     = "Building Task Directory"
	TaskReconnected         = "Reconnected"
	TaskMainDead            = "Main Tasks Dead"
	TaskHookFailed          = "Task hook failed"
	TaskHookMessage         = "Task hook message"
	TaskRestoreFailed       = "Failed Restoring Task"
	TaskWaitShutdownDelay   = "Waiting for shutdown delay"
	TaskSkipShutdownDelay   = "Skipping shutdown delay"
	TaskDiskExceeded        = "Disk Resources Exceeded"
)

// TaskEvent is one line of a task's history.
type TaskEvent struct {
	Type           string
	Time           int64 // Unix ns
	Message        string
	DisplayMessage string
	Details        map[string]string `msg:",omitempty"`
}
