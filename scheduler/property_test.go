package scheduler_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/scheduler/check"
	"berth/structs"
)

// The words random jobs are made of.
var (
	jobNames   = []string{"web", "db", "load", "agent", "clean"}
	groupWords = []string{
		"cpu=300", "mem=900", "cores=1", "port=http", "port=http:8080", "distinct_hosts", `distinct_property="${meta.rack} 2"`,
		`spread="${meta.rack}"`, `spread="${meta.rack} r1=60 r2=20"`, `affinity="${meta.rack} = r1 @60"`,
		`constraint="${meta.rack} != r3"`, "image=two", "image=three", "max_parallel=1", "max_parallel=3", "max_parallel=2 canary=1",
		"max_parallel=2 canary=2 auto_promote", "retries=1", "success=2", "max_failed=1", "on_exit=1:fail_job", "on_exit=1:ignore", "reschedule=unlimited,delay=5s", "reschedule=attempts=2,interval=1h,delay=1s",
		"lost_after=1m", "lost_after=1m replace=false", "lost_after=20s reconcile=keep_original", "replace=false", "stop_on_client_after=30s", "sticky", "device=gpu", "priority=20", "priority=80", "task=side hook=prestart+sidecar cpu=50",
	}
	nodeWords = []string{"meta.rack=r1", "meta.rack=r2", "meta.rack=r3", "cores=4", "device=nvidia/gpu/1080*2", "cpu=1500", "max_allocs=3", "pool=gpu", "ip=10.0.0.1"}
)

func drawJob(t *rapid.T) string {
	name := rapid.SampledFrom(jobNames).Draw(t, "job")
	line := fmt.Sprintf("job %s count=%d", name, rapid.IntRange(0, 12).Draw(t, "count"))
	if kind := map[string]string{"load": "batch", "agent": "system", "clean": "sysbatch"}[name]; kind != "" {
		line += " type=" + kind
	}
	words := rapid.SliceOfNDistinct(rapid.SampledFrom(groupWords), 0, 4, rapid.ID[string]).Draw(t, "words")
	// A port of its own: a job that runs on each node leaves none to others.
	own := fmt.Sprintf(":%d", 8080+slices.Index(jobNames, name))
	if on := map[string][]string{
		"web": {"db:started", "db:healthy", "load:complete"}, "db": {"load:complete", "load:started"}, "agent": {"load:started"}, "clean": {"agent:healthy"},
	}[name]; on != nil && rapid.IntRange(0, 3).Draw(t, "depends") == 0 {
		line += " depends=" + rapid.SampledFrom(on).Draw(t, "on")
	}
	return line + " " + strings.ReplaceAll(strings.Join(words, " "), ":8080", own)
}

// drawEvent is one thing that befalls the cluster, as a line of a story.
func drawEvent(t *rapid.T, w *world) string {
	node := func() string { return rapid.SampledFrom(slices.Sorted(maps.Keys(w.nodes))).Draw(t, "node") }
	jobs := slices.Sorted(maps.Keys(w.jobs))
	kind := rapid.IntRange(0, 19).Draw(t, "event")
	if len(jobs) == 0 || kind < 4 {
		return drawJob(t)
	}
	job := rapid.SampledFrom(jobs).Draw(t, "of")
	switch kind {
	case 4:
		// One that is there does not shrink: what it runs would be more than it has.
		if rapid.Bool().Draw(t, "change") {
			return "node " + node() + " meta.rack=" + rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(t, "rack")
		}
		return fmt.Sprintf("node extra-%d %s", len(w.nodes), rapid.SampledFrom(nodeWords).Draw(t, "with"))
	case 5:
		return "lose " + node()
	case 6:
		return "disconnect " + node()
	case 7:
		return "rejoin " + node()
	case 8:
		return rapid.SampledFrom([]string{"rejoin ", "back "}).Draw(t, "return") + node()
	case 9:
		return "drain " + node()
	case 10:
		return "eligible " + node()
	case 11:
		return "ended"
	case 12:
		return "healthy"
	case 13:
		return fmt.Sprintf("advance %ds", rapid.IntRange(1, 90).Draw(t, "seconds"))
	case 14, 15, 16:
		verb := rapid.SampledFrom([]string{"fail", "complete", "unhealthy"}).Draw(t, "verb")
		live := w.allocsOf(func(a *structs.Allocation) bool { return !a.Terminal() && w.reachable(a) })
		if len(live) == 0 {
			return "start"
		}
		return verb + " " + strings.TrimPrefix(rapid.SampledFrom(live).Draw(t, "alloc").Name(), "default/")
	case 17:
		return "stop " + job
	case 18:
		if w.LatestDeployment("", job) != nil {
			return rapid.SampledFrom([]string{"promote ", "pause ", "resume ", "fail-deployment "}).Draw(t, "deployment") + job
		}
	case 19:
		return "config " + rapid.SampledFrom([]string{"algorithm=spread", "algorithm=binpack", "preempt=service", "preempt=system"}).Draw(t, "config")
	}
	return "start"
}

