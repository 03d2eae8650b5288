package allocrunner

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"berth/structs"
)

// group is a model of task runners: they do what they are told, or end by themselves as the draw says.
type group struct {
	view
	allowed, killed map[string]bool
}

func drawGroup(t *rapid.T) *group {
	g := &group{allowed: map[string]bool{}, killed: map[string]bool{}}
	parts := append(rapid.SliceOfN(rapid.SampledFrom([]part{partPrestart, partSidecar, partMain, partPoststart, partLate, partPoststop}), 0, 5).Draw(t, "parts"), partMain)
	for i, p := range parts {
		g.tasks = append(g.tasks, taskView{name: fmt.Sprint(i), part: p, state: &structs.TaskState{State: structs.TaskStatePending}})
	}
	if rapid.Bool().Draw(t, "leader") {
		g.tasks[len(parts)-1].leader = true
	}
	return g
}

func (g *group) set(i int, state string, failed bool) {
	g.tasks[i].state = &structs.TaskState{State: state, Failed: failed}
	g.tasks[i].begun = g.tasks[i].begun || state == structs.TaskStateRunning
}

// turn performs what the core says, then lets one thing happen.
func (g *group) turn(t *rapid.T) {
	e := step(g.view)
	for i, task := range g.tasks {
		if slices.Contains(e.allow, task.name) {
			g.allowed[task.name] = true
			for _, other := range g.tasks {
				early := task.part == partMain && (other.part == partPrestart && !other.dead() || other.part == partSidecar && !other.running()) ||
					task.part == partPoststop && other.part != partPoststop && !other.dead()
				if early && !task.begun && !task.dead() {
					t.Fatalf("%+v is allowed while %+v", task, other)
				}
			}
		}
		if slices.Contains(e.kill, task.name) {
			g.killed[task.name] = true
			if !task.begun && task.state.State == structs.TaskStatePending {
				g.set(i, structs.TaskStateDead, false)
			}
		}
	}
}

// happen lets one task go on: what is allowed starts, what is killed or ends by itself dies.
func (g *group) happen(t *rapid.T) {
	i := rapid.IntRange(0, len(g.tasks)-1).Draw(t, "task")
	task := g.tasks[i]
	switch {
	case task.dead():
	case g.killed[task.name]:
		g.set(i, structs.TaskStateDead, false)
	case task.state.State == structs.TaskStatePending && g.allowed[task.name]:
		g.set(i, structs.TaskStateRunning, false)
	case task.running() && rapid.Bool().Draw(t, "ends"):
		g.set(i, structs.TaskStateDead, rapid.Bool().Draw(t, "fails"))
	}
}

// TestEveryAllocationEnds: asked to stop at any moment, in whatever state its tasks are, an allocation ends, in order.
func TestEveryAllocationEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t)
		for range rapid.IntRange(0, 30).Draw(t, "turns") {
			g.turn(t)
			g.happen(t)
		}
		g.stop = true
		g.destroy = rapid.Bool().Draw(t, "destroy")
		for range 4 * len(g.tasks) {
			g.turn(t)
			for i, task := range g.tasks {
				switch {
				case task.dead():
				case g.killed[task.name], task.running() && task.part == partPoststop:
					g.set(i, structs.TaskStateDead, false)
				case task.part == partPoststop && g.allowed[task.name]:
					g.set(i, structs.TaskStateRunning, false)
				}
			}
		}
		for _, task := range g.tasks {
			if !task.dead() {
				t.Fatalf("%+v lives on in %+v", task, g.tasks)
			}
		}
		if status, _ := statusOf(g.tasks, false); status == structs.AllocClientComplete || status == structs.AllocClientFailed {
			t.Fatalf("%s before everything is released", status)
		}
	})
}

// TestEveryAllocationRuns: without failures all main tasks come to run.
func TestEveryAllocationRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t)
		for range 4 * len(g.tasks) {
			g.turn(t)
			for i, task := range g.tasks {
				switch {
				case !g.allowed[task.name] || task.dead():
				case task.running() && task.part == partPrestart:
					g.set(i, structs.TaskStateDead, false)
				case !task.running():
					g.set(i, structs.TaskStateRunning, false)
				}
			}
		}
		for _, task := range g.tasks {
			if want := task.part != partPrestart && task.part != partPoststop; task.running() != want {
				t.Fatalf("%+v in %+v", task, g.tasks)
			}
		}
	})
}

