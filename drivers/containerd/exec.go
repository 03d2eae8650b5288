package containerd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"berth/drivers"
)

// drainPatience is how long output may still come after an exec's process ended: a child it left behind may hold the
// streams open without end.
const drainPatience = 2 * time.Second

// startPatience bounds the start of an exec's process.
const startPatience = 30 * time.Second

// Exec runs a command in the task, as the task's user, with its limits and rights.
func (d *Driver) Exec(ctx context.Context, taskID string, req *drivers.ExecRequest) (*drivers.ExitResult, error) {
	m, err := d.load(taskID)
	if err != nil {
		return nil, err
	}
	if len(req.Command) == 0 {
		return nil, fmt.Errorf("exec in task %s: no command is given", taskID)
	}
	t, ctx, err := d.task(ctx, m)
	if err != nil {
		if errdefs.IsNotFound(err) {
			return nil, fmt.Errorf("exec in task %s: it is not running", taskID)
		}
		return nil, fmt.Errorf("exec in task %s: %w", taskID, err)
	}
	r, err := d.exec(ctx, t, req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("exec in task %s: %w", taskID, err)
	}
	return r, nil
}

func (d *Driver) exec(ctx context.Context, t client.Task, req *drivers.ExecRequest) (*drivers.ExitResult, error) {
	spec, err := t.Spec(ctx)
	if err != nil {
		return nil, err
	}
	// The process is cleaned up also when ctx is done.
	clean := context.WithoutCancel(ctx)
	stdin := &closingReader{r: req.Stdin, closed: make(chan struct{})}
	p, err := t.Exec(ctx, "x-"+rand.Text(), execProcess(spec.Process, req), d.execStreams(req, stdin))
	if err != nil {
		return nil, err
	}
	defer p.Delete(clean, client.WithProcessKill)
	ended, err := p.Wait(clean)
	if err != nil {
		return nil, err
	}
	// Why not by ctx: a start that is given up may go on, and nobody would end what it began.
	starting, cancel := context.WithTimeout(clean, startPatience)
	err = p.Start(starting)
	cancel()
	if err != nil {
		return nil, execStartError(req.Command[0], err)
	}
	resize, closed := req.Resize, stdin.closed
	if req.Stdin == nil {
		closed = nil
	}
	for {
		select {
		case <-ctx.Done():
			_ = p.Kill(clean, unix.SIGKILL)
			d.drain(p.IO())
			return nil, ctx.Err()
		case size, ok := <-resize:
			if !ok {
				resize = nil
				continue
			}
			if req.TTY && size.Width > 0 && size.Height > 0 {
				_ = p.Resize(ctx, uint32(size.Width), uint32(size.Height)) // a terminal that just closed
			}
		case <-closed:
			closed = nil
			_ = p.CloseIO(ctx, client.WithStdinCloser) // the process may have ended
		case st := <-ended:
			d.drain(p.IO())
			if st.Error() != nil {
				return nil, st.Error()
			}
			return exitResult(int(st.ExitCode()), st.ExitTime(), false), nil
		}
	}
}

// drain waits for the rest of the output, but not without end.
func (d *Driver) drain(streams cio.IO) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		streams.Wait()
	}()
	t := time.NewTimer(drainPatience)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		streams.Cancel()
		_ = streams.Close()
	}
}

func execStartError(command string, err error) error {
	text := err.Error()
	if strings.Contains(text, "executable file not found") || strings.Contains(text, "no such file or directory") {
		return fmt.Errorf("the command %q is not in the task's image", command)
	}
	return err
}

// execProcess is the task's own process with another command.
func execProcess(own *specs.Process, req *drivers.ExecRequest) *specs.Process {
	p := *own
	p.Args, p.Terminal = req.Command, req.TTY
	vars := maps.Clone(req.Env)
	if vars == nil {
		vars = map[string]string{}
	}
	if _, set := vars["TERM"]; req.TTY && !set {
		vars["TERM"] = "xterm"
	}
	p.Env = slices.DeleteFunc(slices.Clone(own.Env), func(kv string) bool {
		k, _, _ := strings.Cut(kv, "=")
		_, replaced := vars[k]
		return replaced
	})
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		p.Env = append(p.Env, k+"="+vars[k])
	}
	return &p
}

func (d *Driver) execStreams(req *drivers.ExecRequest, stdin *closingReader) cio.Creator {
	var in io.Reader
	if req.Stdin != nil {
		in = stdin
	}
	out, errOut := req.Stdout, req.Stderr
	if out == nil {
		out = io.Discard
	}
	if errOut == nil {
		errOut = io.Discard
	}
	opts := []cio.Opt{cio.WithFIFODir(filepath.Join(d.cfg.Daemon.RunDir(), "f")), cio.WithStreams(in, out, errOut)}
	if req.TTY {
		opts = []cio.Opt{cio.WithFIFODir(filepath.Join(d.cfg.Daemon.RunDir(), "f")), cio.WithStreams(in, out, nil), cio.WithTerminal}
	}
	return cio.NewCreator(opts...)
}

// closingReader tells when its reader has ended, so that the process's input can be closed.
type closingReader struct {
	r      io.Reader
	closed chan struct{}
	done   bool // by the one goroutine that reads
}

// Read is part of io.Reader.
func (c *closingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && !c.done {
		c.done = true
		close(c.closed)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = io.EOF
	}
	return n, err
}
