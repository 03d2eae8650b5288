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
	// Notifier tells of new output; without one it is looked for once a second.
	Notifier *Notifier
	Logger   hclog.Logger
}

// Collector copies one task's output. Run is called once per life; Flush at any time.
type Collector struct {
	cfg Config

	mu      sync.Mutex // guards streams; held while copying
	streams [2]*stream
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
			maxBytes: int64(cfg.MaxFileMB) << 20, lineBytes: longLine, maxFiles: cfg.MaxFiles}
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
	changed, stop := c.watch()
	defer stop()
	// Without anybody to tell, and while it does not succeed, it looks at the task's output once in a while.
	timer := time.NewTimer(retryAfter)
	defer timer.Stop()
	failing := false
	for {
		err := c.Flush(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			c.cfg.Logger.Warn("output of a task is not collected", "task", c.cfg.Task, "error", err)
		}
		if n := c.takeDropped(); n > 0 {
			c.cfg.Logger.Warn("output of a task is lost", "task", c.cfg.Task, "bytes", n)
		}
		failing = err != nil
		wake := changed
		timer.Stop()
		if failing || changed == nil {
			wake = nil
			timer.Reset(retryAfter)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-wake:
			timer.Reset(settle)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
			}
		}
	}
}

// watch asks to be told of output; nil when nobody can.
func (c *Collector) watch() (changed <-chan struct{}, stop func()) {
	if c.cfg.Notifier == nil {
		return nil, func() {}
	}
	changed, stop, err := c.cfg.Notifier.Watch(filepath.Dir(c.cfg.SpoolOut))
	if err != nil {
		c.cfg.Logger.Warn("output of a task is looked at once a second only", "task", c.cfg.Task, "error", err)
		return nil, func() {}
	}
	return changed, stop
}

// Flush copies everything that was written before the call.
func (c *Collector) Flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cfg.Disabled {
		return errors.Join(c.streams[0].discard(), c.streams[1].discard())
	}
	buf := make([]byte, bufferBytes) // not kept: a silent task holds no memory
	return errors.Join(c.streams[0].copy(buf), c.streams[1].copy(buf))
}

// takeDropped tells how many bytes were given up since the last call.
func (c *Collector) takeDropped() (bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		bytes += s.dropped
		s.dropped = 0
	}
	return bytes
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
