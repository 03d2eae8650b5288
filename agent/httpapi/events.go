package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"berth/agent/guard"
	"berth/api"
	"berth/server/events"
	"berth/state"
)

// Times of the event stream, by the contract.
const (
	eventBeat = 30 * time.Second // a line {} so often; a line has guard.Patience to be taken
)

func (a *API) eventRoutes() {
	a.stream("/v1/event/stream", streams{http.MethodGet: followEvents().stream(a.eventStream)})
}

// eventStream sends what is committed on this server as lines of JSON, until the caller goes away or cannot be told everything.
func (a *API) eventStream(w http.ResponseWriter, r *request) error {
	req := events.Request{Namespace: r.namespace()}
	if text := r.query.Get("index"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return invalid("Invalid index: %q is not a number", text)
		}
		req.Index = n
	}
	filters, err := events.ParseFilters(r.query["topic"])
	if err != nil {
		return err
	}
	req.Filters = filters
	sub, err := a.Server.Events().Subscribe(req)
	if err != nil {
		return err
	}
	defer sub.Close()
	r.index = max(a.Server.State().Index(), 1)
	r.writeIndex()
	w.Header().Set("Content-Type", "application/json")
	if lost := sub.Lost(); lost > 0 {
		w.Header().Set(api.HeaderEventGap, fmt.Sprintf("%d-%d", req.Index, lost))
	}
	ctl := http.NewResponseController(w)
	out := bufio.NewWriterSize(guard.Patient(w), 32<<10)
	lines := &eventLines{sub: sub, from: req.Index, progress: r.flag("progress"), shown: r.shown, out: out, flush: func() error {
		if err := out.Flush(); err != nil {
			return err
		}
		return ctl.Flush()
	}}
	if err := lines.send(r.ctx()); err != nil && r.ctx().Err() == nil {
		a.Logger.Debug("an event stream ended", "remote", r.RemoteAddr, "resume_index", sub.Resume(), "error", err)
	}
	return nil // the answer was begun
}

// eventLines writes one stream.
type eventLines struct {
	sub      *events.Subscription
	from     uint64 // the index that was asked for
	progress bool   // tell how far it is, beside the contract
	shown    func(*events.Batch) (*events.Batch, error)
	out      io.Writer
	flush    func() error
}

// send writes until ctx is done, a write fails, or something is lost: then the last line says what.
func (l *eventLines) send(ctx context.Context) error {
	if err := l.begin(); err != nil {
		return err
	}
	beat := time.Now().Add(eventBeat)
	for {
		wait, cancel := context.WithDeadline(ctx, beat)
		batch, err := l.sub.Next(wait)
		cancel()
		var lost *state.FeedLost
		switch {
		case errors.As(err, &lost):
			return errors.Join(lost, l.line(lostLine(lost)))
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			if batch, err = l.shown(batch); err != nil {
				return err
			}
			if batch == nil {
				break
			}
			if err := errors.Join(batch.Write(l.out), l.flush()); err != nil {
				return err
			}
		}
		if !time.Now().Before(beat) {
			if err := l.alive(); err != nil {
				return err
			}
			beat = time.Now().Add(eventBeat)
		}
	}
}

// begin writes the first line, and says what cannot be told of what was asked for.
func (l *eventLines) begin() error {
	if err := l.alive(); err != nil {
		return err
	}
	if lost := l.sub.Lost(); lost > 0 {
		return l.line(api.Events{Gap: &api.EventGap{From: l.from, To: lost}})
	}
	return nil
}

func (l *eventLines) alive() error {
	if err := l.line(api.Events{}); err != nil || !l.progress {
		return err
	}
	return l.line(api.Events{ResumeIndex: l.sub.Resume()})
}

func (l *eventLines) line(e api.Events) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := l.out.Write(append(text, '\n')); err != nil {
		return err
	}
	return l.flush()
}

// lostLine is the last line of a stream that cannot go on.
func lostLine(lost *state.FeedLost) api.Events {
	why := "this reader is too slow: "
	if lost.Restored {
		why = "this stream cannot go on: "
	}
	return api.Events{Error: why + lost.Error() + fmt.Sprintf("; read the state anew, then follow from index %d", lost.Lost+1),
		Gap: &api.EventGap{From: lost.After + 1, To: lost.Lost, Restored: lost.Restored}, ResumeIndex: lost.Lost + 1}
}
