package client

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"berth/client/allocdir"
	"berth/client/allocrunner"
	"berth/client/logs"
	"berth/client/network"
	"berth/client/taskrunner"
	"berth/drivers/fake"
	"berth/structs"
)

// machine is a host, its networks and its tasks, without a kernel. It survives the client.
type machine struct {
	t     *testing.T
	world *fake.World

	mu       sync.Mutex
	allocs   map[structs.ID][]byte
	jobs     map[structs.ID][]byte
	tasks    map[structs.ID]map[string][]byte
	networks map[string]bool
	files    map[structs.ID]bool
	putFails error
	heard    time.Time
	describe func() description
	full     float64
}

func newMachine(t *testing.T) *machine {
	return &machine{
		t: t, world: fake.NewWorld(), allocs: map[structs.ID][]byte{}, jobs: map[structs.ID][]byte{}, tasks: map[structs.ID]map[string][]byte{},
		networks: map[string]bool{}, files: map[structs.ID]bool{},
		describe: func() description {
			return description{attributes: map[string]string{"unique.hostname": "m1"}, resources: &structs.NodeResources{},
				drivers: map[string]*structs.DriverInfo{"fake": {Detected: true, Healthy: true}}}
		},
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (m *machine) Identity() (structs.ID, structs.ID, error) {
	return structs.MustID("11111111-0000-4000-8000-000000000001"), structs.MustID("22222222-0000-4000-8000-000000000001"), nil
}

func (m *machine) PutAlloc(a *structs.Allocation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.putFails != nil {
		return m.putFails
	}
	m.allocs[a.ID], m.jobs[a.ID] = must(json.Marshal(a)), must(json.Marshal(a.Job))
	return nil
}

func (m *machine) DeleteAlloc(id structs.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.allocs, id)
	delete(m.tasks, id)
	return nil
}

func (m *machine) PutHeard(t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = t.Round(0)
	return m.putFails
}

func (m *machine) Heard() (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard, nil
}

func (m *machine) PutTask(id structs.ID, task string, r *taskrunner.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tasks[id] == nil {
		m.tasks[id] = map[string][]byte{}
	}
	m.tasks[id][task] = must(json.Marshal(r))
	return nil
}

func (m *machine) Restore() ([]restored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []restored
	for id, b := range m.allocs {
		r := restored{alloc: &structs.Allocation{}, tasks: map[string]*taskrunner.Record{}}
		if err := json.Unmarshal(b, r.alloc); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(m.jobs[id], &r.alloc.Job); err != nil {
			return nil, err
		}
		for task, b := range m.tasks[id] {
			r.tasks[task] = &taskrunner.Record{}
			if err := json.Unmarshal(b, r.tasks[task]); err != nil {
				return nil, err
			}
		}
		out = append(out, r)
	}
	return out, nil
}

type testFiles struct {
	m  *machine
	id structs.ID
}

func (f testFiles) Build(context.Context, []string) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.m.files[f.id] = true
	return nil
}

func (f testFiles) Close() error { return nil }

func (f testFiles) Destroy() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	delete(f.m.files, f.id)
	return nil
}

func (m *machine) Files(id structs.ID) allocrunner.Files { return testFiles{m, id} }

func (m *machine) Dir(id structs.ID) *allocdir.Dir { return allocdir.New("/nowhere", id.String()) }

type plain struct{}

func (plain) Map() map[string]string                        { return nil }
func (plain) Replace(s string) string                       { return s }
func (plain) ReplaceConfig(c map[string]any) map[string]any { return c }

func (m *machine) Place(*structs.Node, *structs.Allocation, string, *network.Result) taskrunner.Place {
	return taskrunner.Place{Env: plain{}}
}

func (m *machine) Logs(*structs.Allocation, *structs.Task, taskrunner.Place) taskrunner.Logs {
	return nil
}

func (m *machine) ReadLogs(context.Context, logs.Request, func(logs.Frame) error) error {
	return errors.New("this machine has no logs")
}

func (m *machine) Describe(context.Context) (description, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.describe(), nil
}

func (m *machine) Sweep(context.Context, func(structs.ID) bool) error { return nil }

func (m *machine) DiskUsedPercent() (float64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.full, nil
}

func (m *machine) Close() error { return nil }

func (m *machine) Setup(_ context.Context, req network.Request) (*network.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.networks[req.AllocID] = true
	return &network.Result{}, nil
}

func (m *machine) Teardown(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.networks, id)
	return nil
}

func (m *machine) Sync(context.Context, []network.Request) error { return nil }

func (m *machine) Watch(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (m *machine) RemoveAll(context.Context) error { return nil }

// leftovers are what is on the machine now.
func (m *machine) leftovers() (tasks, networks, files, records int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.world.Tasks(), len(m.networks), len(m.files), len(m.allocs) + len(m.tasks)
}
