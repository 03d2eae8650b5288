package api

import (
	"context"
	"net/http"
	"strconv"

	"berth/structs"
)

// Jobs are the calls about jobs.
type Jobs struct{ c *Client }

// Jobs are the calls about jobs.
func (c *Client) Jobs() Jobs { return Jobs{c} }

func jobPath(id string) string { return "/v1/job/" + escape(id) }

// List lists jobs, by namespace and id.
func (j Jobs) List(ctx context.Context, q *QueryOptions) ([]*structs.JobListStub, *QueryMeta, error) {
	return get[[]*structs.JobListStub](ctx, j.c, "/v1/jobs", q)
}

// Statuses lists jobs with the states of their allocations.
func (j Jobs) Statuses(ctx context.Context, q *QueryOptions) ([]*JobStatus, *QueryMeta, error) {
	return get[[]*JobStatus](ctx, j.c, "/v1/jobs/statuses", q)
}

// Get reads a job.
func (j Jobs) Get(ctx context.Context, id string, q *QueryOptions) (*structs.Job, *QueryMeta, error) {
	return get[*structs.Job](ctx, j.c, jobPath(id), q)
}

// Register submits a job. The namespace is the job's own.
func (j Jobs) Register(ctx context.Context, req *structs.JobRegisterRequest, w *WriteOptions) (*structs.JobRegisterResponse, *WriteMeta, error) {
	return put[*structs.JobRegisterResponse](ctx, j.c, "/v1/jobs", req, w)
}

// ParseRequest is HCL text to be turned into a job.
type ParseRequest struct {
	JobHCL       string
	Variables    string `json:",omitempty"` // text of a variable file
	Canonicalize bool
}

// Parse turns HCL text into a job at the agent. Functions that read files are off there.
func (j Jobs) Parse(ctx context.Context, req ParseRequest) (*structs.Job, error) {
	job, _, err := write[*structs.Job](ctx, j.c, http.MethodPost, "/v1/jobs/parse", req, nil)
	return job, err
}

// Validate lists what is wrong with a job.
func (j Jobs) Validate(ctx context.Context, job *structs.Job, w *WriteOptions) (*ValidateResponse, error) {
	out, _, err := put[*ValidateResponse](ctx, j.c, "/v1/validate/job", map[string]any{"Job": job}, w)
	return out, err
}

// Plan says what registering the job would change.
func (j Jobs) Plan(ctx context.Context, req *PlanRequest, w *WriteOptions) (*PlanResponse, *WriteMeta, error) {
	return put[*PlanResponse](ctx, j.c, jobPath(req.Job.ID)+"/plan", req, w)
}

// StopOptions shape the stop of a job.
type StopOptions struct {
	Purge           bool // forget the job
	NoShutdownDelay bool
	EvalPriority    int // 0: the job's
}

// Stop stops a job.
func (j Jobs) Stop(ctx context.Context, id string, o StopOptions, w *WriteOptions) (*EvalResponse, *WriteMeta, error) {
	v := w.values()
	if o.Purge {
		v.Set("purge", "true")
	}
	if o.NoShutdownDelay {
		v.Set("no_shutdown_delay", "true")
	}
	if o.EvalPriority > 0 {
		v.Set("eval_priority", strconv.Itoa(o.EvalPriority))
	}
	return write[*EvalResponse](ctx, j.c, http.MethodDelete, jobPath(id), nil, v)
}

// Versions reads the versions of a job, newest first. diffs compares each with the one before; the params diff_version and diff_tag compare all
// with one, in the order of the versions.
func (j Jobs) Versions(ctx context.Context, id string, diffs bool, q *QueryOptions) (*JobVersionsResponse, *QueryMeta, error) {
	return get[*JobVersionsResponse](ctx, j.c, jobPath(id)+"/versions", q.With("diffs", strconv.FormatBool(diffs)))
}

// Suspend sets a job aside, or takes it up again.
func (j Jobs) Suspend(ctx context.Context, id string, suspend bool, w *WriteOptions) (*EvalResponse, *WriteMeta, error) {
	return put[*EvalResponse](ctx, j.c, jobPath(id)+"/suspend", map[string]any{"Suspend": suspend}, w)
}

// Submission reads the text a version was written as.
func (j Jobs) Submission(ctx context.Context, id string, version uint64, q *QueryOptions) (*structs.JobSubmission, *QueryMeta, error) {
	return get[*structs.JobSubmission](ctx, j.c, jobPath(id)+"/submission", q.With("version", strconv.FormatUint(version, 10)))
}

