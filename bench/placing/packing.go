package placing

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"berth/bench"
	"berth/internal/idgen"
	"berth/scheduler/fleet"
	"berth/structs"
)

// Shares of a machine that tasks take: the trace of small ones, and the same with some of up to a third of a machine.
var (
	smallTasks = []float64{0.002, 0.005, 0.01, 0.02, 0.03}
	largeTasks = append(slices.Clone(smallTasks), 0.1, 0.25)
)

// packing measures both traces. The machines are there from the beginning: a cluster that is never larger than what runs on it
// has hardly ever more than one with room to choose, and needs more, which the note tells.
func packing() ([]bench.Figure, error) {
	var figures []bench.Figure
	for _, t := range []struct {
		what  string
		sizes []float64
	}{{"packing 6,000 jobs of small tasks: machines to the lower bound", smallTasks}, {"the same with tasks of up to 0.3 of a machine", largeTasks}} {
		used, bound := pack(6000, t.sizes, 600)
		grown, _ := pack(6000, t.sizes, 0)
		figures = append(figures, bench.Figure{What: t.what, Unit: "ratio", Goal: 1.03, Measured: float64(used) / float64(bound),
			Note: fmt.Sprintf("%d of %d; %d when one is added whenever none has room", used, bound, grown)})
	}
	return figures, nil
}

// pack counts the machines that a trace of jobs is spread over, and how many its sum of CPU or memory fills. Jobs come one by
// one; a machine is added when none of those that were ready has room.
func pack(jobs int, sizes []float64, ready int) (used, bound int64) {
	const cpu, memory = 16_000, 64_000
	ids := idgen.Seeded(3)
	rng := rand.New(rand.NewPCG(3, 5))
	l := &lab{ids: ids, fleet: fleet.New(), state: &still{config: structs.DefaultSchedulerConfiguration()}}
	add := func() {
		n := Node(ids, 0)
		n.NodeResources.Cpu.CpuShares, n.NodeResources.Memory.MemoryMB = cpu, memory
		l.fleet.SetNode(n)
	}
	for range ready {
		add()
	}
	var sumCPU, sumMemory int64
	for i := range jobs {
		// Shapes as clusters have them: many small ones, few large ones, CPU and memory loosely coupled.
		share := sizes[min(len(sizes)-1, int(rng.ExpFloat64()*1.6))]
		lean := 0.6 + 0.8*rng.Float64()
		count := 1 + rng.IntN(8)
		c, m := max(1, int(cpu*share*lean)), max(1, int(memory*share*(2-lean)))
		l.state.job = Job(fmt.Sprint("job-", i), count, func(j *structs.Job) {
			j.TaskGroups[0].Tasks[0].Resources = &structs.Resources{CPU: &c, MemoryMB: &m}
		})
		sumCPU, sumMemory = sumCPU+int64(count*c), sumMemory+int64(count*m)
		for left := count; left > 0; {
			left -= placements(l.evaluate(), func(*structs.PlanGroup, *structs.Placement) {})
			if left == 0 {
				break
			}
			add()
			*l.state.job.TaskGroups[0].Count = left
		}
	}
	for row := range l.fleet.Len() {
		if len(l.fleet.UsesAt(int32(row))) > 0 {
			used++
		}
	}
	return used, max((sumCPU+cpu-1)/cpu, (sumMemory+memory-1)/memory)
}
