package scheduler_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/scheduler/check"
	"berth/structs"
)

// expect compares the cluster with what a story says.
func (s *script) expect(words []string) error {
	what, args := words[0], words[1:]
	switch what {
	case "running", "pending", "live", "unknown", "lost", "failed", "complete", "version", "canaries", "on", "stopping":
		return s.expectAllocs(what, args)
	case "placed", "stops", "updates", "evals":
		return s.expectPlans(what, args)
	case "names", "spread", "nodes", "same-node", "other-node", "description", "preempted", "preempts", "ports", "distinct-ports", "cores", "devices":
		return s.expectWhere(what, args)
	case "blocked", "not-blocked", "ended", "queued", "why", "not-why", "filtered", "exhausted", "coalesced", "available", "evaluated",
		"class-filtered", "class-exhausted":
		return s.expectBlocked(what, args)
	case "deployment", "no-deployment", "followup", "no-followup":
		return s.expectLater(what, args)
	case "desired":
		return s.expectDesired(args)
	case "settled":
		if faults := check.Settled(s.w.view(), s.w.jobs[args[0]]); len(faults) > 0 {
			return fmt.Errorf("%v", faults)
		}
		return nil
	}
	return fmt.Errorf("nothing known of %q", what)
}

func equal[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("it is %v", got)
	}
	return nil
}

func number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		return -1
	}
	return n
}

// expectDesired compares the counts of the job's last evaluation: desired web Place=1 Stop=2; what is not named is 0.
func (s *script) expectDesired(args []string) error {
	job, group, _ := strings.Cut(args[0], ".")
	if group == "" {
		group = job
	}
	e := s.w.last[job]
	if e == nil || e.PlanAnnotations == nil || e.PlanAnnotations.DesiredTGUpdates[group] == nil {
		return fmt.Errorf("nothing is told of group %s", group)
	}
	var got []string
	v := reflect.ValueOf(*e.PlanAnnotations.DesiredTGUpdates[group])
	for i := range v.NumField() {
		if n := v.Field(i).Uint(); n > 0 {
			got = append(got, fmt.Sprintf("%s=%d", v.Type().Field(i).Name, n))
		}
	}
	return equal(strings.Join(sortedCopy(got), " "), strings.Join(sortedCopy(args[1:]), " "))
}

func (s *script) expectAllocs(what string, args []string) error {
	count := func(which func(*structs.Allocation) bool) int {
		n := 0
		for _, a := range s.pick(args[:1]) {
			if which(a) {
				n++
			}
		}
		return n
	}
	last := number(args[len(args)-1])
	live := func(a *structs.Allocation) bool {
		return !a.ClientTerminal() && a.ClientStatus != structs.AllocClientUnknown
	}
	switch what {
	case "live":
		return equal(count(live), last)
	case "version": // version web 1 3: three live ones of version 1
		return equal(count(func(a *structs.Allocation) bool { return live(a) && int(a.JobVersion) == number(args[1]) }), last)
	case "canaries":
		return equal(count(func(a *structs.Allocation) bool {
			return live(a) && a.DeploymentStatus != nil && a.DeploymentStatus.Canary
		}), last)
	case "on": // on web class=a 3, on web meta.rack=r1 2, on web node-1 1
		key, value, _ := strings.Cut(args[1], "=")
		return equal(count(func(a *structs.Allocation) bool {
			n := s.w.nodes[a.NodeName]
			if !live(a) || n == nil {
				return false
			}
			switch {
			case key == "class":
				return n.NodeClass == value
			case key == "dc":
				return n.Datacenter == value
			case strings.HasPrefix(key, "meta."):
				return n.Meta[strings.TrimPrefix(key, "meta.")] == value
			}
			return n.Name == key
		}), last)
	case "stopping":
		n := 0
		for _, a := range s.pick([]string{args[0] + "#old"}) {
			if a.HoldsResources() {
				n++
			}
		}
		return equal(n, last)
	}
	if what == "lost" {
		n := 0
		for _, a := range s.pick([]string{args[0] + "#old"}) {
			if a.ClientStatus == structs.AllocClientLost {
				n++
			}
		}
		return equal(n, last)
	}
	return equal(count(func(a *structs.Allocation) bool { return a.ClientStatus == what }), last)
}

