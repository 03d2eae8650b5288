package drain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

// moves names the jobs of what is to leave now.
func moves(a Actions) string {
	var names []string
	for _, al := range a.Move {
		names = append(names, al.JobID)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// A node that shuts down is emptied one priority after the other, the lowest first, and system jobs last, in their order too.
func TestAShutdownGoesByPriority(t *testing.T) {
	for _, forced := range []bool{false, true} {
		t.Run(fmt.Sprintf("forced %t", forced), func(t *testing.T) {
			c := &cluster{}
			n := c.node(1, &structs.DrainSpec{Deadline: time.Hour})
			n.DrainStrategy.Shutdown = true
			if forced {
				n.DrainStrategy.Deadline = -1
			}
			on := map[string]*structs.Allocation{}
			for name, of := range map[string]struct {
				kind     string
				priority int
			}{"low": {"service", 20}, "low-too": {"service", 20}, "middle": {"service", 50}, "batch": {"batch", 30}, "high": {"service", 80},
				"sys-low": {"system", 10}, "sys-high": {"system", 90}} {
				c.job(name, of.kind, 1, 1)
				c.jobs[name].Priority = of.priority
				on[name] = c.alloc(name, 1)
			}
			want := []string{"low low-too", "middle", "high", "", "sys-low", "sys-high"}
			if forced {
				want = []string{"low low-too", "batch", "middle", "high", "sys-low", "sys-high"}
			}
			for i, w := range want {
				a := Step(c, start)
				if got := moves(a); got != w {
					t.Fatalf("%d: %q leave, want %q", i, got, w)
				}
				for _, al := range a.Move {
					al.DesiredTransition.Migrate = new(true)
				}
				if again := moves(Step(c, start)); again != "" {
					t.Fatalf("%d: %q leave while others have not left", i, again)
				}
				for _, al := range a.Move {
					al.ClientStatus = structs.AllocClientComplete
				}
				if w == "" { // nobody but the batch job is left, which ends by itself
					on["batch"].ClientStatus = structs.AllocClientComplete
				}
				if len(a.Done) > 0 || !a.Next.Equal(n.DrainStrategy.ForceDeadline) {
					t.Fatalf("%d: done %v, looked at again at %v", i, a.Done, a.Next)
				}
			}
			if a := Step(c, start); len(a.Done) != 1 {
				t.Errorf("the node is empty, and not done: %+v", a)
			}
		})
	}
}

// At the deadline all leave; and who waits for others is told so.
func TestAShutdownsDeadline(t *testing.T) {
	c := &cluster{}
	n := c.node(1, &structs.DrainSpec{Deadline: time.Hour, IgnoreSystemJobs: true})
	n.DrainStrategy.Shutdown = true
	for i, name := range []string{"low", "high"} {
		c.job(name, "service", 1, 1)
		c.jobs[name].Priority = 20 + 30*i
		c.alloc(name, 1)
	}
	c.job("sys", "system", 1, 1)
	c.alloc("sys", 1)
	a := Step(c, start)
	if moves(a) != "low" || len(a.Waiting) != 1 || !strings.Contains(a.Waiting[0].Reason, "lower priority leave first") {
		t.Errorf("at first %q leave, and %+v wait", moves(a), a.Waiting)
	}
	if got := moves(Step(c, start.Add(time.Hour))); got != "high low" {
		t.Errorf("at the deadline %q leave", got)
	}
}
