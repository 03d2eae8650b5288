package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"berth/api"
	"berth/internal/version"
)

func (a *API) agentRoutes() {
	a.route("/v1/agent/self", methods{http.MethodGet: a.agentSelf})
	a.route("/v1/agent/health", methods{http.MethodGet: a.agentHealth})
	a.stream("/v1/agent/monitor", a.agentMonitor)
	a.metricsRoute()
	if a.Config.Debug {
		a.mux.HandleFunc("/debug/pprof/", pprof.Index)
		a.mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		a.mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		a.mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		a.mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
}

func (a *API) agentSelf(*request) (any, error) {
	c := a.Config
	cfg := map[string]any{
		"Region": c.Region, "Datacenter": c.Datacenter, "NodeName": a.Name, "DataDir": c.DataDir, "LogLevel": c.LogLevel, "BindAddr": c.BindAddr,
		"EnableDebug": c.Debug, "DevMode": c.Dev, "Files": c.Files,
		"Server":  map[string]any{"Enabled": c.Server.Enabled, "BootstrapExpect": c.Server.Expect},
		"Client":  map[string]any{"Enabled": c.Client.Enabled, "NodeClass": c.Client.NodeClass, "NodePool": c.Client.NodePool, "Meta": c.Client.Meta},
		"Version": map[string]any{"Version": version.String(), "Revision": version.Revision(), "VersionPrerelease": "", "VersionMetadata": ""},
		"ACL":     map[string]any{"Enabled": false},
		"Ports":   map[string]any{"HTTP": c.HTTPAddr, "RPC": c.RPCAddr},
	}
	stats := a.Server.Stats()
	stats["nomad"] = map[string]string{"server": strconv.FormatBool(c.Server.Enabled), "leader": strconv.FormatBool(a.Server.IsLeader()),
		"known_regions": strconv.Itoa(len(a.knownRegions())), "bootstrap": "true"}
	if a.Client != nil {
		stats["client"] = map[string]string{"node_id": a.Client.NodeID().String()}
	}
	return &api.AgentSelf{Config: cfg, Member: a.member(), Stats: stats}, nil
}

func (a *API) agentHealth(r *request) (any, error) {
	h := &api.AgentHealth{}
	if a.Config.Server.Enabled {
		h.Server = &api.AgentHealthRole{Ok: true, Message: "ok"}
	}
	if _, ok := a.Server.LeaderAddr(); !ok && a.Config.Server.Enabled {
		h.Server = &api.AgentHealthRole{Message: "No cluster leader"}
	}
	if a.Client != nil {
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

// agentMonitor streams the agent's log as it is written.
func (a *API) agentMonitor(w http.ResponseWriter, r *request) error {
	level := hclog.LevelFromString(r.query.Get("log_level"))
	if r.query.Get("log_level") == "" {
		level = hclog.Info
	} else if level == hclog.NoLevel {
		return invalid("Unknown log level: %s", r.query.Get("log_level"))
	}
	lines, stop := a.Logs(level)
	defer stop()
	w.Header().Set("Content-Type", "application/json")
	flusher := http.NewResponseController(w)
	plain := r.flag("plain")
	enc := json.NewEncoder(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.ctx().Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				return nil
			}
			if plain {
				if _, err := w.Write(line); err != nil {
					return nil
				}
			} else if err := enc.Encode(api.StreamFrame{Data: line}); err != nil {
				return nil
			}
		case <-beat.C:
			if !plain {
				if err := enc.Encode(struct{}{}); err != nil {
					return nil
				}
			}
		}
		if err := flusher.Flush(); err != nil {
			return nil
		}
	}
}

// heartbeat is how often a silent stream shows that it lives.
const heartbeat = 10 * time.Second

// metricsRoute answers with the figures of this process, in the form of Prometheus.
func (a *API) metricsRoute() {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, read func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
	}
	queue := func(read func() int) func() float64 { return func() float64 { return float64(read()) } }
	gauge("nomad_nomad_broker_total_ready", "Evaluations ready to be decided.", queue(func() int { return a.Server.PlacerStats().Queue.Ready }))
	gauge("nomad_nomad_broker_total_waiting", "Evaluations that wait for a time.", queue(func() int { return a.Server.PlacerStats().Queue.Waiting }))
	gauge("nomad_nomad_broker_total_unacked", "Evaluations that are being decided.", queue(func() int { return a.Server.PlacerStats().Queue.InFlight }))
	gauge("nomad_nomad_blocked_evals_total_blocked", "Evaluations that wait for room.", queue(func() int { return a.Server.PlacerStats().Queue.Blocked }))
	gauge("nomad_nomad_heartbeat_active", "Nodes that are heard of.", queue(a.Server.ActiveNodes))
	gauge("nomad_nomad_state_snapshotIndex", "Index of the state.", func() float64 { return float64(a.Server.State().Index()) })
	prom := promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	a.mux.HandleFunc("/v1/metrics", func(w http.ResponseWriter, hr *http.Request) {
		if hr.Method != http.MethodGet {
			http.Error(w, "Invalid method", http.StatusMethodNotAllowed)
			return
		}
		if hr.URL.Query().Get("format") == "prometheus" {
			prom.ServeHTTP(w, hr)
			return
		}
		families, err := reg.Gather()
		if err != nil {
			writeError(w, err)
			return
		}
		type gaugeValue struct {
			Name   string
			Value  float64
			Labels map[string]string
		}
		out := struct {
			Timestamp string
			Gauges    []gaugeValue
			Points    []any
			Counters  []any
			Samples   []any
		}{Timestamp: time.Now().UTC().Format("2006-01-02 15:04:05 +0000 UTC"), Gauges: []gaugeValue{}, Points: []any{}, Counters: []any{}, Samples: []any{}}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if m.GetGauge() != nil {
					out.Gauges = append(out.Gauges, gaugeValue{f.GetName(), m.GetGauge().GetValue(), map[string]string{}})
				}
			}
		}
		writeJSON(w, out, false)
	})
}
