package client

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/client/logs"
	"berth/drivers"
	"berth/drivers/fake"
	"berth/structs"
)

// onDisk runs a client over real directories and a real state file; only tasks, networks and servers are not real.
type onDisk struct {
	*testing.T
	m      *machine
	s      *cluster
	dir    string
	c      *Client
	cancel context.CancelFunc
	ended  chan error
}

func newOnDisk(t *testing.T) *onDisk {
	d := &onDisk{T: t, m: newMachine(t), s: newCluster(), dir: t.TempDir()}
	d.life()
	t.Cleanup(func() {
		if d.c == nil {
			return
		}
		if err := d.c.Shutdown(context.Background(), true); err != nil {
			t.Error(err)
		}
		d.end()
	})
	return d
}

func (d *onDisk) life() {
	d.Helper()
	c, err := New(Config{DataDir: d.dir, Drivers: []drivers.Driver{fake.New(d.m.world, fake.Config{})}, Network: d.m}, d.s)
	if err != nil {
		d.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.c, d.cancel, d.ended = c, cancel, make(chan error, 1)
	go func() { d.ended <- c.Run(ctx) }()
	<-c.Ready()
}

func (d *onDisk) end() {
	d.Helper()
	d.cancel()
	if err := <-d.ended; err != nil {
		d.Error(err)
	}
	d.c = nil
}

func (d *onDisk) eventually(what string, ok func() bool) {
	d.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			d.Fatalf("never happened: %s", what)
		}
	}
}

func (d *onDisk) is(id structs.ID, status string) {
	d.Helper()
	d.eventually("status "+status, func() bool { return d.s.status(id) == status })
}

func TestOnDisk(t *testing.T) {
	d := newOnDisk(t)
	n := d.c.Node()
	if n.NodeResources.Memory.MemoryMB == 0 || n.Attributes["kernel.name"] == "" || n.Drivers["fake"] == nil {
		t.Errorf("node %+v", n)
	}
	id := d.s.place(1, "service", map[string]any{fake.KeyStdout: "hello\n"}, func(g *structs.TaskGroup) {
		g.Tasks[0].Env = map[string]string{"WHERE": "${NOMAD_TASK_DIR}"}
	})
	d.is(id, "running")
	node := d.c.NodeID()
	for range 2 {
		d.end()
		d.life()
		if d.c.NodeID() != node {
			t.Fatal("the node has another identity")
		}
	}
	log := filepath.Join(d.dir, "alloc", id.String(), "alloc", "logs", "web.stdout.0")
	d.eventually("collected output", func() bool {
		b, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(b), "hello")
	})
	d.eventually("exec after adoption", func() bool {
		var out strings.Builder
		_, err := d.c.Exec(t.Context(), id, "web", &drivers.ExecRequest{Command: []string{"getenv", "WHERE"}, Stdout: &out})
		return err == nil && out.String() == "/local"
	})
	files, err := d.c.FSList(id, "/")
	if err != nil || len(files) != 2 {
		t.Errorf("files %+v, %v", files, err)
	}
	if n := d.m.world.Starts(id.String(), "web"); n != 1 {
		t.Errorf("%d starts", n)
	}
	if st, err := d.c.HostStats(); err != nil || st.Memory.Total == 0 {
		t.Errorf("host stats %+v, %v", st, err)
	}
	d.s.stop(id)
	d.is(id, "complete")
	d.s.reap(id)
	d.eventually("nothing left", func() bool {
		dirs, err := os.ReadDir(filepath.Join(d.dir, "alloc"))
		return err == nil && len(dirs) == 0
	})
}

func TestLogsAreFollowedToTheEnd(t *testing.T) {
	d := newOnDisk(t)
	id := d.s.place(1, "service", map[string]any{fake.KeyStdout: "first\n", fake.KeyOnHUP: "again\n", fake.KeyStopTakes: "50ms"})
	d.is(id, "running")
	var mu sync.Mutex
	var got strings.Builder
	read := make(chan error, 1)
	go func() {
		read <- d.c.Logs(t.Context(), LogsRequest{AllocID: id, Task: "web", Type: "stdout", Follow: true}, func(f logs.Frame) error {
			mu.Lock()
			defer mu.Unlock()
			got.Write(f.Data)
			return nil
		})
	}()
	text := func() string {
		mu.Lock()
		defer mu.Unlock()
		return got.String()
	}
	d.eventually("the first line", func() bool { return text() == "first\n" })
	if err := d.c.SignalAlloc(t.Context(), id, "web", "SIGHUP"); err != nil {
		t.Fatal(err)
	}
	d.s.stop(id)
	if err := <-read; err != nil || text() != "first\nagain\n" {
		t.Errorf("%q, %v", text(), err)
	}
	err := d.c.Logs(t.Context(), LogsRequest{AllocID: id, Task: "nope", Type: "stdout"}, nil)
	if structs.KindOf(err) != structs.KindNotFound {
		t.Errorf("logs of no task: %v", err)
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	d := newOnDisk(t)
	held := d.s.place(1, "service", nil)
	d.is(held, "running")
	d.end()
	lost := structs.ID{0xdd, 15: 1}
	if _, err := fake.New(d.m.world, fake.Config{}).Start(t.Context(), &drivers.TaskConfig{ID: "lost", AllocID: lost.String(), Task: "t"}); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(d.dir, "alloc", "not-ours")
	for _, dir := range []string{filepath.Join(d.dir, "alloc", lost.String()), foreign} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d.life()
	d.eventually("swept", func() bool {
		_, err := os.Stat(filepath.Join(d.dir, "alloc", lost.String()))
		return os.IsNotExist(err) && d.m.world.Tasks() == 1
	})
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("what is not ours is gone: %v", err)
	}
}

func BenchmarkPlacementToRunning(b *testing.B) {
	t := &testing.T{}
	m, s := newMachine(t), newCluster()
	c, err := New(Config{DataDir: b.TempDir(), Drivers: []drivers.Driver{fake.New(m.world, fake.Config{})}, Network: m}, s)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	<-c.Ready()
	n := byte(0)
	for b.Loop() {
		n++
		id := s.place(n, "service", nil)
		for s.status(id) != "running" {
			time.Sleep(50 * time.Microsecond)
		}
		b.StopTimer()
		s.stop(id)
		s.reap(id)
		for m.world.Tasks() > 0 {
			time.Sleep(time.Millisecond)
		}
		b.StartTimer()
	}
	b.StopTimer()
	if err := c.Shutdown(context.Background(), true); err != nil {
		b.Error(err)
	}
	cancel()
	<-ended
}
