package placer

import (
	"fmt"
	"testing"
	"time"

	"berth/server/timing"
)

// How long an evaluation waits until it is begun, and how long it takes from there until its result is in the log, is noted once it is: for one
// that was registered, and for one that was woken by room.
func TestTimesOfEvaluations(t *testing.T) {
	b := newBed(t)
	var times timing.Times[string]
	b.core.Took = &times
	took := func(want string) {
		t.Helper()
		got := ""
		times.Take(func(what string, took time.Duration) { got += fmt.Sprintf("%s %s\n", what, took) })
		b.want("times", got, want)
	}
	later := func(by time.Duration) { b.now = b.now.Add(by) }
	decided := func(waits, works time.Duration) {
		t.Helper()
		b.core.absorb()
		later(waits)
		b.step()
		took("")
		later(works)
		b.run()
		took(fmt.Sprintf("broker.wait_time %s\nbroker.process_time %s\nbroker.response_time %s\n", waits, works, waits+works))
	}
	b.job("web", 1, nil)
	decided(3*time.Second, 2*time.Second)
	later(time.Hour)
	b.node("a", 4000)
	decided(5*time.Second, 7*time.Second)
	b.want("live of web", b.live("web"), 1)
}