func TestHealthOf(t *testing.T) {
	now := time.Unix(1000, 0)
	q := healthQuestion{minHealthy: 10 * time.Second, deadline: now.Add(time.Minute)}
	at := func(p part, state string, failed bool, ago time.Duration) taskView {
		return taskView{name: "t", part: p, state: &structs.TaskState{State: state, Failed: failed, StartedAt: now.Add(-ago), FinishedAt: now.Add(-ago)}}
	}
	const run, dead, pending = structs.TaskStateRunning, structs.TaskStateDead, structs.TaskStatePending
	for name, c := range map[string]struct {
		tasks   []taskView
		at      time.Duration
		healthy bool
		decided bool
		again   time.Duration
	}{
		"long enough":                {[]taskView{at(partMain, run, false, 10*time.Second)}, 0, true, true, 0},
		"not yet":                    {[]taskView{at(partMain, run, false, 4*time.Second)}, 0, false, false, 6 * time.Second},
		"the youngest counts":        {[]taskView{at(partMain, run, false, time.Hour), at(partMain, run, false, time.Second)}, 0, false, false, 9 * time.Second},
		"still pending":              {[]taskView{at(partMain, pending, false, 0)}, 0, false, false, time.Minute},
		"pending at the deadline":    {[]taskView{at(partMain, pending, false, 0)}, time.Minute, false, true, 0},
		"failed":                     {[]taskView{at(partMain, run, false, time.Hour), at(partSidecar, dead, true, 0)}, 0, false, true, 0},
		"prestart over":              {[]taskView{at(partPrestart, dead, false, 20*time.Second), at(partMain, run, false, 15*time.Second)}, 0, true, true, 0},
		"prestart running":           {[]taskView{at(partPrestart, run, false, time.Hour), at(partMain, pending, false, 0)}, 0, false, false, time.Minute},
		"poststop is of no interest": {[]taskView{at(partPoststop, pending, false, 0), at(partMain, run, false, time.Hour)}, 0, true, true, 0},
		"main ended well":            {[]taskView{at(partMain, dead, false, time.Hour)}, 0, false, false, time.Minute},
		"too late to get healthy":    {[]taskView{at(partMain, run, false, 0)}, 55 * time.Second, true, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			healthy, decided, again := healthOf(q, c.tasks, now.Add(c.at))
			wantAgain := time.Time{}
			if c.again > 0 {
				wantAgain = now.Add(c.again)
			}
			if healthy != c.healthy || decided != c.decided || !again.Equal(wantAgain) {
				t.Errorf("%v, %v, again %v; want %v, %v, %v", healthy, decided, again, c.healthy, c.decided, wantAgain)
			}
		})
	}
}

// A no becomes a yes when the tasks have been as they should for the wanted time, and never before the deployment is over.
func TestHealthAgain(t *testing.T) {
	now := time.Unix(1000, 0)
	q := healthQuestion{minHealthy: 10 * time.Second, deadline: now.Add(-time.Hour)}
	task := func(state string, failed bool, ago time.Duration) []taskView {
		return []taskView{{name: "t", part: partMain, state: &structs.TaskState{State: state, Failed: failed, StartedAt: now.Add(-ago), FinishedAt: now.Add(-ago)}}}
	}
	const run, dead, pending = structs.TaskStateRunning, structs.TaskStateDead, structs.TaskStatePending
	for name, c := range map[string]struct {
		tasks   []taskView
		stands  time.Duration
		healthy bool
		again   time.Duration
	}{
		"long enough":        {task(run, false, 10*time.Second), 0, true, 0},
		"not yet":            {task(run, false, 4*time.Second), 0, false, 6 * time.Second},
		"just begun":         {task(run, false, 0), 0, false, 10 * time.Second},
		"still pending":      {task(pending, false, 0), 0, false, 0},
		"failed":             {task(dead, true, time.Minute), 0, false, 0},
		"a deployment looks": {task(run, false, time.Hour), time.Minute, false, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			healthy, again := healthAgain(q, c.tasks, now.Add(c.stands), now)
			wantAgain := time.Time{}
			if c.again > 0 {
				wantAgain = now.Add(c.again)
			}
			if healthy != c.healthy || !again.Equal(wantAgain) {
				t.Errorf("%v, again %v; want %v, %v", healthy, again, c.healthy, wantAgain)
			}
		})
	}
}

func TestStatusOf(t *testing.T) {
	task := func(state string, failed, begun bool) taskView {
		v := taskView{begun: begun, state: &structs.TaskState{State: state, Failed: failed}}
		if begun {
			v.state.StartedAt = time.Unix(1, 0)
		}
		return v
	}
	refused := taskView{begun: true, state: &structs.TaskState{State: "dead", Failed: true}} // tried, never ran
	for _, c := range []struct {
		tasks    []taskView
		released bool
		want     string
	}{
		{[]taskView{task("pending", false, false)}, false, "pending"},
		{[]taskView{task("running", false, true), task("pending", false, false)}, false, "running"},
		{[]taskView{task("running", false, true), task("dead", true, true)}, false, "running"},
		{[]taskView{task("dead", false, true)}, false, "running"},
		{[]taskView{task("dead", false, true)}, true, "complete"},
		{[]taskView{task("dead", true, true), task("dead", false, true)}, true, "failed"},
		{[]taskView{task("dead", true, false)}, false, "pending"},
		{[]taskView{refused}, false, "pending"},
		{[]taskView{refused}, true, "failed"},
	} {
		if got, _ := statusOf(c.tasks, c.released); got != c.want {
			t.Errorf("%+v released %v: %s, want %s", c.tasks, c.released, got, c.want)
		}
	}
}
