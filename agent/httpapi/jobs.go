package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"berth/acl"
	"berth/api"
	"berth/internal/cron"
	"berth/jobspec"
	"berth/state"
	"berth/structs"
)

func (a *API) jobRoutes() {
	a.route("/v1/jobs", methods{http.MethodGet: across(acl.ListJobs).then(a.jobsList), http.MethodPut: ofBody("job", acl.SubmitJob|acl.RegisterJob).then(a.jobRegister)})
	a.route("/v1/jobs/parse", methods{http.MethodPut: in(acl.ParseJob | acl.SubmitJob).then(a.jobParse)})
	a.route("/v1/jobs/statuses", methods{http.MethodGet: across(acl.ReadJob).then(a.jobStatuses), http.MethodPut: across(acl.ReadJob).then(a.jobStatuses)})
	a.route("/v1/validate/job", methods{http.MethodPut: in(acl.ReadJob | acl.ParseJob | acl.SubmitJob | acl.PlanJob).then(a.jobValidate)})
	a.route("/v1/job/{id}", methods{http.MethodGet: in(acl.ReadJob).then(a.jobGet), http.MethodPut: ofBody("job", acl.SubmitJob|acl.RegisterJob).then(a.jobRegister), http.MethodDelete: in(acl.SubmitJob | acl.DeregisterJob).then(a.jobStop)})
	for sub, h := range map[string]methods{
		"plan": {http.MethodPut: ofBody("job", acl.SubmitJob|acl.PlanJob).then(a.jobPlan)}, "evaluate": {http.MethodPut: in(acl.SubmitJob | acl.EvaluateJob).then(a.jobEvaluate)}, "suspend": {http.MethodPut: in(acl.SubmitJob).then(a.jobSuspend)}, "summary": {http.MethodGet: in(acl.ReadJob).then(a.jobSummary)},
		"versions": {http.MethodGet: in(acl.ReadJob).then(a.jobVersions)}, "submission": {http.MethodGet: in(acl.ReadJob).then(a.jobSubmission)},
		"allocations": {http.MethodGet: in(acl.ReadJob).then(a.jobAllocations)}, "evaluations": {http.MethodGet: in(acl.ReadJob).then(a.jobEvaluations)},
		"deployments": {http.MethodGet: in(acl.ReadJob).then(a.jobDeployments)}, "deployment": {http.MethodGet: in(acl.ReadJob).then(a.jobDeployment)},
		"scale": {http.MethodGet: in(acl.ReadJob | acl.ReadJobScaling).then(a.jobScaleStatus), http.MethodPut: in(acl.ScaleJob | acl.SubmitJob).then(a.jobScale)}, "revert": {http.MethodPut: in(acl.SubmitJob | acl.RevertJob).then(a.jobRevert)},
		"stable": {http.MethodPut: in(acl.SubmitJob | acl.StableJob).then(a.jobStable)}, "periodic/force": {http.MethodPut: in(acl.DispatchJob | acl.SubmitJob | acl.ForcePeriodicJob).then(a.periodicForce)},
		"dispatch": {http.MethodPut: in(acl.DispatchJob).then(a.jobDispatch)}, "dispatch/payload": {http.MethodPut: in(acl.DispatchJob).then(a.jobDispatchRaw)},
	} {
		a.route("/v1/job/{id}/"+sub, h)
	}
}

// job finds the job of the path.
func (r *request) job(s *state.Snapshot) (*structs.Job, error) {
	if j := s.Job(r.namespace(), r.PathValue("id")); j != nil {
		return j, nil
	}
	return nil, notFound("job not found")
}

func jobStub(s *state.Snapshot, j *structs.Job) *structs.JobListStub {
	return &structs.JobListStub{
		ID: j.ID, ParentID: j.ParentID, Name: j.Name, Namespace: j.Namespace, Datacenters: j.Datacenters, NodePool: j.NodePool,
		Type: j.Type, Priority: j.Priority, Periodic: j.IsPeriodic(), ParameterizedJob: j.IsParameterized(), Stop: j.Stop, Suspended: j.Suspended, Status: j.Status,
		StatusDescription: j.StatusDescription, JobSummary: s.JobSummary(j.Namespace, j.ID), CreateIndex: j.CreateIndex,
		ModifyIndex: j.ModifyIndex, JobModifyIndex: j.JobModifyIndex, SubmitTime: j.SubmitTime, Version: j.Version,
	}
}

