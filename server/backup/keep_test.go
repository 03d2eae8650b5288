package backup

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func storedAt(times ...time.Time) []Stored {
	var out []Stored
	for _, at := range times {
		out = append(out, Stored{Name: nameOf("global", at, false), Taken: at})
	}
	return out
}

func TestWhatIsKept(t *testing.T) {
	hours := func(n int) (out []time.Time) {
		for i := range n {
			out = append(out, begin.Add(time.Duration(i)*time.Hour))
		}
		return out
	}
	for _, c := range []struct {
		name string
		keep Keep
		have []time.Time
		want string // what stays
	}{
		{"nothing", Keep{Last: 3}, nil, ""},
		{"the last", Keep{Last: 2}, hours(5), "01T03 01T04"},
		{"one stays whatever is set", Keep{}, hours(5), "01T04"},
		{"the newest of each hour", Keep{Hourly: 2}, []time.Time{begin, begin.Add(10 * time.Minute), begin.Add(time.Hour)}, "01T00 01T01"},
		{"the newest of each day", Keep{Daily: 2}, hours(60), "02T23 03T11"},
		{"weeks begin on Monday", Keep{Weekly: 2}, hours(24 * 6), "04T23 06T23"},
		{"the week of the new year is one", Keep{Weekly: 2}, []time.Time{begin.AddDate(0, 0, -10), begin.AddDate(0, 0, -2), begin.AddDate(0, 0, 1)}, "22T00 02T00"},
		{"months", Keep{Monthly: 2}, hours(24 * 40), "31T23 09T23"},
		{"a rule keeps what another has", Keep{Last: 1, Daily: 1}, hours(30), "02T05"},
		{"days without one do not count", Keep{Daily: 2}, []time.Time{begin, begin.AddDate(0, 0, 9)}, "01T00 10T00"},
	} {
		have := storedAt(c.have...)
		gone := surplus(begin.AddDate(1, 0, 0), have, c.keep)
		var stays []string
		for _, s := range have {
			if !slices.Contains(gone, s) {
				stays = append(stays, s.Taken.Format("02T15"))
			}
		}
		if got := strings.Join(stays, " "); got != c.want {
			t.Errorf("%s: %s stays, want %s", c.name, got, c.want)
		}
	}
}

func drawKeep(r *rapid.T) Keep {
	n := rapid.IntRange(0, 5)
	return Keep{Last: n.Draw(r, "last"), Hourly: n.Draw(r, "hourly"), Daily: n.Draw(r, "daily"), Weekly: n.Draw(r, "weekly"), Monthly: n.Draw(r, "monthly")}
}

func drawStored(r *rapid.T) []Stored {
	minutes := rapid.SliceOfDistinct(rapid.IntRange(0, 200*24*60), func(m int) int { return m }).Draw(r, "minutes")
	var times []time.Time
	for _, m := range minutes {
		times = append(times, begin.Add(time.Duration(m)*time.Minute))
	}
	return storedAt(times...)
}

func without(have, gone []Stored) []Stored {
	return slices.DeleteFunc(slices.Clone(have), func(s Stored) bool { return slices.Contains(gone, s) })
}

// TestRetentionIsLawful holds: the newest stays; those of the future stay; to remove twice removes no more; a larger rule keeps no less; no
// more stay than the rules say.
func TestRetentionIsLawful(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		have, keep := drawStored(r), drawKeep(r)
		now := begin.Add(time.Duration(rapid.IntRange(0, 220*24).Draw(r, "now")) * time.Hour)
		gone := surplus(now, have, keep)
		stays := without(have, gone)
		if len(stays)+len(gone) != len(have) {
			r.Fatalf("%d of %d go, %d stay", len(gone), len(have), len(stays))
		}
		var newest Stored
		future := 0
		for _, s := range have {
			if s.Taken.After(now) {
				future++
			} else if s.Taken.After(newest.Taken) {
				newest = s
			}
		}
		if newest.Name != "" && !slices.Contains(stays, newest) {
			r.Fatalf("the newest, %s, goes", newest.Name)
		}
		for _, s := range gone {
			if s.Taken.After(now) {
				r.Fatalf("%s is of the future and goes", s.Name)
			}
		}
		if again := surplus(now, stays, keep); len(again) != 0 {
			r.Fatalf("a second look removes %v", again)
		}
		if most := max(keep.Last, 1) + keep.Hourly + keep.Daily + keep.Weekly + keep.Monthly + future; len(stays) > most {
			r.Fatalf("%d stay, at most %d are to", len(stays), most)
		}
		more := keep
		more.Last, more.Daily, more.Monthly = keep.Last+1, keep.Daily+1, keep.Monthly+1
		for _, s := range surplus(now, have, more) {
			if !slices.Contains(gone, s) {
				r.Fatalf("%s goes only when more are kept", s.Name)
			}
		}
	})
}

