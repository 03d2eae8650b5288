package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// JoinResponse tells how many machines took a server in.
type JoinResponse struct {
	NumJoined int    `json:"num_joined"`
	Error     string `json:"error"`
}

// KeyringRequest names a key of gossip, base64.
type KeyringRequest struct{ Key string }

// KeyringResponse are the keys of gossip, and how many members have each.
type KeyringResponse struct {
	Keys        map[string]int
	PrimaryKeys map[string]int
	Messages    map[string]string
	NumNodes    int
}

// RaftIDAddress names a server of the Raft cluster.
type RaftIDAddress struct{ ID, Address string }

// TransferLeadershipResponse tells who led and who was asked to.
type TransferLeadershipResponse struct {
	From, To RaftIDAddress
	Noop     bool
}

// AutopilotConfiguration is how servers that fail or come are treated. Durations are text.
type AutopilotConfiguration struct {
	CleanupDeadServers      bool
	LastContactThreshold    string
	MaxTrailingLogs         uint64
	MinQuorum               uint
	ServerStabilizationTime string
	EnableRedundancyZones   bool
	DisableUpgradeMigration bool
	EnableCustomUpgrades    bool
	CreateIndex             uint64
	ModifyIndex             uint64
}

// AutopilotServer is one server as the leader's autopilot sees it.
type AutopilotServer struct {
	ID, Name, Address, SerfStatus, Version string
	Leader                                 bool
	LastContact                            string
	LastTerm, LastIndex                    uint64
	Healthy, Voter                         bool
	StableSince                            time.Time
}

// AutopilotHealth is how well the servers are.
type AutopilotHealth struct {
	Healthy          bool
	FailureTolerance int
	Leader           string
	Voters           []string
	Servers          []*AutopilotServer
}

// Join makes the agent's server ask others, by the addresses of their gossip, to take it in.
func (a Agent) Join(ctx context.Context, addrs ...string) (*JoinResponse, error) {
	out, _, err := write[*JoinResponse](ctx, a.c, http.MethodPut, "/v1/agent/join", nil, url.Values{"address": addrs})
	return out, err
}

// ForceLeave makes the servers take a failed one as one that left; with prune they forget it.
func (a Agent) ForceLeave(ctx context.Context, node string, prune bool) error {
	v := url.Values{"node": {node}}
	if prune {
		v.Set("prune", "true")
	}
	_, _, err := write[nothing](ctx, a.c, http.MethodPut, "/v1/agent/force-leave", nil, v)
	return err
}

// Servers lists the addresses of the servers the agent knows.
func (a Agent) Servers(ctx context.Context) ([]string, error) {
	out, _, err := get[[]string](ctx, a.c, "/v1/agent/servers", nil)
	return out, err
}

// Keys lists the keys of gossip.
func (a Agent) Keys(ctx context.Context) (*KeyringResponse, error) {
	out, _, err := get[*KeyringResponse](ctx, a.c, "/v1/agent/keyring/list", nil)
	return out, err
}

// ChangeKey does an operation ("install", "use", "remove") with a key on every server.
func (a Agent) ChangeKey(ctx context.Context, operation, key string) (*KeyringResponse, error) {
	out, _, err := write[*KeyringResponse](ctx, a.c, http.MethodPut, "/v1/agent/keyring/"+escape(operation), &KeyringRequest{key}, nil)
	return out, err
}

// RemovePeer takes a server out of the Raft cluster, by its id or, when that is empty, its address.
func (o Operator) RemovePeer(ctx context.Context, id, address string) error {
	_, _, err := write[nothing](ctx, o.c, http.MethodDelete, "/v1/operator/raft/peer", nil, peerValues(id, address))
	return err
}

// TransferLeadership gives leadership to a server named by id or address, or to any when both are empty.
func (o Operator) TransferLeadership(ctx context.Context, id, address string) (*TransferLeadershipResponse, error) {
	out, _, err := write[*TransferLeadershipResponse](ctx, o.c, http.MethodPut, "/v1/operator/raft/transfer-leadership", nil, peerValues(id, address))
	return out, err
}

func peerValues(id, address string) url.Values {
	v := url.Values{}
	if id != "" {
		v.Set("id", id)
	} else if address != "" {
		v.Set("address", address)
	}
	return v
}

// AutopilotConfiguration reads how servers that fail or come are treated.
func (o Operator) AutopilotConfiguration(ctx context.Context) (*AutopilotConfiguration, error) {
	out, _, err := get[*AutopilotConfiguration](ctx, o.c, "/v1/operator/autopilot/configuration", nil)
	return out, err
}

// SetAutopilotConfiguration changes how servers that fail or come are treated. With cas nothing changes, and it is false, unless the
// configuration is still the one of cfg.ModifyIndex.
func (o Operator) SetAutopilotConfiguration(ctx context.Context, cfg *AutopilotConfiguration, cas bool) (bool, error) {
	v := url.Values{}
	if cas {
		v.Set("cas", strconv.FormatUint(cfg.ModifyIndex, 10))
	}
	done, _, err := write[bool](ctx, o.c, http.MethodPut, "/v1/operator/autopilot/configuration", cfg, v)
	return done, err
}

// AutopilotHealth tells how well the servers are. A cluster that is not well answers with status 429: an error.
func (o Operator) AutopilotHealth(ctx context.Context) (*AutopilotHealth, error) {
	out, _, err := get[*AutopilotHealth](ctx, o.c, "/v1/operator/autopilot/health", nil)
	return out, err
}
