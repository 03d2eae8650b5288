package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"berth/api"
	"berth/drivers"
)

// maxExecFrame bounds a frame from the caller.
const maxExecFrame = 1 << 20

// allocExec runs a command in a task, both ways over a websocket in the contract's frames.
func (a *API) allocExec(w http.ResponseWriter, r *request) error {
	c, id, err := r.alloc()
	if err != nil {
		return err
	}
	if a.Config.Client.DisableExec {
		return status(http.StatusForbidden, "exec is switched off on this node (client.disable_remote_exec)")
	}
	command, err := commandOf(r)
	if err != nil {
		return err
	}
	task, tty := r.query.Get("task"), r.flag("tty")
	// Which pages may be here was decided before the handlers (package guard).
	ws, err := websocket.Accept(w, r.Request, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return nil // Accept has answered
	}
	defer ws.CloseNow()
	ws.SetReadLimit(maxExecFrame)
	ctx, cancel := context.WithCancel(r.ctx())
	defer cancel()

	out := &execWriter{ctx: ctx, ws: ws}
	stdin, feed := io.Pipe()
	sizes := make(chan drivers.TermSize, 1)
	var reader sync.WaitGroup
	held := &atomic.Bool{}
	reader.Go(func() { stayInTouch(ctx, ws, held, cancel) })
	reader.Go(func() {
		defer close(sizes)
		err := readExec(ctx, ws, feed, held, sizes)
		_ = feed.CloseWithError(err) // never fails
		if err != nil && err != io.EOF {
			cancel() // the caller is gone
		}
	})
	req := &drivers.ExecRequest{Command: command, TTY: tty, Stdin: stdin, Stdout: out.stream(false), Stderr: out.stream(true)}
	if tty {
		req.Resize = sizes
	}
	result, err := c.Exec(ctx, id, task, req)
	_ = stdin.CloseWithError(errClosed)
	last := api.ExecOutput{Exited: true, Result: &api.ExecResult{ExitCode: 1}}
	switch {
	case err != nil && ctx.Err() == nil:
		_ = out.send(api.ExecOutput{Stderr: &api.ExecData{Data: []byte(err.Error() + "\n")}})
	case result != nil:
		last.Result.ExitCode = result.ExitCode
	}
	_ = out.send(api.ExecOutput{Stdout: &api.ExecData{Close: true}}) // a caller that is gone needs no answer
	_ = out.send(api.ExecOutput{Stderr: &api.ExecData{Close: true}})
	_ = out.send(last)
	_ = ws.Close(websocket.StatusNormalClosure, "")
	cancel()
	reader.Wait()
	return nil
}

// Times of pings: a caller whose machine is gone is noticed within their sum.
const (
	pingEvery = 15 * time.Second
	pingWait  = 15 * time.Second
)

// stayInTouch asks now and then whether the caller is there, and cancels when it is not. While input is held back by a command
// that does not read, answers cannot be read either, and nothing is asked.
func stayInTouch(ctx context.Context, ws *websocket.Conn, held *atomic.Bool, cancel context.CancelFunc) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if held.Load() {
			continue
		}
		ping, end := context.WithTimeout(ctx, pingWait)
		err := ws.Ping(ping)
		end()
		if err != nil && !held.Load() {
			cancel()
			return
		}
	}
}

// readExec passes the caller's frames on until its input ends. io.EOF means that the caller closed its input in order; then
// frames are still read, for sizes and to see the caller go. Held is true while the command does not take what it was given.
func readExec(ctx context.Context, ws *websocket.Conn, feed *io.PipeWriter, held *atomic.Bool, sizes chan drivers.TermSize) error {
	for {
		_, raw, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		var in api.ExecInput
		if err := json.Unmarshal(raw, &in); err != nil {
			return err
		}
		if s := in.TTYSize; s != nil {
			select {
			case <-sizes: // an older one nobody took
			default:
			}
			sizes <- drivers.TermSize{Height: s.Height, Width: s.Width}
		}
		if in.Stdin == nil {
			continue
		}
		if len(in.Stdin.Data) > 0 {
			held.Store(true)
			_, err := feed.Write(in.Stdin.Data)
			held.Store(false)
			if err != nil && err != errClosed && err != io.ErrClosedPipe {
				return err
			}
		}
		if in.Stdin.Close {
			_ = feed.Close()
		}
	}
}

// execWriter sends frames, one at a time.
type execWriter struct {
	ctx context.Context //nolint:containedctx // the life of one request
	ws  *websocket.Conn
	mu  sync.Mutex // held while sending
}

func (e *execWriter) send(out api.ExecOutput) error {
	raw, err := json.Marshal(out)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ws.Write(e.ctx, websocket.MessageText, raw)
}

// stream is one of the command's two outputs.
func (e *execWriter) stream(stderr bool) io.Writer { return &execStream{e, stderr} }

type execStream struct {
	to     *execWriter
	stderr bool
}

// Write sends one frame.
func (s *execStream) Write(p []byte) (int, error) {
	out := api.ExecOutput{}
	if s.stderr {
		out.Stderr = &api.ExecData{Data: p}
	} else {
		out.Stdout = &api.ExecData{Data: p}
	}
	if err := s.to.send(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
