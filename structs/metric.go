package structs

import "time"

// AllocMetric counts what the scheduler saw when it placed, or could not place, one allocation (contract shape).
type AllocMetric struct {
	NodesEvaluated     int
	NodesFiltered      int
	NodesInPool        int
	NodePool           string
	NodesAvailable     map[string]int `msg:",omitempty"` // by datacenter
	ClassFiltered      map[string]int `msg:",omitempty"`
	ConstraintFiltered map[string]int `msg:",omitempty"`
	NodesExhausted     int
	ClassExhausted     map[string]int `msg:",omitempty"`
	DimensionExhausted map[string]int `msg:",omitempty"`
	QuotaExhausted     []string
	ResourcesExhausted map[string]*Resources `msg:",omitempty"`
	Scores             map[string]float64    `msg:",omitempty"` // deprecated by the contract
	AllocationTime     time.Duration
	CoalescedFailures  int
	ScoreMetaData      []*NodeScoreMeta
}

// NodeScoreMeta is one candidate's score and its parts.
type NodeScoreMeta struct {
	NodeID    ID
	Scores    map[string]float64 `msg:",omitempty"`
	NormScore float64
}

// Explanation says why something was decided as it was. It is made where the decision is made and stored beside it.
type Explanation struct {
	// Summary is one sentence: "web/api needs 1 more, 0 of 3 nodes fit".
	Summary string
	// Filters tell how many nodes each reason removed, largest first.
	Filters []*ExplainFilter
	// Closest is the node that misses least, and the smallest change that would make it fit.
	Closest *ExplainNode
	// Unblocks are the events that would change the decision, in words.
	Unblocks []string
	// Since is when the present state began, Unix ns; Deadline when it ends by itself, 0 if never.
	Since    int64
	Deadline int64
	// Queue is how the job's queue stands, where that is why; beside the contract.
	Queue *ExplainQueue `json:",omitempty"`
}

// ExplainQueue is a queue as it was when it held something back.
type ExplainQueue struct {
	Name string
	// Held is what its jobs hold together, Asked what one more allocation would take.
	Held, Asked      QueueAmount
	Guarantee, Limit QueueAmount
	// Ahead is the evaluation that waits for the same queue and comes first; zero for none.
	Ahead ID
}

// ExplainFilter is one reason for which nodes were refused.
type ExplainFilter struct {
	Reason string // "constraint ${attr.kernel.name} = linux", "memory", "driver docker is not healthy"
	Nodes  int
	// Examples are a few of these nodes with what was observed and wanted.
	Examples []*ExplainNode
}

// ExplainNode is one node's case.
type ExplainNode struct {
	NodeID   ID
	NodeName string
	Observed string
	Wanted   string
	Change   string
}
