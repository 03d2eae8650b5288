// Package tracing makes spans of requests and sends them to a collector by OTLP over HTTP.
//
// It owns OpenTelemetry: nobody else imports it, and its process-wide provider is left alone, for containerd's parts would use it. A nil
// *Tracer and a zero Span are what an agent without a traces block has: they do nothing and cost nothing. Called by agent, agent/relay and
// server. Goroutines: those of the exporter, from Open to Close.
package tracing