func (a *API) jobsList(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		withMeta := r.flag("meta")
		return watched(s, r.namespace(), state.TableJobs, state.TableJobSummaries).of(list(r, s.Jobs(), func(j *structs.Job) string { return j.Namespace + "." + j.ID },
			func(j *structs.Job) *structs.JobListStub {
				stub := jobStub(s, j)
				if withMeta {
					stub.Meta = j.Meta
				}
				return stub
			}, func(j *structs.Job) bool { return r.in(j.Namespace) && r.hasPrefix(j.ID) }))
	})
}

func (a *API) jobGet(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		j, changed := s.JobW(r.namespace(), r.PathValue("id"))
		if j == nil {
			return answer{}, notFound("job not found")
		}
		return answer{value: j, index: j.ModifyIndex, changed: changed}, nil
	})
}

// admit brings a job into its canonical form and checks it. The text of the fault is the contract's list.
func (a *API) admit(r *request, s *state.Snapshot, j *structs.Job) (warnings string, err error) {
	if ns := r.query.Get("namespace"); ns != "" && ns != anyNamespace {
		j.Namespace = ns
	}
	if own := a.Config.Region; j.Region != "" && j.Region != structs.DefaultRegion && j.Region != own {
		return "", invalid("job %q is for region %q, and this is region %q: send it there with ?region=%s", j.ID, j.Region, own, url.QueryEscape(j.Region))
	}
	j.Region = a.Config.Region // what names none is of the region it was sent to
	j.Canonicalize()
	if err := r.mayRun(j); err != nil {
		return "", err
	}
	told := j.Resolve(s.PriorityClass, s.DefaultPriorityClass())
	faults := append(told, j.Validate(a.Limits)...)
	if ns := s.Namespace(j.Namespace); ns == nil {
		faults = append(faults, structs.Fault{Path: "Namespace", Message: fmt.Sprintf("job %q is in nonexistent namespace %q", j.ID, j.Namespace)})
	} else {
		faults = append(faults, ns.Allows(j)...)
	}
	if s.NodePool(j.NodePool) == nil {
		faults = append(faults, structs.Fault{Path: "NodePool", Message: fmt.Sprintf("job %q is in nonexistent node pool %q", j.ID, j.NodePool)})
	}
	if old := s.Job(j.Namespace, j.ID); old != nil {
		faults = append(faults, j.ValidateUpdate(old)...)
	}
	if err := structs.CheckDependencies(j, func(key structs.JobKey) *structs.Job { return s.Job(key.Namespace, key.ID) }); err != nil {
		faults = append(faults, structs.Fault{Path: "DependsOn", Message: fmt.Sprintf("job %q %s", j.ID, err)})
	}
	return listed("warning", faults.Warnings()), multi(faults.Errors())
}

// multi is the contract's text of several errors; nil without any.
func multi(faults structs.Faults) error {
	if len(faults) == 0 {
		return nil
	}
	return status(http.StatusInternalServerError, "%s", listed("error", faults))
}

