package httpapi

import (
	"net/http"
	"strings"
	"time"

	"berth/api"
)

func (a *API) raftRoutes() {
	a.route("/v1/operator/raft/configuration", methods{http.MethodGet: management().then(a.raftConfiguration)})
	a.route("/v1/operator/raft/peer", methods{http.MethodDelete: management().then(a.raftRemovePeer)})
	a.route("/v1/operator/raft/transfer-leadership", methods{http.MethodPut: management().then(a.raftTransfer)})
	a.route("/v1/operator/autopilot/configuration", methods{http.MethodGet: operatorRead().then(a.autopilotConfiguration), http.MethodPut: operatorWrite().then(a.autopilotSet)})
	a.route("/v1/operator/autopilot/health", methods{http.MethodGet: operatorRead().then(a.autopilotHealth)})
}

func (a *API) raftConfiguration(*request) (any, error) {
	peers, index, err := a.Server.Peers()
	if err != nil {
		return nil, err
	}
	out := &api.RaftConfiguration{Servers: []*api.RaftServer{}, Index: index}
	for _, p := range peers {
		out.Servers = append(out.Servers, &api.RaftServer{ID: p.ID, Node: a.nodeName(p.ID), Address: p.Addr, Leader: p.Leader, Voter: p.Voter, RaftProtocol: "3"})
	}
	return out, nil
}

// peerOf reads ?id= or ?address=, one of which must be there.
func peerOf(r *request, optional bool) (id, addr string, err error) {
	id, addr = r.query.Get("id"), r.query.Get("address")
	switch {
	case id != "" && addr != "":
		return "", "", invalid("must specify only one of id or address")
	case id == "" && addr == "" && !optional:
		return "", "", invalid("must specify either id or address")
	}
	return id, addr, nil
}

func (a *API) raftRemovePeer(r *request) (any, error) {
	id, addr, err := peerOf(r, false)
	if err != nil {
		return nil, err
	}
	return nil, a.Server.RemovePeer(id, addr)
}

func (a *API) raftTransfer(r *request) (any, error) {
	id, addr, err := peerOf(r, true)
	if err != nil {
		return nil, err
	}
	peers, _, err := a.Server.Peers()
	if err != nil {
		return nil, err
	}
	out := &api.TransferLeadershipResponse{}
	for _, p := range peers {
		shown := api.RaftIDAddress{ID: p.ID, Address: p.Addr}
		if p.Leader {
			out.From = shown
		}
		if id != "" && strings.EqualFold(p.ID, id) || id == "" && addr == p.Addr {
			out.To = shown
		}
	}
	if err := a.Server.TransferLeadership(id, addr); err != nil {
		return nil, err
	}
	out.Noop = out.To == out.From
	return out, nil
}

func (a *API) autopilotHealth(r *request) (any, error) {
	h, err := a.Server.Health()
	if err != nil {
		return nil, err
	}
	out := &api.AutopilotHealth{Healthy: h.Healthy, FailureTolerance: h.FailureTolerance, Servers: []*api.AutopilotServer{}, Leader: h.Leader, Voters: h.Voters}
	for _, s := range h.Servers {
		out.Servers = append(out.Servers, &api.AutopilotServer{ID: s.ID, Name: s.Name, Address: s.Addr, SerfStatus: s.Status, Version: s.Version, Leader: s.Leader,
			LastContact: s.Stats.LastContact.String(), LastTerm: s.Stats.LastTerm, LastIndex: s.Stats.LastIndex, Healthy: s.Healthy, Voter: s.Voter,
			StableSince: s.StableSince.UTC().Truncate(time.Second)})
	}
	if !out.Healthy {
		r.w.Header().Set("Content-Type", "application/json")
		r.w.WriteHeader(http.StatusTooManyRequests) // the contract's status of a cluster that is not well
	}
	return out, nil
}
