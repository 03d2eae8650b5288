package placing

import (
	"fmt"
	"math/rand/v2"

	"berth/bench"
	"berth/internal/idgen"
	"berth/scheduler/fleet"
	"berth/structs"
)

// packing measures both a trace of small tasks and one of tasks up to a third of a machine.
func packing() ([]bench.Figure, error) {
	sizes := []float64{0.002, 0.005, 0.01, 0.02, 0.03}
	return []bench.Figure{
		pack("packing 6,000 jobs of small tasks: machines to the lower bound", sizes),
		pack("the same with tasks of up to 0.3 of a machine", append(sizes, 0.1, 0.25)),
	}, nil
}

// pack counts the machines that a trace of jobs of all sizes needs, beside how many its sum of CPU or memory fills. Jobs come
// one by one, and a machine is added when none has room: what a cluster that grows with its load pays.
//
// Such a cluster is full whenever something comes, so that there is hardly ever more than one machine to choose: other scores
// (the distance to full, the likeness of what is asked and what is free) need as many machines on the first trace, and one in a
// hundred fewer on the second. All tasks known before, largest first, still need 1.04 and 1.03 times the bound, which no packing of
// two resources whose shares differ from task to task reaches.
func pack(what string, sizes []float64) bench.Figure {
	const cpu, memory = 16_000, 64_000
	ids := idgen.Seeded(3)
	rng := rand.New(rand.NewPCG(3, 5))
	l := &lab{ids: ids, fleet: fleet.New(), state: &still{config: structs.DefaultSchedulerConfiguration()}}
	var sumCPU, sumMemory, machines int64
	for i := range 6000 {
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
			n := Node(ids, 0)
			n.NodeResources.Cpu.CpuShares, n.NodeResources.Memory.MemoryMB = cpu, memory
			l.fleet.SetNode(n)
			machines++
			*l.state.job.TaskGroups[0].Count = left
		}
	}
	bound := max((sumCPU+cpu-1)/cpu, (sumMemory+memory-1)/memory)
	return bench.Figure{What: what, Unit: "ratio", Goal: 1.03, Measured: float64(machines) / float64(bound), Note: fmt.Sprintf("%d of %d", machines, bound)}
}
