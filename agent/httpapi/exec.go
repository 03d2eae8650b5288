package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"berth/api"
	"berth/drivers"
	"berth/structs"
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
	ws := r.socket // of a caller that showed its token in a frame
	if ws == nil {
		if ws, err = accept(w, r); err != nil {
			return nil // Accept has answered
		}
		defer ws.CloseNow()
	}
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

// accept makes a websocket of the request. Which pages may be here was decided before the handlers (package guard).
func accept(w http.ResponseWriter, r *request) (*websocket.Conn, error) {
	return websocket.Accept(w, r.Request, &websocket.AcceptOptions{InsecureSkipVerify: true})
}

// Bounds of the frame in which pages of browsers show their token: they cannot send a header.
const (
	maxHandshake  = 4 << 10
	handshakeTime = 10 * time.Second
)

// handshake reads the token of the first frame, where the request says that it comes so, and runs the handler. What the handler or the
// permission refuses is the reason the socket is closed with.
func (a *API) handshake(w http.ResponseWriter, r *request, o *streamOp) error {
	ws, err := accept(w, r)
	if err != nil {
		return nil // Accept has answered
	}
	defer ws.CloseNow()
	ws.SetReadLimit(maxHandshake)
	ctx, cancel := context.WithTimeout(r.ctx(), handshakeTime)
	_, raw, err := ws.Read(ctx)
	cancel()
	var first struct {
		Version int    `json:"version"`
		Token   string `json:"auth_token"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &first)
	}
	if err != nil || first.Version != 1 {
		_ = ws.Close(websocket.StatusPolicyViolation, "the first frame must be {\"version\":1,\"auth_token\":\"...\"}")
		return nil
	}
	r.socket, r.secret = ws, first.Token
	if err := a.admitted(w, r, o); err != nil {
		code := websocket.StatusPolicyViolation
		if structs.KindOf(err) == structs.KindInternal {
			code = websocket.StatusInternalError
		}
		text := err.Error()
		_ = ws.Close(code, text[:min(len(text), maxReason)]) // who is gone needs no reason
	}
	return nil
}

// maxReason is how long the reason of a closed websocket may be, in bytes.
const maxReason = 120

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
			if min(s.Height, s.Width) < 0 || max(s.Height, s.Width) > math.MaxUint16 {
				return invalid("a terminal has no size of %d by %d", s.Height, s.Width)
			}
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
