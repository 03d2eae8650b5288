package structs

import (
	"strings"
	"time"
)

// Deployment statuses.
const (
	DeploymentRunning    = "running"
	DeploymentPaused     = "paused"
	DeploymentFailed     = "failed"
	DeploymentSuccessful = "successful"
	DeploymentCancelled  = "cancelled"
	DeploymentPending    = "pending"
	DeploymentBlocked    = "blocked"
)

// Deployment status descriptions of the contract.
const (
	DeploymentDescRunning          = "Deployment is running"
	DeploymentDescNeedsPromotion   = "Deployment is running but requires manual promotion"
	DeploymentDescAutoPromotion    = "Deployment is running pending automatic promotion"
	DeploymentDescPaused           = "Deployment is paused"
	DeploymentDescSuccessful       = "Deployment completed successfully"
	DeploymentDescStoppedJob       = "Cancelled because job is stopped"
	DeploymentDescSuspendedJob     = "Cancelled because job is suspended"
	DeploymentDescNewerJob         = "Cancelled due to newer version of job"
	DeploymentDescFailedAllocs     = "Failed due to unhealthy allocations"
	DeploymentDescProgressDeadline = "Failed due to progress deadline"
	DeploymentDescFailedByUser     = "Deployment marked as failed"
	// DeploymentDescGaveUp begins what is said of a version that does not wait out the failure of a job it depends on; beside the contract.
	DeploymentDescGaveUp = "Gave up"
)

// Deployment is the rollout of a job version.
type Deployment struct {
	ID                 ID
	Namespace          string
	JobID              string
	JobVersion         uint64
	JobModifyIndex     uint64
	JobSpecModifyIndex uint64
	JobCreateIndex     uint64
	IsMultiregion      bool
	TaskGroups         map[string]*DeploymentState `msg:",omitempty"`
	Status             string
	StatusDescription  string
	EvalPriority       int
	CreateIndex        uint64
	ModifyIndex        uint64
	CreateTime         int64 // Unix ns
	ModifyTime         int64 // Unix ns
}

// Active reports a deployment that may still change allocations.
func (d *Deployment) Active() bool {
	if d == nil {
		return false
	}
	switch d.Status {
	case DeploymentRunning, DeploymentPaused, DeploymentPending, DeploymentBlocked:
		return true
	}
	return false
}

// GaveUp reports the deployment of a version that gave up, for a job it depends on had failed: it has failed, or is about to.
func (d *Deployment) GaveUp() bool {
	return d != nil && (d.Status == DeploymentRunning || d.Status == DeploymentFailed) && strings.HasPrefix(d.StatusDescription, DeploymentDescGaveUp)
}

// DeploymentState is one group's part of a deployment.
type DeploymentState struct {
	AutoRevert        bool
	AutoPromote       bool
	ProgressDeadline  time.Duration
	RequireProgressBy time.Time
	Promoted          bool
	PlacedCanaries    []ID
	DesiredCanaries   int
	DesiredTotal      int
	PlacedAllocs      int
	HealthyAllocs     int
	UnhealthyAllocs   int
}

// DeploymentStatusUpdate changes a deployment's status.
type DeploymentStatusUpdate struct {
	DeploymentID      ID
	Status            string
	StatusDescription string
}
