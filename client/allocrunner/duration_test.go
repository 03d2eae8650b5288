package allocrunner

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth/structs"
)

// limited is a batch allocation that may run for a minute.
func limited(t *testing.T, tasks ...*structs.Task) *bench {
	b := newBench(t, structs.JobTypeBatch, tasks...)
	b.alloc.Job.TaskGroups[0].MaxRunDuration = new(time.Minute)
	return b
}

func TestAnAllocationThatRunsTooLongFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limited(t, task("work", nil), task("beside", nil, hook(structs.HookPrestart, true)))
		b.life()
		b.expect(59*time.Second, "running: beside=running work=running")
		b.after(10 * time.Second)
		b.over("failed: beside=dead work=dead")
		u, _ := b.r.Report()
		told := false
		for _, e := range u.TaskStates["work"].Events {
			told = told || strings.Contains(e.DisplayMessage, "max_run_duration, 1m0s")
		}
		if !told || !u.TaskStates["work"].Failed {
			t.Errorf("nobody is told why: %+v", u.TaskStates["work"])
		}
	})
}

func TestAnAllocationThatEndsInTimeIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limited(t, task("work", map[string]any{"run_for": "30s"}))
		b.life()
		b.after(2 * time.Minute)
		b.over("complete: work=dead")
	})
}

func TestRestartsOfTaskAndAgentDoNotBeginTheTimeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := func(t *structs.Task) {
			t.RestartPolicy = &structs.RestartPolicy{Attempts: new(100), Interval: new(time.Hour), Delay: new(time.Second), Mode: new("fail")}
		}
		b := limited(t, task("work", map[string]any{"run_for": "4s", "exit_code": 1}, again))
		b.life()
		b.after(30 * time.Second)
		b.crash()
		b.after(2 * time.Second)
		b.life()
		b.after(38 * time.Second)
		b.over("failed: work=dead")
	})
}