// expectPlans counts what the plans since the last eval did.
func (s *script) expectPlans(what string, args []string) error {
	n := 0
	for _, p := range s.w.plans {
		switch what {
		case "stops":
			n += len(p.Stop)
		case "updates":
			for _, u := range p.Update {
				if u.Description == structs.AllocInPlace {
					n++
				}
			}
		case "placed":
			for _, g := range p.Place {
				n += len(g.Items)
			}
		}
	}
	if what == "evals" {
		n = s.w.evals
	}
	return equal(n, number(args[0]))
}

func (s *script) expectWhere(what string, args []string) error {
	var got []string
	all := s.pick(args[:1])
	switch what {
	case "names": // names web 0 1 2
		for _, a := range all {
			if !a.ClientTerminal() {
				got = append(got, strconv.Itoa(int(a.Index)))
			}
		}
	case "spread": // spread web meta.rack 3 3 4: how many live ones each value has, ascending
		got = append(got, s.shares(all, args[1])...)
		slices.SortFunc(got, func(a, b string) int { return number(a) - number(b) })
		return equal(strings.Join(got, " "), strings.Join(args[2:], " "))
	case "nodes": // nodes web node-1 node-2
		for _, a := range all {
			if !a.ClientTerminal() {
				got = append(got, a.NodeName)
			}
		}
	case "same-node", "other-node": // as the allocation it replaces
		for _, a := range all {
			if a.ClientTerminal() {
				continue
			}
			prev := s.w.allocs[a.PreviousAllocation]
			if prev == nil {
				return fmt.Errorf("%s replaces nothing", a.Name())
			}
			if (prev.NodeID == a.NodeID) != (what == "same-node") {
				return fmt.Errorf("%s is on %s, the one before was on %s", a.Name(), a.NodeName, prev.NodeName)
			}
		}
		return nil
	case "preempted": // each for an allocation that says so
		for _, a := range all {
			if want := structs.AllocPreempted + a.PreemptedByAllocation.String(); a.PreemptedByAllocation.IsZero() || !strings.HasPrefix(a.DesiredDescription, want) {
				return fmt.Errorf("%s was stopped as %q for %s", a.Name(), a.DesiredDescription, a.PreemptedByAllocation)
			}
		}
		return nil
	case "preempts": // preempts agent low 2: they say that two of low left for them, and these say the same
		n := 0
		for _, a := range all {
			for _, id := range a.PreemptedAllocations {
				if gone := s.w.allocs[id]; gone == nil || gone.PreemptedByAllocation != a.ID || gone.JobID != args[1] {
					return fmt.Errorf("%s preempted %s, which does not say so", a.Name(), id)
				}
				n++
			}
		}
		return equal(strconv.Itoa(n), args[2])
	case "description":
		for _, a := range all {
			if a.DesiredDescription == args[1] {
				return nil
			}
			got = append(got, a.DesiredDescription)
		}
		return fmt.Errorf("they are %q", got)
	case "ports": // ports web[0] http=8080
		for _, a := range all {
			for _, p := range a.AllocatedResources.Shared.Ports {
				got = append(got, fmt.Sprintf("%s=%d", p.Label, p.Value))
			}
		}
	case "distinct-ports": // distinct-ports web 20000-32000 6
		return s.distinctPorts(all, args)
	case "cores":
		n := 0
		for _, a := range all {
			for _, t := range a.AllocatedResources.Tasks {
				n += len(t.Cpu.ReservedCores)
			}
		}
		return equal(n, number(args[1]))
	case "devices":
		for _, a := range all {
			for _, t := range a.AllocatedResources.Tasks {
				for _, d := range t.Devices {
					got = append(got, d.DeviceIDs...)
				}
			}
		}
	}
	return equal(strings.Join(sortedCopy(got), " "), strings.Join(sortedCopy(args[1:]), " "))
}

func (s *script) shares(all []*structs.Allocation, attribute string) []string {
	shares := map[string]int{}
	for _, n := range s.w.nodes {
		if n.Ready() {
			shares[value(n, attribute)] += 0
		}
	}
	for _, a := range all {
		if n := s.w.nodes[a.NodeName]; n != nil && !a.ClientTerminal() {
			shares[value(n, attribute)]++
		}
	}
	var got []string
	for _, n := range shares {
		got = append(got, strconv.Itoa(n))
	}
	return got
}

