package telemetry

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const intro = `# Metrics

Made from the program by ` + "`make generate`" + `; do not edit. ` + "`GET /v1/metrics`" + ` (` + "`berth operator metrics`" + `) answers with the last ten seconds as JSON;
` + "`?format=prometheus`" + ` in the form of Prometheus, with underscores for dots, once it is enabled (it is in ` + "`-dev`" + `):

    telemetry {
      prometheus_metrics         = true
      publish_node_metrics       = true   # how busy the machine is
      publish_allocation_metrics = true   # what tasks use
      collection_interval        = "1s"   # how often states are looked at
      prefix_filter              = ["-nomad.raft", "+nomad.raft.apply"]
      # statsd_address, statsite_address, datadog_address = "host:port", datadog_tags; the machine's name stands in the
      # names of gauges sent there unless disable_hostname = true (use_node_name = true: the agent's)
    }

A gauge is a value now, a counter what was added, a sample a distribution (count, sum, smallest, largest, mean). Every agent tells
of itself only. Prometheus is shown the collector's and the process's own figures (` + "`go_*`, `process_*`" + `) as well.

| Name | Kind | Unit | Of | What |
|---|---|---|---|---|
`

// TestTheReferenceOfFiguresIsFresh compares the reference with the catalogue; `make generate` writes it.
func TestTheReferenceOfFiguresIsFresh(t *testing.T) {
	var b strings.Builder
	b.WriteString(intro)
	for _, f := range Catalogue {
		help := f.Help
		if len(f.Labels) > 0 {
			help += "; by " + strings.Join(f.Labels, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.Name, f.Kind, f.Unit, f.Where, help)
	}
	b.WriteString("\nThe libraries below write their own:\n\n")
	for _, l := range Libraries {
		fmt.Fprintf(&b, "- `%s*`: %s\n", l.Prefix, l.Help)
	}
	b.WriteString("\nThese names of Nomad's have no figure here:\n\n| Name | Why |\n|---|---|\n")
	for _, a := range Absent {
		name := a.Name
		if strings.HasSuffix(name, ".") {
			name += "*"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, a.Why)
	}
	const path = "../../docs/reference/metrics.md"
	if os.Getenv("BERTH_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != b.String() {
		t.Errorf("docs/reference/metrics.md is not what the catalogue is (%v): run make generate", err)
	}
}
