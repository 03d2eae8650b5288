package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"berth/api"
)

func (e *env) allocExec() *cobra.Command {
	var task string
	var interactive, tty, job bool
	c := &cobra.Command{Use: "exec ALLOC COMMAND [ARGUMENT...]", Short: "run a command in a task", Args: cobra.MinimumNArgs(2),
		Long: "Runs a command in a running task and ends with its exit code. On a terminal the command gets one as well (-t=false for none).",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.target(cmd.Context(), client, job, args[0])
			if err != nil {
				return err
			}
			name, err := e.taskOf(cmd.Context(), client, a, task)
			if err != nil {
				return err
			}
			in, isFile := e.in.(*os.File)
			terminal := isFile && isatty.IsTerminal(in.Fd())
			if !cmd.Flags().Changed("t") {
				tty = terminal
			}
			if tty && !terminal {
				return errNoTerminal
			}
			req := api.ExecRequest{Alloc: a.ID.String(), Task: name, Command: args[1:], TTY: tty, Stdout: e.out, Stderr: e.err}
			if interactive {
				req.Stdin = e.in
			}
			if tty {
				restore, sizes, err := rawTerminal(cmd.Context(), in)
				if err != nil {
					return err
				}
				defer restore()
				req.Sizes = sizes
			}
			code, err := client.Allocations().Exec(cmd.Context(), req, nil)
			if err != nil {
				return err
			}
			if code != 0 {
				return exitError{code}
			}
			return nil
		}}
	f := c.Flags()
	f.SetInterspersed(false) // what follows the command is the command's own
	f.StringVar(&task, "task", "", "task")
	f.BoolVarP(&interactive, "i", "i", true, "pass standard input on")
	f.BoolVarP(&tty, "t", "t", false, "give the command a terminal (the default on one)")
	f.BoolVar(&job, "job", false, "the argument is a job: one of its allocations")
	f.StringP("e", "e", "~", "escape character; none is used")
	return c
}

// rawTerminal passes keys on as they are typed, and tells the terminal's sizes. restore puts the terminal back (termios(3)).
func rawTerminal(ctx context.Context, in *os.File) (restore func(), sizes <-chan api.ExecSize, err error) {
	fd := int(in.Fd())
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, nil, err
	}
	raw := *was
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &raw); err != nil {
		return nil, nil, err
	}
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, unix.SIGWINCH)
	out := make(chan api.ExecSize, 1)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil {
				select {
				case out <- api.ExecSize{Height: int(w.Row), Width: int(w.Col)}:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(changed)
		cancel()
		<-done
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, was) // it was a terminal a moment ago
	}, out, nil
}

var errNoTerminal = errors.New("-t needs a terminal on standard input")
