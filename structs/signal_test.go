package structs

import (
	"strings"
	"testing"
)

func TestNumbersOfSignals(t *testing.T) {
	for name, want := range map[string]int{
		"SIGTERM": 15, "term": 15, "SigHup": 1, "SIGIOT": 6, "SIGPOLL": 29, "SIGNULL": 0, "SIGRTMIN": 34, "SIGRTMIN+3": 37, "rtmin+30": 64, "SIGRTMAX": 64,
		"SIGRTMAX-1": 63, "SIGRTMAX-30": 34,
	} {
		if n, ok := SignalNumber(name); !ok || n != want {
			t.Errorf("%s is %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"", "SIG", "SIGTREM", "15", "SIGRT", "SIGRTX", "SIGRTMIN+", "SIGRTMIN3", "SIGRTMIN+31", "SIGRTMIN-1", "SIGRTMIN++1", "SIGRTMAX+1",
		"SIGRTMAX-31", "SIGRTMIN+1 ", "${meta.signal}"} {
		if n, ok := SignalNumber(name); ok {
			t.Errorf("%q is %d", name, n)
		}
	}
}

// A task whose signal its node does not know could not be stopped.
func TestASignalThatNobodyKnowsIsRefused(t *testing.T) {
	for name, hint := range map[string]string{"SIGTREM": "SIGTERM", "hupp": "SIGHUP", "${meta.signal}": "", "SIGRTMIN+99": ""} {
		j := minimal(JobTypeService)
		task0(j).KillSignal = name
		j.Canonicalize()
		faults := j.Validate(Limits{})
		if len(faults) != 1 || faults[0].Path != "TaskGroups[0].Tasks[0].KillSignal" || !strings.Contains(faults[0].Hint, hint) {
			t.Errorf("%s: %v", name, faults)
		}
	}
}
