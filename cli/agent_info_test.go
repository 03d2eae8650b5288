package cli

import (
	"strings"
	"testing"

	"berth/api"
)

func TestAgentInfo(t *testing.T) {
	f := newFake(t, map[string]any{"GET /v1/agent/self": api.AgentSelf{Stats: map[string]map[string]string{
		"raft": {"term": "3", "state": "Leader"}, "nomad": {"server": "true"}}}})
	for _, c := range []struct {
		args []string
		out  string
	}{
		{nil, "nomad\n  server = true\nraft\n  state = Leader\n  term = 3\n"},
		{[]string{"-t", "{{.Stats.raft.term}}"}, "3\n"},
	} {
		if got := f.berth(t, append([]string{"agent-info"}, c.args...)...); got.code != 0 || got.out != c.out {
			t.Errorf("%v: %d %q %s", c.args, got.code, got.out, got.err)
		}
	}
	if got := f.berth(t, "agent-info", "-json"); got.code != 0 || !strings.Contains(got.out, `"state": "Leader"`) {
		t.Errorf("%d %q %s", got.code, got.out, got.err)
	}
	if got := f.berth(t, "agent-info", "more"); got.code != 1 {
		t.Errorf("%+v", got)
	}
}
