package cli

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheLogOfAnAgentIsFollowed(t *testing.T) {
	f := newFake(t, map[string]any{"GET /v1/agent/monitor": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("one\ntwo\n")) }})
	got := f.berth(t, "monitor", "-log-level=debug", "-server-id=leader", "-json")
	if got.code != 0 || got.out != "one\ntwo\n" {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"log_level=debug", "server_id=leader", "log_json=true", "plain=true"} {
		if !strings.Contains(f.last(), want) {
			t.Errorf("%s is not in %s", want, f.last())
		}
	}
	f.routes["GET /v1/agent/monitor"] = refusal{400, "Unknown log level: loud"}
	if got := f.berth(t, "monitor", "-log-level=loud"); got.code != 1 || !strings.Contains(got.err, "Unknown log level") {
		t.Errorf("%+v", got)
	}
}

func TestTheLogFileOfAnAgentIsRead(t *testing.T) {
	f := newFake(t, map[string]any{"GET /v1/agent/monitor/export": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("old\n")) }})
	if got := f.berth(t, "monitor", "export", "-on-disk", "-follow", "-node-id=abc"); got.code != 0 || got.out != "old\n" {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"on_disk=true", "follow=true", "node_id=abc", "plain=true"} {
		if !strings.Contains(f.last(), want) {
			t.Errorf("%s is not in %s", want, f.last())
		}
	}
	if got := f.berth(t, "monitor", "export"); got.code != 1 || !strings.Contains(got.err, "-on-disk") {
		t.Errorf("%+v", got)
	}
}
