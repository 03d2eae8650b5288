package taskrunner

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"berth/structs"
)

func drawObserved(t *rapid.T, now time.Time) observed {
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	o := observed{dead: flag("dead"), begun: flag("begun"), handle: flag("handle"), adopted: flag("adopted"), exited: flag("exited"),
		leftover: flag("leftover"), over: flag("over"), prepared: flag("prepared")}
	if flag("delayed") {
		o.notBefore = now.Add(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(-10, 10).Draw(t, "delay")) * time.Second
		}).Draw(t, "until"))
	}
	if flag("paused") {
		o.retryAt = now.Add(time.Second)
	}
	return o
}

// TestStepStartsOnlyOnce: nothing is started while something of the task may exist, nor against the wish.
func TestStepStartsOnlyOnce(t *testing.T) {
	now := time.Unix(1000, 0)
	rapid.Check(t, func(t *rapid.T) {
		o := drawObserved(t, now)
		d := desired{run: rapid.Bool().Draw(t, "run"), stop: rapid.Bool().Draw(t, "stop"), restart: rapid.Bool().Draw(t, "restart"), rewind: rapid.Bool().Draw(t, "rewind")}
		switch a := step(o, d, now); a {
		case actStart, actPrepare:
			if o.dead || o.begun || o.handle || o.leftover || o.over || d.stop || !d.run || now.Before(o.notBefore) || now.Before(o.retryAt) {
				t.Fatalf("%s from %+v wanting %+v", a, o, d)
			}
		case actWatch:
			if d.stop || d.restart || d.rewind {
				t.Fatalf("watched although %+v is wanted: %+v", d, o)
			}
		case actDone:
			if !o.dead || o.leftover {
				t.Fatalf("done from %+v", o)
			}
		}
	})
}

// model is a task whose actions do what they should, or fail as the draw says.
type model struct {
	o     observed
	alive int // attempts that exist
	now   time.Time
}

func (m *model) perform(t *rapid.T, a action, d *desired, ends bool) {
	switch a {
	case actDelay:
		m.now = m.o.notBefore
	case actPause:
		m.now = m.o.retryAt
	case actLook:
		m.o.begun = false
		if m.alive > 0 {
			m.o.handle = true
		}
	case actRecover:
		m.o.adopted = true
	case actWatch:
		m.o.exited = ends
	case actKill:
		m.o.exited = true
	case actJudge:
		m.o.handle, m.o.exited, m.o.adopted, m.o.leftover = false, false, false, true
		m.o.over = !d.restart && rapid.Bool().Draw(t, "over")
		d.restart = false
	case actRelease:
		m.o.leftover = false
		m.alive--
	case actPrepare:
		m.o.prepared = true
	case actStart:
		m.alive++
		if m.alive > 1 {
			t.Fatalf("two attempts at once: %+v", m.o)
		}
		m.o.handle, m.o.adopted = true, true
	case actFinish:
		m.o.dead = true
	}
}

// TestStepReachesWhatIsWanted: from any state that can be, a few steps lead to a running task, or to a dead one.
func TestStepReachesWhatIsWanted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1000, 0)
		m := model{o: drawObserved(t, now), now: now}
		switch { // states a record can hold
		case m.o.dead:
			m.o.begun, m.o.handle, m.o.leftover = false, false, false
		case m.o.begun:
			m.o.handle, m.o.leftover = false, false
			m.alive = rapid.IntRange(0, 1).Draw(t, "alive")
		case m.o.handle:
			m.o.leftover, m.alive = false, 1
		case m.o.leftover:
			m.alive = 1
		}
		if !m.o.handle {
			m.o.adopted, m.o.exited = false, false
		}
		d := desired{run: true, stop: rapid.Bool().Draw(t, "stop"), restart: rapid.Bool().Draw(t, "restart")}
		for range 40 {
			a := step(m.o, d, m.now)
			if a == actDone {
				if m.alive != 0 {
					t.Fatal("done, and an attempt is left")
				}
				return
			}
			if a == actWatch && !d.stop && !rapid.Bool().Draw(t, "ends") {
				return
			}
			m.perform(t, a, &d, true)
		}
		t.Fatalf("nothing reached: %+v wanting %+v", m.o, d)
	})
}

