package taskrunner

import (
	"fmt"
	"strconv"
	"time"

	"berth/drivers"
	"berth/structs"
)

// event makes an event of the contract: its text is for people, its details for programs.
func event(kind, text string, details ...string) *structs.TaskEvent {
	e := &structs.TaskEvent{Type: kind, DisplayMessage: text, Details: map[string]string{}}
	for i := 0; i+1 < len(details); i += 2 {
		e.Details[details[i]] = details[i+1]
	}
	return e
}

func receivedEvent() *structs.TaskEvent {
	return event(structs.TaskReceived, "Task received by client")
}

func startedEvent() *structs.TaskEvent {
	return event(structs.TaskStarted, "Task started by client")
}

func setupEvent(what string) *structs.TaskEvent {
	e := event(structs.TaskSetup, what, "message", what)
	e.Message = what
	return e
}

func driverFailureEvent(err error) *structs.TaskEvent {
	return event(structs.TaskDriverFailure, err.Error(), "driver_error", err.Error())
}

func driverEvent(p drivers.Progress) *structs.TaskEvent {
	text := p.Message
	if text == "" {
		text = p.Phase
	}
	details := []string{"driver_message", text, "phase", p.Phase}
	if p.Current > 0 || p.Total > 0 {
		details = append(details, "bytes", strconv.FormatInt(p.Current, 10), "bytes_total", strconv.FormatInt(p.Total, 10))
	}
	return event(structs.TaskDriverMessage, text, details...)
}

func retryEvent(a action, err error) *structs.TaskEvent {
	return event(structs.TaskHookMessage, fmt.Sprintf("Step %q did not succeed and is tried again: %v", a, err), "step", string(a))
}

func terminatedEvent(r *drivers.ExitResult) *structs.TaskEvent {
	message := r.Err
	switch {
	case r.OOMKilled:
		message = "OOM Killed"
	case r.Unknown && message == "":
		message = "Exit status unknown: the task ended while nobody watched"
	}
	text := "Exit Code: " + strconv.Itoa(r.ExitCode)
	if r.Unknown {
		text = "Exit Code: unknown"
	}
	if r.Signal != 0 {
		text += ", Signal: " + strconv.Itoa(r.Signal)
	}
	if message != "" {
		text += ", Exit Message: " + strconv.Quote(message)
	}
	e := event(structs.TaskTerminated, text,
		"exit_code", strconv.Itoa(r.ExitCode), "signal", strconv.Itoa(r.Signal), "oom_killed", strconv.FormatBool(r.OOMKilled))
	if message != "" {
		e.Details["exit_message"] = message
	}
	return e
}

func restartingEvent(v verdict) *structs.TaskEvent {
	return event(structs.TaskRestarting, fmt.Sprintf("Task restarting in %v", v.delay),
		"restart_reason", v.reason, "start_delay", strconv.FormatInt(int64(v.delay), 10))
}

func notRestartingEvent(v verdict) *structs.TaskEvent {
	return event(structs.TaskNotRestarting, v.reason, "restart_reason", v.reason, "fails_task", strconv.FormatBool(v.failed))
}

func killingEvent(timeout time.Duration, reason string) *structs.TaskEvent {
	text := "Sent interrupt"
	if timeout > 0 {
		text = fmt.Sprintf("Sent interrupt. Waiting %v before force killing", timeout)
	}
	details := []string{"kill_timeout", timeout.String()}
	if reason != "" {
		details = append(details, "kill_reason", reason)
	}
	return event(structs.TaskKilling, text, details...)
}

func killedEvent(err error) *structs.TaskEvent {
	if err != nil {
		return event(structs.TaskKilled, err.Error(), "kill_error", err.Error())
	}
	return event(structs.TaskKilled, "Task successfully killed")
}

func shutdownDelayEvent(delay time.Duration) *structs.TaskEvent {
	return event(structs.TaskWaitShutdownDelay, fmt.Sprintf("Waiting for shutdown_delay of %v before killing the task.", delay))
}

func skipDelayEvent() *structs.TaskEvent {
	return event(structs.TaskSkipShutdownDelay, "Skipping shutdown delay")
}

func signalingEvent(signal string) *structs.TaskEvent {
	return event(structs.TaskSignaling, "Task being sent signal "+signal, "task_signal", signal)
}

// SiblingFailed is why a task ends when another one of its allocation failed.
func SiblingFailed(task string) *structs.TaskEvent {
	return event(structs.TaskSiblingFailed, fmt.Sprintf("Task's sibling %q failed", task), "failed_sibling", task)
}

// LeaderDead is why a task ends when its leader did.
func LeaderDead() *structs.TaskEvent {
	return event(structs.TaskLeaderDead, "Leader Task in Group dead")
}

// MainDead is why a sidecar ends.
func MainDead() *structs.TaskEvent {
	return event(structs.TaskMainDead, "Main tasks in the group died")
}

// ranTooLong marks the event that makes a task fail, for its allocation ran too long.
const ranTooLong = "max_run_duration"

// RanTooLong is why a task fails when its allocation has run for as long as it may.
func RanTooLong(limit time.Duration) *structs.TaskEvent {
	return event(structs.TaskKilling, fmt.Sprintf("The allocation ran longer than max_run_duration, %v", limit), ranTooLong, limit.String())
}

// RestartRequested is why a running task is replaced.
func RestartRequested(reason string) *structs.TaskEvent {
	return event(structs.TaskRestartSignal, reason, "restart_reason", reason)
}

// SetupFailed is why a task fails before its turn: what its allocation needs could not be made.
func SetupFailed(err error) *structs.TaskEvent {
	e := event(structs.TaskSetupFailure, err.Error(), "setup_error", err.Error())
	e.Message = err.Error()
	return e
}

// withEvent returns a copy of the state with one more event, at most structs.MaxTaskEvents. Progress of the same phase
// replaces the last one: a slow pull must not push the history out.
func withEvent(s *structs.TaskState, e *structs.TaskEvent, now time.Time) *structs.TaskState {
	out := *s
	e.Time = now.UnixNano()
	events := append([]*structs.TaskEvent(nil), s.Events...)
	if n := len(events); n > 0 && e.Type == structs.TaskDriverMessage && events[n-1].Type == e.Type && events[n-1].Details["phase"] == e.Details["phase"] {
		events = events[:n-1]
	}
	events = append(events, e)
	if extra := len(events) - structs.MaxTaskEvents; extra > 0 {
		events = events[extra:]
	}
	out.Events = events
	return &out
}
