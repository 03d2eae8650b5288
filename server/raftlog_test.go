package server

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestRaftSaysOnlyWhatMatters(t *testing.T) {
	var out bytes.Buffer
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: &out})
	r := raftLogger(log).With("a", 1).Named("x")
	r.Info("entering follower state")
	r.Warn("no known peers")
	r.Error("failed to heartbeat to", "peer", "b")
	r.Log(hclog.Warn, "x")
	if out.Len() > 0 {
		t.Errorf("said %q", out.String())
	}
	r.Error("failed to commit logs")
	if !strings.Contains(out.String(), "failed to commit logs") {
		t.Errorf("said %q", out.String())
	}
	log.Info("the others go on")
	if !strings.Contains(out.String(), "the others go on") {
		t.Error("the agent's own log is silent")
	}
}
