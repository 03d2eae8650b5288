package drivertest

import (
	"encoding/json"
	"errors"

	"berth/drivers"
)

// remembered sends a handle through JSON, as the node's disk does.
func (e *env) remembered(h *drivers.Handle) *drivers.Handle {
	e.Helper()
	b, err := json.Marshal(h)
	if err != nil {
		e.Fatal(err)
	}
	var back drivers.Handle
	if err := json.Unmarshal(b, &back); err != nil {
		e.Fatal(err)
	}
	return &back
}

func (e *env) restart(while func()) {
	e.Helper()
	e.d = e.h.Restart(e.T, e.d, while)
}

func recoverRunning(e *env) {
	h, cfg := e.start("survivor", Behaviour{Stdout: "ready\n", EndWhen: "end", ExitCode: 11})
	e.output(cfg.StdoutPath, "ready")
	kept := e.remembered(h)
	e.restart(nil)

	if !e.listed("survivor") {
		e.Error("not listed before it is recovered")
	}
	if err := e.d.Recover(e.ctx, kept); err != nil {
		e.Fatalf("recover: %v", err)
	}
	st, err := e.d.Inspect(e.ctx, "survivor")
	if err != nil || !st.Running || st.Handle.Pid != h.Pid || !st.Handle.StartedAt.Equal(h.StartedAt) {
		e.Fatalf("recovered %+v, %v; was %+v", st, err, h)
	}
	if _, err := e.d.Stats(e.ctx, "survivor"); err != nil {
		e.Errorf("stats: %v", err)
	}
	e.touch("survivor", "end")
	if r := e.wait("survivor"); r.ExitCode != 11 || r.Unknown {
		e.Errorf("result: %+v", r)
	}
}

func recoverEnded(e *env) {
	h, cfg := e.start("ended", Behaviour{Stdout: "ready\n", EndWhen: "end", ExitCode: 12})
	e.output(cfg.StdoutPath, "ready")
	kept := e.remembered(h)
	e.restart(func() { e.touch("ended", "end") })

	if err := e.d.Recover(e.ctx, kept); err != nil {
		e.Fatalf("recover: %v", err)
	}
	// Whether it ended just before or just after the driver came back, the code is the task's own.
	if r := e.wait("ended"); r.ExitCode != 12 || r.Unknown {
		e.Errorf("result: %+v", r)
	}
}

func recoverGone(e *env) {
	h, _ := e.start("gone", Behaviour{Forever: true})
	kept := e.remembered(h)
	e.destroy("gone")
	e.restart(nil)
	if err := e.d.Recover(e.ctx, kept); !errors.Is(err, drivers.ErrTaskNotFound) {
		e.Errorf("recover: %v", err)
	}
}

func (e *env) listed(id string) bool {
	e.Helper()
	for _, h := range e.list() {
		if h.TaskID == id {
			return true
		}
	}
	return false
}