// live through a story: every line is followed by evaluations.
func tell(sc *script, line string) error {
	// Nothing to report of is no fault of a random story.
	if err := sc.do(line); err != nil && !strings.Contains(err.Error(), "there are no such") {
		return fmt.Errorf("%s: %w", line, err)
	}
	if err := sc.w.evaluate(); err != nil {
		return fmt.Errorf("after %s: %w", line, err)
	}
	if len(sc.w.faults) > 0 {
		return fmt.Errorf("after %s the checker found:\n  %s", line, strings.Join(sc.w.faults, "\n  "))
	}
	return nil
}

// drawStory lives through random events and returns their lines.
func drawStory(t *rapid.T, sc *script) []string {
	var lines []string
	do := func(line string) {
		lines = append(lines, line)
		if err := tell(sc, line); err != nil {
			t.Fatalf("%v\n%s\nstory:\n%s", err, sc.w.picture(), strings.Join(lines, "\n"))
		}
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "nodes") {
		words := rapid.SliceOfNDistinct(rapid.SampledFrom(nodeWords), 0, 3, rapid.ID[string]).Draw(t, "node words")
		do(fmt.Sprintf("node node-%d cores=2 %s", i, strings.Join(words, " ")))
	}
	for range rapid.IntRange(1, 25).Draw(t, "events") {
		do(drawEvent(t, sc.w))
	}
	return lines
}

// Whatever befalls a cluster, no plan breaks a rule and no node is given more than it has.
func TestNothingBreaksTheRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { drawStory(t, &script{w: newWorld(1)}) })
}

// The same story told twice gives the same bytes, whatever order maps are walked in.
func TestSameInputGivesSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := &script{w: newWorld(1)}
		lines := drawStory(t, first)
		second := &script{w: newWorld(1)}
		for _, line := range lines {
			if err := tell(second, line); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := first.w.bytes(t), second.w.bytes(t); a != b {
			t.Fatalf("they differ:\n%s\n%s", a, b)
		}
	})
}

// bytes is all that was decided, in order.
func (w *world) bytes(t *rapid.T) string {
	var b strings.Builder
	for _, a := range w.allocsOf(func(*structs.Allocation) bool { return true }) {
		c := *a
		c.Job = nil
		out, err := json.Marshal(&c)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%d %s\n", a.Index, out)
	}
	for _, id := range slices.Sorted(maps.Keys(w.last)) {
		out, err := json.Marshal(w.last[id])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", out)
	}
	return b.String()
}

