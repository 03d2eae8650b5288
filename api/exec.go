package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// ExecRequest is a command to run inside a task.
type ExecRequest struct {
	Alloc, Task string
	Command     []string
	TTY         bool
	Stdin       io.Reader // nil: no input
	Stdout      io.Writer
	Stderr      io.Writer
	// Sizes are the terminal's; the first is sent at once. Nil without a terminal.
	Sizes <-chan ExecSize
}

// ExecSize is a terminal's size in characters.
type ExecSize struct {
	Height int `json:"height"`
	Width  int `json:"width"`
}

// ExecInput is a frame from the caller to the task.
type ExecInput struct {
	Stdin   *ExecData `json:"stdin,omitempty"`
	TTYSize *ExecSize `json:"tty_size,omitempty"`
}

// ExecOutput is a frame from the task to the caller.
type ExecOutput struct {
	Stdout *ExecData   `json:"stdout,omitempty"`
	Stderr *ExecData   `json:"stderr,omitempty"`
	Exited bool        `json:"exited,omitempty"`
	Result *ExecResult `json:"result,omitempty"`
}

// ExecData is a piece of a stream, or its end.
type ExecData struct {
	Data  []byte `json:"data,omitempty"`
	Close bool   `json:"close,omitempty"`
}

// ExecResult is how the command ended.
type ExecResult struct {
	ExitCode int `json:"exit_code"`
}

// execHeartbeat keeps idle shells alive through whatever lies between.
const execHeartbeat = 10 * time.Second

// execFrameMax bounds one frame.
const execFrameMax = 1 << 20

// Exec runs a command inside a running task and gives its exit code. It returns when the command ended or ctx is done.
// A Read of Stdin that is under way then is left to end by itself.
func (a Allocations) Exec(ctx context.Context, r ExecRequest, q *QueryOptions) (int, error) {
	command, err := json.Marshal(r.Command)
	if err != nil {
		return 1, err
	}
	v := a.c.withDefaults(q.values())
	v.Set("task", r.Task)
	v.Set("tty", strconv.FormatBool(r.TTY))
	v.Set("command", string(command))
	header := http.Header{}
	a.c.setHeaders(header)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, a.c.base+clientAllocPath(r.Alloc, "exec")+"?"+v.Encode(), &websocket.DialOptions{
		HTTPClient: a.c.http, HTTPHeader: header,
	})
	if err != nil {
		if resp != nil && resp.StatusCode >= 400 {
			return 1, readError(resp)
		}
		return 1, a.c.connectError(err)
	}
	conn.SetReadLimit(execFrameMax)
	defer conn.CloseNow() //nolint:errcheck // closed politely below where there was an end

	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	out := make(chan ExecInput)
	wait.Go(func() { sendInput(ctx, conn, out, r.Sizes) })
	if r.Stdin != nil {
		go readInput(ctx, r.Stdin, out)
	}
	return readOutput(ctx, conn, r)
}

// readInput turns the reader into frames. It is not waited for: nothing can interrupt a Read of a terminal.
func readInput(ctx context.Context, in io.Reader, out chan<- ExecInput) {
	buf := make([]byte, 32<<10)
	for {
		n, err := in.Read(buf)
		frames := []ExecInput{}
		if n > 0 {
			frames = append(frames, ExecInput{Stdin: &ExecData{Data: append([]byte(nil), buf[:n]...)}})
		}
		if err != nil {
			frames = append(frames, ExecInput{Stdin: &ExecData{Close: true}})
		}
		for _, f := range frames {
			select {
			case out <- f:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func sendInput(ctx context.Context, conn *websocket.Conn, in <-chan ExecInput, sizes <-chan ExecSize) {
	beat := time.NewTicker(execHeartbeat)
	defer beat.Stop()
	for {
		var f ExecInput
		select {
		case <-ctx.Done():
			return
		case f = <-in:
		case s, ok := <-sizes:
			if !ok {
				sizes = nil
				continue
			}
			f.TTYSize = &s
		case <-beat.C:
		}
		text, err := json.Marshal(f)
		if err != nil || conn.Write(ctx, websocket.MessageText, text) != nil {
			return
		}
	}
}

func readOutput(ctx context.Context, conn *websocket.Conn, r ExecRequest) (int, error) {
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			var closed websocket.CloseError
			if errors.As(err, &closed) && closed.Reason != "" {
				return 1, errors.New(closed.Reason)
			}
			if ctx.Err() != nil {
				return 1, ctx.Err()
			}
			return 1, fmt.Errorf("the connection to the task was cut: %w", err)
		}
		var f ExecOutput
		if err := json.Unmarshal(text, &f); err != nil {
			return 1, fmt.Errorf("read answer of exec: %w", err)
		}
		for _, s := range []struct {
			data *ExecData
			to   io.Writer
		}{{f.Stdout, r.Stdout}, {f.Stderr, r.Stderr}} {
			if s.data == nil || len(s.data.Data) == 0 || s.to == nil {
				continue
			}
			if _, err := s.to.Write(s.data.Data); err != nil {
				return 1, err
			}
		}
		if f.Exited {
			_ = conn.Close(websocket.StatusNormalClosure, "")
			if f.Result == nil {
				return 0, nil
			}
			return f.Result.ExitCode, nil
		}
	}
}
