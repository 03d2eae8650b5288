package server

import (
	"strings"

	"github.com/hashicorp/go-hclog"
)

// raftLog passes on raft's errors. Its news (elections, that a single server has no peers) say nothing to a person and are for
// tracing; that a peer cannot be reached it says many times a second, and gossip says it once.
type raftLog struct{ hclog.Logger }

func raftLogger(log hclog.Logger) hclog.Logger { return raftLog{log.Named("raft")} }

// unreachable are beginnings of what raft says of peers that do not answer.
var unreachable = []string{
	"failed to heartbeat", "failed to appendEntries", "failed to make request", "failed to pipeline", "failed to decode incoming command",
	"failed to accept connection", "failed to flush response", "failed to send TimeoutNow", "failed to send snapshot",
}

// Debug implements hclog.Logger.
func (r raftLog) Debug(msg string, args ...any) { r.Trace(msg, args...) }

// Info implements hclog.Logger.
func (r raftLog) Info(msg string, args ...any) { r.Trace(msg, args...) }

// Warn implements hclog.Logger.
func (r raftLog) Warn(msg string, args ...any) { r.Trace(msg, args...) }

// Error implements hclog.Logger.
func (r raftLog) Error(msg string, args ...any) {
	for _, u := range unreachable {
		if strings.HasPrefix(msg, u) {
			r.Logger.Debug(msg, args...)
			return
		}
	}
	r.Logger.Error(msg, args...)
}

// Log implements hclog.Logger.
func (r raftLog) Log(level hclog.Level, msg string, args ...any) {
	switch {
	case level >= hclog.Error:
		r.Error(msg, args...)
	default:
		r.Trace(msg, args...)
	}
}

// With implements hclog.Logger.
func (r raftLog) With(args ...any) hclog.Logger { return raftLog{r.Logger.With(args...)} }

// Named implements hclog.Logger.
func (r raftLog) Named(name string) hclog.Logger { return raftLog{r.Logger.Named(name)} }

// ResetNamed implements hclog.Logger.
func (r raftLog) ResetNamed(name string) hclog.Logger { return raftLog{r.Logger.ResetNamed(name)} }
