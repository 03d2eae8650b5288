package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"berth/api"
	"berth/server/events"
	"berth/state"
	"berth/structs"
)

// lines opens the stream and gives its answer and a function that reads one line.
func (r *rig) lines(query string) (*http.Response, func() api.Events) {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/v1/event/stream?"+query, nil)
	if err != nil {
		r.Fatal(err)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		cancel()
		_ = resp.Body.Close()
	})
	in := bufio.NewReader(resp.Body)
	return resp, func() api.Events {
		r.Helper()
		text, err := in.ReadBytes('\n')
		if err != nil {
			r.Fatalf("%v after %q", err, text)
		}
		var e api.Events
		if err := json.Unmarshal(text, &e); err != nil {
			r.Fatalf("%v in %q", err, text)
		}
		return e
	}
}

// TestTheEventStream follows a job from its registration to its end on a real server.
func TestTheEventStream(t *testing.T) {
	r := newRig(t)
	resp, next := r.lines("topic=Job:web&topic=Allocation:web&index=1")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("X-Nomad-Index") == "" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	if first := next(); !first.Heartbeat() || first.ResumeIndex != 0 {
		t.Errorf("first line %+v", first)
	}
	r.register(job("other", 1))
	r.register(job("web", 1))
	r.runAll()
	wanted := map[string]bool{"Job JobRegistered pending": true, "Allocation PlanResult pending": true, "Job JobUpdated running": true, "Allocation AllocationUpdated running": true}
	for last := uint64(0); len(wanted) > 0; {
		line := next()
		if line.Heartbeat() {
			continue
		}
		if line.Index <= last {
			t.Fatalf("index %d after %d", line.Index, last)
		}
		last = line.Index
		for _, e := range line.Events {
			status := ""
			if j, err := e.Job(); err != nil {
				t.Fatal(err)
			} else if j != nil {
				status = j.Status
				if j.ID != "web" {
					t.Errorf("told of job %s", j.ID)
				}
			}
			if a, err := e.Allocation(); err != nil {
				t.Fatal(err)
			} else if a != nil {
				status = a.ClientStatus
				if a.Job != nil || a.Name != "web.g[0]" {
					t.Errorf("allocation %+v", a)
				}
			}
			delete(wanted, e.Topic+" "+e.Type+" "+status)
		}
	}
	if again, next := r.lines("topic=Node&index=1&namespace=*"); again.StatusCode == 200 {
		next()
		line := next()
		n, err := line.Events[0].Node()
		if err != nil || n == nil || n.Name != "n1" || line.Events[0].Type != "NodeRegistration" || strings.Contains(string(line.Events[0].Payload), r.node.SecretID.String()) {
			t.Errorf("%+v %v", line, err)
		}
	}
}

