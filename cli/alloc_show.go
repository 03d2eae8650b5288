package cli

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"berth/api"
	"berth/structs"
)

func (e *env) showAlloc(a *api.Allocation, verbose, brief bool) {
	rows := [][2]string{{"ID", a.ID.String()}, {"Eval ID", short8(a.EvalID, verbose)}, {"Name", a.Name}, {"Node ID", short8(a.NodeID, verbose)},
		{"Node Name", a.NodeName}, {"Job ID", a.JobID}, {"Job Version", fmt.Sprint(a.JobVersion)}, {"Client Status", a.ClientStatus},
		{"Client Description", a.ClientDescription}, {"Desired Status", a.DesiredStatus}, {"Desired Description", a.DesiredDescription},
		{"Created", ago(a.CreateTime)}, {"Modified", ago(a.ModifyTime)}}
	if !a.DeploymentID.IsZero() {
		health := "unset"
		if d := a.DeploymentStatus; d != nil && d.Healthy != nil {
			health = map[bool]string{true: "healthy", false: "unhealthy"}[*d.Healthy]
		}
		rows = append(rows, [2]string{"Deployment ID", short8(a.DeploymentID, verbose)}, [2]string{"Deployment Health", health})
	}
	for _, x := range []struct {
		label string
		id    structs.ID
	}{{"Replacement Alloc ID", a.NextAllocation}, {"Replaced Alloc ID", a.PreviousAllocation}, {"Followup Eval ID", a.FollowupEvalID}} {
		if !x.id.IsZero() {
			rows = append(rows, [2]string{x.label, short8(x.id, verbose)})
		}
	}
	e.pairs(rows)
	if brief {
		return
	}
	if r := a.AllocatedResources; r != nil && len(r.Shared.Ports) > 0 {
		e.head("Allocation Addresses")
		ports := [][]string{{"Label", "Dynamic", "Address"}}
		for _, p := range r.Shared.Ports {
			dynamic := "yes"
			if a.Job != nil && static(a.Job.LookupGroup(a.TaskGroup), p.Label) {
				dynamic = "no"
			}
			addr := net.JoinHostPort(p.HostIP, strconv.Itoa(p.Value))
			if p.To > 0 {
				addr += fmt.Sprintf(" -> %d", p.To)
			}
			ports = append(ports, []string{"*" + p.Label, dynamic, addr})
		}
		e.table(ports)
	}
	for _, name := range taskNames(a) {
		e.showTask(a, name)
	}
	if m := a.Metrics; verbose && m != nil {
		e.head("Placement Metrics")
		e.metric(m)
		e.scores(m)
	}
}

func static(g *structs.TaskGroup, label string) bool {
	if g == nil {
		return false
	}
	for _, n := range g.Networks {
		if slices.ContainsFunc(n.ReservedPorts, func(p structs.Port) bool { return p.Label == label }) {
			return true
		}
	}
	return false
}

// taskNames are the tasks in the order of the job, then any others.
func taskNames(a *api.Allocation) []string {
	var names []string
	if a.Job != nil {
		if g := a.Job.LookupGroup(a.TaskGroup); g != nil {
			for _, t := range g.Tasks {
				names = append(names, t.Name)
			}
		}
	}
	for _, n := range sortedKeys(a.TaskStates) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

func (e *env) showTask(a *api.Allocation, name string) {
	st := a.TaskStates[name]
	if st == nil {
		st = &structs.TaskState{State: structs.TaskStatePending}
	}
	e.head(fmt.Sprintf("Task %q is %q", name, st.State))
	if r := a.AllocatedResources; r != nil && r.Tasks[name] != nil {
		t := r.Tasks[name]
		e.say("Task Resources:")
		e.table([][]string{{"CPU", "Memory", "Disk"}, {fmt.Sprintf("%d MHz", t.Cpu.CpuShares), fmt.Sprintf("%d MiB", t.Memory.MemoryMB), fmt.Sprintf("%d MiB", r.Shared.DiskMB)}})
		e.say("")
	}
	e.say("Task Events:")
	e.pairs([][2]string{{"Started At", when(st.StartedAt)}, {"Finished At", when(st.FinishedAt)}, {"Total Restarts", fmt.Sprint(st.Restarts)}, {"Last Restart", when(st.LastRestart)}})
	e.say("")
	e.say("Recent Events:")
	rows := [][]string{{"Time", "Type", "Description"}}
	for i := len(st.Events) - 1; i >= 0; i-- {
		ev := st.Events[i]
		rows = append(rows, []string{clock(ev.Time), ev.Type, eventText(ev)})
	}
	e.table(rows)
}

func (e *env) scores(m *structs.AllocMetric) {
	if len(m.ScoreMetaData) == 0 {
		return
	}
	rows := [][]string{{"Node", "Final Score", "Scores"}}
	for _, s := range m.ScoreMetaData {
		parts := make([]string, 0, len(s.Scores))
		for _, k := range sortedKeys(s.Scores) {
			parts = append(parts, fmt.Sprintf("%s %.3f", k, s.Scores[k]))
		}
		rows = append(rows, []string{s.NodeID.Short(), fmt.Sprintf("%.3f", s.NormScore), strings.Join(parts, ", ")})
	}
	e.table(rows)
}
