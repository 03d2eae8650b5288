package httpapi

import (
	"net/http"
	"slices"
	"strconv"

	"berth/api"
	"berth/state"
	"berth/structs"
)

func (a *API) jobSummary(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		sum, changed := s.JobSummaryW(r.namespace(), r.PathValue("id"))
		if sum == nil {
			return answer{}, notFound("job not found")
		}
		return answer{value: sum, index: sum.ModifyIndex, changed: changed}, nil
	})
}

// comparison says what the versions of a job are compared with, when differences are asked for: each with the one before, or all with one
// that is named by its number or its tag.
type comparison struct {
	asked   bool
	version *uint64
	tag     string
}

func (r *request) comparison() (comparison, error) {
	c := comparison{asked: r.flag("diffs"), tag: r.query.Get("diff_tag")}
	text := r.query.Get("diff_version")
	if text != "" && c.tag != "" {
		return c, invalid("diff_version and diff_tag name the same thing: give one")
	}
	if text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return c, invalid("diff_version %q is not the number of a version", text)
		}
		c.version = &n
	}
	c.asked = c.asked || c.tag != "" || c.version != nil
	return c, nil
}

// with finds the version all are compared with; nil where each is with the one before.
func (c comparison) with(versions []*structs.Job) (*structs.Job, error) {
	if c.tag == "" && c.version == nil {
		return nil, nil
	}
	for _, j := range versions {
		if c.version != nil && j.Version == *c.version || c.tag != "" && j.VersionTag != nil && j.VersionTag.Name == c.tag {
			return j, nil
		}
	}
	if c.tag != "" {
		return nil, notFound("no version of the job that is kept has the tag %q", c.tag)
	}
	return nil, notFound("version %d of the job is not kept", *c.version)
}

// diffs are the differences of versions, the newest first, in their order.
func (c comparison) diffs(versions []*structs.Job) ([]*structs.JobDiff, error) {
	base, err := c.with(versions)
	if err != nil || !c.asked {
		return nil, err
	}
	var out []*structs.JobDiff
	for i, j := range versions {
		from := base
		if base == nil {
			if i+1 == len(versions) { // nothing before it is kept
				break
			}
			from = versions[i+1]
		}
		d, err := structs.JobDiffOf(from, j, true)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func (a *API) jobVersions(r *request) (any, error) {
	compare, err := r.comparison()
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		seq, changed := s.JobVersionsW(r.namespace(), r.PathValue("id"))
		versions := slices.Collect(seq)
		if len(versions) == 0 {
			return answer{}, notFound("job versions not found")
		}
		resp := &api.JobVersionsResponse{Versions: versions}
		var err error
		if resp.Diffs, err = compare.diffs(versions); err != nil {
			return answer{}, err
		}
		r.index = newest(s, slices.Values(versions), func(j *structs.Job) uint64 { return j.ModifyIndex }, state.TableJobVersions)
		resp.QueryMeta = r.meta()
		return answer{value: resp, index: r.index, changed: changed}, nil
	})
}

func (a *API) jobSubmission(r *request) (any, error) {
	s := r.snapshot()
	j, err := r.job(s)
	if err != nil {
		return nil, err
	}
	version, err := strconv.ParseUint(r.query.Get("version"), 10, 64)
	if err != nil {
		return nil, invalid("version %q is not a number: it must be given", r.query.Get("version"))
	}
	sub := s.Submission(j.Namespace, j.ID, version)
	if sub == nil {
		return nil, notFound("job source not found")
	}
	r.index = s.TableIndex(state.TableJobSubmissions)
	return sub, nil
}

func (a *API) jobAllocations(r *request) (any, error) {
	all := r.flag("all")
	return r.read(func(s *state.Snapshot) (answer, error) {
		seq, changed := s.AllocsByJobW(r.namespace(), r.PathValue("id"))
		j := s.Job(r.namespace(), r.PathValue("id"))
		out := []*allocLine{}
		for al := range seq {
			// Those of a purged job of the same name are shown only when all are asked for.
			if all || j == nil || al.CreateIndex >= j.CreateIndex {
				out = append(out, (*allocLine)(al))
			}
		}
		return answer{value: out, index: newest(s, seq, func(al *structs.Allocation) uint64 { return al.ModifyIndex }, state.TableAllocs), changed: changed}, nil
	})
}

func (a *API) jobEvaluations(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		seq, changed := s.EvalsByJobW(r.namespace(), r.PathValue("id"))
		out := append([]*structs.Evaluation{}, slices.Collect(seq)...)
		return answer{value: out, index: newest(s, seq, func(e *structs.Evaluation) uint64 { return e.ModifyIndex }, state.TableEvals), changed: changed}, nil
	})
}

func (a *API) jobDeployments(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		seq, changed := s.DeploymentsByJobW(r.namespace(), r.PathValue("id"))
		out := append([]*structs.Deployment{}, slices.Collect(seq)...)
		return answer{value: out, index: newest(s, seq, func(d *structs.Deployment) uint64 { return d.ModifyIndex }, state.TableDeployments), changed: changed}, nil
	})
}

