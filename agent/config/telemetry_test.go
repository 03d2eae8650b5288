package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTelemetry(t *testing.T) {
	c, err := Load(Flags{Dev: true})
	if err != nil || !c.Telemetry.Prometheus || !c.Telemetry.NodeMetrics || !c.Telemetry.AllocMetrics || c.Telemetry.Interval != time.Second {
		t.Fatalf("-dev: %+v %v", c.Telemetry, err)
	}
	c, err = Load(Flags{ConfigPaths: []string{write(t, "a.hcl", full+`
telemetry {
  collection_interval = "5s"
  prefix_filter       = ["+nomad.raft.apply", "-nomad.raft"]
  filter_default      = false
  statsd_address      = "127.0.0.1:8125"
  datadog_tags        = ["a:b"]
  disable_hostname    = true
  traces {
    endpoint     = "https://otel.example.com"
    headers      = { "X-Key" = "k" }
    sample_ratio = 0.25
  }
}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Telemetry; got.Interval != 5*time.Second || !slices.Equal(got.Allow, []string{"nomad.raft.apply"}) || !slices.Equal(got.Block, []string{"nomad.raft"}) ||
		got.FilterDefault || got.Statsd != "127.0.0.1:8125" || !got.DisableHostname || got.Prometheus || len(got.DatadogTags) != 1 {
		t.Errorf("%+v", got)
	}
	if got := c.Telemetry.Traces; got.Endpoint != "https://otel.example.com" || got.Headers["X-Key"] != "k" || got.Ratio != 0.25 {
		t.Errorf("%+v", got)
	}
	for _, bad := range []struct{ text, want string }{
		{`collection_interval = "1ms"`, "too short"},
		{`collection_interval = "often"`, "not a duration"},
		{`prefix_filter = ["nomad.raft"]`, "must begin with"},
		{"traces {\n endpoint = \"127.0.0.1:4318\"\n}", `traces: endpoint "127.0.0.1:4318" is not an address such as http://127.0.0.1:4318`},
		{"traces {\n endpoint = \"http://c:4318\"\n sample_ratio = 2\n}", "sample_ratio = 2: use 0 to 1"},
		{"traces {\n}", "endpoint"},
		{"tracing {\n}", "tracing"},
		{`statsd_adress = "x"`, "telemetry.statsd_adress is not a setting"},
	} {
		if _, err := Load(Flags{ConfigPaths: []string{write(t, "a.hcl", full+"\ntelemetry {\n"+bad.text+"\n}\n")}}); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: %v", bad.text, err)
		}
	}
}
