package httpapi

import (
	"net/http"
	"slices"

	"berth/api"
)

// schedulers are the kinds of evaluations the leader's one loop decides.
var schedulers = []string{"batch", "service", "sysbatch", "system"}

func (a *API) schedulerRoutes() {
	a.route("/v1/agent/schedulers", methods{http.MethodGet: agentRead().then(a.schedulersList)})
	a.route("/v1/agent/schedulers/config", methods{http.MethodGet: agentRead().then(a.schedulersConfig), http.MethodPut: agentWrite().then(a.schedulersSet)})
}

// schedulingServer sees that the request is at a server.
func (r *request) schedulingServer() error {
	if err := r.mine(); err != nil {
		return err
	}
	if !r.api.Config.Server.Enabled {
		return status(http.StatusNotImplemented, "this agent runs no server")
	}
	return nil
}

func (a *API) schedulersList(r *request) (any, error) {
	if err := r.schedulingServer(); err != nil {
		return nil, err
	}
	return &api.AgentSchedulers{ServerID: a.Server.ID().String(), Schedulers: schedulers}, nil
}

func (a *API) schedulersConfig(r *request) (any, error) {
	if err := r.schedulingServer(); err != nil {
		return nil, err
	}
	return &api.AgentSchedulersConfig{ServerID: a.Server.ID().String(), NumSchedulers: 1, EnabledSchedulers: schedulers}, nil
}

// schedulersSet takes what is so already: one loop on the leader decides everything, and is never more or less.
func (a *API) schedulersSet(r *request) (any, error) {
	if err := r.schedulingServer(); err != nil {
		return nil, err
	}
	var in api.AgentSchedulersConfig
	if err := r.body(&in); err != nil {
		return nil, err
	}
	slices.Sort(in.EnabledSchedulers)
	in.EnabledSchedulers = slices.DeleteFunc(in.EnabledSchedulers, func(s string) bool { return s == "_core" })
	if in.NumSchedulers != 1 || !slices.Equal(slices.Compact(in.EnabledSchedulers), schedulers) {
		return nil, invalid("one loop on the leader decides every evaluation: num_schedulers is 1 and enabled_schedulers are batch, service, sysbatch and system; " +
			"`berth operator scheduler set-config -pause-eval-broker` stops it")
	}
	return a.schedulersConfig(r)
}
