package state

import (
	"maps"
	"runtime"
	"sync"
	"testing"
	"weak"

	"pgregory.net/rapid"

	"berth/structs"
)

// What is gone from the state goes from memory, though somebody follows it who has nothing to be told, and so does not ask.
func TestAFollowerKeepsNoOldStateAlive(t *testing.T) {
	s := New()
	for _, tables := range [][]Table{{TableJobs}, {TableNodes}, {TableDeployments}, {TablePeriodicLaunches, TableDisruptionBudgets}, {TableEvals, TableQueues}} {
		f := s.Follow(tables...)
		defer f.Close()
		waits := s.Follow(tables...)
		defer waits.Close()
	}
	write(s, func(t *WriteTxn) {
		putJob(t, job("a", 0))
		t.PutNode(&structs.Node{ID: id(1)})
		t.PutEval(&structs.Evaluation{ID: id(1), Namespace: "default", JobID: "a"})
		t.PutDeployment(&structs.Deployment{ID: id(1), Namespace: "default", JobID: "a"})
		t.PutAlloc(alloc(1, "a", 1))
	})
	n := 0
	for f := range s.followers {
		f.Poll()
		if n++; n%2 == 0 {
			f.Wait()
		}
	}
	was := weak.Make(s.Snapshot().Alloc(id(1)))
	write(s, func(t *WriteTxn) { t.DeleteAlloc(id(1)) })
	write(s, func(t *WriteTxn) { t.PutRegion(&structs.Region{Name: "r"}) })
	runtime.GC()
	if was.Value() != nil {
		t.Error("an allocation that was deleted is kept in memory by who follows other tables")
	}
	runtime.KeepAlive(s)
}

// view is what a follower of jobs and evaluations makes of what it is told.
type view struct {
	f     *Follower
	jobs  map[string]*structs.Job
	evals map[structs.ID]*structs.Evaluation
}

func (v *view) poll() {
	c, _ := v.f.Poll()
	for _, j := range c.Jobs {
		if delete(v.jobs, j.Object.ID); !j.Deleted {
			v.jobs[j.Object.ID] = j.Object
		}
	}
	for _, e := range c.Evals {
		if delete(v.evals, e.Object.ID); !e.Deleted {
			v.evals[e.Object.ID] = e.Object
		}
	}
}

func (v *view) check(t interface{ Fatalf(string, ...any) }, s *Store) {
	jobs, evals := map[string]*structs.Job{}, map[structs.ID]*structs.Evaluation{}
	for j := range s.Snapshot().Jobs() {
		jobs[j.ID] = j
	}
	for e := range s.Snapshot().Evals() {
		evals[e.ID] = e
	}
	if !maps.Equal(jobs, v.jobs) || !maps.Equal(evals, v.evals) {
		t.Fatalf("told of jobs %v and evaluations %v, there are %v and %v", v.jobs, v.evals, jobs, evals)
	}
}

func follow(s *Store) *view {
	return &view{f: s.Follow(TableJobs, TableEvals), jobs: map[string]*structs.Job{}, evals: map[structs.ID]*structs.Evaluation{}}
}

// change writes, or deletes, a job, an evaluation or something that is not followed.
func change(s *Store, what, n int, gone bool) {
	name := string(rune('a' + n))
	write(s, func(t *WriteTxn) {
		switch {
		case what == 0 && gone:
			if t.Job("default", name) != nil {
				t.DeleteJob(structs.JobKey{Namespace: "default", ID: name})
			}
		case what == 0:
			putJob(t, job(name, t.Index()))
		case what == 1 && gone:
			if t.Eval(id(byte(n))) != nil {
				t.DeleteEval(id(byte(n)))
			}
		case what == 1:
			t.PutEval(&structs.Evaluation{ID: id(byte(n)), Namespace: "default", JobID: name})
		case gone:
			if t.Alloc(id(byte(n))) != nil {
				t.DeleteAlloc(id(byte(n)))
			}
		default:
			t.PutAlloc(alloc(byte(n), name, 1))
		}
	})
}

// Whoever asks whenever it likes has the state as it is.
func TestFollowersMissNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		views := []*view{follow(s), follow(s), follow(s)}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			change(s, rapid.IntRange(0, 2).Draw(t, "table"), rapid.IntRange(0, 2).Draw(t, "object"), rapid.Bool().Draw(t, "gone"))
			if v := views[rapid.IntRange(0, len(views)-1).Draw(t, "who")]; rapid.Bool().Draw(t, "asks") {
				v.poll()
				v.check(t, s)
				v.f.Wait()
			}
		}
		for _, v := range views {
			v.poll()
			v.check(t, s)
		}
	})
}

func TestFollowersMissNothingWhileOthersWrite(t *testing.T) {
	s := New()
	v := follow(s)
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 3000 {
			change(s, i%3, i/3%2, i%5 < 2)
		}
	})
	for s.Index() < 3000 {
		v.poll()
	}
	writer.Wait()
	v.poll()
	v.check(t, s)
}
