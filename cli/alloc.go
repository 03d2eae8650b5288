package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) allocCommand() *cobra.Command {
	return e.group("alloc", "look at allocations and work with them", e.allocStatus(), e.allocLogs(), e.allocExec(), e.allocFS(), e.allocRestart(),
		e.allocSignal(), e.allocStop())
}

func (e *env) allocStatus() *cobra.Command {
	var s shown
	var brief bool
	c := &cobra.Command{Use: "status [ALLOC]", Short: "how an allocation is", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				list, _, err := client.Allocations().List(cmd.Context(), nil)
				if err != nil {
					return err
				}
				if done, err := e.print(s, list); done {
					return err
				}
				e.allocTable(list, s.verbose)
				return nil
			}
			stub, err := e.findAlloc(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			a, _, err := client.Allocations().Get(cmd.Context(), stub.ID.String(), nil)
			if err != nil {
				return err
			}
			if done, err := e.print(s, a); done {
				return err
			}
			e.showAlloc(a, s.verbose, brief)
			return nil
		}}
	f := c.Flags()
	f.BoolVar(&s.verbose, "verbose", false, "show whole ids")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.StringVarP(&s.template, "template", "t", "", "Go template")
	f.BoolVar(&brief, "short", false, "only the allocation itself")
	return c
}

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
			addr := fmt.Sprintf("%s:%d", p.HostIP, p.Value)
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

// target names the allocation of a command: the argument, or with -job one of a job's.
func (e *env) target(ctx context.Context, c *api.Client, job bool, arg string) (*structs.AllocListStub, error) {
	if job {
		return e.allocOfJob(ctx, c, arg)
	}
	return e.findAlloc(ctx, c, arg)
}

// taskOf is the task of a command: the one named, or the only one.
func (e *env) taskOf(ctx context.Context, c *api.Client, a *structs.AllocListStub, named string) (string, error) {
	full, _, err := c.Allocations().Get(ctx, a.ID.String(), nil)
	if err != nil {
		return "", err
	}
	names := taskNames(full)
	switch {
	case named != "" && slices.Contains(names, named):
		return named, nil
	case named != "":
		return "", fmt.Errorf("allocation %s has no task %q; it has %s", a.ID.Short(), named, strings.Join(names, ", "))
	case len(names) == 1:
		return names[0], nil
	}
	return "", fmt.Errorf("allocation %s has several tasks: name one of %s with -task", a.ID.Short(), strings.Join(names, ", "))
}

func (e *env) allocLogs() *cobra.Command {
	var follow, stderr, stdout, tail, job, verbose bool
	var lines, bytes int64
	var task string
	c := &cobra.Command{Use: "logs ALLOC [TASK]", Short: "print what a task said", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.target(cmd.Context(), client, job, args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				task = args[1]
			}
			name, err := e.taskOf(cmd.Context(), client, a, task)
			if err != nil {
				return err
			}
			req := api.LogsRequest{Alloc: a.ID.String(), Task: name, Type: "stdout", Origin: "start", Follow: follow}
			if stderr {
				req.Type = "stderr"
			}
			if cmd.Flags().Changed("n") || cmd.Flags().Changed("c") {
				tail = true
			}
			skip := int64(0)
			switch {
			case bytes > 0 && tail:
				req.Origin, req.Offset = "end", bytes
			case tail:
				if lines <= 0 {
					lines = 10
				}
				if skip, err = e.tailOffset(cmd.Context(), client, req, lines); err != nil {
					return err
				}
				req.Offset = skip
			}
			return client.Files().Logs(cmd.Context(), req, nil, func(f api.StreamFrame) error {
				_, err := e.out.Write(f.Data)
				return err
			})
		}}
	f := c.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "go on with what is written")
	f.BoolVar(&stderr, "stderr", false, "standard error instead")
	f.BoolVar(&stdout, "stdout", true, "standard output (the default)")
	f.BoolVar(&tail, "tail", false, "only the end")
	f.Int64VarP(&lines, "n", "n", 0, "with -tail: how many lines")
	f.Int64VarP(&bytes, "c", "c", 0, "with -tail: how many bytes")
	f.BoolVar(&job, "job", false, "the argument is a job: one of its allocations")
	f.BoolVar(&verbose, "verbose", false, "show whole ids")
	f.StringVar(&task, "task", "", "task")
	return c
}

