package httpapi

import (
	"strings"
	"testing"
	"time"

	"berth/agent/config"
	"berth/agent/telemetry"
	"berth/api"
)

func TestMetrics(t *testing.T) {
	r := newRig(t)
	if got := r.do("GET", "/v1/metrics?format=prometheus", nil); got.status != 415 || !strings.Contains(got.body, "prometheus_metrics = true") {
		t.Errorf("%+v", got)
	}
	if got := r.do("GET", "/v1/metrics?format=xml", nil); got.status != 400 || !strings.Contains(got.body, "xml") {
		t.Errorf("%+v", got)
	}
	if got := r.do("PUT", "/v1/metrics", nil); got.status != 405 {
		t.Errorf("%+v", got)
	}
	var m api.Metrics
	r.get("/v1/metrics", &m)
	if m.Timestamp == "" || m.Gauges == nil || m.Points == nil || m.Counters == nil || m.Samples == nil {
		t.Errorf("%+v", m)
	}
	cfg := config.Default().Telemetry
	cfg.Prometheus = true
	tm, err := telemetry.Open(cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	defer tm.Close()
	r.api.Metrics = tm
	tm.Collect(r.server, nil, nil).Once(t.Context(), time.Now())
	if got := r.do("GET", "/v1/metrics?format=prometheus", nil); got.status != 200 || !strings.Contains(got.body, "nomad_nomad_broker_total_ready") {
		t.Errorf("%+v", got)
	}
}
