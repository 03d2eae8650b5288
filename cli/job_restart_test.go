package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/api"
	"berth/structs"
)

// herd is a job whose allocations are restarted: each is away for one look after that.
type herd struct {
	mu     sync.Mutex
	allocs map[string]*api.Allocation
	asked  []string // "web[0] server": what was restarted or stopped, in order
	away   int
	most   int // away at once
	broken string
	room   string // "later": what takes a place has to wait first; "none": nothing takes one
	ends   string // the status of allocations that were restarted in place
	placed []string
	waits  []string
	f      *fake
}

func herdID(n int) structs.ID {
	return structs.MustID(fmt.Sprintf("c%07d-0000-4000-8000-000000000000", n))
}

// routes serve five allocations of two groups: three of web, with two tasks each, and two of db.
func (h *herd) routes() map[string]any {
	job := webJob()
	job.TaskGroups[0].Tasks = append(job.TaskGroups[0].Tasks, &structs.Task{Name: "helper", Driver: "docker"})
	job.TaskGroups = append(job.TaskGroups, &structs.TaskGroup{Name: "db", Tasks: []*structs.Task{{Name: "store", Driver: "docker"}}})
	h.allocs = map[string]*api.Allocation{}
	routes := map[string]any{"GET /v1/jobs": []*structs.JobListStub{webStub()}, "GET /v1/job/web": job,
		"GET /v1/evaluation/" + evalOne.String(): &structs.Evaluation{ID: evalOne, Status: structs.EvalStatusComplete}}
	for i := range 10 { // the last five take the places of the first
		group, tasks := "web", []string{"server", "helper"}
		if i%5 > 2 {
			group, tasks = "db", []string{"store"}
		}
		a := api.NewAllocation(&structs.Allocation{ID: herdID(i), Index: uint32(i % 5), CreateIndex: uint64(i), JobID: "web", TaskGroup: group, NodeName: "one", DesiredStatus: "run", ClientStatus: "running",
			TaskStates: map[string]*structs.TaskState{}})
		for _, task := range tasks {
			a.TaskStates[task] = &structs.TaskState{State: structs.TaskStateRunning, StartedAt: moment0}
		}
		h.allocs[a.ID.String()] = a
		if i < 5 {
			h.placed = append(h.placed, a.ID.String())
		}
		routes["GET /v1/allocation/"+a.ID.String()] = h.get
		routes["PUT /v1/client/allocation/"+a.ID.String()+"/restart"] = h.restart
		routes["PUT /v1/allocation/"+a.ID.String()+"/stop"] = h.stop
	}
	routes["GET /v1/job/web/allocations"] = h.list
	routes["GET /v1/job/web/evaluations"] = h.evals
	return routes
}

// list shows what is placed, and one that ended long ago; whoever waits for a change gets one.
func (h *herd) list(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.URL.Query().Get("index") != "" {
		h.placed, h.waits = append(h.placed, h.waits...), nil
	}
	list := []*structs.AllocListStub{{ID: herdID(99), JobID: "web", TaskGroup: "web", DesiredStatus: "run", ClientStatus: "complete"}}
	for _, id := range h.placed {
		a := h.allocs[id]
		list = append(list, &structs.AllocListStub{ID: a.ID, Name: fmt.Sprintf("web.%s[%d]", a.TaskGroup, a.Index), JobID: "web", TaskGroup: a.TaskGroup, NodeName: "one", DesiredStatus: a.DesiredStatus,
			ClientStatus: a.ClientStatus, CreateIndex: a.CreateIndex})
	}
	_ = json.NewEncoder(w).Encode(list)
}

func (h *herd) evals(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := []*structs.Evaluation{{ID: evalOne, Status: structs.EvalStatusComplete}}
	if len(h.waits) > 0 {
		all = append(all, &structs.Evaluation{ID: herdID(50), Status: structs.EvalStatusBlocked})
	}
	_ = json.NewEncoder(w).Encode(all)
}

func (h *herd) of(r *http.Request) *api.Allocation {
	for id, a := range h.allocs {
		if strings.Contains(r.URL.Path, id) {
			return a
		}
	}
	return nil
}

func (h *herd) get(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.of(r)
	_ = json.NewEncoder(w).Encode(a)
	back := a.ClientStatus == "pending"
	if back {
		a.ClientStatus = "running"
	}
	for _, s := range a.TaskStates {
		if s.State == structs.TaskStatePending {
			s.State, s.StartedAt, back = structs.TaskStateRunning, moment0.Add(time.Second), true
		}
	}
	if back {
		h.away--
	}
}

func (h *herd) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *herd) leave(a *api.Allocation, what string) {
	h.asked = append(h.asked, strings.TrimSpace(a.ID.Short()[7:]+" "+what))
	h.away++
	h.most = max(h.most, h.away)
}

