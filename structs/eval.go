package structs

import "time"

// Evaluation statuses.
const (
	EvalStatusBlocked   = "blocked"
	EvalStatusPending   = "pending"
	EvalStatusComplete  = "complete"
	EvalStatusFailed    = "failed"
	EvalStatusCancelled = "canceled"
)

// What an evaluation was triggered by.
const (
	EvalTriggerJobRegister       = "job-register"
	EvalTriggerJobDeregister     = "job-deregister"
	EvalTriggerPeriodicJob       = "periodic-job"
	EvalTriggerNodeDrain         = "node-drain"
	EvalTriggerNodeTaint         = "node-taint"  // beside the contract
	EvalTriggerRebalance         = "rebalance"   // beside the contract
	EvalTriggerJobSuspend        = "job-suspend" // beside the contract
	EvalTriggerCompletion        = "completion"  // beside the contract
	EvalTriggerNodeUpdate        = "node-update"
	EvalTriggerAllocStop         = "alloc-stop"
	EvalTriggerScheduled         = "scheduled"
	EvalTriggerRollingUpdate     = "rolling-update"
	EvalTriggerDeploymentWatcher = "deployment-watcher"
	EvalTriggerFailedFollowUp    = "failed-follow-up"
	EvalTriggerMaxPlans          = "max-plan-attempts"
	EvalTriggerRetryFailedAlloc  = "alloc-failure"
	EvalTriggerQueuedAllocs      = "queued-allocs"
	EvalTriggerPreemption        = "preemption"
	EvalTriggerScaling           = "job-scaling"
	EvalTriggerMaxDisconnect     = "max-disconnect-timeout"
	EvalTriggerReconnect         = "reconnect"
	EvalTriggerAllocReschedule   = "alloc-reschedule"
)

// Evaluation is a request to look at a job again.
type Evaluation struct {
	ID                   ID
	Namespace            string
	Priority             int
	Type                 string
	TriggeredBy          string
	JobID                string
	JobModifyIndex       uint64
	NodeID               ID
	NodeModifyIndex      uint64
	DeploymentID         ID
	Status               string
	StatusDescription    string
	Wait                 time.Duration
	WaitUntil            time.Time
	NextEval             ID
	PreviousEval         ID
	BlockedEval          ID
	RelatedEvals         []*EvaluationStub       `json:",omitempty"`
	FailedTGAllocs       map[string]*AllocMetric `msg:",omitempty"`
	PlanAnnotations      *PlanAnnotations
	ClassEligibility     map[string]bool `msg:",omitempty"`
	EscapedComputedClass bool
	WaitsForPeers        bool       `json:",omitempty"` // a new allocation of another job may help it; beside the contract
	WaitsForJobs         []*JobWait `json:",omitempty"` // these must come further first; beside the contract
	QuotaLimitReached    string
	AnnotatePlan         bool
	QueuedAllocations    map[string]int          `msg:",omitempty"`
	Explanations         map[string]*Explanation `json:",omitempty" msg:",omitempty"` // by group, for what could not be placed
	SnapshotIndex        uint64
	CreateIndex          uint64
	ModifyIndex          uint64
	CreateTime           int64 // Unix ns
	ModifyTime           int64 // Unix ns
}

// JobKey names the job to be looked at.
func (e *Evaluation) JobKey() JobKey { return JobKey{e.Namespace, e.JobID} }

// Terminal reports that nothing more will be done for it.
func (e *Evaluation) Terminal() bool {
	switch e.Status {
	case EvalStatusComplete, EvalStatusFailed, EvalStatusCancelled:
		return true
	}
	return false
}

// EvaluationStub is an evaluation in a list of related ones.
type EvaluationStub struct {
	ID                ID
	Priority          int
	Type              string
	TriggeredBy       string
	Namespace         string
	JobID             string
	NodeID            ID
	DeploymentID      ID
	Status            string
	StatusDescription string
	WaitUntil         time.Time
	NextEval          ID
	PreviousEval      ID
	BlockedEval       ID
	CreateIndex       uint64
	ModifyIndex       uint64
	CreateTime        int64
	ModifyTime        int64
}