func value(n *structs.Node, attribute string) string {
	switch kind, key, _ := strings.Cut(attribute, "."); kind {
	case "meta":
		return n.Meta[key]
	case "attr":
		return n.Attributes[key]
	case "dc":
		return n.Datacenter
	case "class":
		return n.NodeClass
	}
	return n.Name
}

func (s *script) distinctPorts(all []*structs.Allocation, args []string) error {
	lo, hi, _ := strings.Cut(args[1], "-")
	seen := map[int]bool{}
	for _, a := range all {
		for _, p := range a.AllocatedResources.Shared.Ports {
			if p.Value < number(lo) || p.Value > number(hi) {
				return fmt.Errorf("%s has port %d", a.Name(), p.Value)
			}
			seen[p.Value] = true
		}
	}
	return equal(len(seen), number(args[2]))
}

func (s *script) expectBlocked(what string, args []string) error {
	b := s.w.blocked[args[0]]
	if what == "not-blocked" {
		return equal(b == nil, true)
	}
	e := s.w.last[args[0]]
	if e == nil {
		return fmt.Errorf("job %q was not evaluated", args[0])
	}
	switch what {
	case "blocked":
		return equal(b != nil, true)
	case "ended": // ended web failed: the status of its last evaluation
		return equal(e.Status, args[1])
	case "queued":
		n := 0
		for _, q := range e.QueuedAllocations {
			n += q
		}
		return equal(n, number(args[1]))
	case "why", "not-why":
		return s.expectWhy(what == "why", e, args[1])
	}
	if len(e.FailedTGAllocs) == 0 {
		return fmt.Errorf("no group failed")
	}
	for _, name := range slices.Sorted(maps.Keys(e.FailedTGAllocs)) {
		m := e.FailedTGAllocs[name]
		switch what {
		case "coalesced":
			return equal(m.CoalescedFailures, number(args[1]))
		case "evaluated":
			return equal(m.NodesEvaluated, number(args[1]))
		case "filtered":
			for reason, n := range m.ConstraintFiltered {
				if strings.ReplaceAll(reason, `"`, "'") == args[1] {
					return equal(n, number(args[2]))
				}
			}
			return equal(0, number(args[2]))
		case "exhausted":
			return equal(m.DimensionExhausted[args[1]], number(args[2]))
		case "available":
			return equal(m.NodesAvailable[args[1]], number(args[2]))
		case "class-filtered":
			return equal(m.ClassFiltered[args[1]], number(args[2]))
		case "class-exhausted":
			return equal(m.ClassExhausted[args[1]], number(args[2]))
		}
	}
	return nil
}

// expectWhy looks for a text in the explanations.
func (s *script) expectWhy(want bool, e *structs.Evaluation, text string) error {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(e.Explanations)) {
		x := e.Explanations[name]
		fmt.Fprintln(&b, x.Summary)
		for _, f := range x.Filters {
			fmt.Fprintf(&b, "%d nodes: %s\n", f.Nodes, f.Reason)
			for _, n := range f.Examples {
				fmt.Fprintf(&b, "%s: %s, wanted %s\n", n.NodeName, n.Observed, n.Wanted)
			}
		}
		if c := x.Closest; c != nil {
			fmt.Fprintf(&b, "closest %s: %s, wanted %s, %s\n", c.NodeName, c.Observed, c.Wanted, c.Change)
		}
		fmt.Fprintln(&b, strings.Join(x.Unblocks, "\n"))
	}
	if strings.Contains(strings.ReplaceAll(b.String(), `"`, "'"), text) != want {
		return fmt.Errorf("the explanation is:\n%s", b.String())
	}
	return nil
}

func (s *script) expectLater(what string, args []string) error {
	d := s.w.LatestDeployment("", args[0])
	switch what {
	case "no-deployment":
		return equal(d == nil, true)
	case "deployment": // deployment web running ["description"]
		if d == nil {
			return fmt.Errorf("there is none")
		}
		if len(args) > 2 && strings.ReplaceAll(d.StatusDescription, `"`, "'") != args[2] {
			return fmt.Errorf("it is %q", d.StatusDescription)
		}
		return equal(d.Status, args[1])
	}
	var waits []string
	for _, e := range s.w.pending {
		if e.JobID == args[0] && e.WaitUntil.After(s.w.now) {
			waits = append(waits, e.WaitUntil.Sub(s.w.now).Round(time.Second).String())
		}
	}
	return equal(strings.Join(waits, " "), strings.Join(args[1:], " "))
}
