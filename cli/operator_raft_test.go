package cli

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"berth/api"
)

func TestThePeersOfTheLog(t *testing.T) {
	ok := func(http.ResponseWriter, *http.Request) {}
	f := newFake(t, map[string]any{
		"GET /v1/operator/raft/configuration": api.RaftConfiguration{Servers: []*api.RaftServer{
			{ID: "a1", Node: "a.global", Address: "10.0.0.1:4647", Leader: true, Voter: true, RaftProtocol: "3"},
			{ID: "b2", Node: "b.global", Address: "10.0.0.2:4647", RaftProtocol: "3"}}},
		"DELETE /v1/operator/raft/peer":             ok,
		"PUT /v1/operator/raft/transfer-leadership": api.TransferLeadershipResponse{From: api.RaftIDAddress{ID: "a1", Address: "10.0.0.1:4647"}},
	})
	golden(t, "raft-peers", f.berth(t, "operator", "raft", "list-peers").out)
	if got := f.berth(t, "operator", "raft", "list-peers", "-stale"); got.code != 0 || !strings.Contains(f.last(), "stale") {
		t.Errorf("%+v %v", got, f.requests())
	}
	if got := f.berth(t, "operator", "raft", "remove-peer", "-peer-id=b2"); got.code != 0 || !strings.Contains(f.last(), "id=b2") {
		t.Errorf("%+v %v", got, f.requests())
	}
	if got := f.berth(t, "operator", "raft", "remove-peer", "-peer-address=10.0.0.2:4647"); got.code != 0 || !strings.Contains(f.last(), "address=10.0.0.2") {
		t.Errorf("%+v %v", got, f.requests())
	}
	for _, args := range [][]string{nil, {"-peer-id=b2", "-peer-address=x"}} {
		if got := f.berth(t, append([]string{"operator", "raft", "remove-peer"}, args...)...); got.code != 1 || !strings.Contains(got.err, "-peer-id") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if got := f.berth(t, "operator", "raft", "transfer-leadership"); got.code != 0 || !strings.Contains(got.out, "given away by 10.0.0.1:4647") {
		t.Errorf("%+v", got)
	}
}

func TestTheAutopilot(t *testing.T) {
	f := newFake(t, map[string]any{
		"GET /v1/operator/autopilot/configuration": api.AutopilotConfiguration{CleanupDeadServers: true, LastContactThreshold: "200ms", MaxTrailingLogs: 250, ServerStabilizationTime: "10s"},
		"GET /v1/operator/autopilot/health": api.AutopilotHealth{Healthy: true, FailureTolerance: 1, Leader: "a1", Servers: []*api.AutopilotServer{
			{ID: "a1", Name: "a.global", Address: "10.0.0.1:4647", SerfStatus: "alive", Version: "0.1.0", Voter: true, Healthy: true, LastContact: "0s", LastTerm: 2, LastIndex: 9}}},
	})
	golden(t, "autopilot-config", f.berth(t, "operator", "autopilot", "get-config").out)
	golden(t, "autopilot-health", f.berth(t, "operator", "autopilot", "health").out)
}

func TestServersJoinAndAreMadeToLeave(t *testing.T) {
	f := newFake(t, map[string]any{
		"PUT /v1/agent/join":        api.JoinResponse{NumJoined: 2},
		"PUT /v1/agent/force-leave": func(http.ResponseWriter, *http.Request) {},
	})
	if got := f.berth(t, "server", "join", "10.0.0.1", "10.0.0.2:4648"); got.code != 0 || got.out != "Joined 2 servers successfully\n" ||
		!strings.Contains(f.requests()[0], "address=10.0.0.1&address=10.0.0.2%3A4648") {
		t.Errorf("%+v %v", got, f.requests())
	}
	if got := f.berth(t, "server", "force-leave", "-prune", "b.global"); got.code != 0 || !strings.Contains(f.requests()[1], "node=b.global") || !strings.Contains(f.requests()[1], "prune=true") {
		t.Errorf("%+v %v", got, f.requests())
	}
	f.routes["PUT /v1/agent/join"] = api.JoinResponse{Error: "no server could be joined"}
	if got := f.berth(t, "server", "join", "10.0.0.1"); got.code != 1 || !strings.Contains(got.err, "no server could be joined") {
		t.Errorf("%+v", got)
	}
}

func TestKeysOfGossip(t *testing.T) {
	f := newFake(t, map[string]any{
		"GET /v1/agent/keyring/list":    api.KeyringResponse{Keys: map[string]int{"AAA=": 3, "BBB=": 2}, PrimaryKeys: map[string]int{"AAA=": 3}, NumNodes: 3},
		"PUT /v1/agent/keyring/install": api.KeyringResponse{},
		"PUT /v1/agent/keyring/remove":  refusal{409, "the key is in use"},
	})
	golden(t, "keyring-list", f.berth(t, "operator", "gossip", "keyring", "list").out)
	got := f.berth(t, "operator", "gossip", "keyring", "generate")
	if key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(got.out)); err != nil || len(key) != 32 {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "operator", "gossip", "keyring", "install", "AAA="); got.code != 0 || f.body(t, "PUT /v1/agent/keyring/install")["Key"] != "AAA=" {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "operator", "gossip", "keyring", "remove", "AAA="); got.code != 1 || !strings.Contains(got.err, "the key is in use") {
		t.Errorf("%+v", got)
	}
}
