package api

import (
	"context"
	"net/http"

	"berth/structs"
)

// Queue is a queue and how it stands now. Beside the contract.
type Queue struct {
	structs.Queue
	// Held is what its jobs hold, Borrowed what of that is beyond the guarantee: in MHz and MB, without what was told to stop. Leaving is
	// that, until it has ended.
	Held, Borrowed, Leaving structs.QueueAmount
	// Share is the larger part it holds of the CPU or the memory of all nodes that may be given allocations, 0 to 1.
	Share float64
	// Allocations is how many it holds, Queued how many wait to be placed.
	Allocations, Queued int
}

// QueueResponse is the answer to a change of a queue.
type QueueResponse struct {
	Warnings string // what cannot be as it is wished; empty if all can
}

// Queues are the calls about queues. Beside the contract.
type Queues struct{ c *Client }

// Queues are the calls about queues.
func (c *Client) Queues() Queues { return Queues{c} }

// List lists the queues that the caller may see, by name.
func (q Queues) List(ctx context.Context, o *QueryOptions) ([]*Queue, *QueryMeta, error) {
	return get[[]*Queue](ctx, q.c, "/v1/queues", o)
}

// Get reads a queue.
func (q Queues) Get(ctx context.Context, name string, o *QueryOptions) (*Queue, *QueryMeta, error) {
	return get[*Queue](ctx, q.c, "/v1/queue/"+escape(name), o)
}

// Apply creates or changes a queue; with cas only if it was last changed at that index, 0 for one that is not there yet.
func (q Queues) Apply(ctx context.Context, queue *structs.Queue, cas *uint64, w *WriteOptions) (*QueueResponse, *WriteMeta, error) {
	return write[*QueueResponse](ctx, q.c, http.MethodPut, "/v1/queue/"+escape(queue.Name), queue, withCas(w, cas))
}

// Delete removes a queue. Its jobs belong to none from then on, and run as they do.
func (q Queues) Delete(ctx context.Context, name string, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := write[nothing](ctx, q.c, http.MethodDelete, "/v1/queue/"+escape(name), nil, w.values())
	return meta, err
}
