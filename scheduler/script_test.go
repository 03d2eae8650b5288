package scheduler_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

// TestScenarios runs the stories of testdata: what is done to a cluster, and what is expected of the scheduler. See
// testdata/README.md for their words. After every plan the checker looks at the cluster.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		for story, s := range stories(string(text)) {
			t.Run(name+"/"+story, func(t *testing.T) {
				t.Parallel()
				s.run(t, file)
			})
		}
	}
}

// story is one scenario of a file: the lines after "== title".
type story struct {
	line  int
	lines []string
}

func stories(text string) map[string]*story {
	all := map[string]*story{}
	var s *story
	for i, line := range strings.Split(text, "\n") {
		if title, ok := strings.CutPrefix(line, "== "); ok {
			s = &story{line: i + 1}
			all[title] = s
		} else if s != nil {
			s.lines = append(s.lines, line)
		}
	}
	return all
}

func (s *story) run(t *testing.T, file string) {
	sc := &script{w: newWorld(1)}
	for i := 0; i < len(s.lines); i++ {
		at, line := i, s.lines[i]
		for i+1 < len(s.lines) && strings.HasPrefix(s.lines[i+1], "  ") {
			i++
			line += " " + strings.TrimSpace(s.lines[i])
		}
		if err := sc.do(line); err != nil {
			t.Fatalf("%s:%d: %s\n  %v\n%s", file, s.line+at+1, strings.TrimSpace(line), err, sc.w.picture())
		}
		if len(sc.w.faults) > 0 {
			t.Fatalf("%s:%d: %s\n  the checker found:\n  %s\n%s", file, s.line+at+1, line, strings.Join(sc.w.faults, "\n  "), sc.w.picture())
		}
	}
}

// picture shows the cluster, for a story that failed.
func (w *world) picture() string {
	var b strings.Builder
	for _, a := range w.allocsOf(func(*structs.Allocation) bool { return true }) {
		fmt.Fprintf(&b, "    %s v%d on %s: %s/%s %q\n", a.Name(), a.JobVersion, a.NodeName, a.DesiredStatus, a.ClientStatus, a.DesiredDescription)
	}
	for _, d := range w.deployments {
		fmt.Fprintf(&b, "    deployment %s v%d %s %q", d.JobID, d.JobVersion, d.Status, d.StatusDescription)
		for name, s := range d.TaskGroups {
			fmt.Fprintf(&b, " %s:%+v", name, *s)
		}
		b.WriteString("\n")
	}
	for id, e := range w.blocked {
		fmt.Fprintf(&b, "    blocked %s %v\n", id, e.QueuedAllocations)
	}
	for id, e := range w.last {
		for g, x := range e.Explanations {
			fmt.Fprintf(&b, "    why %s.%s: %s\n", id, g, x.Summary)
		}
		for g, m := range e.FailedTGAllocs {
			fmt.Fprintf(&b, "    failed %s.%s: filtered %v exhausted %v\n", id, g, m.ConstraintFiltered, m.DimensionExhausted)
		}
	}
	return b.String()
}

// script carries out the lines of a story.
type script struct {
	w       *world
	started time.Time
}

var errWords = errors.New("wrong number of words")

func (s *script) do(line string) error {
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return err
	}
	verb, args := words[0], words[1:]
	w := s.w
	switch verb {
	case "nodes":
		return s.nodes(args)
	case "node":
		return s.node(args)
	case "job":
		return s.job(args)
	case "eval":
		return w.evaluate()
	case "advance":
		d, err := time.ParseDuration(args[0])
		w.passed(d)
		w.evictTainted()
		return err
	case "expect":
		return s.expect(args)
	case "start", "healthy", "unhealthy", "fail", "complete", "ended":
		return s.client(verb, args)
	case "exit": // exit 42 web[0]
		w.exit = number(args[0])
		defer func() { w.exit = 0 }()
		return s.client("fail", args[1:])
	case "settle":
		return s.settle()
	case "lose", "disconnect", "rejoin", "back", "drain", "ineligible", "eligible", "remove":
		return s.nodeVerb(verb, args)
	case "budget":
		return s.budget(args)
	case "queue", "no-queue":
		return s.queue(verb, args)
	case "taint", "untaint":
		return s.taint(verb, args)
	case "promote", "pause", "resume", "fail-deployment", "reap-deployments":
		return s.deployment(verb, args)
	case "stop", "purge", "scale", "restart-failed", "stop-alloc", "suspend", "resume-job":
		return s.jobVerb(verb, args)
	case "config", "pool":
		return s.config(verb, args)
	}
	return fmt.Errorf("unknown verb %q", verb)
}

