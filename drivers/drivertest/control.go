package drivertest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"berth/drivers"
)

func stops(e *env) {
	e.start("stop", Behaviour{Forever: true})
	if err := e.d.Stop(e.ctx, "stop", "", e.h.patience()); err != nil {
		e.Fatalf("stop: %v", err)
	}
	if r := e.wait("stop"); r.Unknown || r.OOMKilled {
		e.Errorf("result: %+v", r)
	}
}

func stopEscalates(e *env) {
	_, cfg := e.start("stubborn", Behaviour{Stdout: "ready\n", Forever: true, IgnoreTerm: true})
	e.output(cfg.StdoutPath, "ready")
	if err := e.d.Stop(e.ctx, "stubborn", "SIGTERM", 100*time.Millisecond); err != nil {
		e.Fatalf("stop: %v", err)
	}
	if r := e.wait("stubborn"); r.ExitCode != 137 && r.Signal != 9 || r.Successful() {
		e.Errorf("result: %+v", r)
	}
}

func stopKillSignal(e *env) {
	cfg := e.config("kill-signal", Behaviour{Stdout: "ready\n", Forever: true, IgnoreTerm: true})
	cfg.KillSignal = "SIGQUIT"
	e.Cleanup(func() { e.destroy("kill-signal") })
	if _, err := e.d.Start(e.ctx, cfg); err != nil {
		e.Fatal(err)
	}
	e.output(cfg.StdoutPath, "ready")
	if err := e.d.Stop(e.ctx, "kill-signal", "", e.h.patience()); err != nil {
		e.Fatalf("stop: %v", err)
	}
	if r := e.wait("kill-signal"); r.Signal == 9 || r.ExitCode == 137 {
		e.Errorf("it was killed instead: %+v", r)
	}
}

func stopEnded(e *env) {
	e.start("over", Behaviour{ExitCode: 6})
	e.wait("over")
	if err := e.d.Stop(e.ctx, "over", "SIGTERM", time.Second); err != nil {
		e.Errorf("stop: %v", err)
	}
	if r := e.wait("over"); r.ExitCode != 6 {
		e.Errorf("result changed: %+v", r)
	}
}

func signals(e *env) {
	_, cfg := e.start("signal", Behaviour{Stdout: "ready\n", Forever: true, OnHUP: "got hup\n"})
	e.output(cfg.StdoutPath, "ready")
	if err := e.d.Signal(e.ctx, "signal", "SIGHUP"); err != nil {
		e.Fatalf("signal: %v", err)
	}
	e.output(cfg.StdoutPath, "got hup\n")
	if err := e.d.Signal(e.ctx, "signal", "HUP"); err != nil {
		e.Fatalf("signal without SIG: %v", err)
	}
	e.output(cfg.StdoutPath, "got hup\ngot hup\n")
}

func signalUnknown(e *env) {
	e.start("signal", Behaviour{Forever: true})
	err := e.d.Signal(e.ctx, "signal", "SIGNONSENSE")
	if err == nil || !strings.Contains(err.Error(), "SIGNONSENSE") {
		e.Errorf("signal: %v", err)
	}
	if st, err := e.d.Inspect(e.ctx, "signal"); err != nil || !st.Running {
		e.Errorf("after it: %+v, %v", st, err)
	}
}

// exec runs a command in the task of the same case.
func (e *env) exec(ctx context.Context, id string, what Exec, req drivers.ExecRequest) (*drivers.ExitResult, error) {
	e.Helper()
	req.Command = e.h.Command(e.T, what)
	ctx, cancel := context.WithTimeout(ctx, e.h.patience())
	defer cancel()
	return e.d.Exec(ctx, id, &req)
}

