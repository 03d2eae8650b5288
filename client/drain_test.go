package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth/structs"
)

// drainIn begins a drain of a life's node, and gives what it comes to.
func drainIn(ctx context.Context, l *life, spec DrainSpec) <-chan error {
	done := make(chan error, 1)
	go func() { done <- l.c.Drain(ctx, spec) }()
	synctest.Wait()
	return done
}

func pending(t *testing.T, done <-chan error, what string) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("%s, and the drain is over: %v", what, err)
	default:
	}
}

func TestADrainWaitsForWhatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		a, b, c := s.place(1, "service", nil), s.place(2, "batch", nil), s.place(3, "system", nil)
		synctest.Wait()
		done := drainIn(t.Context(), l, DrainSpec{Deadline: time.Hour, IgnoreSystemJobs: true})
		asked := s.shut[len(s.shut)-1]
		if asked.Back || asked.NodeID != l.c.NodeID() || asked.SecretID.IsZero() || asked.Deadline != time.Hour || !asked.IgnoreSystemJobs || asked.Force {
			t.Errorf("the servers were asked for %+v", asked)
		}
		for _, id := range []structs.ID{a, b} {
			after(time.Minute)
			pending(t, done, "something runs")
			s.stop(id)
		}
		after(time.Minute)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if s.status(a) != "complete" || s.status(b) != "complete" || s.status(c) != "running" {
			t.Errorf("the servers were told %q, %q and %q", s.status(a), s.status(b), s.status(c))
		}
		l.end()
	})
}

// Those of system jobs leave as well, unless they are to stay.
func TestADrainWaitsForSystemJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		id := s.place(1, "system", nil)
		synctest.Wait()
		done := drainIn(t.Context(), l, DrainSpec{Deadline: time.Hour})
		after(time.Minute)
		pending(t, done, "a system job runs")
		s.stop(id)
		after(time.Minute)
		if err := <-done; err != nil {
			t.Error(err)
		}
		l.end()
	})
}

// What ended counts as there until the servers know: the agent must not end with the news.
func TestADrainWaitsForItsReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		l := begin(t, m, s)
		id := s.place(1, "service", nil)
		synctest.Wait()
		done := drainIn(t.Context(), l, DrainSpec{Deadline: time.Hour})
		s.set(func() { s.deaf = true })
		s.stop(id)
		after(time.Minute)
		pending(t, done, "nothing was reported")
		s.set(func() { s.deaf = false })
		after(time.Minute)
		if err := <-done; err != nil || s.status(id) != "complete" {
			t.Errorf("%v; the servers were told %q", err, s.status(id))
		}
		l.end()
	})
}

// A drain is over with the last word, not when somebody looks again: also when what is left is forgotten and has nothing to report.
func TestADrainIsOverAtOnce(t *testing.T) {
	for name, last := range map[string]func(s *cluster, id structs.ID){
		"with the last report": (*cluster).stop,
		"when a job is purged": func(s *cluster, id structs.ID) { s.set(func() { s.deaf = true }); s.reap(id) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, s := newMachine(t), newCluster()
				l := begin(t, m, s)
				id := s.place(1, "service", nil)
				synctest.Wait()
				done := drainIn(t.Context(), l, DrainSpec{Deadline: time.Hour})
				after(time.Minute)
				pending(t, done, "a service runs")
				began := time.Now()
				last(s, id)
				if err := <-done; err != nil || time.Since(began) > time.Second {
					t.Errorf("%v after %s of virtual time", err, time.Since(began))
				}
				l.end()
			})
		})
	}
}

func TestADrainEnds(t *testing.T) {
	again := errors.New("told again")
	for name, c := range map[string]struct {
		down   bool // of the servers, before the drain
		cancel bool
		want   string
	}{
		"at its deadline":                   {false, false, "deadline of the drain has passed"},
		"at its deadline, without servers":  {true, false, "deadline of the drain has passed"},
		"when the agent is told once more":  {false, true, "told again"},
		"the same, while servers are asked": {true, true, "told again"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, s := newMachine(t), newCluster()
				l := begin(t, m, s)
				s.place(1, "service", nil)
				synctest.Wait()
				s.set(func() { s.down = c.down })
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				done := drainIn(ctx, l, DrainSpec{Deadline: 5 * time.Minute})
				after(5 * time.Minute)
				pending(t, done, "it has as long as tasks may take to end")
				if c.cancel {
					cancel(again)
				} else {
					after(time.Minute)
				}
				synctest.Wait()
				if err := <-done; err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("it ended with %v", err)
				}
				l.end()
			})
		})
	}
}

// The servers are told once in each life that the agent is back, again only if they could not answer.
func TestAnAgentSaysThatItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newCluster()
		for range 2 {
			l := begin(t, m, s)
			after(5 * time.Minute)
			l.end()
		}
		if len(s.shut) != 2 || !s.shut[0].Back || !s.shut[1].Back {
			t.Errorf("they were told %+v", s.shut)
		}
	})
}

// It is said until the servers have answered, and no more once the node is drained: that would open it again.
func TestWhatServersAnswerToAnAgentThatIsBack(t *testing.T) {
	noLeader := structs.NewError(structs.KindNoLeader, "no leader")
	for name, c := range map[string]struct {
		answer error
		drain  bool
		said   bool // again, once they can answer
	}{
		"no leader":                         {noLeader, false, true},
		"not to be reached":                 {structs.NewError(structs.KindUnavailable, "nobody"), false, true},
		"they know no such call":            {structs.NewError(structs.KindNotFound, "no such path"), false, false},
		"no leader until the agent is told": {noLeader, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, s := newMachine(t), newCluster()
				s.shutErr = c.answer
				l := begin(t, m, s)
				id := s.place(1, "service", nil)
				after(time.Minute)
				s.set(func() { s.shut, s.shutErr = nil, nil })
				var done <-chan error
				if c.drain {
					done = drainIn(t.Context(), l, DrainSpec{Deadline: time.Hour})
				}
				after(time.Minute)
				said := 0
				for _, r := range s.shut {
					if r.Back {
						said++
					}
				}
				if got := said == 1; got != c.said || said > 1 {
					t.Errorf("it was said %d times", said)
				}
				if c.drain {
					s.stop(id)
					after(time.Minute)
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
				l.end()
			})
		})
	}
}

// A drain that the servers refuse is not asked for until its deadline.
func TestADrainThatIsRefused(t *testing.T) {
	for _, kind := range []structs.ErrorKind{structs.KindUnauthorised, structs.KindInvalid, structs.KindConflict} {
		synctest.Test(t, func(t *testing.T) {
			m, s := newMachine(t), newCluster()
			l := begin(t, m, s)
			s.place(1, "service", nil)
			synctest.Wait()
			s.set(func() { s.shutErr = structs.NewError(kind, "not this one") })
			done := drainIn(t.Context(), l, DrainSpec{Deadline: time.Hour})
			select {
			case err := <-done:
				if structs.KindOf(err) != kind {
					t.Errorf("it ended with %v", err)
				}
			default:
				t.Error("it is asked for again")
			}
			l.end()
		})
	}
}
