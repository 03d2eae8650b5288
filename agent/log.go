package agent

import (
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"

	"berth/agent/config"
	"berth/agent/httpapi"
)

const timeFormat = "2006-01-02T15:04:05.000Z"

// openLog makes the agent's log: to standard error, and to a file if one is named.
func openLog(cfg *config.Config, stderr io.Writer) (hclog.InterceptLogger, func(), error) {
	out, done := stderr, func() {}
	if cfg.LogFile != "" {
		f, err := os.OpenFile(cfg.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
		if err != nil {
			return nil, nil, fmt.Errorf("open log_file: %w", err)
		}
		out, done = io.MultiWriter(stderr, f), func() { f.Close() }
	}
	return hclog.NewInterceptLogger(&hclog.LoggerOptions{
		Name: "berth", Level: hclog.LevelFromString(cfg.LogLevel), JSONFormat: cfg.LogJSON, Output: out,
		TimeFormat: timeFormat, TimeFn: nowUTC,
	}), done, nil
}

// lineSink passes lines of the log on; what nobody takes in time is dropped, for the log waits for no reader.
type lineSink struct{ lines chan []byte }

// Write is io.Writer.
func (s lineSink) Write(p []byte) (int, error) {
	select {
	case s.lines <- append([]byte(nil), p...):
	default:
	}
	return len(p), nil
}

// follow gives the log's lines as they are asked for, until stopped.
func follow(log hclog.InterceptLogger) func(httpapi.LogOptions) (<-chan []byte, func()) {
	return func(o httpapi.LogOptions) (<-chan []byte, func()) {
		s := lineSink{lines: make(chan []byte, 512)}
		sink := hclog.NewSinkAdapter(&hclog.LoggerOptions{Level: o.Level, JSONFormat: o.JSON, IncludeLocation: o.Location, Output: s,
			TimeFormat: timeFormat, TimeFn: nowUTC})
		log.RegisterSink(sink)
		return s.lines, func() { log.DeregisterSink(sink) }
	}
}
