package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"berth/server/fsm"
	"berth/structs"
)

// recordingLog is an apply function that keeps what it was given and answers when it is let.
type recordingLog struct {
	entries [][]structs.Command
	gate    chan struct{} // one receive per entry; nil lets everything through
	err     error
}

func (l *recordingLog) apply(data []byte) (uint64, []fsm.Result, error) {
	var e structs.LogEntry
	if _, err := e.UnmarshalMsg(data); err != nil {
		return 0, nil, err
	}
	if l.gate != nil {
		<-l.gate
	}
	if l.err != nil {
		return 0, nil, l.err
	}
	l.entries = append(l.entries, e.Commands)
	results := make([]fsm.Result, len(e.Commands))
	for i, c := range e.Commands {
		results[i].Value = c.At
		if c.At < 0 {
			results[i] = fsm.Result{Err: errors.New("refused")}
		}
	}
	return uint64(len(l.entries)), results, nil
}

// oneByOne is a log that takes an entry only when the one before was applied.
func oneByOne(apply func([]byte) (uint64, []fsm.Result, error)) func([]byte) func() (uint64, []fsm.Result, error) {
	return func(data []byte) func() (uint64, []fsm.Result, error) {
		index, results, err := apply(data)
		return func() (uint64, []fsm.Result, error) { return index, results, err }
	}
}

func body() *structs.NameDeleteCommand { return &structs.NameDeleteCommand{Names: []string{"x"}} }

func TestCommandsThatWaitShareAnEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &recordingLog{gate: make(chan struct{})}
		p := newProposer(oneByOne(l.apply))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()

		type answer struct {
			at      int64
			applied Applied
			err     error
		}
		answers := make(chan answer, 100)
		send := func(at int64) {
			go func() {
				a, err := p.propose(ctx, structs.CmdNamespaceDelete, at, body())
				answers <- answer{at, a, err}
			}()
		}
		send(1)
		synctest.Wait() // the first is being written
		for at := int64(2); at <= 20; at++ {
			send(at)
		}
		send(-1)
		synctest.Wait()
		close(l.gate)
		for range 21 {
			a := <-answers
			if a.at < 0 {
				if a.err == nil {
					t.Error("a refused command has no error")
				}
				continue
			}
			if a.err != nil || a.applied.Value != a.at {
				t.Errorf("%d got the answer %v, %v", a.at, a.applied.Value, a.err)
			}
			want := uint64(2)
			if a.at == 1 {
				want = 1
			}
			if a.applied.Index != want {
				t.Errorf("%d is in entry %d, want %d", a.at, a.applied.Index, want)
			}
		}
		cancel()
		<-ended
	})
}

func TestEntriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &recordingLog{gate: make(chan struct{})}
		p := newProposer(oneByOne(l.apply))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		big := &structs.NameDeleteCommand{Names: []string{strings.Repeat("x", maxEntryBytes/2)}}
		done := make(chan error, 10)
		for range 7 {
			go func() {
				_, err := p.propose(ctx, structs.CmdNamespaceDelete, 1, big)
				done <- err
			}()
		}
		synctest.Wait()
		close(l.gate)
		for range 7 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		for _, e := range l.entries {
			if len(e) > 2 {
				t.Errorf("an entry holds %d commands of half its size", len(e))
			}
		}
		cancel()
		<-ended
	})
}

func TestAnErrorOfTheLogReachesEveryProposer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &recordingLog{err: errNoLeader()}
		p := newProposer(oneByOne(l.apply))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		for range 3 {
			if _, err := p.propose(ctx, structs.CmdNamespaceDelete, 1, body()); structs.KindOf(err) != structs.KindNoLeader {
				t.Errorf("got %v", err)
			}
		}
		cancel()
		<-ended
		if _, err := p.propose(ctx, structs.CmdNamespaceDelete, 1, body()); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestACommandBeyondItsLimitIsRefused(t *testing.T) {
	p := newProposer(nil)
	huge := &structs.NameDeleteCommand{Names: []string{strings.Repeat("x", MaxCommandBytes+1)}}
	if _, err := p.propose(t.Context(), structs.CmdNamespaceDelete, 1, huge); structs.KindOf(err) != structs.KindLimit {
		t.Errorf("got %v", err)
	}
}

// heldLog is a log whose entries are applied when they are let; sent are the commands of each.
type heldLog struct {
	t       *testing.T
	release chan struct{} // one receive per entry
	sent    []int
}

