package api

import (
	"context"
	"net/http"

	"berth/structs"
)

// PeriodicForce launches a periodic job at once, whatever its schedule and its overlap policy say.
func (j Jobs) PeriodicForce(ctx context.Context, id string, w *WriteOptions) (*EvalResponse, *WriteMeta, error) {
	return put[*EvalResponse](ctx, j.c, jobPath(id)+"/periodic/force", nil, w)
}

// DispatchRequest is what an instance of a parameterized job gets.
type DispatchRequest struct {
	Payload          []byte            `json:",omitempty"` // at most 16 KiB
	Meta             map[string]string `json:",omitempty"`
	IdPrefixTemplate string            `json:",omitempty"` // stands in the instance's id
	Priority         int               `json:",omitempty"` // 0: the job's
}

// DispatchResponse names the instance that was made, or that its idempotency token made before: then there is no evaluation.
type DispatchResponse struct {
	DispatchedJobID string
	EvalID          structs.ID
	EvalCreateIndex uint64
	JobCreateIndex  uint64
	structs.QueryMeta
}

// Dispatch makes an instance of a parameterized job. A token that was used before answers the instance it made.
func (j Jobs) Dispatch(ctx context.Context, id, token string, req *DispatchRequest, w *WriteOptions) (*DispatchResponse, *WriteMeta, error) {
	v := w.values()
	if token != "" {
		v.Set("idempotency_token", token)
	}
	return write[*DispatchResponse](ctx, j.c, http.MethodPut, jobPath(id)+"/dispatch", req, v)
}
