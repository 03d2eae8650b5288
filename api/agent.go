package api

import (
	"context"
	"net/http"
)

// HostDisk is a file system, sizes in bytes.
type HostDisk struct {
	Total, Used, Available uint64
	UsedPercent            float64
}

// HostData describes a machine. Values of its environment that may be secrets are "<redacted>".
type HostData struct {
	OS          string
	Network     []map[string]string
	ResolvConf  string
	Hosts       string
	Environment map[string]string
	Disk        map[string]HostDisk
}

// AgentHost describes the machine of an agent.
type AgentHost struct {
	AgentID  string
	HostData HostData
}

// AgentSchedulers are the kinds of evaluations a server decides.
type AgentSchedulers struct {
	ServerID   string   `json:"server_id"`
	Schedulers []string `json:"schedulers"`
}

// AgentSchedulersConfig is how many loops decide which evaluations.
type AgentSchedulersConfig struct {
	ServerID          string   `json:"server_id"`
	NumSchedulers     int      `json:"num_schedulers"`
	EnabledSchedulers []string `json:"enabled_schedulers"`
}

// Host describes the machine of the agent; q may name another with the parameters node_id or server_id.
func (a Agent) Host(ctx context.Context, q *QueryOptions) (*AgentHost, error) {
	out, _, err := get[*AgentHost](ctx, a.c, "/v1/agent/host", q)
	return out, err
}

// Reload makes the agent read again what it can while it runs, as the signal SIGHUP does.
func (a Agent) Reload(ctx context.Context) error {
	_, _, err := write[nothing](ctx, a.c, http.MethodPut, "/v1/agent/reload", nil, nil)
	return err
}
