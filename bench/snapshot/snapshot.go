package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/bench"
	"berth/bench/placing"
	"berth/internal/idgen"
	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

// The state that is written: as many allocations as nodes and jobs give.
const (
	nodes   = 5000
	jobs    = 100
	perJob  = 10_000
	perPlan = 1000
	// at is the time of every command, Unix ns.
	at = 1_767_225_600_000_000_000
)

// Measure writes a snapshot below dir and restores it into another store.
func Measure(ctx context.Context, dir string, tell func(string)) ([]bench.Figure, error) {
	empty := held()
	tell(fmt.Sprintf("making a state of %d allocations", jobs*perJob))
	store, err := fill(ctx)
	if err != nil {
		return nil, err
	}
	size := held() - empty
	path := filepath.Join(dir, "snapshot")
	tell("writing it")
	written, peak, err := watched(func() error { return write(path, store) })
	if err != nil {
		return nil, err
	}
	saved := float64(peak-empty) / float64(size)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	hash := store.Snapshot().Hash()
	store = nil // a server that restores lets go of what it had when the new state is whole; here it is not there at all
	held()
	tell("restoring it")
	restored := state.New()
	took, peak, err := watched(func() error { return read(path, restored) })
	if err != nil {
		return nil, err
	}
	if restored.Snapshot().Hash() != hash {
		return nil, errors.New("what was restored is not what was written")
	}
	on := fmt.Sprintf("snapshot of %d allocations: ", jobs*perJob)
	return []bench.Figure{
		{What: on + "save", Unit: "s", Goal: 20, Measured: written.Seconds(), Note: fmt.Sprintf("%.0f MB on the disk", float64(info.Size())/1e6)},
		{What: on + "save", Unit: "times the store's memory", Goal: 1.5, Measured: saved, Note: fmt.Sprintf("the store is %.0f MB", float64(size)/1e6)},
		{What: on + "restore", Unit: "s", Goal: 20, Measured: took.Seconds()},
		{What: on + "restore", Unit: "times the store's memory", Goal: 1.5, Measured: float64(peak-empty) / float64(size)},
	}, nil
}

// fill makes the state as a log would.
func fill(ctx context.Context) (*state.Store, error) {
	store := state.New()
	machine := fsm.New(store)
	do := func(kind structs.CommandKind, body msgp.Marshaler) error {
		cmd, err := structs.NewCommand(kind, at, body)
		if err != nil {
			return err
		}
		res := machine.ApplyEntry(store.Index()+1, &structs.LogEntry{Commands: []structs.Command{cmd}})[0]
		if res.Err != nil {
			return res.Err
		}
		if all, ok := res.Value.([]*structs.PlanResult); ok && all[0].Placed != perPlan {
			return fmt.Errorf("%d of %d placed: %v", all[0].Placed, perPlan, all[0].RefusedNodes)
		}
		return ctx.Err()
	}
	ids := idgen.Seeded(5)
	var on []*structs.Node
	for i := range nodes {
		n := placing.Node(ids, i)
		on = append(on, n)
		if err := do(structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: n}); err != nil {
			return nil, err
		}
	}
	next := 0
	for j := range jobs {
		job := placing.Job(fmt.Sprint("job-", j), perJob)
		if err := do(structs.CmdJobRegister, &structs.JobRegisterCommand{Job: job}); err != nil {
			return nil, err
		}
		for from := 0; from < perJob; from += perPlan {
			if err := do(structs.CmdPlanApply, plan(ids, job, on, from, &next)); err != nil {
				return nil, err
			}
		}
	}
	return store, nil
}

// plan places some of a job's allocations on the nodes in turn.
func plan(ids idgen.Source, job *structs.Job, on []*structs.Node, from int, next *int) *structs.PlanApplyCommand {
	ask := job.TaskGroups[0].Tasks[0]
	g := &structs.PlanGroup{Namespace: job.Namespace, JobID: job.ID, TaskGroup: job.TaskGroups[0].Name, Resources: &structs.AllocatedResources{
		Tasks: map[string]*structs.AllocatedTaskResources{ask.Name: {
			Cpu: structs.AllocatedCPUResources{CpuShares: int64(*ask.Resources.CPU)}, Memory: structs.AllocatedMemoryResources{MemoryMB: int64(*ask.Resources.MemoryMB)}}},
		Shared: structs.AllocatedSharedResources{DiskMB: 110}}}
	for i := range perPlan {
		n := on[*next%len(on)]
		*next++
		g.Items = append(g.Items, &structs.Placement{AllocID: ids.NewID(), Index: uint32(from + i), NodeID: n.ID, NodeName: n.Name})
	}
	return &structs.PlanApplyCommand{Plans: []*structs.Plan{{EvalID: ids.NewID(), Priority: job.Priority, Place: []*structs.PlanGroup{g}}}}
}

func write(path string, store *state.Store) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := fsm.WriteSnapshot(f, store.Snapshot()); err != nil {
		return err
	}
	return f.Sync()
}

func read(path string, store *state.Store) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return fsm.ReadSnapshot(f, store)
}

// held is the heap after a collection, in bytes.
func held() uint64 {
	runtime.GC()
	runtime.GC()
	return heap()
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// watched runs f and gives its time, and the most that was on the heap meanwhile, garbage included.
func watched(f func() error) (took time.Duration, peak uint64, err error) {
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		var m uint64
		look := time.NewTicker(20 * time.Millisecond)
		defer look.Stop()
		for {
			m = max(m, heap())
			select {
			case <-look.C:
			case <-done:
				most <- m
				return
			}
		}
	}()
	begin := time.Now()
	err = f()
	took = time.Since(begin)
	close(done)
	return took, <-most, err
}
