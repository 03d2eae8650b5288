package tracing

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// w3c reads and writes traceparent and tracestate.
var w3c = propagation.TraceContext{}

// Inject writes the headers traceparent and tracestate of a request that is sent on.
func (t *Tracer) Inject(ctx context.Context, h http.Header) {
	if t != nil {
		w3c.Inject(ctx, propagation.HeaderCarrier(h))
	}
}

// Handler makes a span of each request, below that which its header traceparent names. Without such a header it begins a trace where roots
// is set, and nothing else.
func (t *Tracer) Handler(next http.Handler, roots bool) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := w3c.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		if !roots && !trace.SpanContextFromContext(ctx).IsSampled() {
			next.ServeHTTP(w, r)
			return
		}
		ctx, span := t.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("url.path", r.URL.Path)))
		r = r.WithContext(ctx)
		if !span.IsRecording() {
			next.ServeHTTP(w, r)
			return
		}
		out := &watched{ResponseWriter: w, code: http.StatusOK}
		defer func() {
			if r.Pattern != "" { // of the route that answered here
				span.SetName(r.Method + " " + r.Pattern)
				span.SetAttributes(attribute.String("http.route", r.Pattern))
			}
			span.SetAttributes(attribute.Int("http.response.status_code", out.code))
			if out.code >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, fmt.Sprint(out.code))
			}
			span.End()
		}()
		if r.Header.Get("Upgrade") != "" { // whoever takes the connection over wants the writer itself
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(out, r)
	})
}

// watched remembers the status of an answer.
type watched struct {
	http.ResponseWriter
	code  int
	begun bool
}

// WriteHeader implements http.ResponseWriter.
func (w *watched) WriteHeader(code int) {
	if !w.begun && code >= http.StatusOK || code == http.StatusSwitchingProtocols {
		w.code, w.begun = code, true
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (w *watched) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
