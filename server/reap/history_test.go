package reap

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/state"
	"berth/structs"
)

// launches is a periodic job with launches that are over, and what became of them: w well, f failed, s stopped, p suspended, r still running.
// The first is the oldest.
type launches struct {
	parent *structs.Job
	became string
	begin  int // number of the first, beyond 98
}

func (l launches) put(t *state.WriteTxn, ended int64) {
	t.PutJob(l.parent)
	for i, became := range l.became {
		j := job(structs.PeriodicChildID(l.parent.ID, time.Unix(int64(98+l.begin+i), 0)), structs.JobTypeBatch, structs.JobStatusDead, ended)
		j.ParentID, j.Stop = l.parent.ID, became == 's'
		j.TaskGroups = []*structs.TaskGroup{{Name: "g", Count: new(1)}}
		a := &structs.Allocation{ID: structs.ID{2, byte(l.begin + i)}, Namespace: j.Namespace, JobID: j.ID, TaskGroup: "g", NodeID: structs.ID{3, 1},
			DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientComplete, ModifyTime: ended}
		switch became {
		case 'f':
			a.ClientStatus = structs.AllocClientFailed
		case 's':
			a.DesiredStatus = structs.AllocDesiredStop
		case 'p':
			a.DesiredStatus, j.Suspended = structs.AllocDesiredStop, true
		case 'r':
			a.ClientStatus, j.Status = structs.AllocClientRunning, structs.JobStatusRunning
		}
		t.PutJob(j)
		t.PutJobVersion(j)
		t.PutAlloc(a)
	}
}

func nightly(successful, failed *int) *structs.Job {
	p := job("nightly", structs.JobTypeBatch, structs.JobStatusRunning, ago(99*time.Hour))
	p.Periodic = &structs.PeriodicConfig{Specs: []string{"@daily"}, KeepSuccessful: successful, KeepFailed: failed}
	return p
}

// TestCRN2HistoryLimits: how many launches that are over are kept, and which; those that go are named by the number of their launch. The
// launches 98, 99, 100 and so on are older in that order, though not by their names.
func TestCRN2HistoryLimits(t *testing.T) {
	for _, c := range []struct {
		name       string
		successful *int
		failed     *int
		became     string
		ended      time.Duration // ago
		change     func(*structs.Job)
		force      bool
		go_        []int
	}{
		{name: "three that ended well and one that did not", successful: new(3), failed: new(1), became: "wfwwfw", go_: []int{98, 99}},
		{name: "of each kind the newest", successful: new(1), failed: new(1), became: "ffwwf", go_: []int{98, 99, 100}},
		{name: "kept, however old", successful: new(3), failed: new(1), became: "wwf", ended: 1000 * time.Hour},
		{name: "without the settings the threshold decides: young", became: "wwwwwff"},
		{name: "without the settings the threshold decides: old", became: "wf", ended: 5 * time.Hour, go_: []int{98, 99}},
		{name: "a kind without a limit is as of any job: young", failed: new(0), became: "wwff", go_: []int{100, 101}},
		{name: "a kind without a limit is as of any job: old", failed: new(1), became: "wwff", ended: 5 * time.Hour, go_: []int{98, 99, 100}},
		{name: "none is kept", successful: new(0), failed: new(0), became: "wf", go_: []int{98, 99}},
		{name: "what was stopped has not ended well", successful: new(1), failed: new(1), became: "wss", go_: []int{99}},
		{name: "what runs does not count", successful: new(1), failed: new(0), became: "rwrw", go_: []int{99}},
		{name: "what is suspended does not count, and stays", successful: new(0), failed: new(1), became: "spp"},
		{name: "when everything is to go, they go too", force: true, successful: new(3), failed: new(1), became: "wf", go_: []int{98, 99}},
		{name: "of a job that was stopped none is kept for good", successful: new(3), failed: new(1), became: "wwf", ended: 5 * time.Hour,
			change: func(p *structs.Job) { p.Stop = true }, go_: []int{98, 99, 100}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := nightly(c.successful, c.failed)
			if c.change != nil {
				c.change(p)
			}
			store := state.New()
			txn := store.Begin(1)
			launches{parent: p, became: c.became}.put(txn, ago(c.ended+time.Second))
			txn.Commit()
			var want []string
			for _, n := range c.go_ {
				want = append(want, fmt.Sprintf("nightly/periodic-%d", n))
			}
			slices.Sort(want)
			cmd := Step(store.Snapshot(), now, Thresholds{}, c.force)
			var got []string
			for _, j := range cmd.Jobs {
				got = append(got, j.ID)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) || len(cmd.Allocs) != len(want) {
				t.Fatalf("%v go with %d allocations, want %v", got, len(cmd.Allocs), want)
			}
		})
	}
}

// What is beyond the limits goes soon after a launch has ended, and after the limits have changed, whoever leads.
func TestCRN2LaunchesBeyondTheLimitsGoSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{store: state.New(), gone: map[string]time.Time{}}
		put := func(l launches) {
			txn := b.store.Begin(b.store.Index() + 1)
			l.put(txn, time.Now().UnixNano())
			txn.Commit()
		}
		lead := func() (end func()) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- New(Config{Host: b, Logger: hclog.NewNullLogger(), Thresholds: Thresholds{Interval: 100 * time.Hour}}).Run(ctx)
			}()
			return func() { cancel(); <-ended }
		}
		gone := func(when string, want int) {
			t.Helper()
			time.Sleep(newsPause + 3*finishedPause)
			synctest.Wait()
			if len(b.gone) != want {
				t.Errorf("%s %d are gone, want %d: %v", when, len(b.gone), want, b.gone)
			}
		}
		put(launches{parent: nightly(new(2), nil), became: "www"})
		end := lead()
		gone("for a new leader", 1)
		put(launches{parent: nightly(new(2), nil), became: "w", begin: 3})
		gone("when one has ended", 2)
		put(launches{parent: nightly(new(1), nil)})
		gone("when less are kept", 3)
		end()
	})
}
