package telemetry

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/go-metrics/datadog"
	promsink "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"berth/agent/config"
)

// Times of what is kept in memory, as the contract has them.
const (
	keepInterval = 10 * time.Second
	keepFor      = time.Minute
	// expiry is how long Prometheus is shown a figure that nobody wrote again, at least.
	expiry = time.Minute
)

// service begins every name.
const service = "nomad"

// Telemetry is where the figures go.
type Telemetry struct {
	cfg    config.Telemetry
	keep   *metrics.InmemSink
	prom   http.Handler // nil unless enabled
	global *metrics.Metrics
	closed sync.Once
}

// Open makes the sinks of a configuration and lets the process write to them. host is this machine's name. Close must follow.
func Open(cfg config.Telemetry, host string) (*Telemetry, error) {
	t := &Telemetry{cfg: cfg, keep: metrics.NewInmemSink(keepInterval, keepFor)}
	sinks := metrics.FanoutSink{t.keep}
	closeAll := func() { sinks.Shutdown() }
	if cfg.Prometheus {
		reg := prometheus.NewRegistry()
		reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		sink, err := promsink.NewPrometheusSinkFrom(promsink.PrometheusOpts{Expiration: max(expiry, 3*cfg.Interval), Registerer: reg})
		if err != nil {
			return nil, fmt.Errorf("make the sink of Prometheus: %w", err)
		}
		sinks, t.prom = append(sinks, sink), promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	}
	for _, to := range []struct {
		setting, addr string
		open          func(addr string) (metrics.MetricSink, error)
	}{
		{"statsd_address", cfg.Statsd, func(addr string) (metrics.MetricSink, error) { return metrics.NewStatsdSink(addr) }},
		{"statsite_address", cfg.Statsite, func(addr string) (metrics.MetricSink, error) { return metrics.NewStatsiteSink(addr) }},
		{"datadog_address", cfg.Datadog, func(addr string) (metrics.MetricSink, error) {
			s, err := datadog.NewDogStatsdSink(addr, host)
			if err != nil {
				return nil, err
			}
			s.SetTags(cfg.DatadogTags)
			return s, nil
		}},
	} {
		if to.addr == "" {
			continue
		}
		sink, err := to.open(to.addr)
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("telemetry.%s = %q cannot be used: %w", to.setting, to.addr, err)
		}
		if !cfg.DisableHostname && host != "" {
			sink = hosted{sink, host}
		}
		sinks = append(sinks, sink)
	}
	mc := metrics.DefaultConfig(service)
	mc.HostName, mc.EnableHostname, mc.EnableRuntimeMetrics = "", false, false // names of machines: hosted; the runtime: Run
	mc.AllowedPrefixes, mc.BlockedPrefixes, mc.FilterDefault = cfg.Allow, cfg.Block, cfg.FilterDefault
	global, err := metrics.NewGlobal(mc, sinks)
	if err != nil {
		closeAll()
		return nil, fmt.Errorf("open telemetry: %w", err)
	}
	t.global = global
	return t, nil
}

// Close sends what is left and ends the sinks. What is written afterwards is dropped.
func (t *Telemetry) Close() {
	t.closed.Do(func() {
		if metrics.Default() == t.global {
			metrics.Shutdown() // it puts a sink in the place of ours that drops everything
			return
		}
		t.global.Shutdown()
	})
}

// Summary is the last whole interval of the figures; of a process that is younger, what there is.
func (t *Telemetry) Summary() (any, error) {
	return t.keep.DisplayMetrics(nil, nil)
}

// Prometheus answers in its form; nil unless the configuration enables it.
func (t *Telemetry) Prometheus() http.Handler { return t.prom }

// hosted puts the machine's name into the names of gauges, for collectors that would take those of two machines for one.
type hosted struct {
	metrics.MetricSink
	host string
}

func (h hosted) name(key []string) []string {
	if len(key) == 0 {
		return key
	}
	return append([]string{key[0], strings.ReplaceAll(h.host, ".", "_")}, key[1:]...)
}

// SetGauge implements metrics.MetricSink.
func (h hosted) SetGauge(key []string, val float32) { h.MetricSink.SetGauge(h.name(key), val) }

// SetGaugeWithLabels implements metrics.MetricSink.
func (h hosted) SetGaugeWithLabels(key []string, val float32, labels []metrics.Label) {
	h.MetricSink.SetGaugeWithLabels(h.name(key), val, labels)
}

// Shutdown implements metrics.ShutdownSink.
func (h hosted) Shutdown() {
	if s, ok := h.MetricSink.(metrics.ShutdownSink); ok {
		s.Shutdown()
	}
}
