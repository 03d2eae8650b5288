package cron

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a machine without zone files knows the zones too

	"github.com/hashicorp/cronexpr"

	"berth/structs"
)

// Schedule is when a job is due. It is used by one goroutine at a time: the library keeps notes in it.
type Schedule struct {
	zone  *time.Location
	lines []line
}

// line is one expression.
type line struct {
	expr *cronexpr.Expression
	// flowing follows the time that passes, hour by hour, instead of naming hours of the clock.
	flowing bool
}

// New reads a job's schedules.
func New(p *structs.PeriodicConfig) (*Schedule, error) {
	zone, err := time.LoadLocation(p.Zone())
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", p.Zone(), err)
	}
	s := &Schedule{zone: zone}
	for _, text := range p.Crons() {
		if err := structs.CheckCron(text); err != nil {
			return nil, fmt.Errorf("cron %q %w", text, err)
		}
		expr, err := cronexpr.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("cron %q: %w", text, err)
		}
		s.lines = append(s.lines, line{expr, flows(text)})
	}
	return s, nil
}

// flows reports an expression whose hour field starts with a star.
func flows(text string) bool {
	if strings.TrimSpace(text) == "@hourly" {
		return true
	}
	fields := strings.Fields(text)
	hour := 1
	if len(fields) == 7 {
		hour = 2
	}
	return len(fields) > hour && strings.HasPrefix(fields[hour], "*")
}

// Next is the first time after t at which some expression is due; zero when none ever is again.
func (s *Schedule) Next(t time.Time) time.Time {
	var first time.Time
	for _, l := range s.lines {
		if at := l.next(t.In(s.zone)); !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// spans are what is searched for the latest times, shortest first.
var spans = [...]time.Duration{time.Minute, time.Hour, 24 * time.Hour, 32 * 24 * time.Hour, 400 * 24 * time.Hour, 6 * 366 * 24 * time.Hour}

// Latest are the last n times after from and not after to, in order.
func (s *Schedule) Latest(from, to time.Time, n int) []time.Time {
	for _, span := range spans {
		start := to.Add(-span)
		whole := !start.After(from)
		if whole {
			start = from
		}
		var times []time.Time
		for at := s.Next(start); !at.IsZero() && !at.After(to); at = s.Next(at) {
			if times = append(times, at); len(times) > 2*n {
				times = append(times[:0], times[len(times)-n:]...)
			}
		}
		if len(times) >= n || whole {
			return times[max(0, len(times)-n):]
		}
	}
	return nil
}

// next goes through the stretches of time in which the clock runs evenly.
func (l line) next(after time.Time) time.Time {
	start, end := after.ZoneBounds()
	from := after
	for {
		at := l.within(from, start, end)
		if !at.IsZero() || end.IsZero() {
			return at
		}
		gap := l.inGap(end)
		if !gap.IsZero() {
			return gap
		}
		from = end.Add(-time.Nanosecond)
		start, end = end.ZoneBounds()
		if from.Year() > lastYear {
			return time.Time{}
		}
	}
}

// lastYear is the last one a schedule can name.
const lastYear = 2099

// within is the first time after from that is due in the stretch from start to end; either may be zero for none.
func (l line) within(from, start, end time.Time) time.Time {
	offset := offsetIn(from, start)
	if !l.flowing && !start.IsZero() {
		// What the clock showed before start is not due again.
		if back := offsetAt(start.Add(-time.Nanosecond)) - offset; back > 0 {
			if again := start.Add(time.Duration(back)*time.Second - time.Nanosecond); again.After(from) {
				from = again
			}
		}
	}
	at := l.expr.Next(from.In(time.FixedZone("", offset)))
	if at.IsZero() || !end.IsZero() && !at.Before(end) {
		return time.Time{}
	}
	return at.In(from.Location())
}

// inGap is the moment the clock jumps forward when something is due in what it jumps over.
func (l line) inGap(change time.Time) time.Time {
	before, after := offsetAt(change.Add(-time.Nanosecond)), offsetAt(change)
	if l.flowing || after <= before {
		return time.Time{}
	}
	at := l.expr.Next(change.Add(-time.Nanosecond).In(time.FixedZone("", before)))
	if at.IsZero() || !at.Before(change.Add(time.Duration(after-before)*time.Second)) {
		return time.Time{}
	}
	return change
}

func offsetAt(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

// offsetIn is the offset of the stretch that starts at start: from may be the moment before it.
func offsetIn(from, start time.Time) int {
	if !start.IsZero() && from.Before(start) {
		return offsetAt(start)
	}
	return offsetAt(from)
}

// NextLaunch is when a job is due after now; zero when it follows no schedule, or never is again.
func NextLaunch(job *structs.Job, now time.Time) time.Time {
	if !job.FollowsSchedule() {
		return time.Time{}
	}
	s, err := New(job.Periodic)
	if err != nil {
		return time.Time{}
	}
	return s.Next(now)
}
