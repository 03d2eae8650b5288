package client

import (
	"slices"
	"testing"

	"berth/structs"
)

// When tasks were killed for the memory they used is read from their events; other ends are none.
func TestKillsForMemory(t *testing.T) {
	event := func(at int64, kind, oom string) *structs.TaskEvent {
		return &structs.TaskEvent{Time: at, Type: kind, Details: map[string]string{"oom_killed": oom}}
	}
	got := oomKills(&structs.TaskState{Events: []*structs.TaskEvent{event(1, structs.TaskStarted, ""), event(2, structs.TaskTerminated, "true"),
		event(3, structs.TaskTerminated, "false"), event(4, structs.TaskTerminated, "true"), event(5, structs.TaskRestarting, "true")}})
	if want := []int64{2, 4}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
