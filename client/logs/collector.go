package logs

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Config says what a collector copies and whereto.
type Config struct {
	// Dir is the directory of log files; Task is the task's name.
	Dir, Task string
	// SpoolOut and SpoolErr are the driver's files.
	SpoolOut, SpoolErr string
	// MaxFiles of MaxFileMB each are kept of each kind; 0 is 10 of 10 MB, the contract's default.
	MaxFiles, MaxFileMB int
	// Disabled collects nothing, and frees what the task wrote.
	Disabled bool
	Notifier *Notifier
	Logger   hclog.Logger
}

// Collector copies one task's output. Run is called once per life; Flush at any time.
type Collector struct {
	cfg Config

	mu      sync.Mutex // guards streams and buf; held while copying
	streams [2]*stream
	buf     []byte
}

// New makes a collector. It touches nothing.
func New(cfg Config) *Collector {
	if cfg.MaxFiles <= 0 {
		cfg.MaxFiles = 10
	}
	if cfg.MaxFileMB <= 0 {
		cfg.MaxFileMB = 10
	}
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	c := &Collector{cfg: cfg}
	for i, k := range []struct{ kind, spool string }{{Stdout, cfg.SpoolOut}, {Stderr, cfg.SpoolErr}} {
		c.streams[i] = &stream{spool: k.spool, record: recordOf(k.spool), dir: cfg.Dir, name: cfg.Task + "." + k.kind + ".",
			maxBytes: int64(cfg.MaxFileMB) << 20, maxFiles: cfg.MaxFiles}
	}
	return c
}

const (
	bufferBytes = 64 << 10
	// retryAfter is the pause after a copy that did not succeed: a full disk may have room again.
	retryAfter = time.Second
	// settle is the least pause between two copies: a task that writes line by line costs one copy for many lines.
	settle = 20 * time.Millisecond
)

// Run copies whenever there is something, until ctx is done.
func (c *Collector) Run(ctx context.Context) error {
	defer c.close()
	if c.cfg.Disabled {
		<-ctx.Done()
		return ctx.Err()
	}
	changed, stop, err := c.cfg.Notifier.Watch(filepath.Dir(c.cfg.SpoolOut))
	if err != nil {
		c.cfg.Logger.Warn("output of a task is looked at once a second only", "task", c.cfg.Task, "error", err)
		changed, stop = nil, func() {}
	}
	defer stop()
	poll := changed == nil
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	failing := false
	for {
		err := c.Flush(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			c.cfg.Logger.Warn("output of a task is not collected", "task", c.cfg.Task, "error", err)
		}
		failing = err != nil
		wait := time.Hour
		if failing || poll {
			wait = retryAfter
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			timer.Reset(settle)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
			}
		case <-timer.C:
		}
	}
}

// Flush copies everything that was written before the call.
func (c *Collector) Flush(ctx context.Context) error {
	if c.cfg.Disabled {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf == nil {
		c.buf = make([]byte, bufferBytes)
	}
	err := errors.Join(c.streams[0].copy(c.buf), c.streams[1].copy(c.buf))
	c.buf = nil // a silent task holds no memory
	return err
}

func (c *Collector) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		if err := s.close(); err != nil {
			c.cfg.Logger.Warn("log file could not be closed", "task", c.cfg.Task, "error", err)
		}
	}
}
