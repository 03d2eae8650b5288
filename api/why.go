package api

import (
	"context"

	"berth/structs"
)

// Why is the answer to "why is it as it is": of a job, an allocation or a node. Beside the contract.
type Why struct {
	Kind      string // job | allocation | node
	ID        string
	Name      string `json:",omitempty"`
	Namespace string `json:",omitempty"`
	// Summary is one sentence.
	Summary string
	// Facts are the present state in words, the most telling first.
	Facts []WhyFact
	// Waiting are the things that have to happen yet, each with its reason.
	Waiting []WhyWaiting
	// History is what led here, newest first.
	History []WhyEvent
	// Next are commands that would tell or change more.
	Next []string `json:",omitempty"`
}

// WhyFact is one labelled fact.
type WhyFact struct{ Label, Value string }

// WhyWaiting is one thing that is not as it should be.
type WhyWaiting struct {
	Subject  string // "group web", "task server"
	Reason   string
	Since    int64 // Unix ns
	Deadline int64 // Unix ns, 0: none
	// Explanation is set for what could not be placed; Metrics are the counts of the contract.
	Explanation *structs.Explanation `json:",omitempty"`
	Metrics     *structs.AllocMetric `json:",omitempty"`
}

// WhyEvent is one line of history.
type WhyEvent struct {
	Time    int64 // Unix ns
	Subject string
	Message string
}

// WhyJob explains a job.
func (c *Client) WhyJob(ctx context.Context, id string, q *QueryOptions) (*Why, *QueryMeta, error) {
	return get[*Why](ctx, c, "/v1/explain/job/"+escape(id), q)
}

// WhyAllocation explains an allocation.
func (c *Client) WhyAllocation(ctx context.Context, id string, q *QueryOptions) (*Why, *QueryMeta, error) {
	return get[*Why](ctx, c, "/v1/explain/allocation/"+escape(id), q)
}

// WhyNode explains a node.
func (c *Client) WhyNode(ctx context.Context, id string, q *QueryOptions) (*Why, *QueryMeta, error) {
	return get[*Why](ctx, c, "/v1/explain/node/"+escape(id), q)
}
