package reconcile

import (
	"testing"
	"time"

	"berth/structs"
)

// failedAfter is an allocation with a chain of tries, the last of which failed a second after it was made.
func failedAfter(delays ...time.Duration) *structs.Allocation {
	a := &structs.Allocation{RescheduleTracker: &structs.RescheduleTracker{}}
	at := time.Unix(1000, 0)
	for i, d := range delays {
		a.RescheduleTracker.Events = append(a.RescheduleTracker.Events, &structs.RescheduleEvent{
			RescheduleTime: at.UnixNano(), Delay: d, PrevNodeID: structs.ID{byte(i + 1)}})
		at = at.Add(time.Minute)
	}
	a.TaskStates = map[string]*structs.TaskState{"main": {FinishedAt: at.Add(-time.Minute + time.Second)}}
	return a
}

func TestDelays(t *testing.T) {
	policy := func(function string, base, most time.Duration) *structs.ReschedulePolicy {
		return &structs.ReschedulePolicy{DelayFunction: &function, Delay: &base, MaxDelay: &most}
	}
	const s = time.Second
	for _, c := range []struct {
		name string
		a    *structs.Allocation
		p    *structs.ReschedulePolicy
		want time.Duration
	}{
		{"the first is the policy's", failedAfter(), policy("exponential", 10*s, 60*s), 10 * s},
		{"constant", failedAfter(10*s, 10*s), policy("constant", 10*s, 60*s), 10 * s},
		{"doubling", failedAfter(10 * s), policy("exponential", 10*s, 60*s), 20 * s},
		{"doubling up to the most", failedAfter(10*s, 20*s, 40*s), policy("exponential", 10*s, 60*s), 60 * s},
		{"doubling without a most", failedAfter(10*s, 20*s, 40*s), policy("exponential", 10*s, 0), 80 * s},
		{"one of the last two for the second", failedAfter(10 * s), policy("fibonacci", 10*s, 60*s), 10 * s},
		{"the sum of the last two", failedAfter(10*s, 10*s, 20*s), policy("fibonacci", 10*s, 60*s), 30 * s},
		{"never less than the policy's, though a person asked for a try at once", failedAfter(0), policy("exponential", 10*s, 60*s), 10 * s},
	} {
		if got := Delay(c.a, c.p); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestATrackerIsBounded(t *testing.T) {
	unlimited := &structs.TaskGroup{ReschedulePolicy: &structs.ReschedulePolicy{Unlimited: new(true), Delay: new(time.Second), DelayFunction: new("constant")}}
	r := &reconciler{in: Input{Now: time.Unix(2000, 0)}}
	tracker, avoid := r.track(failedAfter(1, 2, 3, 4, 5, 6, 7), unlimited)
	if n := len(tracker.Events); n != rescheduleEventsMax || tracker.Events[0].Delay != 4 {
		t.Errorf("%d events, the first with delay %d", n, tracker.Events[0].Delay)
	}
	if len(avoid) != 5 {
		t.Errorf("%d nodes to avoid", len(avoid))
	}
	counted := &structs.TaskGroup{ReschedulePolicy: &structs.ReschedulePolicy{Attempts: new(9), Interval: new(900 * time.Second), Delay: new(time.Second)}}
	tracker, _ = r.track(failedAfter(1, 2, 3), counted) // at 1000, 1060 and 1120 s: one is within the interval
	if n := len(tracker.Events); n != 2 || tracker.Events[0].Delay != 3 {
		t.Errorf("%d events within the interval", n)
	}
}