// Allocations lists the job's allocations; all includes those of earlier jobs of the same name.
func (j Jobs) Allocations(ctx context.Context, id string, all bool, q *QueryOptions) ([]*structs.AllocListStub, *QueryMeta, error) {
	return get[[]*structs.AllocListStub](ctx, j.c, jobPath(id)+"/allocations", q.With("all", strconv.FormatBool(all)))
}

// Evaluations lists the job's evaluations.
func (j Jobs) Evaluations(ctx context.Context, id string, q *QueryOptions) ([]*structs.Evaluation, *QueryMeta, error) {
	return get[[]*structs.Evaluation](ctx, j.c, jobPath(id)+"/evaluations", q)
}

// Deployments lists the job's deployments.
func (j Jobs) Deployments(ctx context.Context, id string, all bool, q *QueryOptions) ([]*structs.Deployment, *QueryMeta, error) {
	return get[[]*structs.Deployment](ctx, j.c, jobPath(id)+"/deployments", q.With("all", strconv.FormatBool(all)))
}

// LatestDeployment reads the job's newest deployment, nil if it never had one.
func (j Jobs) LatestDeployment(ctx context.Context, id string, q *QueryOptions) (*structs.Deployment, *QueryMeta, error) {
	return get[*structs.Deployment](ctx, j.c, jobPath(id)+"/deployment", q)
}

// Summary counts the job's allocations.
func (j Jobs) Summary(ctx context.Context, id string, q *QueryOptions) (*structs.JobSummary, *QueryMeta, error) {
	return get[*structs.JobSummary](ctx, j.c, jobPath(id)+"/summary", q)
}

// ScaleStatus counts the job's groups against what they should be.
func (j Jobs) ScaleStatus(ctx context.Context, id string, q *QueryOptions) (*JobScaleStatus, *QueryMeta, error) {
	return get[*JobScaleStatus](ctx, j.c, jobPath(id)+"/scale", q)
}

// Scale changes the count of a group.
func (j Jobs) Scale(ctx context.Context, id string, req *ScalingRequest, w *WriteOptions) (*EvalResponse, *WriteMeta, error) {
	return put[*EvalResponse](ctx, j.c, jobPath(id)+"/scale", req, w)
}

// Evaluate looks at the job again; force tries failed allocations at once.
func (j Jobs) Evaluate(ctx context.Context, id string, forceReschedule bool, w *WriteOptions) (*EvalResponse, *WriteMeta, error) {
	body := map[string]any{"JobID": id, "EvalOptions": map[string]bool{"ForceReschedule": forceReschedule}}
	return put[*EvalResponse](ctx, j.c, jobPath(id)+"/evaluate", body, w)
}

// Revert registers an earlier version again; enforce, when not nil, refuses unless the present version is that.
func (j Jobs) Revert(ctx context.Context, id string, version uint64, enforce *uint64, w *WriteOptions) (*structs.JobRegisterResponse, *WriteMeta, error) {
	body := map[string]any{"JobID": id, "JobVersion": version, "EnforcePriorVersion": enforce}
	return put[*structs.JobRegisterResponse](ctx, j.c, jobPath(id)+"/revert", body, w)
}

// Stable marks a version as known to work, or not.
func (j Jobs) Stable(ctx context.Context, id string, version uint64, stable bool, w *WriteOptions) (*WriteMeta, error) {
	body := map[string]any{"JobID": id, "JobVersion": version, "Stable": stable}
	_, meta, err := put[nothing](ctx, j.c, jobPath(id)+"/stable", body, w)
	return meta, err
}

// TagVersion gives a version a name, which also keeps it.
func (j Jobs) TagVersion(ctx context.Context, id string, version uint64, name, description string, w *WriteOptions) (*WriteMeta, error) {
	body := map[string]any{"Version": version, "Description": description}
	_, meta, err := put[nothing](ctx, j.c, jobPath(id)+"/versions/"+escape(name)+"/tag", body, w)
	return meta, err
}

// TagLatest gives the newest version a name, which also keeps it.
func (j Jobs) TagLatest(ctx context.Context, id, name, description string, w *WriteOptions) (*WriteMeta, error) {
	body := map[string]any{"Latest": true, "Description": description}
	_, meta, err := put[nothing](ctx, j.c, jobPath(id)+"/versions/"+escape(name)+"/tag", body, w)
	return meta, err
}

// JobTagResponse is what a tag is now; Description and Version are those of one that was applied.
type JobTagResponse struct {
	Name        string
	Description string
	Version     uint64
	structs.WriteMeta
}

// UntagVersion takes a version's name away.
func (j Jobs) UntagVersion(ctx context.Context, id, name string, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := write[nothing](ctx, j.c, http.MethodDelete, jobPath(id)+"/versions/"+escape(name)+"/tag", nil, w.values())
	return meta, err
}
