package tracing

import (
	"context"
	"fmt"
	"net/http"
	"strings"

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

// Bounds of what a span keeps of a request: thousands of spans wait while a collector is slow, whoever sends the requests.
const (
	maxPath       = 256     // bytes
	maxTracestate = 4 << 10 // bytes; a longer one is left out
)

// methodOf is the method of a request, "_OTHER" for those that are not HTTP's. It is a constant: a part of the request's first line
// would keep all of it.
func methodOf(r *http.Request) string {
	for _, m := range [...]string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodHead, http.MethodPatch, http.MethodOptions, http.MethodConnect, http.MethodTrace} {
		if r.Method == m {
			return m
		}
	}
	return "_OTHER"
}

// pathOf is the path of a request, or its beginning, as a text of its own.
func pathOf(r *http.Request) string {
	p := r.URL.Path
	return strings.ToValidUTF8(strings.Clone(p[:min(len(p), maxPath)]), "\uFFFD")
}

// parentOf is where a request says that it comes from.
func parentOf(r *http.Request) context.Context {
	h := propagation.HeaderCarrier(r.Header)
	if len(h.Get("tracestate")) > maxTracestate {
		h = propagation.HeaderCarrier(http.Header{"Traceparent": r.Header["Traceparent"]})
	}
	return w3c.Extract(r.Context(), h)
}

// Handler makes a span of each request, below that which its header traceparent names. Without such a header it begins a trace where roots
// is set, and nothing else.
func (t *Tracer) Handler(next http.Handler, roots bool) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := parentOf(r)
		if !roots && !trace.SpanContextFromContext(ctx).IsSampled() {
			next.ServeHTTP(w, r)
			return
		}
		method := methodOf(r)
		ctx, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("url.path", pathOf(r))))
		r = r.WithContext(ctx)
		if !span.IsRecording() {
			next.ServeHTTP(w, r)
			return
		}
		out := &watched{ResponseWriter: w, code: http.StatusOK}
		defer func() {
			if r.Pattern != "" { // of the route that answered here
				span.SetName(method + " " + r.Pattern)
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
