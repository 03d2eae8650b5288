package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"berth/structs"
)

// HeaderEventGap tells on an event stream's answer which indexes cannot be told of any more, as "from-to".
const HeaderEventGap = "X-Berth-Event-Gap"

// Event is one change of one object.
type Event struct {
	Topic      string
	Type       string
	Key        string
	Namespace  string
	FilterKeys []string
	Index      uint64
	// Payload is an object with one member, named after the kind of thing: {"Job":{…}}.
	Payload json.RawMessage
}

// Events is one line of the stream: the events of one index, a sign of life, or what is beside the contract: Gap, Error and
// ResumeIndex.
type Events struct {
	Index  uint64  `json:",omitempty"`
	Events []Event `json:",omitempty"`
	// Gap says which changes this stream will never tell of.
	Gap *EventGap `json:",omitempty"`
	// Error is why the stream ends here.
	Error string `json:",omitempty"`
	// ResumeIndex is the index to ask for to miss nothing that follows.
	ResumeIndex uint64 `json:",omitempty"`
}

// EventGap is the indexes of changes that are lost to a reader, both included.
type EventGap struct {
	From, To uint64
	Restored bool `json:",omitempty"` // the state was replaced by that of a snapshot
}

// Heartbeat reports a line that tells of nothing.
func (e *Events) Heartbeat() bool { return len(e.Events) == 0 && e.Gap == nil && e.Error == "" }

// payload decodes the member of a name; nil when the event is about something else.
func payload[T any](e *Event, name string) (*T, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(e.Payload, &all); err != nil {
		return nil, fmt.Errorf("read the payload of event %s of %s %s: %w", e.Type, e.Topic, e.Key, err)
	}
	raw, ok := all[name]
	if !ok {
		return nil, nil
	}
	out := new(T)
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, fmt.Errorf("read the payload of event %s of %s %s: %w", e.Type, e.Topic, e.Key, err)
	}
	return out, nil
}

// Job, and those below, give the object the event is about as it was then; nil when it is about something else.
func (e *Event) Job() (*structs.Job, error) { return payload[structs.Job](e, "Job") }

// Evaluation gives the evaluation.
func (e *Event) Evaluation() (*structs.Evaluation, error) {
	return payload[structs.Evaluation](e, "Evaluation")
}

// Allocation gives the allocation, without its job.
func (e *Event) Allocation() (*Allocation, error) { return payload[Allocation](e, "Allocation") }

// Deployment gives the deployment.
func (e *Event) Deployment() (*structs.Deployment, error) {
	return payload[structs.Deployment](e, "Deployment")
}

// Node gives the node.
func (e *Event) Node() (*Node, error) { return payload[Node](e, "Node") }

// NodePool gives the node pool.
func (e *Event) NodePool() (*structs.NodePool, error) {
	return payload[structs.NodePool](e, "NodePool")
}

// EventStreamRequest says what to follow.
type EventStreamRequest struct {
	// Topics are Topic, Topic:key or Topic:*; none is all.
	Topics []string
	// Index is the first to be told of; 0 begins with the last changes the server keeps.
	Index uint64
}

// EventStreams are the calls about events.
type EventStreams struct{ c *Client }

// Events are the calls about events.
func (c *Client) Events() EventStreams { return EventStreams{c} }

// Pauses between attempts to reach a server again.
const (
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
	// maxAttempts without a line in between end the following.
	maxAttempts = 20
)

// Follow calls each for every line that is no sign of life, in the order of their indexes, until ctx is done or each fails. When the
// connection is lost it goes on where it was, at whatever server answers: no change is told of twice. What is lost is told as a line with
// a Gap; then it goes on behind it. The namespace of q may be "*".
func (s EventStreams) Follow(ctx context.Context, req EventStreamRequest, q *QueryOptions, each func(*Events) error) error {
	pause, failed := firstPause, 0
	for {
		told := false
		err := s.once(ctx, &req, q, func(e *Events) error {
			told = true
			if e.Heartbeat() {
				return nil
			}
			if err := each(e); err != nil {
				return &stop{err}
			}
			return nil
		})
		var end *stop
		var answer *Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &end):
			return end.err
		case errors.As(err, &answer) && answer.Status != http.StatusServiceUnavailable && answer.Status != http.StatusTooManyRequests && answer.Status < 500:
			return err // it will not be answered otherwise
		}
		if told {
			pause, failed = firstPause, 0
		}
		if failed++; failed > maxAttempts || req.Index == 0 && !told {
			return err // nobody was reached
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

// stop carries the error of a caller's function.
type stop struct{ err error }

func (s *stop) Error() string { return s.err.Error() }

// once follows one connection to its end, and keeps the index to go on from.
func (s EventStreams) once(ctx context.Context, req *EventStreamRequest, q *QueryOptions, each func(*Events) error) error {
	v := q.values()
	v["topic"] = req.Topics
	v.Set("progress", "true")
	if req.Index > 0 {
		v.Set("index", strconv.FormatUint(req.Index, 10))
	}
	resp, err := s.c.once(ctx, request{method: http.MethodGet, path: "/v1/event/stream", query: url.Values(v)})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(bufio.NewReaderSize(resp.Body, 64<<10))
	for {
		e := new(Events)
		if err := dec.Decode(e); err != nil {
			if errors.Is(err, io.EOF) {
				return errors.New("the server ended the stream")
			}
			return fmt.Errorf("read the event stream of %s: %w", s.c.Address(), err)
		}
		switch {
		case e.Index > 0 && e.Index < req.Index, e.Gap != nil && e.Gap.To < req.Index && !e.Gap.Restored:
			continue // told already
		case e.Index > 0:
			req.Index = e.Index + 1
		case e.ResumeIndex > req.Index, e.Gap != nil && e.Gap.Restored:
			req.Index = e.ResumeIndex
		case e.Gap != nil:
			req.Index = e.Gap.To + 1
		}
		if err := each(e); err != nil {
			return err
		}
	}
}

// Stream is Follow into a channel, that is closed at the end. The error it ended with is the function's, to be called after that.
func (s EventStreams) Stream(ctx context.Context, req EventStreamRequest, q *QueryOptions) (<-chan *Events, func() error) {
	lines := make(chan *Events)
	var end error
	go func() {
		defer close(lines)
		end = s.Follow(ctx, req, q, func(e *Events) error {
			select {
			case lines <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return lines, func() error { return end }
}
