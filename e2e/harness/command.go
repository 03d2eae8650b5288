package harness

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
)

// Outcome is how a command ended and what it said.
type Outcome struct {
	Code           int
	Stdout, Stderr string
}

// Run runs the program's command line on the agent's machine.
func (a *Agent) Run(ctx context.Context, stdin io.Reader, args ...string) (Outcome, error) {
	return Command(ctx, a.Host, a.Binary, stdin, append(os.Environ(), "NO_COLOR=1", "NOMAD_TOKEN="+a.API.Token), args...)
}

// Command runs a program on a machine. An exit status other than 0 is not an error.
func Command(ctx context.Context, host *Host, name string, stdin io.Reader, env []string, args ...string) (Outcome, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = stdin, &stdout, &stderr, env
	start := cmd.Start
	if host != nil {
		start = func() error { return host.Start(cmd) }
	}
	if err := start(); err != nil {
		return Outcome{}, err
	}
	err := cmd.Wait()
	out := Outcome{Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		err = nil
	}
	return out, err
}
