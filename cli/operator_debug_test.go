package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/api"
)

func TestDebug(t *testing.T) {
	f := newFake(t, map[string]any{
		"GET /v1/agent/members": api.ServerMembers{Members: []*api.AgentMember{{Name: "a.global"}}},
		"GET /v1/nodes":         []any{},
		"GET /v1/agent/self":    api.AgentSelf{},
		"GET /v1/agent/monitor": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a line\n")) },
	})
	file := filepath.Join(t.TempDir(), "x.tar.gz")
	got := f.berth(t, "operator", "debug", "-duration=10ms", "-interval=10ms", "-pprof-duration=0", "-output="+file)
	if got.code != 0 || !strings.Contains(got.out, "Created debug archive: "+file) || !strings.Contains(got.out, "Servers (1): a.global") || !strings.Contains(got.out, "Interval 0000") {
		t.Errorf("%+v", got)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 || st.Size() == 0 {
		t.Errorf("%v %v", st, err)
	}
	if got := f.berth(t, "operator", "debug", "-output="+file); got.code != 1 || !strings.Contains(got.err, file+" exists already: name another file") {
		t.Errorf("over another: %+v", got)
	}
	if got := f.berth(t, "operator", "debug", "-output=/nonexistent/x.tar.gz"); got.code != 1 || !strings.Contains(got.err, "there is no directory /nonexistent: make it") {
		t.Errorf("into nowhere: %+v", got)
	}
	for _, args := range [][]string{{"-duration=0s"}, {"-duration=1s", "-interval=2s"}, {"-pprof-duration=1ms"}, {"-pprof-duration=6m"}} {
		if got := f.berth(t, append([]string{"operator", "debug"}, args...)...); got.code != 1 {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Error("a refused command removed an archive")
	}
	f.routes["GET /v1/agent/members"] = refusal{500, "broken"}
	other := filepath.Join(t.TempDir(), "y.tar.gz")
	if got := f.berth(t, "operator", "debug", "-output="+other); got.code != 1 || !strings.Contains(got.err, "broken") {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("an empty archive stays")
	}
}