// nodes adds alike ones: nodes 10 [prefix=node] words.
func (s *script) nodes(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	prefix := "node"
	if len(args) > 1 && strings.HasPrefix(args[1], "prefix=") {
		prefix = strings.TrimPrefix(args[1], "prefix=")
		args = args[1:]
	}
	for i := range n {
		if err := s.node(append([]string{fmt.Sprintf("%s-%d", prefix, i+1)}, args[1:]...)); err != nil {
			return err
		}
	}
	return nil
}

// node adds or changes one.
func (s *script) node(args []string) error {
	old := s.w.nodes[args[0]]
	if old == nil {
		old = plainNode(s.w.ids.NewID(), args[0])
	}
	n, err := nodeOf(old, args[1:])
	if err != nil {
		return err
	}
	s.w.putNode(n)
	s.w.nodeEvent(n, structs.EvalTriggerNodeUpdate)
	return nil
}

// job registers one; the same again is no new version.
func (s *script) job(args []string) error {
	j, err := jobOf(args[0], args[1:])
	if err != nil {
		return err
	}
	return s.w.register(j)
}

// register stores a job, as a new version if it differs, and asks for it to be looked at.
func (w *world) register(j *structs.Job) error {
	w.index++
	old := w.jobs[j.ID]
	j.ModifyIndex, j.JobModifyIndex, j.CreateIndex = w.index, w.index, w.index
	if old != nil {
		j.CreateIndex, j.Version = old.CreateIndex, old.Version
		same := *j
		same.ModifyIndex, same.JobModifyIndex, same.SubmitTime, same.Stable = old.ModifyIndex, old.JobModifyIndex, old.SubmitTime, old.Stable
		if !reflect.DeepEqual(&same, old) {
			j.Version++
		}
	} else if vs := w.versions[j.ID]; len(vs) > 0 {
		j.Version = vs[len(vs)-1].Version + 1
	}
	w.jobs[j.ID] = j
	w.versions[j.ID] = append(w.versions[j.ID], j)
	w.enqueue(j.ID, structs.EvalTriggerJobRegister)
	return nil
}

// pick finds allocations by words: none is all; "web" a job's, "web.api" a group's, "web[0]" a number's; "#canary" and
// "#old" (stopped) narrow it, as does "@node-1". Without "#old" only such as should run.
func (s *script) pick(words []string) []*structs.Allocation {
	if len(words) == 0 {
		words = []string{""}
	}
	var picked []*structs.Allocation
	for _, word := range words {
		name, mark, _ := strings.Cut(word, "#")
		name, node, _ := strings.Cut(name, "@")
		name, number, numbered := strings.Cut(name, "[")
		job, group, _ := strings.Cut(name, ".")
		found := s.w.allocsOf(func(a *structs.Allocation) bool {
			return (node == "" || a.NodeName == node) && (job == "" || a.JobID == job) && (group == "" || a.TaskGroup == group) &&
				(!numbered || strconv.Itoa(int(a.Index))+"]" == number) &&
				(mark == "old") == a.ServerTerminal() && (mark != "canary" || a.DeploymentStatus != nil && a.DeploymentStatus.Canary)
		})
		if numbered && mark == "" && len(found) > 1 {
			found = found[len(found)-1:]
		}
		picked = append(picked, found...)
	}
	return picked
}

// client reports of allocations. "start", "healthy" and "complete" look at those that may, "ended" is what was told to stop.
func (s *script) client(verb string, args []string) error {
	w := s.w
	if verb == "ended" {
		for _, a := range w.allocsOf(func(a *structs.Allocation) bool { return a.ServerTerminal() && a.HoldsResources() && w.reachable(a) }) {
			w.report(a, structs.AllocClientComplete, nil)
		}
		return nil
	}
	some := false
	for _, a := range s.pick(args) {
		if a.ClientTerminal() || !w.reachable(a) {
			continue
		}
		some = true
		switch verb {
		case "start":
			w.report(a, structs.AllocClientRunning, nil)
		case "healthy":
			w.report(a, structs.AllocClientRunning, new(true))
		case "unhealthy":
			w.report(a, structs.AllocClientRunning, new(false))
		case "fail":
			var health *bool
			if !a.DeploymentID.IsZero() {
				health = new(false)
			}
			w.report(a, structs.AllocClientFailed, health)
		case "complete":
			w.report(a, structs.AllocClientComplete, nil)
		}
	}
	w.watch()
	if !some && len(args) > 0 {
		return fmt.Errorf("there are no such allocations")
	}
	return nil
}