func (a *API) jobDeployment(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		d, changed := s.LatestDeploymentW(r.namespace(), r.PathValue("id"))
		if d == nil {
			return answer{value: (*structs.Deployment)(nil), index: s.TableIndex(state.TableDeployments), changed: changed}, nil
		}
		return answer{value: d, index: d.ModifyIndex, changed: changed}, nil
	})
}

func (a *API) jobScaleStatus(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		j, job := s.JobW(r.namespace(), r.PathValue("id"))
		if j == nil {
			return answer{}, notFound("job not found")
		}
		allocs, changed := s.AllocsByJobW(j.Namespace, j.ID)
		out := &api.JobScaleStatus{JobID: j.ID, Namespace: j.Namespace, JobCreateIndex: j.CreateIndex, JobModifyIndex: j.ModifyIndex,
			JobStopped: j.Stop, TaskGroups: map[string]*api.GroupScaleStatus{}}
		for _, g := range j.TaskGroups {
			out.TaskGroups[g.Name] = &api.GroupScaleStatus{Desired: g.Desired(), Events: []api.ScalingEvent{}}
		}
		for al := range allocs {
			g := out.TaskGroups[al.TaskGroup]
			if g == nil || al.Terminal() {
				continue
			}
			g.Placed++
			if al.ClientStatus == structs.AllocClientRunning {
				g.Running++
			}
			if d := al.DeploymentStatus; d != nil && d.Healthy != nil {
				if *d.Healthy {
					g.Healthy++
				} else {
					g.Unhealthy++
				}
			}
		}
		return answer{value: out, index: max(j.ModifyIndex, newest(s, allocs, func(al *structs.Allocation) uint64 { return al.ModifyIndex }, state.TableAllocs)), changed: changed, also: job}, nil
	})
}

// jobStatuses is the overview the web interfaces show: of the jobs named in the body, or of all.
func (a *API) jobStatuses(r *request) (any, error) {
	var req struct {
		Jobs            []structs.JobRef
		IncludeChildren bool
	}
	if r.Method != http.MethodGet && r.ContentLength != 0 {
		if err := r.body(&req); err != nil {
			return nil, err
		}
	}
	wanted := map[structs.JobKey]bool{}
	for _, j := range req.Jobs {
		wanted[structs.JobKey{Namespace: j.Namespace, ID: j.ID}] = true
	}
	children := req.IncludeChildren || r.flag("include_children")
	return r.read(func(s *state.Snapshot) (answer, error) {
		ns := r.namespace()
		if len(wanted) > 0 { // they may be of several
			ns = anyNamespace
		}
		return watched(s, ns, state.TableJobs, state.TableAllocs, state.TableDeployments).of(list(r, s.Jobs(), func(j *structs.Job) string { return j.Namespace + "." + j.ID },
			func(j *structs.Job) *api.JobStatus { return jobStatus(s, j) },
			func(j *structs.Job) bool {
				if len(wanted) > 0 {
					return wanted[j.Key()] && r.sees(j.Namespace)
				}
				return r.in(j.Namespace) && (children || j.ParentID == "")
			}))
	})
}

func jobStatus(s *state.Snapshot, j *structs.Job) *api.JobStatus {
	out := &api.JobStatus{
		ID: j.ID, Namespace: j.Namespace, Name: j.Name, Type: j.Type, NodePool: j.NodePool, Datacenters: j.Datacenters, Priority: j.Priority,
		Version: j.Version, SubmitTime: j.SubmitTime, ModifyIndex: j.ModifyIndex, Allocs: []api.JobStatusAlloc{}, ParentID: j.ParentID,
		Stop: j.Stop, Status: j.Status,
	}
	for _, g := range j.TaskGroups {
		out.GroupCountSum += g.Desired()
	}
	for al := range s.AllocsByJob(j.Namespace, j.ID) {
		x := api.JobStatusAlloc{ID: al.ID, Group: al.TaskGroup, ClientStatus: al.ClientStatus, NodeID: al.NodeID, JobVersion: al.JobVersion,
			FollowupEvalID: al.FollowupEvalID}
		if d := al.DeploymentStatus; d != nil {
			x.DeploymentStatus = api.JobStatusAllocDeployment{Canary: d.Canary, Healthy: d.Healthy}
		}
		out.Allocs = append(out.Allocs, x)
	}
	if d := s.LatestDeployment(j.Namespace, j.ID); d != nil {
		out.LatestDeployment = &api.JobStatusDeployment{ID: d.ID, IsActive: d.Active(), JobVersion: d.JobVersion, Status: d.Status,
			StatusDescription: d.StatusDescription, RequiresPromotion: d.StatusDescription == structs.DeploymentDescNeedsPromotion}
	}
	return out
}
