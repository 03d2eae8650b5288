package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Gauge is a value.
type Gauge struct {
	Name   string
	Value  float32
	Labels map[string]string
}

// Points are values of one name.
type Points struct {
	Name   string
	Points []float32
}

// Sampled is what was counted or measured in an interval.
type Sampled struct {
	Name                   string
	Count                  int
	Rate, Sum, SumSq       float64
	Min, Max, Mean, Stddev float64
	Labels                 map[string]string
}

// Metrics are the figures of an agent's last whole interval, ten seconds.
type Metrics struct {
	Timestamp string
	Gauges    []Gauge
	Points    []Points
	Counters  []Sampled
	Samples   []Sampled
}

// Metrics reads the figures of the agent, or, with the parameters node_id or server_id, of another.
func (o Operator) Metrics(ctx context.Context, q *QueryOptions) (*Metrics, error) {
	out, _, err := get[*Metrics](ctx, o.c, "/v1/metrics", q)
	return out, err
}

// maxMetrics bounds the text of an agent's figures, in bytes.
const maxMetrics = 64 << 20

// MetricsText reads the figures in a format as they are sent: "" is JSON, "prometheus" that of Prometheus.
func (o Operator) MetricsText(ctx context.Context, format string, q *QueryOptions) ([]byte, error) {
	v := q.values()
	if format != "" {
		v.Set("format", format)
	}
	resp, err := o.c.send(ctx, request{method: http.MethodGet, path: "/v1/metrics", query: v})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxMetrics))
	if err != nil {
		return nil, fmt.Errorf("read answer of /v1/metrics: %w", err)
	}
	if format == "" && !json.Valid(text) {
		return nil, fmt.Errorf("the answer of /v1/metrics is no JSON")
	}
	return text, nil
}