func execCode(e *env) {
	e.start("exec", Behaviour{Forever: true})
	var out, errOut bytes.Buffer
	r, err := e.exec(e.ctx, "exec", ExecExit7, drivers.ExecRequest{Stdout: &out, Stderr: &errOut})
	if err != nil || r.ExitCode != 7 {
		e.Errorf("exec: %+v, %v", r, err)
	}
	if strings.TrimSpace(out.String()) != "out" || strings.TrimSpace(errOut.String()) != "err" {
		e.Errorf("stdout %q, stderr %q", out.String(), errOut.String())
	}
	if r, err := e.exec(e.ctx, "exec", ExecIsTTY, drivers.ExecRequest{}); err != nil || r.ExitCode != 1 {
		e.Errorf("a terminal nobody asked for: %+v, %v", r, err)
	}
}

func execStdin(e *env) {
	e.start("exec", Behaviour{Forever: true})
	text := strings.Repeat("the quick brown fox\n", 10_000) // more than a pipe holds
	var out bytes.Buffer
	r, err := e.exec(e.ctx, "exec", ExecCat, drivers.ExecRequest{Stdin: strings.NewReader(text), Stdout: &out})
	if err != nil || r.ExitCode != 0 || out.String() != text {
		e.Errorf("exec: %+v, %v, %d bytes of %d", r, err, out.Len(), len(text))
	}
	out.Reset()
	r, err = e.exec(e.ctx, "exec", ExecCat, drivers.ExecRequest{Stdout: &out})
	if err != nil || r.ExitCode != 0 || out.Len() != 0 {
		e.Errorf("exec without input: %+v, %v, %q", r, err, out.String())
	}
}

func execTTY(e *env) {
	e.start("exec", Behaviour{Forever: true})
	var out bytes.Buffer
	resize := make(chan drivers.TermSize, 1)
	resize <- drivers.TermSize{Height: 40, Width: 120}
	r, err := e.exec(e.ctx, "exec", ExecIsTTY, drivers.ExecRequest{TTY: true, Stdout: &out, Resize: resize})
	if err != nil || r.ExitCode != 0 {
		e.Errorf("exec: %+v, %v, %q", r, err, out.String())
	}
}

func execEnv(e *env) {
	e.start("exec", Behaviour{Forever: true})
	for want, add := range map[string]map[string]string{"yes": nil, "over": {"CONFORMANCE": "over"}} {
		var out bytes.Buffer
		r, err := e.exec(e.ctx, "exec", ExecEnv, drivers.ExecRequest{Stdout: &out, Env: add})
		if err != nil || r.ExitCode != 0 || out.String() != want {
			e.Errorf("exec with %v: %+v, %v, %q", add, r, err, out.String())
		}
	}
}

func execCancelled(e *env) {
	e.start("exec", Behaviour{Forever: true})
	ctx, cancel := context.WithTimeout(e.ctx, 100*time.Millisecond)
	defer cancel()
	if r, err := e.exec(ctx, "exec", ExecForever, drivers.ExecRequest{}); !errors.Is(err, context.DeadlineExceeded) {
		e.Errorf("exec: %+v, %v", r, err)
	}
	if st, err := e.d.Inspect(e.ctx, "exec"); err != nil || !st.Running {
		e.Errorf("the task suffered: %+v, %v", st, err)
	}
}

func notFound(e *env) {
	const id = "nobody"
	calls := map[string]func() error{
		"wait":    func() error { _, err := e.d.Wait(e.ctx, id); return err },
		"stop":    func() error { return e.d.Stop(e.ctx, id, "SIGTERM", time.Second) },
		"inspect": func() error { _, err := e.d.Inspect(e.ctx, id); return err },
		"stats":   func() error { _, err := e.d.Stats(e.ctx, id); return err },
		"signal":  func() error { return e.d.Signal(e.ctx, id, "SIGHUP") },
		"exec":    func() error { _, err := e.exec(e.ctx, id, ExecExit7, drivers.ExecRequest{}); return err },
		"recover": func() error {
			return e.d.Recover(e.ctx, &drivers.Handle{Driver: e.d.Name(), TaskID: id, Pid: 1})
		},
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, drivers.ErrTaskNotFound) {
			e.Errorf("%s: %v", name, err)
		}
	}
	if err := e.d.Destroy(e.ctx, id); err != nil {
		e.Errorf("destroy: %v", err)
	}
}
