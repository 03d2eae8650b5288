package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"berth/e2e/harness"
	"berth/internal/testimage"
)

// Config says how long to measure.
type Config struct {
	Binary string
	Starts int           // agent starts
	Jobs   int           // jobs run one after the other, and left running
	Idle   time.Duration // before the idle figures are taken
	Window time.Duration // over which processor time is taken
	Log    io.Writer     // what is being measured
}

// DefaultConfig measures what the goals are about.
func DefaultConfig(binary string) Config {
	return Config{Binary: binary, Starts: 5, Jobs: 100, Idle: 60 * time.Second, Window: 30 * time.Second, Log: os.Stderr}
}

const image = "berth.local/busybox:1"

// bench is one run.
type bench struct {
	Config
	dir     string
	archive string
	fleet   harness.Fleet
	figures []Figure
}

// Run measures everything and gives the figures in the order of the table.
func Run(ctx context.Context, c Config) ([]Figure, error) {
	dir, err := os.MkdirTemp("/tmp", "berthbench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{Config: c, dir: dir, archive: filepath.Join(dir, "busybox.tar")}
	if err := b.writeImage(); err != nil {
		return nil, err
	}
	for _, measure := range []func(context.Context) error{b.startup, b.work, b.size} {
		if err := measure(ctx); err != nil {
			return b.figures, err
		}
	}
	return b.figures, nil
}

func (b *bench) writeImage() error {
	img, err := testimage.New(testimage.Options{})
	if err != nil {
		return err
	}
	f, err := os.Create(b.archive)
	if err != nil {
		return err
	}
	defer f.Close()
	return testimage.WriteOCIArchive(f, image, img)
}

// agent runs f with a new agent in -dev that is not started yet.
func (b *bench) agent(f func(*harness.Agent) error) (err error) {
	dir, err := os.MkdirTemp(b.dir, "a")
	if err != nil {
		return err
	}
	host, err := harness.NewHost(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.Close()) }()
	a := b.fleet.New(harness.Options{Binary: b.Binary, Dir: dir, Host: host})
	defer func() { err = errors.Join(err, a.Close()) }()
	return f(a)
}

func (b *bench) stop(ctx context.Context, a *harness.Agent) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return a.Signal(ctx, syscall.SIGINT)
}

// startup measures from the start of the process to a ready node.
func (b *bench) startup(ctx context.Context) error {
	var took []time.Duration
	for i := range b.Starts {
		fmt.Fprintf(b.Log, "start %d of %d\n", i+1, b.Starts)
		err := b.agent(func(a *harness.Agent) error {
			begin := time.Now()
			if err := a.Start(ctx); err != nil {
				return err
			}
			took = append(took, time.Since(begin))
			return b.stop(ctx, a)
		})
		if err != nil {
			return err
		}
	}
	b.add(Figure{What: "berth agent -dev: start to node ready, p50", Unit: "s", Goal: 0.6, Measured: Percentile(took, 0.5).Seconds(), Nomad: 1.55})
	return nil
}

