package tracing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says where spans go.
type Config struct {
	// Endpoint is the collector, http://host:4318 or https://...; /v1/traces is added where no path is named. "" sends nothing.
	Endpoint string
	// Headers go with each message, such as a key of the collector's.
	Headers map[string]string
	// CAFile has the certificates the collector is trusted by, beside the system's.
	CAFile string
	// Ratio of the requests that are traced, 0 to 1. One whose caller has decided is traced, or not, as that says.
	Ratio float64
}

// Check finds what cannot be used.
func (c Config) Check() error {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("endpoint %q is not an address such as http://127.0.0.1:4318", c.Endpoint)
	}
	if !(c.Ratio >= 0 && c.Ratio <= 1) {
		return fmt.Errorf("sample_ratio = %v: use 0 to 1", c.Ratio)
	}
	return nil
}

// Process is who makes the spans.
type Process struct{ Name, Version, Region, Datacenter string }

// Bounds of the sending.
const (
	// sendTimeout bounds one message; what cannot be sent is dropped.
	sendTimeout = 10 * time.Second
	// closeTimeout is how long the last spans may take when the agent ends.
	closeTimeout = 2 * time.Second
	// complainEvery is the pause between two complaints about a collector.
	complainEvery = time.Minute
)

// Tracer begins spans; nil begins none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// Open makes a tracer; nil without an endpoint. complain is told why spans are lost, at most once a minute. Close must follow.
func Open(cfg Config, p Process, complain func(error)) (*Tracer, error) {
	if cfg.Endpoint == "" {
		return nil, nil
	}
	u, err := url.Parse(cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("open traces: %w", err)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	opts := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithHeaders(cfg.Headers), otlptracehttp.WithTimeout(sendTimeout),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{})} // a batch that is not taken is dropped: the next is on its way
	if cfg.CAFile != "" {
		roots, err := trusted(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("open traces: %w", err)
		}
		opts = append(opts, otlptracehttp.WithTLSClientConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}))
	}
	exporter, err := otlptracehttp.New(context.Background(), opts...)
	if err != nil {
		return nil, fmt.Errorf("open traces: %w", err)
	}
	otel.SetErrorHandler(&complaints{tell: complain})
	host, _ := os.Hostname() // without one it stays empty
	attrs := resource.NewSchemaless(attribute.String("service.name", "berth"), attribute.String("service.version", p.Version),
		attribute.String("service.instance.id", p.Name), attribute.String("host.name", host), attribute.String("berth.region", p.Region),
		attribute.String("berth.datacenter", p.Datacenter))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(attrs), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(cfg.Ratio))))
	return &Tracer{provider, provider.Tracer("berth")}, nil
}

func trusted(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file %s has no certificate in PEM form", file)
	}
	return roots, nil
}

// complaints passes on errors of the exporter, not too often.
type complaints struct {
	tell func(error)
	mu   sync.Mutex // guards last
	last time.Time
}

// Handle implements otel.ErrorHandler.
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.last) >= complainEvery {
		c.last = now
		c.tell(err)
	}
}

// Close sends what is left, and ends.
func (t *Tracer) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("send the last spans: %w", err)
	}
	return nil
}

// Flush sends what there is.
func (t *Tracer) Flush(ctx context.Context) error { return t.provider.ForceFlush(ctx) }

// Child begins a span below that of ctx; none when ctx has none that is traced.
func (t *Tracer) Child(ctx context.Context, name string) (context.Context, Span) {
	if t == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, Span{}
	}
	ctx, s := t.tracer.Start(ctx, name)
	return ctx, Span{s, t}
}

// Current is the span ctx is in; none when it is not traced.
func (t *Tracer) Current(ctx context.Context) Span {
	if s := trace.SpanFromContext(ctx); t != nil && s.IsRecording() {
		return Span{s, t}
	}
	return Span{}
}

// Place is a span others can be put below, also when it has ended.
type Place struct{ sc trace.SpanContext }

// Within gives a context below a place.
func (p Place) Within(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, p.sc)
}

// Record makes a span below a place that is over already.
func (t *Tracer) Record(p Place, name string, from, to time.Time, attrs ...attribute.KeyValue) {
	_, s := t.tracer.Start(p.Within(context.Background()), name, trace.WithTimestamp(from), trace.WithAttributes(attrs...))
	s.End(trace.WithTimestamp(to))
}

// Span is a part of a trace; the zero Span is none.
type Span struct {
	s trace.Span
	t *Tracer
}

// Traced reports that there is one.
func (s Span) Traced() bool { return s.s != nil }

// Place is where it is.
func (s Span) Place() Place { return Place{s.s.SpanContext()} }

// Set adds an attribute: a text, a number or a truth.
func (s Span) Set(key string, value any) {
	if s.s == nil {
		return
	}
	switch v := value.(type) {
	case string:
		s.s.SetAttributes(attribute.String(key, v))
	case int:
		s.s.SetAttributes(attribute.Int(key, v))
	case uint64:
		s.s.SetAttributes(attribute.Int64(key, int64(v)))
	case bool:
		s.s.SetAttributes(attribute.Bool(key, v))
	default:
		s.s.SetAttributes(attribute.String(key, fmt.Sprint(v)))
	}
}

// Part makes a span below this one that is over already.
func (s Span) Part(name string, from, to time.Time, attrs ...Attr) {
	if s.s == nil {
		return
	}
	s.t.Record(s.Place(), name, from, to, attrs...)
}

// Attr is a property of a span.
type Attr = attribute.KeyValue

// Text and Number make one.
func Text(key, value string) Attr   { return attribute.String(key, value) }
func Number(key string, n int) Attr { return attribute.Int(key, n) }

// End ends it; err is what failed, or nil.
func (s Span) End(err error) {
	if s.s == nil {
		return
	}
	if err != nil {
		s.s.SetStatus(codes.Error, err.Error())
	}
	s.s.End()
}
