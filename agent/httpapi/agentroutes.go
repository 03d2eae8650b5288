package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"strconv"

	"berth/api"
	"berth/internal/version"
)

func (a *API) agentRoutes() {
	a.route("/v1/agent/self", methods{http.MethodGet: agentRead().then(a.agentSelf)})
	a.route("/v1/agent/health", methods{http.MethodGet: open().then(a.agentHealth)})
	a.route("/v1/agent/host", methods{http.MethodGet: agentRead().then(a.agentHost)})
	a.route("/v1/agent/reload", methods{http.MethodPut: agentWrite().then(a.agentReload)})
	a.stream("/v1/agent/monitor", streams{http.MethodGet: agentRead().stream(a.agentMonitor)})
	a.stream("/v1/agent/monitor/export", streams{http.MethodGet: agentRead().stream(a.monitorExport)})
	a.profileRoutes()
	a.schedulerRoutes()
	a.stream("/v1/metrics", streams{http.MethodGet: agentRead().stream(a.metrics), http.MethodHead: agentRead().stream(a.metrics)})
	if a.Config.Debug {
		for path, h := range map[string]http.HandlerFunc{"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace} {
			do := agentWrite().stream(func(w http.ResponseWriter, r *request) error {
				h(w, r.Request)
				return nil
			})
			a.stream("/debug/pprof/"+path, streams{http.MethodGet: do, http.MethodPut: do, http.MethodHead: do})
		}
	}
}

// agentReload does what the signal SIGHUP does.
func (a *API) agentReload(*request) (any, error) { return nil, a.Reload() }

func (a *API) agentSelf(r *request) (any, error) {
	if err := r.mine(); err != nil {
		return nil, err
	}
	c := a.Config
	cfg := map[string]any{
		"Region": c.Region, "Datacenter": c.Datacenter, "NodeName": a.Name, "DataDir": c.DataDir, "LogLevel": c.LogLevel, "BindAddr": c.BindAddr,
		"EnableDebug": c.Debug, "DevMode": c.Dev, "Files": c.Files,
		"Server":  map[string]any{"Enabled": c.Server.Enabled, "BootstrapExpect": c.Server.Expect},
		"Client":  map[string]any{"Enabled": c.Client.Enabled, "NodeClass": c.Client.NodeClass, "NodePool": c.Client.NodePool, "Meta": c.Client.Meta},
		"Version": map[string]any{"Version": version.String(), "Revision": version.Revision(), "VersionPrerelease": "", "VersionMetadata": ""},
		"ACL":     map[string]any{"Enabled": c.ACL.Enabled},
		"Ports":   map[string]any{"HTTP": c.HTTPAddr, "RPC": c.RPCAddr},
	}
	stats := a.Server.Stats()
	stats["nomad"] = map[string]string{"server": strconv.FormatBool(c.Server.Enabled), "leader": strconv.FormatBool(a.Server.IsLeader()),
		"known_regions": strconv.Itoa(len(a.knownRegions())), "bootstrap": strconv.FormatBool(c.Server.Expect == 1)}
	if a.Client != nil {
		stats["client"] = map[string]string{"node_id": a.Client.NodeID().String()}
	}
	return &api.AgentSelf{Config: cfg, Member: a.member(), Stats: stats}, nil
}

// agentHealth tells how the roles of this agent are; with ?type=server or client of that alone.
func (a *API) agentHealth(r *request) (any, error) {
	if err := r.mine(); err != nil {
		return nil, err
	}
	asked := r.query.Get("type")
	switch asked {
	case "":
	case "server", "client":
		if asked == "server" && !a.Config.Server.Enabled || asked == "client" && a.Client == nil {
			return nil, status(http.StatusNotImplemented, "this agent runs no %s", asked)
		}
	default:
		return nil, invalid("type %q: use server or client", asked)
	}
	h := &api.AgentHealth{}
	if a.Config.Server.Enabled && asked != "client" {
		h.Server = &api.AgentHealthRole{Ok: true, Message: "ok"}
		if _, ok := a.Server.LeaderAddr(); !ok {
			h.Server = &api.AgentHealthRole{Message: "No cluster leader"}
		}
	}
	if a.Client != nil && asked != "server" {
		h.Client = &api.AgentHealthRole{Ok: true, Message: "ok"}
		select {
		case <-a.Client.Ready():
		default:
			h.Client = &api.AgentHealthRole{Message: "the node is not registered yet"}
		}
	}
	if h.Server != nil && !h.Server.Ok || h.Client != nil && !h.Client.Ok {
		text, err := json.Marshal(h)
		if err != nil {
			return nil, err
		}
		return nil, status(http.StatusInternalServerError, "%s", text)
	}
	return h, nil
}
