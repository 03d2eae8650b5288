package httpapi

import (
	"net/http"
	"time"

	"berth/acl"
	"berth/api"
	"berth/state"
	"berth/structs"
)

func (a *API) deploymentRoutes() {
	a.route("/v1/deployments", methods{http.MethodGet: across(acl.ReadJob).then(a.deploymentsList)})
	a.route("/v1/deployment/{id}", methods{http.MethodGet: ofDeployment(acl.ReadJob).then(a.deploymentGet)})
	a.route("/v1/deployment/allocations/{id}", methods{http.MethodGet: ofDeployment(acl.ReadJob).then(a.deploymentAllocations)})
	for name, h := range map[string]op{
		"fail":              ofDeployment(acl.SubmitJob | acl.FailDeployment).then(a.deploymentFail),
		"pause":             ofDeployment(acl.SubmitJob | acl.PauseDeployment).then(a.deploymentPause),
		"promote":           ofDeployment(acl.SubmitJob | acl.PromoteDeployment).then(a.deploymentPromote),
		"allocation-health": ofDeployment(acl.SubmitJob | acl.SetAllocHealthDeployment).then(a.deploymentHealth)} {
		a.route("/v1/deployment/"+name+"/{id}", methods{http.MethodPut: h})
	}
}

func (a *API) deploymentsList(r *request) (any, error) {
	if err := r.checkIDPrefix(); err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		all := s.Deployments()
		if p := r.query.Get("prefix"); p != "" {
			all = s.DeploymentsWith(p)
		}
		by := deploymentsByCreation
		return watched(s, r.namespace(), state.TableDeployments).of(listBy(r, comparePlaces, by.sort(all, func(d *structs.Deployment) bool { return r.in(d.Namespace) }),
			by.key, func(d *structs.Deployment) *structs.Deployment { return d }, nil))
	})
}

func (a *API) deploymentGet(r *request) (any, error) {
	id, err := r.id("id", "deployment")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		d, changed := s.DeploymentW(id)
		if d == nil {
			return answer{}, notFound("deployment not found")
		}
		return answer{value: d, index: d.ModifyIndex, changed: changed}, nil
	})
}

func (a *API) deploymentAllocations(r *request) (any, error) {
	id, err := r.id("id", "deployment")
	if err != nil {
		return nil, err
	}
	return r.read(func(s *state.Snapshot) (answer, error) {
		allocs, changed := s.AllocsByDeploymentW(id)
		return answer{value: lines(allocs), index: newest(s, allocs, allocIndex, state.TableAllocs), changed: changed}, nil
	})
}

// advance proposes a change of the deployment of the path, with an evaluation of its job.
func (a *API) advance(r *request, fill func(d *structs.Deployment, s *state.Snapshot, cmd *structs.DeploymentUpdateCommand) error) (any, error) {
	id, err := r.id("id", "deployment")
	if err != nil {
		return nil, err
	}
	s := r.snapshot()
	d := s.Deployment(id)
	if d == nil {
		return nil, notFound("deployment not found")
	}
	if !d.Active() {
		return nil, invalid("can't change deployment %s: it has ended, it is %s", id, d.Status)
	}
	cmd := &structs.DeploymentUpdateCommand{}
	if j := s.Job(d.Namespace, d.JobID); j != nil {
		e := a.newEval(j, structs.EvalTriggerDeploymentWatcher, d.EvalPriority)
		e.DeploymentID = d.ID
		cmd.Evals = []*structs.Evaluation{e}
	}
	if err := fill(d, s, cmd); err != nil {
		return nil, err
	}
	applied, err := a.Server.Propose(r.ctx(), structs.CmdDeploymentUpdate, cmd)
	if err != nil {
		return nil, err
	}
	r.index = applied.Index
	resp := &api.DeploymentUpdateResponse{DeploymentModifyIndex: applied.Index, QueryMeta: r.meta()}
	if len(cmd.Evals) > 0 {
		resp.EvalID, resp.EvalCreateIndex = cmd.Evals[0].ID, applied.Index
	}
	return resp, nil
}

func (a *API) deploymentFail(r *request) (any, error) {
	return a.advance(r, func(d *structs.Deployment, s *state.Snapshot, cmd *structs.DeploymentUpdateCommand) error {
		description := structs.DeploymentDescFailedByUser
		for _, g := range d.TaskGroups {
			if g == nil || !g.AutoRevert || cmd.RevertJob != nil {
				continue
			}
			for j := range s.JobVersions(d.Namespace, d.JobID) {
				if j.Stable && j.Version < d.JobVersion {
					cmd.RevertJob = j.Copy()
					cmd.RevertJob.SubmitTime = time.Now().UnixNano()
					break
				}
			}
		}
		cmd.Updates = []*structs.DeploymentStatusUpdate{{DeploymentID: d.ID, Status: structs.DeploymentFailed, StatusDescription: description}}
		return nil
	})
}

func (a *API) deploymentPause(r *request) (any, error) {
	var req struct{ Pause bool }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	return a.advance(r, func(d *structs.Deployment, _ *state.Snapshot, cmd *structs.DeploymentUpdateCommand) error {
		u := &structs.DeploymentStatusUpdate{DeploymentID: d.ID, Status: structs.DeploymentRunning, StatusDescription: structs.DeploymentDescRunning}
		if req.Pause {
			u.Status, u.StatusDescription, cmd.Evals = structs.DeploymentPaused, structs.DeploymentDescPaused, nil
		}
		cmd.Updates = []*structs.DeploymentStatusUpdate{u}
		return nil
	})
}

func (a *API) deploymentPromote(r *request) (any, error) {
	var req struct {
		All    bool
		Groups []string
	}
	if err := r.body(&req); err != nil {
		return nil, err
	}
	return a.advance(r, func(d *structs.Deployment, _ *state.Snapshot, cmd *structs.DeploymentUpdateCommand) error {
		if !req.All && len(req.Groups) == 0 {
			return invalid("name the groups to promote in Groups, or set All")
		}
		cmd.Promote = &structs.DeploymentPromotion{DeploymentID: d.ID, All: req.All, Groups: req.Groups}
		return nil
	})
}

func (a *API) deploymentHealth(r *request) (any, error) {
	var req struct{ HealthyAllocationIDs, UnhealthyAllocationIDs []structs.ID }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	return a.advance(r, func(d *structs.Deployment, _ *state.Snapshot, cmd *structs.DeploymentUpdateCommand) error {
		cmd.Health = &structs.DeploymentHealth{DeploymentID: d.ID, Healthy: req.HealthyAllocationIDs, Unhealthy: req.UnhealthyAllocationIDs}
		return nil
	})
}
