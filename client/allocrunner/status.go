package allocrunner

import "berth/structs"

// The descriptions of client statuses.
const (
	descRunning  = "Tasks are running"
	descPending  = "No tasks have started"
	descFailed   = "Failed tasks"
	descComplete = "All tasks have completed"
)

// statusOf sums the tasks up. released reports that nothing of the allocation is left on the node but its files: only
// then the status may be terminal.
func statusOf(tasks []taskView, released bool) (status, description string) {
	running, pending, dead, failed := false, false, true, false
	for _, t := range tasks {
		switch t.state.State {
		case structs.TaskStateRunning:
			running, dead = true, false
		case structs.TaskStatePending:
			pending, dead = true, false
		case structs.TaskStateDead:
			failed = failed || t.state.Failed
		}
	}
	switch {
	case dead && released && failed:
		return structs.AllocClientFailed, descFailed
	case dead && released:
		return structs.AllocClientComplete, descComplete
	case running, dead && anyStarted(tasks):
		return structs.AllocClientRunning, descRunning
	case pending:
		return structs.AllocClientPending, descPending
	}
	return structs.AllocClientPending, descPending
}

// anyStarted is false when no task ever ran: an allocation that cannot start goes from pending to failed.
func anyStarted(tasks []taskView) bool {
	for _, t := range tasks {
		if !t.state.StartedAt.IsZero() {
			return true
		}
	}
	return false
}

func anyBegun(tasks []taskView) bool {
	for _, t := range tasks {
		if t.begun {
			return true
		}
	}
	return false
}
