package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestEventsGoOnWhereTheyWere breaks the connection in a line, tells a change twice, loses some, and wants each told once and the loss said.
func TestEventsGoOnWhereTheyWere(t *testing.T) {
	line := func(index int) string {
		return fmt.Sprintf(`{"Index":%d,"Events":[{"Topic":"Job","Type":"JobRegistered","Key":"web","Index":%d,"Payload":{"Job":{"ID":"web","Version":%d}}}]}`+"\n", index, index, index)
	}
	answers := []string{
		"{}\n{\"ResumeIndex\":4}\n" + line(5) + line(7) + line(9)[:40],
		"{}\n{\"ResumeIndex\":8}\n" + line(7) + line(9),
		"{}\n{\"Gap\":{\"From\":10,\"To\":20}}\n" + line(21) + `{"Error":"too slow","Gap":{"From":22,"To":30},"ResumeIndex":31}` + "\n",
		"{}\n" + line(31),
	}
	var asked []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("index"))
		if r.URL.Query().Get("topic") != "Job:web" || r.URL.Query().Get("namespace") != "apps" {
			t.Errorf("asked %s", r.URL)
		}
		if len(asked) == 2 {
			http.Error(w, "no leader", http.StatusServiceUnavailable) // as a server that comes back
			return
		}
		n := len(asked)
		if n > 2 {
			n--
		}
		_, _ = w.Write([]byte(answers[n-1]))
	}))
	defer web.Close()
	c, err := New(Config{Address: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got []string
	done := errors.New("enough")
	err = c.Events().Follow(t.Context(), EventStreamRequest{Topics: []string{"Job:web"}}, &QueryOptions{Namespace: "apps"}, func(e *Events) error {
		if e.Gap != nil {
			got = append(got, fmt.Sprintf("gap %d-%d", e.Gap.From, e.Gap.To))
		}
		for _, ev := range e.Events {
			j, err := ev.Job()
			if err != nil || j.Version != ev.Index {
				t.Errorf("%+v %v", j, err)
			}
			if n, err := ev.Node(); n != nil || err != nil {
				t.Errorf("a job that is a node: %v %v", n, err)
			}
			got = append(got, fmt.Sprint(ev.Index))
			if ev.Index == 31 {
				return done
			}
		}
		return nil
	})
	if err != done || strings.Join(got, " ") != "5 7 9 gap 10-20 21 gap 22-30 31" || strings.Join(asked, " ") != " 8 8 10 31" {
		t.Errorf("%v: told %v, asked from %q", err, got, asked)
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	asked := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		http.Error(w, `topic "Jobs" is not known`, http.StatusBadRequest)
	}))
	c, err := New(Config{Address: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	lines, end := c.Events().Stream(t.Context(), EventStreamRequest{Topics: []string{"Jobs"}}, nil)
	for range lines {
		t.Error("a line")
	}
	var answer *Error
	if err := end(); !errors.As(err, &answer) || answer.Status != 400 || asked != 1 {
		t.Errorf("%v after %d questions", err, asked)
	}
	c.Close()
	web.Close()
	if err := c.Events().Follow(t.Context(), EventStreamRequest{}, nil, func(*Events) error { return nil }); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("nobody answers: %v", err)
	}
}

func TestStreamEndsWithItsContext(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n := range 3 {
			fmt.Fprintf(w, `{"Index":%d,"Events":[{"Topic":"Job"}]}`+"\n", n+1)
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer web.Close()
	c, err := New(Config{Address: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	lines, end := c.Events().Stream(ctx, EventStreamRequest{}, nil)
	got := []uint64{(<-lines).Index, (<-lines).Index}
	cancel()
	for range lines { // the one that waited may come
	}
	if err := end(); !errors.Is(err, context.Canceled) || !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("%v %v", err, got)
	}
}