func listed(what string, faults structs.Faults) string {
	if len(faults) == 0 {
		return ""
	}
	plural := "s"
	if len(faults) == 1 {
		plural = ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s%s occurred:\n", len(faults), what, plural)
	for _, f := range faults {
		fmt.Fprintf(&b, "\t* %s\n", f.Error())
	}
	return strings.TrimRight(b.String(), "\n")
}

// newEval is an evaluation of a job made by a request.
func (a *API) newEval(j *structs.Job, trigger string, priority int) *structs.Evaluation {
	now := time.Now().UnixNano()
	if priority <= 0 {
		priority = j.Priority
	}
	return &structs.Evaluation{
		ID: a.Server.NewID(), Namespace: j.Namespace, JobID: j.ID, Type: j.Type, Priority: priority, TriggeredBy: trigger,
		JobModifyIndex: j.JobModifyIndex, Status: structs.EvalStatusPending, CreateTime: now, ModifyTime: now,
	}
}

func (a *API) jobRegister(r *request) (any, error) {
	var req structs.JobRegisterRequest
	if err := r.body(&req); err != nil {
		return nil, err
	}
	switch id := r.PathValue("id"); {
	case req.Job == nil:
		return nil, invalid("Job must be specified")
	case req.Job.ID == "":
		return nil, invalid("Job ID hasn't been provided")
	case id != "" && id != req.Job.ID:
		return nil, invalid("Job ID does not match name")
	case req.EvalPriority < 0 || req.EvalPriority > 100:
		return nil, invalid("EvalPriority must be between 1 and 100")
	}
	warnings, err := a.admit(r, r.snapshot(), req.Job)
	if err != nil {
		return nil, err
	}
	return a.submit(r, &req, warnings)
}

// submit proposes an admitted job.
func (a *API) submit(r *request, req *structs.JobRegisterRequest, warnings string) (any, error) {
	j := req.Job
	j.SubmitTime = time.Now().UnixNano()
	cmd := &structs.JobRegisterCommand{Job: j, Submission: req.Submission, EnforceIndex: req.EnforceIndex, Index: req.JobModifyIndex,
		PreserveCounts: req.PreserveCounts, PreserveResources: req.PreserveResources}
	if !j.IsPeriodic() && !j.IsParameterized() {
		cmd.Eval = a.newEval(j, structs.EvalTriggerJobRegister, req.EvalPriority)
	}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdJobRegister, cmd)
	if err != nil {
		return nil, enforced(err)
	}
	r.index = applied.Index
	resp := &structs.JobRegisterResponse{Warnings: warnings, JobModifyIndex: applied.Index}
	if stored, ok := applied.Value.(*structs.Job); ok {
		resp.JobModifyIndex = stored.JobModifyIndex
	}
	if cmd.Eval != nil {
		resp.EvalID, resp.EvalCreateIndex = cmd.Eval.ID, applied.Index
	}
	resp.QueryMeta = r.meta()
	return resp, nil
}

// enforced gives a refusal of the index that was named the beginning by which clients know it.
func enforced(err error) error {
	if i := strings.Index(err.Error(), "Enforcing job modify index"); i >= 0 {
		return status(http.StatusConflict, "%s", err.Error()[i:])
	}
	return err
}

func (a *API) jobStop(r *request) (any, error) {
	s := r.snapshot()
	j, err := r.job(s)
	if err != nil {
		return nil, err
	}
	priority := 0
	if text := r.query.Get("eval_priority"); text != "" {
		if priority, err = strconv.Atoi(text); err != nil || priority < 1 || priority > 100 {
			return nil, invalid("eval_priority must be between 1 and 100")
		}
	}
	if r.flag("purge") {
		if err := r.mayAlso(j.Namespace, acl.SubmitJob|acl.PurgeJob); err != nil {
			return nil, err
		}
	}
	cmd := &structs.JobDeregisterCommand{Namespace: j.Namespace, JobID: j.ID, Purge: r.flag("purge"), NoShutdownDelay: r.flag("no_shutdown_delay")}
	if !j.IsPeriodic() && !j.IsParameterized() {
		cmd.Eval = a.newEval(j, structs.EvalTriggerJobDeregister, priority)
	}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdJobDeregister, cmd)
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	resp := &api.EvalResponse{JobModifyIndex: applied.Index}
	if cmd.Eval != nil {
		resp.EvalID, resp.EvalCreateIndex = cmd.Eval.ID, applied.Index
	}
	resp.QueryMeta = r.meta()
	return resp, nil
}

func (a *API) jobParse(r *request) (any, error) {
	var req struct {
		JobHCL       string
		Canonicalize bool
		Variables    string
	}
	if err := r.body(&req); err != nil {
		return nil, err
	}
	if strings.TrimSpace(req.JobHCL) == "" {
		return nil, invalid("Job spec is empty")
	}
	done, err := r.turn()
	if err != nil {
		return nil, err
	}
	defer done()
	opts := jobspec.ParseOptions{Filename: "job.hcl", Source: []byte(req.JobHCL), Drivers: a.Limits.Drivers, Later: a.Limits.Later}
	if req.Variables != "" {
		opts.VarFiles = []jobspec.VarFile{{Name: "variables.hcl", Source: []byte(req.Variables)}}
	}
	res, diags := jobspec.Parse(opts)
	if err := diags.Err(); err != nil {
		return nil, invalid("%v", err)
	}
	return res.Job, nil
}

