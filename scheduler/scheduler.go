package scheduler

import (
	"time"

	"berth/scheduler/budget"
	"berth/scheduler/fleet"
	"berth/structs"
)

// State is what a decision reads of the store, beside the fleet.
type State interface {
	budget.State
	Eval(id structs.ID) *structs.Evaluation
	LatestDeployment(namespace, id string) *structs.Deployment
	NodePool(name string) *structs.NodePool
	SchedulerConfig() *structs.SchedulerConfiguration
}

// IDs makes ids for allocations, deployments and evaluations.
type IDs interface{ NewID() structs.ID }

// Input is all that an outcome depends on.
type Input struct {
	State State
	// Fleet is committed state and plans in flight; what is decided is placed on it at once.
	Fleet *fleet.Fleet
	Eval  *structs.Evaluation
	// Blocked is the evaluation of the same job that waits for room, nil if there is none or it is Eval.
	Blocked *structs.Evaluation
	// Ahead is an evaluation of another job of the same queue that waits for the queue's limit and comes before Eval, nil if there is none.
	Ahead *structs.Evaluation
	// Index is the state's index.
	Index uint64
	Now   time.Time
	IDs   IDs
}

// Outcome is what an evaluation came to.
type Outcome struct {
	Plans []*structs.Plan
	// Evals are the evaluation itself with its result, and those it made: blocked, follow-ups.
	Evals []*structs.Evaluation
}

// SliceMax is how many allocations one plan places at most: a few milliseconds of work.
const SliceMax = 512

// Evaluate runs an evaluation to its end.
func Evaluate(in Input) *Outcome {
	r := Begin(in)
	out := &Outcome{}
	for more := true; more; {
		var plan *structs.Plan
		plan, more = r.Next(SliceMax)
		if !plan.Empty() {
			out.Plans = append(out.Plans, plan)
		}
	}
	out.Evals = r.Finish()
	return out
}