func TestJudge(t *testing.T) {
	now := time.Unix(10_000, 0)
	service := policy{attempts: 2, interval: time.Minute, delay: 10 * time.Second, mode: structs.RestartModeFail, onSuccess: true}
	batch := service
	batch.onSuccess = false
	delayed := service
	delayed.mode = structs.RestartModeDelay
	none := policy{mode: structs.RestartModeFail, onSuccess: true}
	for name, c := range map[string]struct {
		p      policy
		t      tally
		e      ending
		want   verdict
		counts int
	}{
		"first failure":                    {service, tally{}, ending{}, verdict{true, false, 10 * time.Second, reasonWithin}, 1},
		"service ends well":                {service, tally{}, ending{success: true}, verdict{true, false, 10 * time.Second, reasonWithin}, 1},
		"batch ends well":                  {batch, tally{now, 2}, ending{success: true}, verdict{reason: reasonSuccess}, 2},
		"last attempt":                     {service, tally{now.Add(-time.Second), 1}, ending{}, verdict{true, false, 10 * time.Second, reasonWithin}, 2},
		"too many":                         {service, tally{now.Add(-time.Second), 2}, ending{}, verdict{failed: true, reason: `Exceeded allowed attempts 2 in interval 1m0s and mode is "fail"`}, 3},
		"too many good ends do not fail":   {service, tally{now.Add(-time.Second), 2}, ending{success: true}, verdict{reason: `Exceeded allowed attempts 2 in interval 1m0s and mode is "fail"`}, 3},
		"a new interval":                   {service, tally{now.Add(-time.Minute), 2}, ending{}, verdict{true, false, 10 * time.Second, reasonWithin}, 1},
		"mode delay waits for the end":     {delayed, tally{now.Add(-20 * time.Second), 2}, ending{}, verdict{true, false, 40 * time.Second, `Exceeded allowed attempts 2 in interval 1m0s and mode is "delay"`}, 3},
		"hopeless":                         {service, tally{}, ending{hopeless: true}, verdict{failed: true, reason: reasonHopeless}, 0},
		"no restarts":                      {none, tally{}, ending{}, verdict{failed: true, reason: reasonNone}, 0},
		"no restarts, ends well":           {none, tally{}, ending{success: true}, verdict{reason: reasonNone}, 0},
		"a code that ends it":              {service, tally{now, 1}, ending{after: structs.ExitFailJob}, verdict{failed: true, reason: reasonFatal}, 1},
		"a code that ends its index":       {batch, tally{now, 1}, ending{after: structs.ExitFailIndex}, verdict{failed: true, reason: reasonFatal}, 1},
		"a code that does not count":       {service, tally{now, 2}, ending{after: structs.ExitIgnore}, verdict{true, false, 10 * time.Second, reasonIgnored}, 2},
		"nor without restarts":             {none, tally{}, ending{after: structs.ExitIgnore}, verdict{failed: true, reason: reasonNone}, 0},
		"asked for, whatever the policy":   {none, tally{}, ending{asked: true}, verdict{restart: true, reason: reasonRequested}, 0},
		"asked for does not count as fail": {service, tally{now, 1}, ending{asked: true}, verdict{restart: true, reason: reasonRequested}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got, tally := judge(c.p, c.t, c.e, now, 0)
			if got != c.want || tally.Ends != c.counts {
				t.Errorf("%+v after %d ends, want %+v after %d", got, tally.Ends, c.want, c.counts)
			}
		})
	}
	if v, _ := judge(service, tally{}, ending{}, now, 1); v.delay != 12500*time.Millisecond {
		t.Errorf("greatest jitter gives %v", v.delay)
	}
}

// TestNeverMoreStartsThanThePolicyAllows: whatever the times between failures, no interval sees more than attempts + 1.
func TestNeverMoreStartsThanThePolicyAllows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policy{attempts: rapid.IntRange(1, 4).Draw(t, "attempts"), interval: time.Minute, delay: time.Second,
			mode: rapid.SampledFrom([]string{structs.RestartModeFail, structs.RestartModeDelay}).Draw(t, "mode")}
		now, count := time.Unix(1000, 0), tally{}
		var window tally
		for range 20 {
			now = now.Add(time.Duration(rapid.Int64Range(0, 40_000).Draw(t, "runs")) * time.Millisecond)
			v, next := judge(p, count, ending{}, now, rapid.Float64Range(0, 1).Draw(t, "jitter"))
			if v.delay < 0 {
				t.Fatalf("delay %v", v.delay)
			}
			count = next
			if !v.restart {
				return
			}
			now = now.Add(v.delay)
			if window.Since != count.Since {
				window = tally{Since: count.Since}
			}
			if now.Before(count.Since.Add(p.interval)) {
				if window.Ends++; window.Ends > p.attempts {
					t.Fatalf("%d restarts within an interval of at most %d", window.Ends, p.attempts)
				}
			}
		}
	})
}

func TestAttemptIDs(t *testing.T) {
	id := structs.MustID("a1b2c3d4-0000-4000-8000-000000000001")
	seen := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		attempt := rapid.IntRange(1, 1_000_000).Draw(t, "attempt")
		got := attemptID(id, name, attempt)
		key := name + "\x00" + got
		if other, taken := seen[got]; taken && other != key {
			t.Fatalf("%q names two attempts", got)
		}
		seen[got] = key
		if len(got) > 76 {
			t.Fatalf("%q is too long", got)
		}
		for _, r := range got {
			if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-') {
				t.Fatalf("%q holds %q", got, r)
			}
		}
	})
}