// When troubles end and there is room, every job gets what it wants within a bounded number of evaluations.
func TestTroublesEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sc := &script{w: newWorld(1)}
		w := sc.w
		lines := drawStory(t, sc)
		do := func(line string) {
			lines = append(lines, line)
			if err := tell(sc, line); err != nil {
				t.Fatalf("%v\n%s\nstory:\n%s", err, w.picture(), strings.Join(lines, "\n"))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(w.nodes)) {
			do("rejoin " + name)
			do("eligible " + name)
		}
		for i := range 24 {
			do(fmt.Sprintf("node room-%d cpu=20000 mem=20000 cores=16 meta.rack=p%d device=nvidia/gpu/1080*8", i, i))
		}
		evals := 0
		for range 30 {
			for _, id := range slices.Sorted(maps.Keys(w.jobs)) {
				if d := w.LatestDeployment("", id); d.Active() {
					do("resume " + id)
					do("promote " + id)
				}
			}
			do("settle")
			do("advance 2m")
			evals += w.evals
		}
		if evals > 400 {
			t.Fatalf("%d evaluations, and nothing happened any more\n%s", evals, strings.Join(lines, "\n"))
		}
		for _, id := range slices.Sorted(maps.Keys(w.jobs)) {
			if w.hasFailed(id) {
				continue // what failed goes no further
			}
			if t := w.jobs[id].Type; w.blocked[id] != nil && (t == structs.JobTypeSystem || t == structs.JobTypeSysBatch) {
				continue // a node without room for the new version keeps the old one
			}
			if b := w.blocked[id]; b != nil && len(b.WaitsForJobs) > 0 {
				first := b.WaitsForJobs[0].Job // whose new version may wait in turn, or for a person
				if len(w.view().Unmet(w.jobs[id])) == 0 && w.blocked[first] == nil && !w.gaveUp(first) && !w.hasFailed(first) {
					t.Fatalf("%s waits for nothing: %+v\n%s\nstory:\n%s", id, b.WaitsForJobs[0], w.picture(), strings.Join(lines, "\n"))
				}
				continue
			}
			if faults := check.Settled(w.view(), w.jobs[id]); len(faults) > 0 && !w.gaveUp(id) {
				t.Fatalf("%v\n%s\nstory:\n%s", faults, w.picture(), strings.Join(lines, "\n"))
			}
		}
	})
}

// hasFailed reports a job whose newest version failed to be rolled out.
func (w *world) hasFailed(id string) bool {
	d := w.LatestDeployment("", id)
	return d != nil && w.jobs[id] != nil && d.Status == structs.DeploymentFailed && d.JobVersion == w.jobs[id].Version
}

// However long nodes stay away, and whatever those tell that are back: an allocation is unknown only until its time is over, unless
// its group wants nothing in its place, and what was told to stop on a lost node does not stop for ever.
func TestWhatIsUnknownEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sc := &script{w: newWorld(1)}
		w := sc.w
		lines := drawStory(t, sc)
		for range 8 {
			lines = append(lines, "advance 30s")
			if err := tell(sc, "advance 30s"); err != nil {
				t.Fatalf("%v\n%s\nstory:\n%s", err, w.picture(), strings.Join(lines, "\n"))
			}
		}
		for _, a := range w.allocsOf(func(a *structs.Allocation) bool { return !a.ClientTerminal() }) {
			waits := false
			if g := w.jobs[a.JobID].LookupGroup(a.TaskGroup); g != nil && g.Disconnect != nil && g.Disconnect.Replace != nil {
				waits = !*g.Disconnect.Replace
			}
			n := w.nodes[a.NodeName]
			switch away := n == nil || n.Status != structs.NodeStatusReady; {
			case a.ServerTerminal() && away:
				t.Fatalf("%s was told to stop on %s and holds it\n%s\nstory:\n%s", a.Name(), a.NodeName, w.picture(), strings.Join(lines, "\n"))
			case !a.ServerTerminal() && !waits && (away || a.ClientStatus == structs.AllocClientUnknown):
				t.Fatalf("%s is %s on %s for ever\n%s\nstory:\n%s", a.Name(), a.ClientStatus, a.NodeName, w.picture(), strings.Join(lines, "\n"))
			}
		}
	})
}

// gaveUp reports a job one of whose allocations may not be tried again.
func (w *world) gaveUp(job string) bool {
	return len(w.allocsOf(func(a *structs.Allocation) bool {
		return a.JobID == job && !a.ServerTerminal() && a.ClientStatus == structs.AllocClientFailed
	})) > 0
}