func TestBadQuestionsForEvents(t *testing.T) {
	r := newRig(t)
	for query, want := range map[string]string{
		"index=x":           `Invalid index: "x"`,
		"index=-1":          `Invalid index: "-1"`,
		"topic=Jobs":        `did you mean "Job"?`,
		"topic=Service:web": `there are no events of topic "Service" in this version`,
		"topic=Job:":        `has an empty key`,
		strings.Repeat("topic=Job&", events.MaxFilters+1): `more than the 100`,
	} {
		if got := r.do("GET", "/v1/event/stream?"+query, nil); got.status != 400 || !strings.Contains(got.body, want) {
			t.Errorf("%.40s: %d %s", query, got.status, got.body)
		}
	}
	if got := r.do("PUT", "/v1/event/stream", nil); got.status != 405 || got.body != "Invalid method" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestAGapIsSaid(t *testing.T) {
	r := newRig(t)
	for n := range 3 {
		r.do("PUT", "/v1/namespace", map[string]any{"Name": fmt.Sprint("ns", n)})
	}
	s := r.server.State()
	gone := s.Index() - 1
	s.TrimFeed(gone, 0, 0)
	resp, next := r.lines("index=1")
	if got := resp.Header.Get(api.HeaderEventGap); got != fmt.Sprintf("1-%d", gone) {
		t.Errorf("header %q", got)
	}
	next()
	if line := next(); line.Gap == nil || line.Gap.From != 1 || line.Gap.To != gone {
		t.Errorf("%+v", line)
	}
	if line := next(); line.Index != gone+1 || line.Events[0].Key != "ns2" {
		t.Errorf("%+v", line)
	}
}

// stream runs the writing of a stream over a store in a bubble.
func stream(t *testing.T, s *state.Store, req events.Request, progress bool, out io.Writer) (end func() error) {
	t.Helper()
	sub, err := events.New(events.Config{}, s).Subscribe(req)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l := &eventLines{sub: sub, from: req.Index, progress: progress, shown: (&request{}).shown, out: out, flush: func() error { return nil }}
	ended := make(chan error, 1)
	go func() { ended <- l.send(ctx) }()
	return func() error {
		synctest.Wait()
		cancel()
		sub.Close()
		return <-ended
	}
}

func put(s *state.Store, name string) {
	txn := s.Begin(s.Index() + 1)
	txn.PutNamespace(&structs.Namespace{Name: name})
	txn.Commit()
}

func TestASilentStreamShowsThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := state.New()
		var out bytes.Buffer
		end := stream(t, s, events.Request{}, false, &out)
		time.Sleep(2*eventBeat + time.Second)
		put(s, "a")
		time.Sleep(eventBeat)
		if err := end(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		got := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(got) != 5 || got[0] != "{}" || got[1] != "{}" || got[2] != "{}" || !strings.HasPrefix(got[3], `{"Index":1,"Events":[{"Topic":"Namespace"`) || got[4] != "{}" {
			t.Errorf("%q", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := state.New()
		var out bytes.Buffer
		end := stream(t, s, events.Request{Filters: []events.Filter{{Topic: events.TopicJob, Key: "*"}}}, true, &out)
		put(s, "a")
		time.Sleep(eventBeat + time.Second)
		if err := end(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if got := out.String(); got != "{}\n{\"ResumeIndex\":1}\n{}\n{\"ResumeIndex\":2}\n" {
			t.Errorf("%q", got)
		}
	})
}

// gate is a connection that takes nothing until it is opened.
type gate struct {
	bytes.Buffer
	open chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.Buffer.Write(p)
}

func TestASlowReaderIsToldWhatItLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := state.New()
		out := &gate{open: make(chan struct{})}
		end := stream(t, s, events.Request{Index: 1}, false, out)
		put(s, "a")
		s.LimitFeed(state.FeedLimits{Writes: 2, Bytes: 1 << 20})
		for n := range 5 {
			put(s, fmt.Sprint(n))
		}
		close(out.open)
		var lost *state.FeedLost
		if err := end(); !errors.As(err, &lost) {
			t.Error(err)
		}
		got := strings.Split(strings.TrimSpace(out.String()), "\n")
		var last api.Events
		if err := json.Unmarshal([]byte(got[len(got)-1]), &last); err != nil || last.ResumeIndex != 5 || last.Gap == nil || last.Gap.To != 4 || last.Gap.From != 1 ||
			!strings.Contains(last.Error, "this reader is too slow: the changes from index 1 to 4 are not kept any more; read the state anew, then follow from index 5") {
			t.Errorf("%v %q", err, got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := state.New()
		var mu sync.Mutex
		var out bytes.Buffer
		end := stream(t, s, events.Request{}, false, writer(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return out.Write(p)
		}))
		put(s, "a")
		synctest.Wait()
		s.BeginRestore(9, [state.TableCount]uint64{}).Commit()
		_ = end()
		if got := out.String(); !strings.Contains(got, `"Error":"this stream cannot go on: the state was replaced by that of a snapshot at index 9; read the state anew, then follow from index 10","ResumeIndex":10}`) {
			t.Errorf("%s", got)
		}
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
