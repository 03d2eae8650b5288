package daemon

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/sirupsen/logrus"
)

// redirectLogs sends what containerd logs to the agent's logger. Containerd has one logger per process, so the last daemon
// of a process gets the lines.
func redirectLogs(to hclog.Logger) {
	std := logrus.StandardLogger()
	std.SetOutput(io.Discard)
	std.SetFormatter(discardFormatter{})
	// Containerd's own level decides whether shims are started with -debug; its info lines are for tracing.
	std.SetLevel(logrus.InfoLevel)
	// A listener that fails must not end the agent.
	std.ExitFunc = func(int) {}
	std.ReplaceHooks(logrus.LevelHooks{})
	std.AddHook(logHook{to})
}

type logHook struct{ to hclog.Logger }

// quiet is a line that says nothing to anybody: its beginning and, if that is not enough, a part of its details.
type quiet struct{ begins, holds string }

// harmless are lines containerd calls warnings or errors although nothing is wrong: a file system without fs-verity, a
// shim's log that ends with its shim, a collector that runs while the database closes, answers nobody waits for any more; and what
// it says of a container that could not be made, after it was told why. Constant.
var harmless = []quiet{{"failed check for fsverity support", ""}, {"copy shim log", ""}, {"garbage collection failed", ""},
	{"content garbage collection failed", "no such file or directory"}, {"failed to finish collection context", "already closed"},
	{"failed to find warning service", ""}, {"ttrpc: received message on inactive stream", ""}, {"failed sending message on channel", ""},
	{"failed to delete task", "container not created"}, {"warnings while cleaning up dead shim", "failed to read init pid file"}}

func (q quiet) is(e *logrus.Entry) bool {
	if !strings.HasPrefix(e.Message, q.begins) {
		return false
	}
	if q.holds == "" || strings.Contains(e.Message, q.holds) {
		return true
	}
	for _, v := range e.Data {
		if strings.Contains(fmt.Sprint(v), q.holds) {
			return true
		}
	}
	return false
}

// Levels is part of logrus.Hook.
func (logHook) Levels() []logrus.Level { return logrus.AllLevels }

// Fire is part of logrus.Hook.
func (h logHook) Fire(e *logrus.Entry) error {
	level := hclog.Trace
	switch e.Level {
	case logrus.PanicLevel, logrus.FatalLevel, logrus.ErrorLevel:
		level = hclog.Error
	case logrus.WarnLevel:
		level = hclog.Warn
	}
	if slices.ContainsFunc(harmless, func(q quiet) bool { return q.is(e) }) {
		level = hclog.Trace
	}
	args := make([]any, 0, 2*len(e.Data))
	for k, v := range e.Data {
		args = append(args, k, v)
	}
	h.to.Log(level, e.Message, args...)
	return nil
}

type discardFormatter struct{}

// Format is part of logrus.Formatter; the hook has said everything already.
func (discardFormatter) Format(*logrus.Entry) ([]byte, error) { return nil, nil }
