package cli

import (
	"fmt"
	"slices"
	"time"

	"berth/structs"
)

func (e *env) deploymentTable(d *structs.Deployment) {
	rows := [][]string{{"Task Group", "Promoted", "Desired", "Canaries", "Placed", "Healthy", "Unhealthy", "Progress Deadline"}}
	for _, name := range sortedKeys(d.TaskGroups) {
		g := d.TaskGroups[name]
		promoted, by := "-", "N/A"
		if g.DesiredCanaries > 0 {
			promoted = fmt.Sprint(g.Promoted)
		}
		if !g.RequireProgressBy.IsZero() {
			by = g.RequireProgressBy.Local().Format(time.RFC3339)
		}
		rows = append(rows, []string{name, promoted, fmt.Sprint(g.DesiredTotal), fmt.Sprint(g.DesiredCanaries), fmt.Sprint(g.PlacedAllocs),
			fmt.Sprint(g.HealthyAllocs), fmt.Sprint(g.UnhealthyAllocs), by})
	}
	e.table(rows)
}

// allocTable lists allocations, the newest first.
func (e *env) allocTable(allocs []*structs.AllocListStub, verbose bool) {
	allocs = slices.Clone(allocs)
	slices.SortStableFunc(allocs, func(a, b *structs.AllocListStub) int { return int(b.CreateIndex) - int(a.CreateIndex) })
	rows := [][]string{{"ID", "Node ID", "Task Group", "Version", "Desired", "Status", "Created", "Modified"}}
	for _, a := range allocs {
		rows = append(rows, []string{short8(a.ID, verbose), short8(a.NodeID, verbose), a.TaskGroup, fmt.Sprint(a.JobVersion), a.DesiredStatus,
			a.ClientStatus, ago(a.CreateTime), ago(a.ModifyTime)})
	}
	e.table(rows)
}

func (e *env) evalTable(list []*structs.Evaluation, verbose bool) {
	rows := [][]string{{"ID", "Priority", "Triggered By", "Job ID", "Status", "Placement Failures"}}
	for _, x := range list {
		failures := "false"
		if len(x.FailedTGAllocs) > 0 {
			failures = "true"
		}
		if x.Status == structs.EvalStatusBlocked {
			failures = "N/A - In Progress"
		}
		rows = append(rows, []string{short8(x.ID, verbose), fmt.Sprint(x.Priority), x.TriggeredBy, x.JobID, x.Status, failures})
	}
	e.table(rows)
}

func (e *env) deploymentsTable(list []*structs.Deployment, verbose bool) {
	rows := [][]string{{"ID", "Job ID", "Job Version", "Status", "Description"}}
	for _, d := range list {
		rows = append(rows, []string{short8(d.ID, verbose), d.JobID, fmt.Sprint(d.JobVersion), d.Status, d.StatusDescription})
	}
	e.table(rows)
}
