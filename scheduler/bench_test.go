package scheduler_test

import (
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"berth/internal/idgen"
	"berth/scheduler"
	"berth/scheduler/feasible"
	"berth/scheduler/fleet"
	"berth/scheduler/rank"
	"berth/structs"
)

// benchState is one job without allocations: what a first evaluation reads.
type benchState struct {
	job    *structs.Job
	allocs []*structs.Allocation
	config *structs.SchedulerConfiguration
}

func (s *benchState) Job(string, string) *structs.Job { return s.job }
func (s *benchState) AllocsByJob(string, string) iter.Seq[*structs.Allocation] {
	return func(yield func(*structs.Allocation) bool) {
		for _, a := range s.allocs {
			if !yield(a) {
				return
			}
		}
	}
}
func (s *benchState) Jobs() iter.Seq[*structs.Job] { return func(func(*structs.Job) bool) {} }
func (s *benchState) DisruptionBudgets() iter.Seq[*structs.DisruptionBudget] {
	return func(func(*structs.DisruptionBudget) bool) {}
}
func (s *benchState) Eval(structs.ID) *structs.Evaluation                 { return nil }
func (s *benchState) LatestDeployment(string, string) *structs.Deployment { return nil }
func (s *benchState) NodePool(string) *structs.NodePool                   { return nil }
func (s *benchState) SchedulerConfig() *structs.SchedulerConfiguration    { return s.config }

// benchFleet has n nodes of three shapes in 25 racks.
func benchFleet(tb testing.TB, n int) (*fleet.Fleet, *idgen.SeededSource) {
	tb.Helper()
	f, ids := fleet.New(), idgen.Seeded(1)
	for i := range n {
		node, err := nodeOf(plainNode(ids.NewID(), fmt.Sprintf("node-%d", i)), strings.Fields(fmt.Sprintf(
			"cpu=%d mem=%d disk=1000000 meta.rack=r%d class=c%d dc=dc%d", 16000*(1+i%3), 64000*(1+i%3), i%25, i%3, i%2)))
		if err != nil {
			tb.Fatal(err)
		}
		node.ComputedClass = fleet.ComputedClass(node)
		f.SetNode(node)
	}
	return f, ids
}

func benchJob(tb testing.TB, words ...string) *structs.Job {
	tb.Helper()
	j, err := jobOf("web", append([]string{"cpu=20", "mem=20", "disk=1", "max_parallel=0"}, words...))
	if err != nil {
		tb.Fatal(err)
	}
	j.CreateIndex, j.Version = 5, 0
	return j
}

func benchEval(ids *idgen.SeededSource, j *structs.Job) *structs.Evaluation {
	return &structs.Evaluation{ID: ids.NewID(), Namespace: "default", JobID: j.ID, Type: j.Type, Priority: 50, Status: structs.EvalStatusPending}
}

// evaluations measures whole evaluations of a fresh job each, on a fleet that fills up and is emptied now and then.
func evaluations(b *testing.B, count int, words ...string) {
	f, ids := benchFleet(b, 5000)
	j := benchJob(b, append(words, fmt.Sprintf("count=%d", count))...)
	st := &benchState{job: j, config: structs.DefaultSchedulerConfiguration()}
	var placed []structs.ID
	total := 0
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		out := scheduler.Evaluate(scheduler.Input{
			State: st, Fleet: f, Eval: benchEval(ids, j), Index: 10, Now: time.Unix(1767225600, 0), IDs: ids,
		})
		n := 0
		for _, p := range out.Plans {
			for _, g := range p.Place {
				for _, item := range g.Items {
					placed = append(placed, item.AllocID)
				}
				n += len(g.Items)
			}
		}
		if n != count {
			b.Fatalf("%d of %d placed", n, count)
		}
		total += n
		if len(placed) > 200000 {
			b.StopTimer()
			for _, id := range placed {
				f.Remove(id)
			}
			placed = placed[:0]
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "placements/s")
}

// One evaluation for one allocation each, on 5,000 nodes. Goal: 20,000 placements/s.
func BenchmarkServiceOneByOne(b *testing.B) { evaluations(b, 1) }

// The same with a dynamic port.
func BenchmarkServiceWithPortOneByOne(b *testing.B) { evaluations(b, 1, "port=http") }

