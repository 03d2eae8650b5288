package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

// showFlags are those of commands that show objects.
func (e *env) showFlags(cmd *cobra.Command, s *shown) {
	f := cmd.Flags()
	f.BoolVar(&s.json, "json", false, "print the JSON of the API")
	f.StringVarP(&s.template, "template", "t", "", "print through a Go template")
	f.BoolVar(&s.verbose, "verbose", false, "show whole ids and more")
	cmd.MarkFlagsMutuallyExclusive("json", "template")
}

// moment is a time in full, or nothing.
func moment(t time.Time) string {
	if t.IsZero() || t.Unix() == 0 {
		return "-"
	}
	return t.Format(time.RFC3339)
}

func (e *env) sortedPairs(m map[string]string) {
	rows := make([][2]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		rows = append(rows, [2]string{k, m[k]})
	}
	e.pairs(rows)
}

// nodeUse shows what is given away of a node, what is used, and to whom.
func (e *env) nodeUse(ctx context.Context, c *api.Client, n *api.Node, s shown, stats bool) error {
	all, _, err := c.Nodes().Allocations(ctx, n.ID.String(), nil)
	if err != nil {
		return err
	}
	var cpu, mem, disk int64
	holding := 0
	for _, a := range all {
		if !a.HoldsResources() || a.AllocatedResources == nil {
			continue
		}
		holding++
		r := a.AllocatedResources
		disk += r.Shared.DiskMB
		for _, t := range r.Tasks {
			cpu, mem = cpu+t.Cpu.CpuShares, mem+t.Memory.MemoryMB
		}
	}
	if r := n.NodeResources; r != nil {
		e.head("Allocated Resources")
		e.table([][]string{{"CPU", "Memory", "Disk", "Alloc Count"}, {
			fmt.Sprintf("%d/%d MHz", cpu, r.Cpu.CpuShares), mib(mem) + "/" + mib(r.Memory.MemoryMB), mib(disk) + "/" + mib(r.Disk.DiskMB), fmt.Sprint(holding)}})
	}
	if stats {
		if err := e.hostStats(ctx, c, n); err != nil {
			return err
		}
	}
	e.head("Allocations")
	rows := [][]string{{"ID", "Node ID", "Job ID", "Task Group", "Version", "Desired", "Status", "Created", "Modified"}}
	slices.SortFunc(all, func(a, b *api.Allocation) int { return int(b.CreateTime - a.CreateTime) })
	for _, a := range all {
		rows = append(rows, []string{short8(a.ID, s.verbose), short8(a.NodeID, s.verbose), a.JobID, a.TaskGroup, fmt.Sprint(a.JobVersion), a.DesiredStatus, e.status(a.ClientStatus),
			ago(a.CreateTime), ago(a.ModifyTime)})
	}
	if len(rows) == 1 {
		e.say("No allocations placed")
		return nil
	}
	e.table(rows)
	return nil
}

func (e *env) hostStats(ctx context.Context, c *api.Client, n *api.Node) error {
	st, err := c.Nodes().Stats(ctx, n.ID.String(), nil)
	if err != nil {
		return err
	}
	e.head("Host Resource Utilization")
	row := []string{fmt.Sprintf("%.0f MHz", st.CPUTicksConsumed), "-", "-"}
	if m := st.Memory; m != nil {
		row[1] = size(m.Used) + "/" + size(m.Total)
	}
	if d := st.AllocDirStats; d != nil {
		row[2] = size(d.Used) + "/" + size(d.Size) + " (" + d.Mountpoint + ")"
	}
	e.table([][]string{{"CPU", "Memory", "Disk"}, row})
	return nil
}

// mib is a number of megabytes as people read it.
func mib(mb int64) string { return size(uint64(max(mb, 0)) << 20) }

// size is a number of bytes as people read it.
func size(b uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	f, i := float64(b), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if f == float64(int64(f)) {
		return fmt.Sprintf("%d %s", int64(f), units[i])
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// status colours the state of an allocation.
func (e *env) status(s string) string {
	switch s {
	case structs.AllocClientRunning, structs.AllocClientComplete:
		return e.paint("32", s)
	case structs.AllocClientFailed, structs.AllocClientLost:
		return e.paint("31", s)
	case structs.AllocClientPending, structs.AllocClientUnknown:
		return e.paint("33", s)
	}
	return s
}
