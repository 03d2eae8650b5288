package reconcile

import (
	"time"

	"berth/structs"
)

// IDs makes ids for deployments and follow-up evaluations.
type IDs interface{ NewID() structs.ID }

// Input is all that a decision depends on.
type Input struct {
	Job *structs.Job // canonical; nil when purged
	// Namespace and JobID name the job when it is nil.
	Namespace, JobID string
	Eval             *structs.Evaluation
	Allocs           []*structs.Allocation // the job's, of all versions and states
	Node             func(structs.ID) *structs.Node
	EvalByID         func(structs.ID) *structs.Evaluation // nil result when it is gone
	Deployment       *structs.Deployment                  // the job's latest, nil if there is none
	Now              time.Time
	IDs              IDs
	// StaysFeasible reports that the allocation's node still satisfies the group's constraints, for in-place updates.
	StaysFeasible func(*structs.Allocation, *structs.TaskGroup) bool
	// Awaits are groups of which the current version may not be placed yet, for the jobs it depends on; GaveUp is set when it does not wait for them.
	Awaits map[string]bool
	GaveUp bool
}

// Result is what to do.
type Result struct {
	Place   []*Place
	Stop    []*structs.PlanStop
	Update  []*structs.PlanUpdate
	Desired map[string]*structs.DesiredUpdates
	// Deployment is a new one to create, nil for none. DeploymentID is the one current placements belong to.
	Deployment        *structs.Deployment
	DeploymentUpdates []*structs.DeploymentStatusUpdate
	FollowUps         []*structs.Evaluation
	// GivenUp says why the job is given up, by its completion blocks; empty when it is not.
	GivenUp string
}

// Place asks for one allocation.
type Place struct {
	Job          *structs.Job // the version to place
	Group        *structs.TaskGroup
	Index        uint32
	Canary       bool
	DeploymentID structs.ID
	// Node is the one node that will do, zero for any: system jobs.
	Node structs.ID
	// Previous is the allocation this one replaces, nil for none.
	Previous *structs.Allocation
	// Tracker is the chain of failures, set when Previous failed.
	Tracker *structs.RescheduleTracker
	// Avoid are nodes where the chain failed before.
	Avoid []structs.ID
}

// Plain reports a placement with no history: all plain ones of a group are alike.
func (p *Place) Plain() bool { return p.Previous == nil }
