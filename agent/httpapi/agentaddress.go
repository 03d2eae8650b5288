package httpapi

import (
	"strings"

	"berth/server/membership"
)

// mine sees that a request which names an agent by node_id or server_id has arrived at that one.
func (r *request) mine() error {
	a := r.api
	if id := r.query.Get("node_id"); id != "" && (a.Client == nil || !strings.EqualFold(id, a.Client.NodeID().String())) {
		return notFound("no node %q is known here", id)
	}
	if id := r.query.Get("server_id"); id != "" {
		switch {
		case !a.Config.Server.Enabled:
			return status(501, "this agent runs no server")
		case id == "leader" && a.Server.IsLeader(), id == a.Server.ID().String(), id == a.Name, id == membership.MemberName(a.Name, a.Config.Region):
		default:
			return notFound("no server %q is known here", id)
		}
	}
	return nil
}

// debug refuses what shows the inside of the process unless the configuration allows it, or access control says who may look, as in the contract.
func (r *request) debug() error {
	if err := r.mine(); err != nil {
		return err
	}
	if !r.api.Config.Debug && r.who == nil {
		return status(403, "this agent shows nothing of its inside: set enable_debug = true in its configuration, or switch access control on")
	}
	return nil
}