func (a *API) jobValidate(r *request) (any, error) {
	var req struct{ Job *structs.Job }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	if req.Job == nil {
		return nil, invalid("Job must be specified")
	}
	req.Job.Canonicalize()
	s := r.snapshot()
	told := req.Job.Resolve(s.PriorityClass, s.DefaultPriorityClass())
	faults := append(told, req.Job.Validate(a.Limits)...)
	resp := &api.ValidateResponse{DriverConfigValidated: true, Warnings: listed("warning", faults.Warnings())}
	for _, f := range faults.Errors() {
		resp.ValidationErrors = append(resp.ValidationErrors, f.Error())
	}
	resp.Error = listed("error", faults.Errors())
	return resp, nil
}

func (a *API) jobPlan(r *request) (any, error) {
	var req api.PlanRequest
	if err := r.body(&req); err != nil {
		return nil, err
	}
	if req.Job == nil {
		return nil, invalid("Job must be specified")
	}
	if req.Job.ID != r.PathValue("id") {
		return nil, invalid("Job ID does not match")
	}
	s := r.snapshot()
	warnings, err := a.admit(r, s, req.Job)
	if err != nil {
		return nil, err
	}
	old := s.Job(req.Job.Namespace, req.Job.ID)
	plan := a.Server.PlanJob(s, req.Job)
	r.hidePlanned(plan)
	resp := &api.PlanResponse{Annotations: plan.Annotations, FailedTGAllocs: plan.Failed, Explanations: plan.Explanations,
		CreatedEvals: plan.Evals, Warnings: warnings, NextPeriodicLaunch: cron.NextLaunch(req.Job, time.Now())}
	for _, p := range plan.Placements {
		resp.Placements = append(resp.Placements, new(api.PlannedPlacement(*p)))
	}
	for _, s := range plan.Stops {
		resp.Stops = append(resp.Stops, new(api.PlannedStop(*s)))
	}
	if old != nil {
		resp.JobModifyIndex = old.JobModifyIndex
	}
	if req.Diff {
		if resp.Diff, err = structs.JobDiffOf(old, req.Job, true); err != nil {
			return nil, err
		}
		var updates map[string]*structs.DesiredUpdates
		if plan.Annotations != nil {
			updates = plan.Annotations.DesiredTGUpdates
		}
		resp.Diff.Annotate(old, req.Job, updates)
	}
	r.index = max(s.Index(), 1)
	resp.QueryMeta = r.meta()
	return resp, nil
}

func (a *API) jobEvaluate(r *request) (any, error) {
	var req struct {
		EvalOptions struct{ ForceReschedule bool }
	}
	if r.ContentLength != 0 {
		if err := r.body(&req); err != nil {
			return nil, err
		}
	}
	s := r.snapshot()
	j, err := r.job(s)
	if err != nil {
		return nil, err
	}
	if j.IsPeriodic() || j.IsParameterized() {
		return nil, invalid("can't evaluate periodic or parameterized job")
	}
	e := a.newEval(j, structs.EvalTriggerJobRegister, 0)
	cmd := &structs.AllocTransitionCommand{Evals: []*structs.Evaluation{e}, Transitions: map[string]*structs.DesiredTransition{}}
	if req.EvalOptions.ForceReschedule {
		for al := range s.AllocsByJob(j.Namespace, j.ID) {
			if al.ClientStatus == structs.AllocClientFailed && al.NextAllocation.IsZero() {
				cmd.Transitions[al.ID.String()] = &structs.DesiredTransition{ForceReschedule: new(true)}
			}
		}
	}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdAllocTransition, cmd)
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	return &api.EvalResponse{EvalID: e.ID, EvalCreateIndex: applied.Index, JobModifyIndex: j.JobModifyIndex, QueryMeta: r.meta()}, nil
}

// jobSuspend sets a job aside, or takes it up again. Beside the contract.
func (a *API) jobSuspend(r *request) (any, error) {
	var req struct{ Suspend *bool }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	if req.Suspend == nil {
		return nil, invalid("Suspend must be specified: true or false")
	}
	j, err := r.job(r.snapshot())
	if err != nil {
		return nil, err
	}
	cmd := &structs.JobSuspendCommand{Namespace: j.Namespace, JobID: j.ID, Suspend: *req.Suspend}
	resp := &api.EvalResponse{JobModifyIndex: j.JobModifyIndex}
	if !j.IsPeriodic() && !j.IsParameterized() {
		cmd.Eval = a.newEval(j, structs.EvalTriggerJobSuspend, 0)
		resp.EvalID = cmd.Eval.ID
	}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdJobSuspend, cmd)
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	if cmd.Eval != nil {
		resp.EvalCreateIndex = applied.Index
	}
	resp.QueryMeta = r.meta()
	return resp, nil
}