// TestRetentionStepByStepIsRetentionAtOnce: what stays after a removal at each snapshot is what stays when all were there.
func TestRetentionStepByStepIsRetentionAtOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		keep := drawKeep(r)
		every := time.Duration(rapid.IntRange(10, 3000).Draw(r, "minutes")) * time.Minute
		var all, stepped []Stored
		at := begin
		for range rapid.IntRange(1, 200).Draw(r, "snapshots") {
			at = at.Add(every)
			one := storedAt(at)
			all, stepped = append(all, one...), append(stepped, one...)
			stepped = without(stepped, surplus(at, stepped, keep))
		}
		if want := without(all, surplus(at, all, keep)); !slices.Equal(stepped, want) {
			r.Fatalf("stepped %v, at once %v", stepped, want)
		}
	})
}

// TestDueOncePerSlot: whatever is stored, one is due exactly when the slot of now has none; after it was taken none is; the next slot is
// after now and within the interval.
func TestDueOncePerSlot(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		every := time.Duration(rapid.Int64Range(int64(MinEvery), int64(72*time.Hour)).Draw(r, "every"))
		now := begin.Add(time.Duration(rapid.Int64Range(0, int64(90*24*time.Hour)).Draw(r, "now")))
		have := drawStored(r)
		yes, next := due(now, every, have)
		if !next.After(now) || next.Sub(now) > every {
			r.Fatalf("now %s, next %s", now, next)
		}
		slot, in := next.Add(-every).Truncate(time.Second), false
		for _, s := range have {
			in = in || !s.Taken.Before(slot) && !s.Taken.After(now)
		}
		if yes == in {
			r.Fatalf("due %v, one is there %v", yes, in)
		}
		taken, ok := takenAt("global", nameOf("global", now, true))
		if !ok {
			r.Fatal("the name is not read")
		}
		if yes, again := due(now, every, append(have, Stored{Taken: taken})); yes || !again.Equal(next) {
			r.Fatalf("taken and due again, next %s, was %s", again, next)
		}
	})
}

func TestNames(t *testing.T) {
	at := time.Date(2026, 11, 28, 3, 4, 5, 999, time.UTC)
	for _, region := range []string{"global", "eu-west", "a/../../etc", "ü x", ""} {
		for _, sealed := range []bool{false, true} {
			name := nameOf(region, at, sealed)
			if got, ok := takenAt(region, name); !ok || !got.Equal(at.Truncate(time.Second)) || strings.ContainsAny(name, "/ ") {
				t.Errorf("%q: %s, %v", name, got, ok)
			}
			if _, ok := takenAt(region+"x", name); ok {
				t.Errorf("%q is another region's", name)
			}
		}
	}
	for _, name := range []string{"", "berth-global-.snap", "berth-global-20261128T030405Z", "berth-global-20261128T030405Z.snap.age.age", "berth-global-x-20261128T030405Z.snap",
		"berth-global-20261128T030405Z.snap.123.part", "berth-global-20261199T030405Z.snap", "berth-state-20261128T030405Z.snap", "other"} {
		if at, ok := takenAt("global", name); ok {
			t.Errorf("%q is taken for a snapshot of %s", name, at)
		}
	}
	if got := fmt.Sprint(nameOf("global", at, true)); got != "berth-global-20261128T030405Z.snap.age" {
		t.Error(got)
	}
}

// The time in a name has no parts of a second; a slot may begin within one.
func TestASlotMayBeginWithinASecond(t *testing.T) {
	const every = time.Minute + 500*time.Millisecond
	slot := begin.Truncate(every)
	for slot.Nanosecond() == 0 {
		slot = slot.Add(every)
	}
	taken, _ := takenAt("global", nameOf("global", slot, false))
	if yes, next := due(slot.Add(time.Millisecond), every, []Stored{{Taken: taken}}); yes || !next.Equal(slot.Add(every)) {
		t.Errorf("taken at %s, and due again; next %s", taken, next)
	}
}
