package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"berth/state"
	"berth/structs"
)

func TestThePastIsKeptForMoreThanAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		b := New(Config{Keep: 2}, w.store)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = b.Run(ctx) })
		for n := range 5 {
			w.do(t, register(fmt.Sprint("job-", n), n))
		}
		time.Sleep(keepFor - time.Second)
		if s, err := b.Subscribe(Request{Index: 1}); err != nil || s.Lost() != 0 {
			t.Errorf("after %s: lost %d, %v", keepFor-time.Second, s.Lost(), err)
		}
		time.Sleep(2 * look)
		if s, err := b.Subscribe(Request{Index: 1}); err != nil || s.Lost() != 3 {
			t.Errorf("older ones: lost %d, %v", s.Lost(), err)
		}
		if s, err := b.Subscribe(Request{Index: 4}); err != nil || s.Lost() != 0 {
			t.Errorf("the last two: lost %d, %v", s.Lost(), err)
		}
		cancel()
		running.Wait()
	})
}

func TestABurstIsNotHeldForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		b := New(Config{}, w.store)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = b.Run(ctx) })
		s, err := b.Subscribe(Request{Index: 1})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			job := aJob("large")
			job.Meta = map[string]string{"text": strings.Repeat(fmt.Sprint(n), oldBytes/4)} // weighed twice
			w.do(t, body{structs.CmdJobRegister, &structs.JobRegisterCommand{Job: job, Eval: anEval(n, job.ID)}})
			if _, err := s.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(keepFor - time.Second)
		if commits, _, bytes := w.store.FeedStats(); commits != 5 || bytes < 2*oldBytes {
			t.Errorf("after %s: %d commits of %d bytes are kept", keepFor-time.Second, commits, bytes)
		}
		b.mu.Lock()
		if len(b.made) != 0 || len(b.order) != 0 {
			t.Errorf("the events of %d commits are still encoded though everybody has read them", len(b.made))
		}
		b.mu.Unlock()
		time.Sleep(2 * look)
		if commits, _, bytes := w.store.FeedStats(); commits != 1 || bytes > oldBytes {
			t.Errorf("later: %d commits of %d bytes are kept", commits, bytes)
		}
		cancel()
		running.Wait()
	})
}

func TestAReaderWaitsForWhatItWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		b := New(Config{}, w.store)
		s, err := b.Subscribe(Request{Filters: []Filter{{TopicJob, "web"}}})
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan *Batch)
		go func() {
			batch, err := s.Next(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- batch
		}()
		w.do(t, register("other", 1))
		synctest.Wait()
		select {
		case batch := <-got:
			t.Fatalf("told of %+v", batch)
		default:
		}
		w.do(t, register("web", 2))
		batch := <-got
		if batch.Index != 2 || len(batch.Events) != 1 || batch.Events[0].Key != "web" {
			t.Fatalf("%+v", batch)
		}
		var line bytes.Buffer
		if err := batch.Write(&line); err != nil || !strings.HasPrefix(line.String(), `{"Index":2,"Events":[{"Topic":"Job","Type":"JobRegistered","Key":"web","Namespace":"default","FilterKeys":[],"Index":2,"Payload":{"Job":{`) ||
			!strings.HasSuffix(line.String(), "}}]}]}\n") && !strings.HasSuffix(line.String(), "}}]}\n") {
			t.Errorf("%v %s", err, line.String())
		}
		if s.Resume() != 3 {
			t.Errorf("goes on at %d", s.Resume())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestEventsAreMadeOnceForAllReaders(t *testing.T) {
	w := newWorld(0)
	b := New(Config{}, w.store)
	var subs []*Subscription
	for range 3 {
		s, err := b.Subscribe(Request{Index: 1})
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, s)
	}
	w.do(t, register("web", 1))
	var texts [][]byte
	for _, s := range subs {
		batch, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := batch.Events[0].JSON()
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if &texts[0][0] != &texts[1][0] || &texts[1][0] != &texts[2][0] {
		t.Error("encoded for each reader")
	}
	if n := b.order[0].bytes.Load(); n < int64(len(texts[0]))+eventBytes {
		t.Errorf("%d bytes are counted, the text has %d", n, len(texts[0]))
	}
	for _, s := range subs {
		s.Close()
		s.Close()
	}
	if len(b.made) != 0 || b.Streams() != 0 {
		t.Errorf("%d are left, %d streams", len(b.made), b.Streams())
	}
}

func TestWhatWasMadeIsBounded(t *testing.T) {
	w := newWorld(0)
	b := New(Config{}, w.store)
	s, err := b.Subscribe(Request{Index: 1})
	if err != nil {
		t.Fatal(err)
	}
	for n := range cacheCommits + 10 {
		w.do(t, body{structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: fmt.Sprint("pool-", n)}}}})
		if _, err := s.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n == 5 {
			b.order[0].bytes.Store(cacheBytes + 1) // a large one goes as soon as there is another
		}
	}
	if len(b.order) != cacheCommits || len(b.made) != cacheCommits {
		t.Errorf("%d and %d are kept", len(b.order), len(b.made))
	}
	old, err := b.Subscribe(Request{Index: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Next(t.Context()); err != nil || len(b.order) != cacheCommits || b.order[0].index == 1 {
		t.Errorf("who reads the past disturbs the others: %v", err)
	}
}

func TestTooManyReadersAreRefused(t *testing.T) {
	w := newWorld(0)
	b := New(Config{}, w.store)
	var first *Subscription
	for n := range MaxStreams {
		s, err := b.Subscribe(Request{})
		if err != nil {
			t.Fatalf("reader %d: %v", n, err)
		}
		first = s
	}
	if _, err := b.Subscribe(Request{}); structs.KindOf(err) != structs.KindLimit || !strings.Contains(err.Error(), "2000 event streams are open") {
		t.Error(err)
	}
	first.Close()
	if _, err := b.Subscribe(Request{}); err != nil {
		t.Error(err)
	}
	off := New(Config{Off: true}, state.New())
	if _, err := off.Subscribe(Request{}); structs.KindOf(err) != structs.KindInvalid || !strings.Contains(err.Error(), "enable_event_broker") {
		t.Error(err)
	}
}
