package drivertest

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"berth/drivers"
)

func fingerprints(e *env) {
	if e.d.Name() == "" {
		e.Error("no name")
	}
	fp := e.d.Fingerprint(e.ctx)
	if !fp.Detected || !fp.Healthy {
		e.Errorf("fingerprint: %+v", fp)
	}
	for k := range fp.Attributes {
		if !strings.Contains(k, ".") {
			e.Errorf("attribute %q is not a full name", k)
		}
	}
}

func exitCodes(e *env) {
	for _, code := range []int{0, 1, 42, 127} {
		id := "exit-" + strconv.Itoa(code)
		e.start(id, Behaviour{ExitCode: code})
		r := e.wait(id)
		if r.ExitCode != code || r.Unknown || r.OOMKilled || r.Err != "" || r.Signal != 0 {
			e.Errorf("exit %d: got %+v", code, r)
		}
		if r.Successful() != (code == 0) {
			e.Errorf("exit %d: successful is %v", code, r.Successful())
		}
		if r.At.IsZero() {
			e.Errorf("exit %d: no time", code)
		}
	}
}

func outputs(e *env) {
	_, cfg := e.start("output", Behaviour{Stdout: "to out\n", Stderr: "to err\n"})
	e.wait("output")
	e.output(cfg.StdoutPath, "to out\n")
	e.output(cfg.StderrPath, "to err\n")
	for path, foreign := range map[string]string{cfg.StdoutPath: "to err", cfg.StderrPath: "to out"} {
		if b, err := os.ReadFile(path); err != nil || strings.Contains(string(b), foreign) {
			e.Errorf("%s: %q, %v", path, b, err)
		}
	}
}

func outputAppended(e *env) {
	cfg := e.config("append", Behaviour{Stdout: "second\n"})
	if err := os.WriteFile(cfg.StdoutPath, []byte("first\n"), 0o600); err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { e.destroy("append") })
	if _, err := e.d.Start(e.ctx, cfg); err != nil {
		e.Fatal(err)
	}
	e.wait("append")
	e.output(cfg.StdoutPath, "first\nsecond\n")
}

func startTwice(e *env) {
	h, cfg := e.start("twice", Behaviour{Forever: true})
	if _, err := e.d.Start(e.ctx, cfg); err == nil {
		e.Error("second start with the same id was accepted")
	}
	st, err := e.d.Inspect(e.ctx, "twice")
	if err != nil || !st.Running || st.Handle.Pid != h.Pid {
		e.Errorf("the first task suffered: %+v, %v", st, err)
	}
}

func startCancelled(e *env) {
	cfg := e.config("cancelled", Behaviour{Forever: true})
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	e.Cleanup(func() { e.destroy("cancelled") })
	if _, err := e.d.Start(ctx, cfg); err == nil {
		e.Fatal("start with a done context succeeded")
	}
	e.absent("cancelled")
}

func waitCancelled(e *env) {
	e.start("forever", Behaviour{Forever: true})
	ctx, cancel := context.WithTimeout(e.ctx, 50*time.Millisecond)
	defer cancel()
	if r, err := e.d.Wait(ctx, "forever"); !errors.Is(err, context.DeadlineExceeded) {
		e.Errorf("wait: %+v, %v", r, err)
	}
	if st, err := e.d.Inspect(e.ctx, "forever"); err != nil || !st.Running {
		e.Errorf("after an interrupted wait: %+v, %v", st, err)
	}
}

func waitMany(e *env) {
	e.start("many", Behaviour{EndWhen: "end", ExitCode: 3})
	var wg sync.WaitGroup
	results := make([]*drivers.ExitResult, 4)
	for i := range results {
		wg.Go(func() { results[i], _ = e.d.Wait(e.ctx, "many") })
	}
	e.touch("many", "end")
	wg.Wait()
	for i, r := range append(results, e.wait("many")) {
		if r == nil || r.ExitCode != 3 {
			e.Errorf("waiter %d: %+v", i, r)
		}
	}
}

func inspects(e *env) {
	h, _ := e.start("inspect", Behaviour{EndWhen: "end", ExitCode: 4})
	st, err := e.d.Inspect(e.ctx, "inspect")
	if err != nil || !st.Running || st.Exit != nil {
		e.Fatalf("running: %+v, %v", st, err)
	}
	if st.Handle.TaskID != "inspect" || st.Handle.Pid != h.Pid || st.Handle.Driver != e.d.Name() {
		e.Errorf("handle %+v, started as %+v", st.Handle, h)
	}
	e.touch("inspect", "end")
	e.wait("inspect")
	st, err = e.d.Inspect(e.ctx, "inspect")
	if err != nil || st.Running || st.Exit == nil || st.Exit.ExitCode != 4 {
		e.Errorf("ended: %+v, %v", st, err)
	}
}

func lists(e *env) {
	e.start("mine", Behaviour{Forever: true})
	e.start("ended", Behaviour{})
	e.wait("ended")
	found := map[string]bool{}
	for _, h := range e.list() {
		found[h.TaskID] = true
		if h.AllocID == "" || h.Task == "" || h.Driver != e.d.Name() {
			e.Errorf("thin handle: %+v", h)
		}
	}
	if !found["mine"] || !found["ended"] || len(found) != 2 {
		e.Errorf("list: %v", found)
	}
}

func destroys(e *env) {
	e.start("doomed", Behaviour{Forever: true, IgnoreTerm: true})
	for range 3 {
		e.destroy("doomed")
	}
	e.absent("doomed")
	e.start("doomed", Behaviour{ExitCode: 5}) // the id is free again
	if r := e.wait("doomed"); r.ExitCode != 5 {
		e.Errorf("second life: %+v", r)
	}
}

func stats(e *env) {
	e.start("stats", Behaviour{Forever: true})
	u, err := e.d.Stats(e.ctx, "stats")
	if err != nil || u == nil || u.At.IsZero() {
		e.Errorf("stats: %+v, %v", u, err)
	}
}

// absent checks that nothing of the task is left.
func (e *env) absent(id string) {
	e.Helper()
	if st, err := e.d.Inspect(e.ctx, id); !errors.Is(err, drivers.ErrTaskNotFound) {
		e.Errorf("inspect %s: %+v, %v", id, st, err)
	}
	for _, h := range e.list() {
		if h.TaskID == id {
			e.Errorf("%s is still listed", id)
		}
	}
}

func (e *env) list() []drivers.Handle {
	e.Helper()
	l, err := e.d.List(e.ctx)
	if err != nil {
		e.Fatalf("list: %v", err)
	}
	return l
}

func (e *env) touch(id, name string) {
	e.Helper()
	if err := os.WriteFile(e.dir+"/"+id+"/alloc/"+name, nil, 0o644); err != nil {
		e.Fatal(err)
	}
}
