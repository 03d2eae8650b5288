package cron

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"berth/structs"
)

func schedule(t interface{ Fatal(...any) }, zone string, crons ...string) *Schedule {
	s, err := New(&structs.PeriodicConfig{Specs: crons, TimeZone: &zone})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDueTimes(t *testing.T) {
	for _, c := range []struct {
		name, zone, cron, from string
		want                   []string // RFC 3339, as they follow
	}{
		{"each minute", "UTC", "* * * * *", "2026-01-01T00:00:30Z", []string{"2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"}},
		{"seven fields have seconds", "UTC", "*/20 * * * * * *", "2026-01-01T00:00:20Z", []string{"2026-01-01T00:00:40Z", "2026-01-01T00:01:00Z"}},
		{"a year that is over", "UTC", "0 0 1 1 * 2020", "2026-01-01T00:00:00Z", []string{""}},
		{"leap day", "UTC", "0 12 29 2 *", "2026-01-01T00:00:00Z", []string{"2028-02-29T12:00:00Z", "2032-02-29T12:00:00Z"}},
		{"last of the month", "UTC", "0 0 L * *", "2026-02-01T00:00:00Z", []string{"2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"}},
		{"zone", "Asia/Tokyo", "0 9 * * *", "2026-06-01T00:00:00Z", []string{"2026-06-02T00:00:00Z"}},

		// Berlin: 2026-03-29 02:00 becomes 03:00 at 01:00 UTC; 2026-10-25 03:00 becomes 02:00 at 01:00 UTC.
		{"an hour that is left out runs at its end", "Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		{"several in the gap run once", "Europe/Berlin", "0,15,30 2 * * *", "2026-03-29T00:59:59Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
		{"the end of the gap itself is due once", "Europe/Berlin", "0 3 * * *", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"}},
		{"an hour that comes twice runs the first time", "Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		{"asked in the repeated hour", "Europe/Berlin", "30 2 * * *", "2026-10-25T01:10:00Z", []string{"2026-10-26T01:30:00Z"}},
		{"the hour after the repeated one", "Europe/Berlin", "0 3 * * *", "2026-10-24T12:00:00Z", []string{"2026-10-25T02:00:00Z"}},
		{"every half hour goes on in autumn", "Europe/Berlin", "*/30 * * * *", "2026-10-25T00:15:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"}},
		{"every half hour goes on in spring", "Europe/Berlin", "*/30 * * * *", "2026-03-29T00:15:00Z",
			[]string{"2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"}},
		{"midnight that does not exist", "America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00:00Z",
			[]string{"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
		{"half an hour of change", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z",
			[]string{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.from)
			if err != nil {
				t.Fatal(err)
			}
			s := schedule(t, c.zone, c.cron)
			for i, want := range c.want {
				at = s.Next(at)
				got := ""
				if !at.IsZero() {
					got = at.UTC().Format(time.RFC3339)
				}
				if got != want {
					t.Fatalf("time %d is %q, want %q", i, got, want)
				}
			}
		})
	}
}

func TestSeveralSchedulesAreOne(t *testing.T) {
	s := schedule(t, "UTC", "0 * * * *", "30 1 * * *", "0 1 * * *")
	at := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC)
	var got []string
	for range 3 {
		at = s.Next(at)
		got = append(got, at.UTC().Format("15:04"))
	}
	if !slices.Equal(got, []string{"01:00", "01:30", "02:00"}) {
		t.Fatal(got)
	}
}

func TestWhatIsWrongIsTold(t *testing.T) {
	for _, p := range []*structs.PeriodicConfig{
		{Specs: []string{"61 * * * *"}}, {Specs: []string{"@reboot"}}, {Specs: []string{"* * * * *"}, TimeZone: new("Mars/Olympus")},
	} {
		if _, err := New(p); err == nil {
			t.Errorf("%v in %q was taken", p.Specs, p.Zone())
		}
	}
}

// A schedule for one time of the day is due exactly once a day, in every zone and over every change of its clock.
func TestOnceADayWhateverTheClockDoes(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Tehran", "Pacific/Chatham", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		minute, hour := rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 23).Draw(t, "hour")
		s := schedule(t, zone.String(), time.Date(0, 1, 1, hour, minute, 0, 0, time.UTC).Format("4 15 * * *"))
		year := rapid.IntRange(2010, 2035).Draw(t, "year")
		at := time.Date(year, 1, 1, 0, 0, 0, 0, zone).Add(-time.Second)
		for day := range 365 {
			at = s.Next(at)
			if want := time.Date(year, 1, 1+day, 12, 0, 0, 0, zone); at.YearDay() != want.YearDay() {
				t.Fatalf("due at %v, want once on %v", at, want.Format(time.DateOnly))
			}
		}
	})
}

func TestTheLatestTimes(t *testing.T) {
	s := schedule(t, "UTC", "0 * * * *")
	to := time.Date(2026, 1, 10, 12, 30, 0, 0, time.UTC)
	if got := s.Latest(to.Add(-20*time.Minute), to, 5); got != nil {
		t.Fatalf("nothing was due, got %v", got)
	}
	if got := s.Latest(to.Add(-3*time.Hour), to, 5); len(got) != 3 || !got[2].Equal(to.Add(-30*time.Minute)) {
		t.Fatal(got)
	}
	if got := s.Latest(to.AddDate(-3, 0, 0), to, 1); len(got) != 1 || !got[0].Equal(to.Add(-30*time.Minute)) {
		t.Fatal(got)
	}
	each := schedule(t, "UTC", "* * * * * * *") // each second, after a year without a leader
	if got := each.Latest(to.AddDate(-1, 0, 0), to, 100); len(got) != 100 || !got[99].Equal(to) {
		t.Fatal(len(got))
	}
}

func FuzzNext(f *testing.F) {
	f.Add("30 2 * * *", "Europe/Berlin", int64(1774746000))
	f.Add("0 0 29 2 1 2028", "UTC", int64(0))
	f.Fuzz(func(t *testing.T, text, zone string, at int64) {
		s, err := New(&structs.PeriodicConfig{Specs: []string{text}, TimeZone: &zone})
		if err != nil {
			return
		}
		from := time.Unix(at%4e9, 0)
		if next := s.Next(from); !next.IsZero() && !next.After(from) {
			t.Fatalf("%q in %q: %v is not after %v", text, zone, next, from)
		}
	})
}
