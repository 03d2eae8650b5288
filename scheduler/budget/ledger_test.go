package budget

import (
	"iter"
	"slices"
	"strings"
	"testing"

	"berth/structs"
)

type world struct {
	jobs    []*structs.Job
	allocs  []*structs.Allocation
	budgets []*structs.DisruptionBudget
}

func (w *world) Jobs() iter.Seq[*structs.Job] { return slices.Values(w.jobs) }
func (w *world) Job(namespace, id string) *structs.Job {
	for _, j := range w.jobs {
		if j.Key() == (structs.JobKey{Namespace: namespace, ID: id}) {
			return j
		}
	}
	return nil
}
func (w *world) AllocsByJob(namespace, id string) iter.Seq[*structs.Allocation] {
	return func(yield func(*structs.Allocation) bool) {
		for _, a := range w.allocs {
			if a.Namespace == namespace && a.JobID == id && !yield(a) {
				return
			}
		}
	}
}
func (w *world) DisruptionBudgets() iter.Seq[*structs.DisruptionBudget] {
	return slices.Values(w.budgets)
}

// job adds a job of one group, of which so many run.
func (w *world) job(namespace, id, kind string, count, running int, d *structs.Disruption) *structs.Job {
	j := &structs.Job{Namespace: namespace, ID: id, Type: kind, TaskGroups: []*structs.TaskGroup{{Name: "g", Count: &count, Disruption: d}}}
	w.jobs = append(w.jobs, j)
	for range running {
		w.allocs = append(w.allocs, &structs.Allocation{ID: structs.ID{byte(len(w.allocs) + 1)}, Namespace: namespace, JobID: id, TaskGroup: "g",
			DesiredStatus: structs.AllocDesiredRun, ClientStatus: structs.AllocClientRunning})
	}
	return j
}

// taken is how many of a job's allocations may be taken, one after another.
func taken(l *Ledger, w *world, job string) int {
	n := 0
	for _, a := range w.allocs {
		if a.JobID == job && Serves(a) && l.Blocks(a) == nil {
			l.Take(a)
			n++
		}
	}
	return n
}

func TestABlockSparesWhatItMay(t *testing.T) {
	service, batch := structs.JobTypeService, structs.JobTypeBatch
	for _, c := range []struct {
		name           string
		kind           string
		count, running int
		rule           structs.Disruption
		want           int
	}{
		{"a part", service, 4, 4, structs.Disruption{MinAvailable: "75%"}, 1},
		{"a number", service, 4, 4, structs.Disruption{MinAvailable: "2"}, 2},
		{"so many may be away", service, 4, 4, structs.Disruption{MaxUnavailable: "1"}, 1},
		{"one is away already", service, 4, 3, structs.Disruption{MaxUnavailable: "1"}, 0},
		{"more are away than may", service, 4, 1, structs.Disruption{MinAvailable: "3"}, 0},
		{"batch work is what is left of it", batch, 9, 4, structs.Disruption{MaxUnavailable: "1"}, 1},
		{"and a part of that", batch, 9, 4, structs.Disruption{MinAvailable: "50%"}, 2},
		{"daemons have none", structs.JobTypeSystem, 1, 3, structs.Disruption{MinAvailable: "100%"}, 3},
	} {
		w := &world{}
		w.job("default", "web", c.kind, c.count, c.running, &c.rule)
		if got := taken(New(w, nil), w, "web"); got != c.want {
			t.Errorf("%s: %d are taken, want %d", c.name, got, c.want)
		}
	}
}

func TestABudgetIsOverAllItMeans(t *testing.T) {
	w := &world{}
	w.job("default", "db-1", structs.JobTypeService, 2, 2, nil)
	w.job("default", "db-2", structs.JobTypeService, 2, 2, nil)
	w.job("other", "db-3", structs.JobTypeService, 5, 5, nil)               // of another namespace
	w.job("default", "db-4", structs.JobTypeService, 5, 5, nil).Stop = true // nobody misses it
	w.job("default", "web", structs.JobTypeService, 2, 2, nil)
	w.budgets = []*structs.DisruptionBudget{{Namespace: "default", Name: "quorum", Job: "db-*", Disruption: structs.Disruption{MaxUnavailable: "1"}}}
	l := New(w, nil)
	if a := l.Of(structs.JobKey{Namespace: "default", ID: "db-1"}, "g"); len(a) != 1 || a[0].Expected != 4 || a[0].Available != 4 || a[0].Least != 3 {
		t.Fatalf("%+v", a[0])
	}
	if got := taken(l, w, "db-1"); got != 1 {
		t.Errorf("%d of the first are taken", got)
	}
	if got := taken(l, w, "db-2"); got != 0 {
		t.Errorf("%d of the second are taken beside it", got)
	}
	if got := taken(l, w, "db-3") + taken(l, w, "db-4") + taken(l, w, "web"); got != 12 {
		t.Errorf("%d of what the budget does not mean are taken", got)
	}
	why := l.Blocks(w.allocs[2])
	if why == nil || !strings.Contains(why.String(), "disruption budget quorum: 3 of 4 allocations are available, and 3 must stay so (max_unavailable 1)") {
		t.Errorf("%v", why)
	}
}

// What does not serve is not missed: it may be taken whatever the budget, and it does not count as available.
func TestWhatServes(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name   string
		change func(*structs.Allocation)
		serves bool
	}{
		{"it runs", func(*structs.Allocation) {}, true},
		{"it has not begun", func(a *structs.Allocation) { a.ClientStatus = structs.AllocClientPending }, false},
		{"it was told to stop", func(a *structs.Allocation) { a.DesiredStatus = structs.AllocDesiredStop }, false},
		{"it is to be judged", func(a *structs.Allocation) { a.DeploymentID = structs.ID{1} }, false},
		{"it is well", func(a *structs.Allocation) {
			a.DeploymentID, a.DeploymentStatus = structs.ID{1}, &structs.AllocDeploymentStatus{Healthy: &yes}
		}, true},
		{"it is not", func(a *structs.Allocation) { a.DeploymentStatus = &structs.AllocDeploymentStatus{Healthy: &no} }, false},
	} {
		w := &world{}
		w.job("default", "web", structs.JobTypeService, 2, 2, &structs.Disruption{MinAvailable: "2"})
		c.change(w.allocs[0])
		l := New(w, nil)
		if Serves(w.allocs[0]) != c.serves || (l.Blocks(w.allocs[0]) != nil) != c.serves {
			t.Errorf("%s: serves %t, held by %v", c.name, Serves(w.allocs[0]), l.Blocks(w.allocs[0]))
		}
		if l.Blocks(w.allocs[1]) == nil {
			t.Errorf("%s: the other one may be taken", c.name)
		}
	}
	w := &world{}
	w.job("default", "web", structs.JobTypeService, 2, 2, &structs.Disruption{MinAvailable: "1"})
	l := New(w, func(a *structs.Allocation) bool { return a == w.allocs[0] })
	if l.Blocks(w.allocs[1]) == nil {
		t.Error("one may be taken although the other is on its way out")
	}
}
