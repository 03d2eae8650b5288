// Package telemetry collects the figures of this process and shows them: as the contract's JSON, in the form of Prometheus, and to
// statsd, statsite and dogstatsd.
//
// The libraries below the server (raft, serf, memberlist) write theirs to the sink of hashicorp/go-metrics, which the process has
// one of: Open sets it, Close takes it away. What the server counts by itself goes there too, where an event has a duration; what
// is a state (queues, allocations, the host) is looked at every interval by Run, so that it costs nothing in between; figures of jobs,
// which may be many, when somebody reads them. Catalogue
// names every figure; docs/reference/metrics.md is made from it, and a test holds a running agent to it.
//
// Goroutines: Run's, which the agent waits for, and one of each sink to another machine, which Close ends.
package telemetry

//go:generate env BERTH_UPDATE=1 go test -count=1 -run TestTheReferenceOfFiguresIsFresh .