// 10,000 allocations alike in one evaluation. Goal: 300,000 placements/s.
func BenchmarkBulk10000(b *testing.B) { evaluations(b, 10000) }

// Spread over 25 racks. Goal: 0.15 s and 20 MB for 1,200, 10,000 placements/s.
func BenchmarkSpread1200(b *testing.B) { evaluations(b, 1200, "spread=${meta.rack}") }

// Spread, one by one.
func BenchmarkSpreadOneByOne(b *testing.B) { evaluations(b, 1, "spread=${meta.rack}") }

// Spread over every single node.
func BenchmarkSpreadOverNodes1200(b *testing.B) { evaluations(b, 1200, "spread=${node.unique.name}") }

// Affinity, in bulk and one by one.
func BenchmarkAffinity1200(b *testing.B)     { evaluations(b, 1200, "affinity=${meta.rack} = r3 @50") }
func BenchmarkAffinityOneByOne(b *testing.B) { evaluations(b, 1, "affinity=${meta.rack} = r3 @50") }

// Constraints of three kinds.
func BenchmarkConstraintsOneByOne(b *testing.B) {
	evaluations(b, 1, "constraint=${meta.rack} != r3", "constraint=${node.class} regexp ^c[01]$", "constraint=${meta.rack} is_set")
}

// The loop over the nodes allocates nothing.
func TestScoringAllocatesNothing(t *testing.T) {
	f, ids := benchFleet(t, 500)
	for _, words := range [][]string{{}, {"spread=${meta.rack}"}, {"affinity=${meta.rack} = r3 @50"}, {"port=http:80"}, {"distinct_hosts"}, {"cores=1"}} {
		j := benchJob(t, words...)
		g := j.TaskGroups[0]
		rg := rank.NewGroup(f, rank.Request{Job: j, Group: g, Rows: feasible.Select(f, j, g).Rows, Ask: rank.AskOf(g, false)})
		seed := fleet.HashID(ids.NewID())
		var ch rank.Choice
		if n := testing.AllocsPerRun(20, func() { rg.Search(seed, nil, &ch) }); n != 0 {
			t.Errorf("%v: %v allocations in a search of 500 nodes", words, n)
		}
	}
}

// An evaluation makes what it tells and little else. Nothing is made for each node but bits in a few sets, and nothing for what neither
// job nor cluster has: taints, budgets, rules about others.
func TestAnEvaluationMakesLittle(t *testing.T) {
	for _, c := range []struct {
		most  float64
		words []string
	}{
		{90, nil},
		{96, []string{"port=http"}},
		{100, []string{"spread=${meta.rack}"}},
		{96, []string{"affinity=${meta.rack} = r3 @50"}},
		{92, []string{"distinct_hosts"}},
		{122, []string{"peer=apart job=db-* @${meta.rack}"}},
	} {
		few, small := evaluationMakes(t, 64, c.words)
		many, large := evaluationMakes(t, 64*64, c.words)
		if most := max(few, many); most > c.most {
			t.Errorf("%v: %v allocations for one evaluation, want at most %v", c.words, most, c.most)
		}
		if perNode := (large - small) / (64 * 63); perNode > 1 {
			t.Errorf("%v: %.2f bytes for each node in one evaluation, want a few bits", c.words, perNode)
		}
	}
}

// evaluationMakes is how many allocations and bytes one evaluation for one placement makes.
func evaluationMakes(t *testing.T, nodes int, words []string) (allocations, bytes float64) {
	f, ids := benchFleet(t, nodes)
	j := benchJob(t, words...)
	in := scheduler.Input{
		State: &benchState{job: j, config: structs.DefaultSchedulerConfiguration()}, Fleet: f, Index: 10, Now: time.Unix(1767225600, 0), IDs: ids,
	}
	place := func() structs.ID {
		in.Eval = benchEval(ids, j)
		out := scheduler.Evaluate(in)
		if len(out.Plans) != 1 || len(out.Plans[0].Place) != 1 {
			t.Fatalf("%v: not placed", words)
		}
		return out.Plans[0].Place[0].Items[0].AllocID
	}
	evaluate := func() { f.Remove(place()) }
	const runs = 50
	place() // makes the columns
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	allocations = testing.AllocsPerRun(runs-1, evaluate) // and once before
	runtime.ReadMemStats(&after)
	return allocations, float64(after.TotalAlloc-before.TotalAlloc) / runs
}
