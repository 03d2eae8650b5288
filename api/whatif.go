package api

import (
	"context"
	"net/http"
	"strconv"

	"berth/structs"
)

// WhatIfQuestion is what might happen to a cluster. Beside the contract.
type WhatIfQuestion struct {
	Lose []string // nodes by name, id, datacenter or attribute=value
	Add  []WhatIfAdd
	Jobs []*structs.Job
}

// WhatIfAdd are nodes that join, like one of a class.
type WhatIfAdd struct {
	Count int
	Class string
}

// WhatIf is what would follow.
type WhatIf struct {
	Index uint64 // of the state it is about
	Lost  []string
	Added int
	Jobs  []*WhatIfJob // that something changes for
}

// WhatIfJob is what would follow for one job.
type WhatIfJob struct {
	Namespace  string
	ID         string
	Lost       int // its allocations on lost nodes
	Placements []*PlannedPlacement
	Unplaced   map[string]int // by group, without node
	// Explanations tell why, by group.
	Explanations map[string]*structs.Explanation `json:",omitempty"`
	Preempted    []*structs.AllocListStub        `json:",omitempty"`
}

// Rebalance are moves that would make placements better, the best first. Beside the contract.
type Rebalance struct {
	Moves []*RebalanceMove
	// Moving is how many allocations were on the move already.
	Moving int `json:",omitempty"`
	// Truncated is set when there were more allocations than were looked at.
	Truncated bool `json:",omitempty"`
}

// RebalanceMove is one of them: scores are between -1 and 1.
type RebalanceMove struct {
	AllocID                 structs.ID
	Name                    string
	FromID                  structs.ID
	FromName                string
	ToID                    structs.ID
	ToName                  string
	Before, After, Gain     float64
	BeforeParts, AfterParts map[string]float64
}

// RebalanceNow makes such moves: at most so many allocations are on the move at once, those of earlier calls included, and no more
// of a group than its migrate block and its disruption budgets allow. 0 takes the server's defaults.
func (o Operator) RebalanceNow(ctx context.Context, moves int, gain float64, w *WriteOptions) (*Rebalance, *WriteMeta, error) {
	v := w.values()
	v.Set("max", strconv.Itoa(moves))
	v.Set("min_gain", strconv.FormatFloat(gain, 'g', -1, 64))
	return write[*Rebalance](ctx, o.c, http.MethodPut, "/v1/operator/rebalance", nil, v)
}

// Rebalance asks which moves would better placements, at most so many and each by at least so much; 0 takes the server's
// defaults. Nothing is moved.
func (o Operator) Rebalance(ctx context.Context, moves int, gain float64, q *QueryOptions) (*Rebalance, *QueryMeta, error) {
	own := QueryOptions{}
	if q != nil {
		own = *q
	}
	own.Params = map[string]string{"max": strconv.Itoa(moves), "min_gain": strconv.FormatFloat(gain, 'g', -1, 64)}
	return get[*Rebalance](ctx, o.c, "/v1/operator/rebalance", &own)
}