func (w *world) reachable(a *structs.Allocation) bool {
	n := w.nodes[a.NodeName]
	return n != nil && n.Status == structs.NodeStatusReady
}

// settle lets evaluations, clients and rollouts go on until nothing changes; it does not pass time.
func (s *script) settle() error {
	for range 200 {
		before := s.w.index
		if err := s.w.evaluate(); err != nil {
			return err
		}
		if err := s.client("ended", nil); err != nil {
			return err
		}
		for _, a := range s.pick(nil) {
			if !a.ClientTerminal() && (a.ClientStatus == structs.AllocClientPending || s.w.answers(a)) && s.w.reachable(a) {
				s.w.report(a, structs.AllocClientRunning, new(true))
			}
		}
		s.w.watch()
		if s.w.index == before && s.w.due2() == nil {
			return nil
		}
	}
	var doing []string
	for _, p := range s.w.plans {
		for _, st := range p.Stop {
			doing = append(doing, fmt.Sprintf("stop %s: %s", s.w.allocs[st.AllocID].Name(), st.Description))
		}
		for _, u := range p.Update {
			doing = append(doing, fmt.Sprintf("update %s %+v", s.w.allocs[u.AllocID].Name(), *u))
		}
		for _, g := range p.Place {
			for _, i := range g.Items {
				doing = append(doing, fmt.Sprintf("place %s[%d] on %s", g.JobID, i.Index, i.NodeName))
			}
		}
	}
	return fmt.Errorf("it does not settle: %d evaluations, last did %q", s.w.evals, doing)
}

// answers reports that the client of an allocation that runs well has something to say of its health: its deployment waits for a first
// answer, or the answer was no and no deployment looks at it.
func (w *world) answers(a *structs.Allocation) bool {
	if a.DeploymentStatus == nil || a.DeploymentStatus.Healthy == nil {
		return !a.DeploymentID.IsZero()
	}
	asks := slices.ContainsFunc(w.deployments, func(d *structs.Deployment) bool { return d.ID == a.DeploymentID && d.Active() })
	return !*a.DeploymentStatus.Healthy && !asks
}

// due2 looks whether an evaluation is due, without taking it.
func (w *world) due2() *structs.Evaluation {
	for _, e := range w.pending {
		if !e.WaitUntil.After(w.now) {
			return e
		}
	}
	return nil
}

func (s *script) nodeVerb(verb string, args []string) error {
	for _, name := range args {
		old := s.w.nodes[name]
		if old == nil {
			return fmt.Errorf("there is no node %q", name)
		}
		n := *old
		trigger := structs.EvalTriggerNodeUpdate
		switch verb {
		case "lose":
			n.Status = structs.NodeStatusDown
		case "disconnect":
			n.Status = structs.NodeStatusDisconnected
		case "rejoin", "back":
			n.Status = structs.NodeStatusReady
		case "ineligible":
			n.SchedulingEligibility = structs.NodeIneligible
		case "eligible":
			n.SchedulingEligibility, n.DrainStrategy = structs.NodeEligible, nil
		case "drain":
			n.SchedulingEligibility, n.DrainStrategy = structs.NodeIneligible, &structs.DrainStrategy{}
			trigger = structs.EvalTriggerNodeDrain
		case "remove":
			s.w.nodeEvent(old, trigger)
			delete(s.w.nodes, name)
			s.w.fleet.RemoveNode(old.ID)
			continue
		}
		if verb == "lose" || verb == "disconnect" || verb == "rejoin" || verb == "back" {
			n.StatusUpdatedAt = s.w.now.Unix()
		}
		s.w.putNode(&n)
		if verb == "drain" {
			for _, a := range s.w.allocsOf(func(a *structs.Allocation) bool { return a.NodeID == n.ID && !a.Terminal() }) {
				c := *a
				c.DesiredTransition.Migrate = new(true)
				s.w.putAlloc(&c)
			}
		}
		s.w.nodeEvent(&n, trigger)
		if verb == "rejoin" {
			// The client tells of what runs there.
			for _, a := range s.w.allocsOf(func(a *structs.Allocation) bool {
				return a.NodeID == n.ID && a.ClientStatus == structs.AllocClientUnknown && !a.ServerTerminal()
			}) {
				s.w.report(a, structs.AllocClientRunning, nil)
			}
		}
	}
	return nil
}