func (h *herd) restart(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var body struct {
		TaskName string
		AllTasks bool
	}
	_ = json.Unmarshal(h.f.text(r.Method+" "+r.URL.Path), &body)
	a := h.of(r)
	if a.ID.Short()[7:] == h.broken {
		http.Error(w, "its node does not answer", http.StatusInternalServerError)
		return
	}
	if body.AllTasks {
		h.leave(a, "all")
	} else {
		h.leave(a, body.TaskName)
	}
	for name, s := range a.TaskStates {
		if body.TaskName == "" || body.TaskName == name {
			s.State = structs.TaskStatePending
		}
	}
	if h.ends != "" {
		a.ClientStatus = h.ends
		h.away--
	}
	_, _ = w.Write([]byte("{}"))
}

func (h *herd) stop(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.of(r)
	h.leave(a, "stop")
	var n int
	_, _ = fmt.Sscanf(a.ID.Short()[1:], "%d", &n)
	a.DesiredStatus = "stop"
	next := h.allocs[herdID(n+5).String()]
	next.ClientStatus = "pending"
	switch h.room {
	case "later":
		h.waits = append(h.waits, next.ID.String())
	case "none":
		h.away--
	default:
		h.placed = append(h.placed, next.ID.String())
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"EvalID": evalOne})
}

func TestJobRestart(t *testing.T) {
	for _, c := range []struct {
		args   string
		stdin  string
		broken string
		room   string
		ends   string
		want   string // what was asked for, in order
		most   int
		code   int
		says   string
	}{
		{args: "", want: "3,4,0,1,2", most: 1, says: "All is restarted"},
		{args: "-batch-size 2", want: "3,4,0,1,2", most: 2, says: "Restarting 5 allocations of job \"web\" in 3 batches"},
		{args: "-batch-size 50%", want: "3,4,0,1,2", most: 3, says: "in 2 batches"},
		{args: "-group db -batch-size 100%", want: "3,4", most: 2, says: "in 1 batch"},
		{args: "-task helper", want: "0 helper,1 helper,2 helper", most: 1},
		{args: "-group db -all-tasks", want: "3 all,4 all", most: 1, says: "All is restarted"},
		{args: "-group web -reschedule", want: "0 stop,1 stop,2 stop", most: 1, says: "c0000006 on one runs in its place"},
		{args: "-group db -batch-wait ask", stdin: "y\n", want: "3,4", most: 1, says: "2 of 2 batches: go on? [y/N]"},
		{args: "-group db -batch-wait ask", stdin: "n\n", want: "3", most: 1, says: "The others were left alone"},
		{args: "-group db -batch-wait ask", want: "3", most: 1, code: 1, says: "[y/N] \nberth: nobody answers the question"},
		{args: "-group db -batch-wait 1ms", want: "3,4", most: 1, says: "Waiting 1ms before 2 of 2 batches"},
		{args: "-group db -reschedule", room: "later", want: "3 stop,4 stop", most: 1, says: "c0000003: what takes its place has to wait"},
		{args: "-group db -reschedule", room: "later", want: "3 stop,4 stop", most: 1, says: "c0000009 on one runs in its place"},
		{args: "-group db -reschedule", room: "none", want: "3 stop,4 stop", most: 1, says: "c0000003: nothing takes its place"},
		{args: "-group db", ends: "complete", want: "3,4", most: 1, says: "its work is done"},
		{args: "-group db -yes", ends: "failed", want: "3,4", most: 1, code: 1, says: "it is failed (`berth alloc status c0000003` tells more)"},
		{args: "-group db -batch-wait ask -yes", want: "3,4", most: 1},
		{args: "-group db", broken: "3", want: "", code: 1, says: "its node does not answer"},
		{args: "-group db", broken: "3", stdin: "y\n", want: "4", most: 1, code: 1, says: "Go on with the next batch?"},
		{args: "-group db -yes", broken: "3", want: "4", most: 1, code: 1},
		{args: "-group db -yes -on-error fail", broken: "3", want: "", code: 1},
	} {
		t.Run(strings.Join([]string{c.args, c.stdin, c.broken, c.room, c.ends}, " "), func(t *testing.T) {
			h := &herd{broken: c.broken, room: c.room, ends: c.ends}
			h.f = newFake(t, h.routes())
			t.Setenv("NOMAD_ADDR", h.f.URL)
			got := berth(t, c.stdin, slices.Concat([]string{"job", "restart"}, strings.Fields(c.args), []string{"web"})...)
			if asked := strings.Join(h.asked, ","); got.code != c.code || asked != c.want || h.most != c.most || !strings.Contains(got.out+got.err, c.says) {
				t.Errorf("exit code %d, asked for %q, %d away at once\n%s%s", got.code, asked, h.most, got.out, got.err)
			}
		})
	}
}

