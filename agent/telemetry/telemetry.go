package telemetry

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	// sent has the figures of jobs that other machines are sent; nil when none is. Those that are read here are made for who reads them:
	// ten thousand jobs have seventy thousand, which would be written every few seconds and kept for a minute.
	sent      *metrics.Metrics
	collector atomic.Pointer[Collector]
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
		sinks, t.prom = append(sinks, sink), t.scraped(reg)
	}
	here := len(sinks)
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
	global, err := metrics.NewGlobal(t.names(), sinks)
	if err == nil && len(sinks) > here {
		t.sent, err = metrics.New(t.names(), sinks[here:])
	}
	if err != nil {
		closeAll()
		return nil, fmt.Errorf("open telemetry: %w", err)
	}
	t.global = global
	return t, nil
}

// names is how figures are called, and which of them are wanted.
func (t *Telemetry) names() *metrics.Config {
	mc := metrics.DefaultConfig(service)
	mc.HostName, mc.EnableHostname, mc.EnableRuntimeMetrics = "", false, false // names of machines: hosted; the runtime: Run
	mc.AllowedPrefixes, mc.BlockedPrefixes, mc.FilterDefault = t.cfg.Allow, t.cfg.Block, t.cfg.FilterDefault
	return mc
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

// Summary is the last whole interval of the figures; of a process that is younger, what there is. Those of jobs are as they are now.
func (t *Telemetry) Summary() (any, error) {
	v, err := t.keep.DisplayMetrics(nil, nil)
	if err != nil {
		return nil, err
	}
	jobs := moment()
	if err := t.jobs(jobs); err != nil {
		return nil, err
	}
	of, err := jobs.DisplayMetrics(nil, nil)
	if err != nil {
		return nil, err
	}
	all, now := v.(metrics.MetricsSummary), of.(metrics.MetricsSummary)
	all.Gauges = append(all.Gauges, now.Gauges...)
	slices.SortFunc(all.Gauges, func(a, b metrics.GaugeValue) int { return cmp.Compare(a.Hash, b.Hash) })
	return all, nil
}

// moment is a sink of figures of one moment: they are of one interval also when the clock comes to a full minute while they are written.
func moment() *metrics.InmemSink {
	const ages = 1 << 62 // nanoseconds: the interval of now ends in 2046
	return metrics.NewInmemSink(ages, ages)
}

// jobs writes the figures of jobs, as they are now.
func (t *Telemetry) jobs(to metrics.MetricSink) error {
	c := t.collector.Load()
	if c == nil {
		return nil
	}
	m, err := metrics.New(t.names(), to)
	if err == nil {
		c.collectJobs(m)
	}
	return err
}

// scraped answers what is registered and the figures of jobs.
func (t *Telemetry) scraped(reg *prometheus.Registry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		jobs := prometheus.NewRegistry()
		sink, err := promsink.NewPrometheusSinkFrom(promsink.PrometheusOpts{Expiration: expiry, Registerer: jobs})
		if err == nil {
			err = t.jobs(sink)
		}
		if err != nil {
			http.Error(w, fmt.Sprintf("collect the figures of jobs: %v", err), http.StatusInternalServerError)
			return
		}
		promhttp.HandlerFor(prometheus.Gatherers{reg, jobs}, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
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