func (l *heldLog) send(data []byte) func() (uint64, []fsm.Result, error) {
	var e structs.LogEntry
	if _, err := e.UnmarshalMsg(data); err != nil {
		l.t.Error(err)
	}
	l.sent = append(l.sent, len(e.Commands))
	index := uint64(len(l.sent))
	return func() (uint64, []fsm.Result, error) {
		<-l.release
		return index, make([]fsm.Result, len(e.Commands)), nil
	}
}

// An entry is sent beside another when it holds enough, up to a bound; less waits for the end of one, and shares the next.
func TestEntriesOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &heldLog{t: t, release: make(chan struct{})}
		p := newProposer(l.send)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		var got sync.WaitGroup
		ask := func(c *structs.NameDeleteCommand) {
			got.Go(func() {
				if _, err := p.propose(ctx, structs.CmdNamespaceDelete, 1, c); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		want := func(what string, sent ...int) {
			t.Helper()
			if synctest.Wait(); !slices.Equal(l.sent, sent) {
				t.Errorf("%s: entries of %v commands are sent, want %v", what, l.sent, sent)
			}
		}
		large := &structs.NameDeleteCommand{Names: []string{strings.Repeat("x", enoughBytes)}}
		ask(body())
		want("one that waits for nobody", 1)
		for range enough - 1 {
			ask(body())
		}
		want("less than enough beside one", 1)
		ask(body())
		want("enough beside one", 1, enough)
		ask(body())
		ask(large)
		want("a large one beside two", 1, enough, 2)
		for range 2 * enough {
			ask(body())
		}
		ask(large)
		want("as many as may be on their way", 1, enough, 2)
		l.release <- struct{}{}
		want("all that waited", 1, enough, 2, 2*enough+1)
		l.release <- struct{}{}
		for range enough {
			ask(body())
		}
		want("enough, but less than there are on their way", 1, enough, 2, 2*enough+1)
		for range enough + 3 - 1 {
			ask(body())
		}
		want("one less than there are on their way", 1, enough, 2, 2*enough+1)
		ask(body())
		want("as many as there are on their way", 1, enough, 2, 2*enough+1, 2*enough+3)
		l.release <- struct{}{}
		l.release <- struct{}{}
		for range enough - 1 {
			ask(body())
		}
		want("less than enough beside the last", 1, enough, 2, 2*enough+1, 2*enough+3)
		l.release <- struct{}{}
		want("less than enough beside none", 1, enough, 2, 2*enough+1, 2*enough+3, enough-1)
		l.release <- struct{}{}
		got.Wait()
		cancel()
		<-ended
	})
}

// A command whose proposer went away before it was in an entry is in none.
func TestACommandNobodyWaitsForIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &heldLog{t: t, release: make(chan struct{})}
		p := newProposer(l.send)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		var got sync.WaitGroup
		ask := func(ctx context.Context, want error) {
			got.Go(func() {
				if _, err := p.propose(ctx, structs.CmdNamespaceDelete, 1, body()); !errors.Is(err, want) {
					t.Errorf("answered %v, want %v", err, want)
				}
			})
			synctest.Wait()
		}
		ask(ctx, nil)
		short, leave := context.WithCancel(ctx)
		ask(short, context.Canceled)
		ask(ctx, nil)
		ask(short, context.Canceled)
		leave()
		synctest.Wait()
		ask(short, context.Canceled)
		close(l.release)
		got.Wait()
		if !slices.Equal(l.sent, []int{1, 1}) {
			t.Errorf("entries of %v commands", l.sent)
		}
		cancel()
		<-ended
	})
}

// Two writes of what others check before they write it have two indexes, so that a check tells them apart.
func TestWritesOfOneJobDoNotShareAnEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &recordingLog{gate: make(chan struct{})}
		p := newProposer(oneByOne(l.apply))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		type answer struct {
			job   string
			index uint64
		}
		answers := make(chan answer, 100)
		send := func(at int64, id string) {
			go func() {
				a, err := p.propose(ctx, structs.CmdJobRegister, at, &structs.JobRegisterCommand{Job: &structs.Job{Namespace: "default", ID: id}})
				if err != nil {
					t.Error(err)
				}
				answers <- answer{id, a.Index}
			}()
		}
		for at := range int64(20) {
			send(at+1, []string{"a", "b", "c"}[at%3])
		}
		synctest.Wait()
		close(l.gate)
		taken, last := map[answer]bool{}, uint64(0)
		for range 20 {
			a := <-answers
			if taken[a] {
				t.Errorf("two writes of job %q have index %d", a.job, a.index)
			}
			taken[a], last = true, max(last, a.index)
		}
		if last == 20 {
			t.Error("no entry was shared")
		}
		cancel()
		<-ended
	})
}

