package daemon

import (
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

// harmless are lines containerd calls warnings or errors although nothing is wrong: a file system without fs-verity, a
// shim's log that ends with its shim, a collector that runs while the database closes, answers nobody waits for any more. Constant.
var harmless = []string{"failed check for fsverity support", "copy shim log", "garbage collection failed", "failed to find warning service",
	"ttrpc: received message on inactive stream", "failed sending message on channel"}

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
	if slices.ContainsFunc(harmless, func(p string) bool { return strings.HasPrefix(e.Message, p) }) {
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
