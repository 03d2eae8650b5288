package httpapi

import (
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"berth/api"
	"berth/server/periodic"
	"berth/structs"
)

// periodicForce launches a periodic job at once.
func (a *API) periodicForce(r *request) (any, error) {
	j, err := r.job(r.snapshot())
	if err != nil {
		return nil, err
	}
	cmd, err := periodic.Force(j, time.Now(), a.Server)
	if err != nil {
		return nil, invalid("%v", err)
	}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdPeriodicLaunch, cmd)
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	return &api.EvalResponse{EvalID: cmd.EvalID, EvalCreateIndex: applied.Index, JobModifyIndex: j.JobModifyIndex, QueryMeta: r.meta()}, nil
}

func (a *API) jobDispatch(r *request) (any, error) {
	var req api.DispatchRequest
	if err := r.body(&req); err != nil {
		return nil, err
	}
	return a.dispatch(r, &req)
}

// jobDispatchRaw takes the body as the payload.
func (a *API) jobDispatchRaw(r *request) (any, error) {
	payload, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, structs.MaxDispatchPayload))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, status(http.StatusRequestEntityTooLarge, "Payload exceeds maximum size of %d bytes", tooLarge.Limit)
	case err != nil:
		return nil, invalid("read the payload: %v", err)
	}
	return a.dispatch(r, &api.DispatchRequest{Payload: payload, IdPrefixTemplate: r.query.Get("id_prefix_template")})
}

// dispatch makes an instance of a parameterized job.
func (a *API) dispatch(r *request, req *api.DispatchRequest) (any, error) {
	j, err := r.job(r.snapshot())
	if err != nil {
		return nil, err
	}
	if err := j.CheckDispatch(req.Payload, req.Meta); err != nil {
		return nil, invalid("%v", err)
	}
	if err := structs.CheckDispatchPrefix(req.IdPrefixTemplate); err != nil {
		return nil, invalid("%v", err)
	}
	if req.Priority < 0 || req.Priority > 100 {
		return nil, invalid("Priority must be between 1 and 100")
	}
	random := a.Server.NewID()
	cmd := &structs.JobDispatchCommand{Namespace: j.Namespace, JobID: j.ID, Payload: req.Payload, Meta: req.Meta, Priority: req.Priority,
		ChildID:          structs.DispatchChildID(j.ID, req.IdPrefixTemplate, time.Now(), hex.EncodeToString(random[len(random)-4:])),
		IdempotencyToken: r.query.Get("idempotency_token"), EvalID: a.Server.NewID()}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdJobDispatch, cmd)
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	resp := &api.DispatchResponse{DispatchedJobID: cmd.ChildID, JobCreateIndex: applied.Index}
	made, ok := applied.Value.(*structs.Job)
	if ok {
		resp.DispatchedJobID, resp.JobCreateIndex = made.ID, made.CreateIndex
	}
	// An instance that was there already, and one with a schedule of its own, has no new evaluation.
	if resp.DispatchedJobID == cmd.ChildID && (made == nil || !made.IsPeriodic()) {
		resp.EvalID, resp.EvalCreateIndex = cmd.EvalID, applied.Index
	}
	resp.QueryMeta = r.meta()
	return resp, nil
}
