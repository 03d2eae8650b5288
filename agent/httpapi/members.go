package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"berth/api"
	"berth/server/membership"
	"berth/structs"
)

func (a *API) memberRoutes() {
	a.route("/v1/agent/members", methods{http.MethodGet: membersRead().then(a.agentMembers)})
	a.route("/v1/agent/servers", methods{http.MethodGet: agentRead().then(a.agentServers)})
	a.route("/v1/agent/join", methods{http.MethodPut: agentWrite().then(a.agentJoin)})
	a.route("/v1/agent/force-leave", methods{http.MethodPut: agentWrite().then(a.agentForceLeave)})
	a.route("/v1/agent/keyring/{op}", methods{http.MethodGet: agentRead().then(a.keyringList), http.MethodPut: agentWrite().then(a.keyringChange)})
	a.route("/v1/status/leader", methods{http.MethodGet: open().then(a.statusLeader)})
	a.route("/v1/status/peers", methods{http.MethodGet: open().then(a.statusPeers)})
}

func shownMember(m membership.Member) *api.AgentMember {
	return &api.AgentMember{Name: m.Name, Addr: m.Addr, Port: m.Port, Tags: m.Tags, Status: m.Status, ProtocolMin: m.ProtocolMin, ProtocolMax: m.ProtocolMax,
		ProtocolCur: m.ProtocolCur, DelegateMin: m.DelegateMin, DelegateMax: m.DelegateMax, DelegateCur: m.DelegateCur}
}

// member is this agent as gossip knows it.
func (a *API) member() api.AgentMember {
	for _, m := range a.Server.Members() {
		if m.ID == a.Server.ID() {
			return *shownMember(m)
		}
	}
	return api.AgentMember{Name: membership.MemberName(a.Name, a.Config.Region), Status: "none"}
}

func (a *API) agentMembers(*request) (any, error) {
	out := &api.ServerMembers{ServerName: a.Name, ServerRegion: a.Config.Region, ServerDC: a.Config.Datacenter, Members: []*api.AgentMember{}}
	for _, m := range a.Server.Members() {
		out.Members = append(out.Members, shownMember(m))
	}
	return out, nil
}

func (a *API) agentServers(*request) (any, error) {
	out := []string{}
	for _, m := range a.Server.Members() {
		if m.Status == membership.StatusAlive && m.Region == a.Config.Region && m.RPCAddr != "" {
			out = append(out, m.RPCAddr)
		}
	}
	return out, nil
}

func (a *API) agentJoin(r *request) (any, error) {
	addrs := r.query["address"]
	if len(addrs) == 0 {
		return nil, invalid("missing address to join")
	}
	n, err := a.Server.Join(addrs)
	out := &api.JoinResponse{NumJoined: n}
	if err != nil {
		out.Error = err.Error()
	}
	return out, nil
}

func (a *API) agentForceLeave(r *request) (any, error) {
	name := r.query.Get("node")
	if name == "" {
		return nil, invalid("missing node to force leave")
	}
	return nil, a.Server.ForceLeave(name, r.flag("prune"))
}

func shownKeys(k *membership.Keys) *api.KeyringResponse {
	return &api.KeyringResponse{Keys: k.Keys, PrimaryKeys: k.PrimaryKeys, Messages: k.Messages, NumNodes: k.NumNodes}
}

func (a *API) keyringList(r *request) (any, error) {
	if op := r.PathValue("op"); op != "list" {
		return nil, notFound("%s: install, use and remove are sent with PUT", op)
	}
	keys, err := a.Server.GossipKeys()
	if err != nil {
		return nil, err
	}
	k, err := keys.ListKeys()
	if err != nil {
		return nil, err
	}
	return shownKeys(k), nil
}

func (a *API) keyringChange(r *request) (any, error) {
	var req api.KeyringRequest
	if err := r.body(&req); err != nil {
		return nil, err
	}
	if req.Key == "" {
		return nil, invalid("there is no Key in the request")
	}
	keys, err := a.Server.GossipKeys()
	if err != nil {
		return nil, err
	}
	change := map[string]func(string) (*membership.Keys, error){"install": keys.InstallKey, "use": keys.UseKey, "remove": keys.RemoveKey}[r.PathValue("op")]
	if change == nil {
		return nil, notFound("%s is no operation on keys: install, use, remove", r.PathValue("op"))
	}
	k, err := change(req.Key)
	if err != nil {
		return nil, err
	}
	return shownKeys(k), nil
}

func (a *API) statusLeader(*request) (any, error) {
	_, addr, ok := a.Server.Leader()
	if !ok {
		return nil, &structs.Error{Kind: structs.KindNoLeader, Err: errors.New("No cluster leader")} //nolint:staticcheck // the contract's text
	}
	return addr, nil
}

func (a *API) statusPeers(*request) (any, error) {
	peers, _, err := a.Server.Peers()
	out := []string{}
	for _, p := range peers {
		out = append(out, p.Addr)
	}
	return out, err
}

// nodeName is what a server is called, by its id.
func (a *API) nodeName(id string) string {
	for _, m := range a.Server.Members() {
		if strings.EqualFold(m.ID.String(), id) {
			return m.Name
		}
	}
	return "(unknown)"
}
