package cli

import (
	"net/http"
	"strings"
	"testing"
)

func TestMetrics(t *testing.T) {
	f := newFake(t, map[string]any{"GET /v1/metrics": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("format") == "prometheus" {
			_, _ = w.Write([]byte("nomad_x 1\n"))
			return
		}
		_, _ = w.Write([]byte(`{"Gauges":[]}`))
	}})
	for _, c := range []struct {
		args      []string
		out, asks string
	}{
		{nil, `{"Gauges":[]}`, ""},
		{[]string{"-pretty"}, "{\n    \"Gauges\": []\n}", ""},
		{[]string{"-format=prometheus", "-server-id=leader"}, "nomad_x 1", "server_id=leader"},
		{[]string{"-node-id=abc"}, `{"Gauges":[]}`, "node_id=abc"},
	} {
		got := f.berth(t, append([]string{"operator", "metrics"}, c.args...)...)
		if got.code != 0 || strings.TrimRight(got.out, "\n") != c.out || !strings.Contains(f.last(), c.asks) {
			t.Errorf("%v: %+v, asked %s", c.args, got, f.last())
		}
	}
	for _, args := range [][]string{{"-format=xml"}, {"-format=prometheus", "-pretty"}} {
		if got := f.berth(t, append([]string{"operator", "metrics"}, args...)...); got.code != 1 {
			t.Errorf("%v: %+v", args, got)
		}
	}
}
