package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"golang.org/x/sys/unix"
)

// answerLook is how long a question waits for an answer before it looks whether the command was told to end.
const answerLook = 100 * time.Millisecond

var errNobody = errors.New("nobody answers the question: -yes goes on without asking")

// asks reports that a person is there to answer.
func (e *env) asks() bool {
	f, ok := e.in.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// confirm asks a question that is answered with y or yes. It is an error that nobody is there to answer, and that ctx ends before somebody
// has: Ctrl-C is an answer too.
func (e *env) confirm(ctx context.Context, question string) (bool, error) {
	fmt.Fprint(e.out, plain(question, e.color))
	if e.answers == nil {
		e.answers = bufio.NewReader(e.in)
	}
	if err := e.awaitAnswer(ctx); err != nil {
		e.say("")
		return false, err
	}
	line, err := e.answers.ReadString('\n')
	if err != nil {
		e.say("") // no line ended here
		if line == "" {
			return false, errNobody
		}
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

// agreed asks, and gives an error unless the answer is yes.
func (e *env) agreed(ctx context.Context, question string) error {
	yes, err := e.confirm(ctx, question)
	if err == nil && !yes || errors.Is(err, errNobody) {
		return errors.New("nothing was changed")
	}
	return err
}

// awaitAnswer returns when there is something to read. A read of a terminal cannot be ended, and would keep who wants to leave.
func (e *env) awaitAnswer(ctx context.Context) error {
	f, ok := e.in.(*os.File)
	for ok && e.answers.Buffered() == 0 {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}, int(answerLook/time.Millisecond))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case n > 0 || err != nil && !errors.Is(err, unix.EINTR): // also at its end; what is wrong the read says
			return nil
		}
	}
	return nil
}
