package fake

import (
	"context"
	"io"
	"strings"
	"time"

	"berth/drivers"
)

// Commands every fake task knows, besides those of its config block. A command nobody knows exits with 127.
const (
	CommandCat     = "cat"     // copies standard input to standard output
	CommandTTY     = "tty"     // exits 0 with a terminal, 1 without
	CommandForever = "forever" // ends with its context or its task
	CommandGetenv  = "getenv"  // writes the value of the variable named by the second word
)

// Exec answers as the script says.
func (d *Driver) Exec(ctx context.Context, taskID string, req *drivers.ExecRequest) (*drivers.ExitResult, error) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	out, errOut := orDiscard(req.Stdout), orDiscard(req.Stderr)
	if req.TTY {
		errOut = out
	}
	exit := func(code int) (*drivers.ExitResult, error) {
		return &drivers.ExitResult{ExitCode: code, At: time.Now()}, ctx.Err()
	}
	line := strings.Join(req.Command, " ")
	if a, scripted := t.script.exec[line]; scripted {
		_, _ = io.WriteString(out, a.stdout)
		_, _ = io.WriteString(errOut, a.stderr)
		return exit(a.code)
	}
	switch first, rest, _ := strings.Cut(line, " "); first {
	case CommandCat:
		if req.Stdin != nil {
			if _, err := io.Copy(out, req.Stdin); err != nil {
				return nil, err
			}
		}
		return exit(0)
	case CommandTTY:
		if req.TTY {
			_, _ = io.WriteString(out, "/dev/pts/0\r\n")
			return exit(0)
		}
		return exit(1)
	case CommandForever:
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-t.done:
			return exit(137)
		}
	case CommandGetenv:
		value, given := req.Env[rest]
		if !given {
			value = t.cfg.Env[rest]
		}
		_, _ = io.WriteString(out, value)
		return exit(0)
	}
	_, _ = io.WriteString(errOut, req.Command[0]+": not found\n")
	return exit(127)
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
