// Package collector takes spans in tests, as a collector of OTLP over HTTP does. Nobody but tests imports it. Goroutines: those of its
// server, until the test ends.
package collector