// tailOffset counts where the last lines begin, in bytes from the start.
func (e *env) tailOffset(ctx context.Context, c *api.Client, req api.LogsRequest, lines int64) (int64, error) {
	req.Follow = false
	starts := []int64{0}
	at := int64(0)
	err := c.Files().Logs(ctx, req, nil, func(f api.StreamFrame) error {
		for i, b := range f.Data {
			if b == '\n' {
				if starts = append(starts, at+int64(i)+1); int64(len(starts)) > lines+1 {
					starts = starts[1:]
				}
			}
		}
		at += int64(len(f.Data))
		return nil
	})
	if starts[len(starts)-1] == at && len(starts) > 1 { // the last line is complete
		starts = starts[:len(starts)-1]
	}
	if n := int64(len(starts)); n > lines {
		starts = starts[n-lines:]
	}
	return starts[0], err
}

func (e *env) allocFS() *cobra.Command {
	var job, stat, tail, follow bool
	var bytes int64
	c := &cobra.Command{Use: "fs ALLOC [PATH]", Short: "look at an allocation's files", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.target(ctx, client, job, args[0])
			if err != nil {
				return err
			}
			path, id := "/", a.ID.String()
			if len(args) == 2 {
				path = args[1]
			}
			st, err := client.Files().Stat(ctx, id, path, nil)
			if err != nil {
				return err
			}
			switch {
			case stat:
				e.fileTable([]*api.FileInfo{st})
			case st.IsDir:
				list, err := client.Files().List(ctx, id, path, nil)
				if err != nil {
					return err
				}
				e.fileTable(list)
			case follow || tail:
				return client.Files().Stream(ctx, id, path, "end", max(bytes, 1024), follow, nil, func(f api.StreamFrame) error {
					_, err := e.out.Write(f.Data)
					return err
				})
			default:
				body, err := client.Files().Cat(ctx, id, path, nil)
				if err != nil {
					return err
				}
				defer body.Close()
				_, err = io.Copy(e.out, body)
				return err
			}
			return nil
		}}
	f := c.Flags()
	f.BoolVar(&job, "job", false, "the argument is a job: one of its allocations")
	f.BoolVar(&stat, "stat", false, "describe the file")
	f.BoolVar(&tail, "tail", false, "only the end")
	f.BoolVarP(&follow, "follow", "f", false, "go on with what is written")
	f.Int64VarP(&bytes, "c", "c", 0, "with -tail: how many bytes")
	return c
}

func (e *env) fileTable(list []*api.FileInfo) {
	rows := [][]string{{"Mode", "Size", "Modified Time", "Name"}}
	for _, f := range list {
		name := f.Name
		if f.IsDir {
			name += "/"
		}
		rows = append(rows, []string{f.FileMode, fmt.Sprint(f.Size), when(f.ModTime), name})
	}
	e.table(rows)
}

func (e *env) allocRestart() *cobra.Command {
	var task string
	var all bool
	c := &cobra.Command{Use: "restart ALLOC [TASK]", Short: "restart the tasks of an allocation", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.findAlloc(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				task = args[1]
			}
			return client.Allocations().Restart(cmd.Context(), a.ID.String(), task, all, nil)
		}}
	c.Flags().StringVar(&task, "task", "", "only this task")
	c.Flags().BoolVar(&all, "all-tasks", false, "all tasks, those that ended too")
	return c
}

func (e *env) allocSignal() *cobra.Command {
	var signal, task string
	c := &cobra.Command{Use: "signal ALLOC [TASK]", Short: "send a signal to the tasks of an allocation", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.findAlloc(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				task = args[1]
			}
			return client.Allocations().Signal(cmd.Context(), a.ID.String(), task, signal, nil)
		}}
	c.Flags().StringVarP(&signal, "signal", "s", "SIGKILL", "signal")
	c.Flags().StringVar(&task, "task", "", "only this task")
	return c
}

func (e *env) allocStop() *cobra.Command {
	var detach, noDelay bool
	c := &cobra.Command{Use: "stop ALLOC", Short: "stop an allocation; another one takes its place", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			a, err := e.findAlloc(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			resp, _, err := client.Allocations().Stop(cmd.Context(), a.ID.String(), noDelay, nil)
			if err != nil {
				return err
			}
			if detach {
				e.say("%s", resp.EvalID)
				return nil
			}
			return e.monitor(cmd.Context(), client, resp.EvalID, false)
		}}
	c.Flags().BoolVar(&detach, "detach", false, "do not wait")
	c.Flags().BoolVar(&noDelay, "no-shutdown-delay", false, "skip the shutdown delays")
	return c
}

var errNoTerminal = errors.New("-t needs a terminal on standard input")