// Flags that cannot be meant are refused before anything is restarted.
func TestJobRestartRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"-batch-size 0":            "a number from 1",
		"-batch-size 101%":         "at most 100%",
		"-batch-size some":         "a number from 1",
		"-batch-wait soon":         "a duration as 30s, or ask",
		"-batch-wait -1s":          "a duration as 30s, or ask",
		"-on-error ignore":         "ask or fail",
		"-task server -reschedule": "exclude each other",
		"-all-tasks -task server":  "say which tasks, or all",
		"-all-tasks -reschedule":   "runs all tasks anyway",
		"-no-shutdown-delay":       "goes with -reschedule",
		"-group none":              `no group "none": its groups are web, db`,
		"-group db -task server":   `no task "server" in the groups that are meant: their tasks are store`,
	} {
		t.Run(args, func(t *testing.T) {
			h := &herd{}
			f := newFake(t, h.routes())
			got := f.berth(t, slices.Concat([]string{"job", "restart"}, strings.Fields(args), []string{"web"})...)
			if got.code != 1 || !strings.Contains(got.err, want) || len(h.asked) > 0 {
				t.Errorf("exit code %d, asked for %q\n%s%s", got.code, h.asked, got.out, got.err)
			}
		})
	}
	h := &herd{}
	routes := h.routes()
	routes["GET /v1/job/web"].(*structs.Job).Type = structs.JobTypeSystem
	if got := newFake(t, routes).berth(t, "job", "restart", "-reschedule", "web"); got.code != 1 || !strings.Contains(got.err, "belong to their nodes") || len(h.asked) > 0 {
		t.Errorf("of a system job: exit code %d\n%s%s", got.code, got.out, got.err)
	}
}

// What has ended since it was listed is no failure; that nothing runs is said.
func TestJobRestartOfWhatHasEnded(t *testing.T) {
	h := &herd{}
	f := newFake(t, h.routes())
	f.routes["GET /v1/allocation/"+herdID(3).String()] = api.NewAllocation(&structs.Allocation{ID: herdID(3), DesiredStatus: "run", ClientStatus: "complete"})
	h.f = f
	if got := f.berth(t, "job", "restart", "-group", "db", "web"); got.code != 0 || strings.Join(h.asked, ",") != "4" || !strings.Contains(got.out, "c0000003 on one: it has ended meanwhile") {
		t.Errorf("exit code %d, asked for %q\n%s%s", got.code, h.asked, got.out, got.err)
	}
	h.placed = nil
	if got := f.berth(t, "job", "restart", "web"); got.code != 0 || !strings.Contains(got.out, "nothing of job \"web\" that is meant runs") {
		t.Errorf("exit code %d\n%s%s", got.code, got.out, got.err)
	}
}

// What does not come back is told, and nothing more is restarted.
func TestJobRestartOfWhatDoesNotComeBack(t *testing.T) {
	for name, c := range map[string]struct {
		args   string
		change func(h *herd, first, next *api.Allocation, routes map[string]any)
		code   int
		says   string
	}{
		"it is stopped": {"", func(h *herd, first, _ *api.Allocation, routes map[string]any) {
			routes["PUT /v1/client/allocation/"+first.ID.String()+"/restart"] = func(w http.ResponseWriter, _ *http.Request) {
				h.set(func() { first.DesiredStatus = "stop" })
				_, _ = w.Write([]byte("{}"))
			}
		}, 1, "it does not run again: it was told to stop meanwhile"},
		"its evaluation fails": {"-reschedule", func(_ *herd, _, _ *api.Allocation, routes map[string]any) {
			routes["GET /v1/evaluation/"+evalOne.String()] = &structs.Evaluation{ID: evalOne, Status: structs.EvalStatusFailed, StatusDescription: "too many attempts"}
		}, 1, "its evaluation failed: too many attempts"},
		"what takes its place fails": {"-reschedule", func(h *herd, first, next *api.Allocation, routes map[string]any) {
			routes["PUT /v1/allocation/"+first.ID.String()+"/stop"] = func(w http.ResponseWriter, r *http.Request) {
				h.stop(w, r)
				h.set(func() { next.ClientStatus = "failed" })
			}
		}, 1, "c0000008, which takes its place, does not run: it is failed"},
		"it is stopped without its delay": {"-reschedule -no-shutdown-delay", func(h *herd, first, _ *api.Allocation, routes map[string]any) {
			routes["PUT /v1/allocation/"+first.ID.String()+"/stop"] = func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("no_shutdown_delay") != "true" {
					http.Error(w, "the shutdown delay is not skipped", http.StatusInternalServerError)
					return
				}
				h.stop(w, r)
			}
		}, 0, "c0000008 on one runs in its place"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &herd{}
			routes := h.routes()
			c.change(h, h.allocs[herdID(3).String()], h.allocs[herdID(8).String()], routes)
			h.f = newFake(t, routes)
			got := h.f.berth(t, slices.Concat([]string{"job", "restart", "-group", "db"}, strings.Fields(c.args), []string{"web"})...)
			another := slices.ContainsFunc(h.asked, func(s string) bool { return strings.HasPrefix(s, "4") })
			if got.code != c.code || !strings.Contains(got.out+got.err, c.says) || another != (c.code == 0) {
				t.Errorf("exit code %d, asked for %q\n%s%s", got.code, h.asked, got.out, got.err)
			}
		})
	}
}