func (s *script) deployment(verb string, args []string) error {
	d := s.w.LatestDeployment("", args[0])
	if d == nil {
		return fmt.Errorf("job %q has no deployment", args[0])
	}
	if verb == "reap-deployments" {
		s.w.deployments = slices.DeleteFunc(s.w.deployments, func(d *structs.Deployment) bool { return d.JobID == args[0] })
		return nil
	}
	if verb == "promote" {
		s.w.promote(d.ID)
		return nil
	}
	s.w.changeDeployment(d.ID, func(d *structs.Deployment) {
		switch verb {
		case "pause":
			d.Status, d.StatusDescription = structs.DeploymentPaused, structs.DeploymentDescPaused
		case "resume":
			d.Status, d.StatusDescription = structs.DeploymentRunning, structs.DeploymentDescRunning
		case "fail-deployment":
			d.Status, d.StatusDescription = structs.DeploymentFailed, structs.DeploymentDescFailedByUser
		}
	})
	s.w.enqueue(args[0], structs.EvalTriggerDeploymentWatcher)
	return nil
}

func (s *script) jobVerb(verb string, args []string) error {
	w := s.w
	if verb == "restart-failed" || verb == "stop-alloc" {
		for _, a := range s.pick(args) {
			c := *a
			if verb == "stop-alloc" {
				c.DesiredTransition.Migrate = new(true)
			} else {
				c.DesiredTransition.ForceReschedule = new(true)
			}
			w.putAlloc(&c)
			w.enqueue(a.JobID, structs.EvalTriggerAllocStop)
		}
		return nil
	}
	old := w.jobs[args[0]]
	if old == nil {
		return fmt.Errorf("there is no job %q", args[0])
	}
	switch verb {
	case "suspend", "resume-job":
		j := *old
		j.Suspended = verb == "suspend"
		w.jobs[j.ID] = &j
		w.enqueue(j.ID, structs.EvalTriggerJobSuspend)
	case "stop", "purge":
		j := *old
		j.Stop = true
		j.Version++
		w.jobs[j.ID] = &j
		w.versions[j.ID] = append(w.versions[j.ID], &j)
		w.enqueue(j.ID, structs.EvalTriggerJobDeregister)
		if verb == "purge" {
			delete(w.jobs, j.ID)
		}
	case "scale":
		if len(args) != 2 {
			return errWords
		}
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		j := old.Copy()
		j.TaskGroups[0].Count = &n
		return w.register(j)
	}
	return nil
}

func (s *script) config(verb string, args []string) error {
	algorithm, oversubscription := "", false
	for _, word := range args {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "algorithm":
			algorithm = value
		case "preempt":
			c := *s.w.config
			c.PreemptionConfig = structs.PreemptionConfig{ServiceSchedulerEnabled: value == "service", SystemSchedulerEnabled: value == "system"}
			s.w.config = &c
			algorithm = c.SchedulerAlgorithm
		case "oversubscription":
			oversubscription = value == "true"
		}
	}
	if verb == "config" {
		c := *s.w.config
		c.SchedulerAlgorithm, c.MemoryOversubscriptionEnabled = algorithm, oversubscription
		s.w.config = &c
		return nil
	}
	s.w.pools[args[0]] = &structs.NodePool{Name: args[0], SchedulerConfiguration: &structs.NodePoolSchedulerConfiguration{
		SchedulerAlgorithm: algorithm, MemoryOversubscriptionEnabled: &oversubscription}}
	return nil
}

// sortedCopy sorts a copy.
func sortedCopy(words []string) []string {
	c := slices.Clone(words)
	slices.Sort(c)
	return c
}