func (a *API) jobStable(r *request) (any, error) {
	var req struct {
		JobVersion uint64
		Stable     bool
	}
	if err := r.body(&req); err != nil {
		return nil, err
	}
	j, err := r.job(r.snapshot())
	if err != nil {
		return nil, err
	}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdJobStability, &structs.JobStabilityCommand{Namespace: j.Namespace, JobID: j.ID,
		Version: req.JobVersion, Stable: req.Stable})
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	return r.meta(), nil
}

func (a *API) jobRevert(r *request) (any, error) {
	var req struct {
		JobVersion          uint64
		EnforcePriorVersion *uint64
	}
	if err := r.body(&req); err != nil {
		return nil, err
	}
	s := r.snapshot()
	j, err := r.job(s)
	if err != nil {
		return nil, err
	}
	switch {
	case req.EnforcePriorVersion != nil && *req.EnforcePriorVersion != j.Version:
		return nil, invalid("Current job has version %d; enforcing version %d", j.Version, *req.EnforcePriorVersion)
	case req.JobVersion == j.Version:
		return nil, invalid("can't revert to current version")
	}
	old := s.JobVersion(j.Namespace, j.ID, req.JobVersion)
	if old == nil {
		return nil, notFound("job %q in namespace %q at version %d not found", j.ID, j.Namespace, req.JobVersion)
	}
	back := old.Copy()
	back.Stop = false
	if _, err := a.admit(r, s, back); err != nil {
		return nil, err // what it needs may be gone since
	}
	return a.submit(r, &structs.JobRegisterRequest{Job: back, Submission: s.Submission(j.Namespace, j.ID, old.Version)}, "")
}

func (a *API) jobScale(r *request) (any, error) {
	var req api.ScalingRequest
	if err := r.body(&req); err != nil {
		return nil, err
	}
	s := r.snapshot()
	j, err := r.job(s)
	if err != nil {
		return nil, err
	}
	name := req.Target["Group"]
	g := j.LookupGroup(name)
	switch {
	case g == nil:
		return nil, invalid("task group %q specified for scaling does not exist in job", name)
	case req.Count == nil:
		return nil, invalid("the request has no Count")
	case *req.Count < 0 || *req.Count > structs.MaxGroupCount:
		return nil, invalid("a count of %d is not between 0 and %d", *req.Count, structs.MaxGroupCount)
	case g.Scaling != nil && g.Scaling.Max != nil && *req.Count > *g.Scaling.Max:
		return nil, invalid("group count was greater than scaling policy maximum: %d > %d", *req.Count, *g.Scaling.Max)
	case g.Scaling != nil && g.Scaling.Min != nil && *req.Count < *g.Scaling.Min:
		return nil, invalid("group count was less than scaling policy minimum: %d < %d", *req.Count, *g.Scaling.Min)
	}
	if d := s.LatestDeployment(j.Namespace, j.ID); d.Active() && d.JobVersion == j.Version {
		return nil, invalid("job scaling blocked due to active deployment")
	}
	scaled := j.Copy()
	scaled.LookupGroup(name).Count = new(int(*req.Count))
	if err := multi(scaled.Validate(a.Limits).Errors()); err != nil {
		return nil, invalid("%v", err)
	}
	resp, err := a.submit(r, &structs.JobRegisterRequest{Job: scaled, EnforceIndex: req.EnforceIndex, JobModifyIndex: req.JobModifyIndex,
		Submission: s.Submission(j.Namespace, j.ID, j.Version)}, "")
	if err != nil {
		return nil, err
	}
	reg := resp.(*structs.JobRegisterResponse)
	return &api.EvalResponse{EvalID: reg.EvalID, EvalCreateIndex: reg.EvalCreateIndex, JobModifyIndex: reg.JobModifyIndex, QueryMeta: r.meta()}, nil
}
