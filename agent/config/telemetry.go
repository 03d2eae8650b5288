package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"berth/internal/tracing"
)

// Telemetry is where the process's figures go.
type Telemetry struct {
	// Interval is how often queues, allocations and the host are looked at.
	Interval        time.Duration
	Prometheus      bool // GET /v1/metrics?format=prometheus answers
	AllocMetrics    bool // what the tasks of this node use
	NodeMetrics     bool // how busy this machine is
	DisableHostname bool // names sent to other machines have no host in them
	UseNodeName     bool // the host in them is the agent's name
	// DisableDispatched leaves out the jobs that were dispatched.
	DisableDispatched bool
	// Allow and Block are beginnings of names; FilterDefault is for those neither says something about.
	Allow, Block  []string
	FilterDefault bool
	// Addresses of collectors, host:port; "" sends nothing.
	Statsd, Statsite, Datadog string
	DatadogTags               []string
	// Traces are where spans of requests go; without an endpoint there are none.
	Traces tracing.Config
}

type telemetryBlock struct {
	CollectionInterval *string      `hcl:"collection_interval,optional"`
	Prometheus         *bool        `hcl:"prometheus_metrics,optional"`
	AllocMetrics       *bool        `hcl:"publish_allocation_metrics,optional"`
	NodeMetrics        *bool        `hcl:"publish_node_metrics,optional"`
	DisableHostname    *bool        `hcl:"disable_hostname,optional"`
	UseNodeName        *bool        `hcl:"use_node_name,optional"`
	DisableDispatched  *bool        `hcl:"disable_dispatched_job_summary_metrics,optional"`
	PrefixFilter       []string     `hcl:"prefix_filter,optional"`
	FilterDefault      *bool        `hcl:"filter_default,optional"`
	Statsd             *string      `hcl:"statsd_address,optional"`
	Statsite           *string      `hcl:"statsite_address,optional"`
	Datadog            *string      `hcl:"datadog_address,optional"`
	DatadogTags        []string     `hcl:"datadog_tags,optional"`
	Traces             *tracesBlock `hcl:"traces,block"`
	// Understood, without effect.
	DisableHooks *bool    `hcl:"disable_allocation_hook_metrics,optional"`
	DisableRPC   *bool    `hcl:"disable_rpc_rate_metrics_labels,optional"`
	AllocMeta    *bool    `hcl:"include_alloc_metadata_in_metrics,optional"`
	AllowedMeta  []string `hcl:"allowed_metadata_keys_in_metrics,optional"`
	Rest         hcl.Body `hcl:",remain"`
}

// tracesBlock is a collector of spans.
type tracesBlock struct {
	Endpoint    string            `hcl:"endpoint"`
	Headers     map[string]string `hcl:"headers,optional"`
	CAFile      *string           `hcl:"ca_file,optional"`
	SampleRatio *float64          `hcl:"sample_ratio,optional"`
}

// rest are the names of a block's further settings. Further blocks are refused.
func (b *builder) rest(block string, body hcl.Body) []string {
	attrs, _ := body.JustAttributes() // it complains of the blocks that were read, too
	names := slices.Sorted(maps.Keys(attrs))
	all := &hcl.BodySchema{}
	for _, name := range names {
		all.Attributes = append(all.Attributes, hcl.AttributeSchema{Name: name})
	}
	if _, diags := body.Content(all); diags.HasErrors() {
		b.fail("%s: %s", block, diags[0].Detail)
	}
	return names
}

func (b *builder) traces(t *tracesBlock) {
	c := tracing.Config{Endpoint: t.Endpoint, Headers: t.Headers, Ratio: 1}
	set(&c.CAFile, t.CAFile)
	set(&c.Ratio, t.SampleRatio)
	if err := c.Check(); err != nil {
		b.fail("telemetry.traces: %v", err)
	}
	b.c.Telemetry.Traces = c
}

// minInterval bounds collection_interval from below: shorter ones would only cost.
const minInterval = 100 * time.Millisecond

func (b *builder) telemetry(t *telemetryBlock) {
	c := &b.c.Telemetry
	b.duration(&c.Interval, t.CollectionInterval, "telemetry.collection_interval")
	if c.Interval < minInterval {
		b.fail("telemetry.collection_interval = %s is too short; use at least %s", c.Interval, minInterval)
	}
	set(&c.Prometheus, t.Prometheus)
	set(&c.AllocMetrics, t.AllocMetrics)
	set(&c.NodeMetrics, t.NodeMetrics)
	set(&c.DisableHostname, t.DisableHostname)
	set(&c.UseNodeName, t.UseNodeName)
	set(&c.DisableDispatched, t.DisableDispatched)
	set(&c.FilterDefault, t.FilterDefault)
	set(&c.Statsd, t.Statsd)
	set(&c.Statsite, t.Statsite)
	set(&c.Datadog, t.Datadog)
	c.DatadogTags = append(c.DatadogTags, t.DatadogTags...)
	if t.Traces != nil {
		b.traces(t.Traces)
	}
	for _, p := range t.PrefixFilter {
		switch {
		case len(p) > 1 && p[0] == '+':
			c.Allow = append(c.Allow, p[1:])
		case len(p) > 1 && p[0] == '-':
			c.Block = append(c.Block, p[1:])
		default:
			b.fail("telemetry.prefix_filter: %q must begin with + (keep) or - (drop), as in \"-nomad.raft\"", p)
		}
	}
	for _, name := range b.rest("telemetry", t.Rest) {
		if strings.HasPrefix(name, "circonus_") {
			b.warn("telemetry.%s has no effect: figures go to Prometheus, statsd, statsite and dogstatsd", name)
			continue
		}
		b.fail("telemetry.%s is not a setting", name)
	}
	if t.DisableHooks != nil || t.DisableRPC != nil || t.AllocMeta != nil || len(t.AllowedMeta) > 0 {
		b.warn("telemetry: settings about hooks, calls and the meta of allocations have no effect: there are no such figures")
	}
}