// Who writes one thing over and over needs an entry for each, and keeps nobody else behind him: others are in the next entry.
func TestWritesOfOneJobKeepNobodyBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &recordingLog{gate: make(chan struct{})}
		p := newProposer(oneByOne(l.apply))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		var got sync.WaitGroup
		index := map[string]uint64{}
		var mu sync.Mutex
		send := func(at int64, id string) {
			got.Go(func() {
				a, err := p.propose(ctx, structs.CmdJobRegister, at, &structs.JobRegisterCommand{Job: &structs.Job{Namespace: "default", ID: id}})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				index[id] = max(index[id], a.Index)
			})
			synctest.Wait()
		}
		const flood = 50
		for at := range int64(flood) {
			send(at+1, "flood")
		}
		send(flood+1, "a")
		send(flood+2, "b")
		close(l.gate)
		got.Wait()
		if index["a"] != 2 || index["b"] != 2 || index["flood"] != flood {
			t.Errorf("the entries are %v", index)
		}
		last := int64(0)
		for _, e := range l.entries {
			for _, c := range e {
				if c.At <= flood && c.At != last+1 {
					t.Errorf("the write of %d follows that of %d", c.At, last)
				}
				if c.At <= flood {
					last = c.At
				}
			}
		}
		cancel()
		<-ended
		if p.bytes != 0 || p.queue != nil || p.aloft != 0 {
			t.Errorf("%d bytes and %d commands are left", p.bytes, p.aloft)
		}
	})
}

// Whatever writes what others check the index of has the name of that, and of nothing else.
func TestWritesAreNamedByWhatTheyWrite(t *testing.T) {
	named := &structs.Job{Namespace: "a", ID: "web"}
	name := checked(&structs.JobRegisterCommand{Job: named})
	for what, body := range map[string]any{
		"a stop":   &structs.JobDeregisterCommand{Namespace: "a", JobID: "web"},
		"a revert": &structs.DeploymentUpdateCommand{RevertJob: named},
	} {
		if got := checked(body); got != name {
			t.Errorf("%s is of %q, not %q", what, got, name)
		}
	}
	if other := checked(&structs.JobRegisterCommand{Job: &structs.Job{Namespace: "b", ID: "web"}}); other == name || other == "" {
		t.Errorf("a job of another namespace is %q", other)
	}
	names := map[string]bool{}
	for _, body := range []any{
		&structs.JobRegisterCommand{Job: named}, &structs.SchedulerConfigCommand{}, &structs.AutopilotConfigCommand{},
		&structs.NodeTaintsCommand{NodeID: structs.ID{1}}, &structs.NodeTaintsCommand{NodeID: structs.ID{2}},
		&structs.QueueCommand{Queue: &structs.Queue{Name: "a"}}, &structs.QueueCommand{Queue: &structs.Queue{Name: "b"}},
		&structs.PriorityClassCommand{Class: &structs.PriorityClass{Name: "a"}}, &structs.PriorityClassCommand{Class: &structs.PriorityClass{Name: "b"}},
		&structs.DisruptionBudgetCommand{Budget: &structs.DisruptionBudget{Namespace: "a", Name: "b"}},
		&structs.DisruptionBudgetCommand{Budget: &structs.DisruptionBudget{Namespace: "b", Name: "b"}},
	} {
		if got := checked(body); got == "" || names[got] {
			t.Errorf("%T is of %q", body, got)
		} else {
			names[got] = true
		}
	}
	if checked(&structs.QueueCommand{}) != "" || checked(&structs.PriorityClassCommand{}) != "" || checked(&structs.DisruptionBudgetCommand{}) != "" {
		t.Error("nothing has a name")
	}
	if checked(&structs.SchedulerConfigCommand{}) == "" || checked(&structs.JobRegisterCommand{}) != "" || checked(&structs.DeploymentUpdateCommand{}) != "" {
		t.Error("the scheduler's configuration has no name, or nothing has one")
	}
}