// work measures jobs one after the other, an idle agent before them and its memory with all of them running.
func (b *bench) work(ctx context.Context) error {
	return b.agent(func(a *harness.Agent) error {
		if err := a.Start(ctx); err != nil {
			return err
		}
		out, err := a.Run(ctx, nil, "image", "load", b.archive)
		if err != nil {
			return err
		}
		if out.Code != 0 {
			return fmt.Errorf("load the image: exit code %d: %s", out.Code, out.Stderr)
		}
		idle, used, err := b.rest(ctx, a)
		if err != nil {
			return err
		}
		var evals, runs []time.Duration
		fmt.Fprintf(b.Log, "%d jobs, one after the other\n", b.Jobs)
		for i := range b.Jobs {
			eval, run, err := job(ctx, a, i)
			if err != nil {
				return err
			}
			evals, runs = append(evals, eval), append(runs, run)
		}
		if err := wait(ctx, 10*time.Second); err != nil {
			return err
		}
		full, err := RSS(a.Pid())
		if err != nil {
			return err
		}
		b.add(
			Figure{What: "job run, cached image, to running, p50", Unit: "s", Goal: 0.25, Measured: Percentile(runs, 0.5).Seconds(), Nomad: 0.57},
			Figure{What: "job run, cached image, to running, p99", Unit: "s", Goal: 0.5, Measured: Percentile(runs, 0.99).Seconds(), Nomad: 1.05},
			Figure{What: "register to evaluation complete, p50", Unit: "ms", Goal: 5, Measured: Percentile(evals, 0.5).Seconds() * 1000, Nomad: 8.5},
			Figure{What: "idle agent, resident memory", Unit: "MB", Goal: 90, Measured: float64(idle) / 1e6, Nomad: 104.9},
			Figure{What: "idle agent, processor", Unit: "% of a core", Goal: 0.5, Measured: 100 * used, Nomad: 0.7},
			Figure{What: "memory per running task, without its shim", Unit: "MB", Goal: 2, Measured: float64(full-idle) / 1e6 / float64(b.Jobs), Nomad: 58.7},
		)
		return b.stop(ctx, a)
	})
}

// rest waits until the agent has been idle for a while, and measures it.
func (b *bench) rest(ctx context.Context, a *harness.Agent) (memory int64, cores float64, err error) {
	fmt.Fprintf(b.Log, "%s idle\n", b.Idle)
	if err := wait(ctx, b.Idle-b.Window); err != nil {
		return 0, 0, err
	}
	before, err := CPU(a.Pid())
	if err != nil {
		return 0, 0, err
	}
	if err := wait(ctx, b.Window); err != nil {
		return 0, 0, err
	}
	after, err := CPU(a.Pid())
	if err != nil {
		return 0, 0, err
	}
	memory, err = RSS(a.Pid())
	return memory, (after - before).Seconds() / b.Window.Seconds(), err
}

// job registers one job and measures until its evaluation is complete, and until its task runs.
func job(ctx context.Context, a *harness.Agent, i int) (eval, run time.Duration, err error) {
	name := fmt.Sprintf("bench-%d", i)
	spec := map[string]any{"Job": map[string]any{
		"ID": name, "Name": name, "Type": "service", "Datacenters": []string{"*"},
		"TaskGroups": []any{map[string]any{
			"Name": "g", "Count": 1,
			"Tasks": []any{map[string]any{
				"Name": "main", "Driver": "containerd",
				"Config":    map[string]any{"image": image, "command": "/bin/sleep", "args": []string{"100000"}},
				"Resources": map[string]any{"CPU": 10, "MemoryMB": 10},
			}},
			"EphemeralDisk": map[string]any{"SizeMB": 110},
		}},
	}}
	begin := time.Now()
	var answer struct{ EvalID string }
	if _, err := a.API.Call(ctx, http.MethodPut, "/v1/jobs", spec, &answer); err != nil {
		return 0, 0, err
	}
	if _, err := harness.Await(ctx, a.API, "/v1/evaluation/"+answer.EvalID, func(e struct{ Status string }) bool {
		return e.Status == "complete"
	}); err != nil {
		return 0, 0, err
	}
	eval = time.Since(begin)
	_, err = a.API.JobAllocs(ctx, name, func(all []harness.Alloc) bool {
		return len(all) == 1 && all[0].ClientStatus == "running"
	})
	return eval, time.Since(begin), err
}

// size measures the program's file.
func (b *bench) size(context.Context) error {
	info, err := os.Stat(b.Binary)
	if err != nil {
		return err
	}
	b.add(Figure{What: "stripped program", Unit: "MB", Goal: 60, Measured: float64(info.Size()) / 1e6, Nomad: 110.3})
	return nil
}

func (b *bench) add(f ...Figure) { b.figures = append(b.figures, f...) }

// wait lets time pass: an idle agent is measured by doing nothing.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(max(0, d)):
		return nil
	}
}
