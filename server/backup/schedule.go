package backup

import (
	"net/url"
	"strings"
	"time"
)

// Stored is a snapshot that is stored.
type Stored struct {
	Name  string
	Taken time.Time // to the second, UTC
	Size  int64     // bytes
}

// timeForm is how the time stands in a name: sortable, UTC.
const timeForm = "20060102T150405Z"

func prefixOf(region string) string { return "berth-" + url.PathEscape(region) + "-" }

// nameOf is the name of a snapshot that is taken at a time.
func nameOf(region string, at time.Time, encrypted bool) string {
	name := prefixOf(region) + at.UTC().Format(timeForm) + ".snap"
	if encrypted {
		name += ".age"
	}
	return name
}

// takenAt reads the time from a name; false for files that are none of this region's snapshots.
func takenAt(region, name string) (time.Time, bool) {
	rest, ok := strings.CutPrefix(name, prefixOf(region))
	if !ok {
		return time.Time{}, false
	}
	rest = strings.TrimSuffix(rest, ".age")
	rest, ok = strings.CutSuffix(rest, ".snap")
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(timeForm, rest)
	return at, err == nil
}

// due reports that the slot of now has no snapshot yet, and when the next slot begins. Slots are counted from the beginning of time, so
// that every server has the same: with an hour they begin at the full hours, UTC. A snapshot of the future, taken while a clock was wrong,
// is that of no slot.
func due(now time.Time, every time.Duration, have []Stored) (yes bool, next time.Time) {
	slot := now.UTC().Truncate(every)
	for _, s := range have {
		if !s.Taken.Before(slot.Truncate(time.Second)) && !s.Taken.After(now) {
			return false, slot.Add(every)
		}
	}
	return true, slot.Add(every)
}

// cutTime parts the name of a snapshot, or of one that is being written, at its time.
func cutTime(name string) (head string, at time.Time, ok bool) {
	end := strings.Index(name, ".snap")
	if end < len(timeForm) {
		return "", at, false
	}
	at, err := time.Parse(timeForm, name[end-len(timeForm):end])
	return name[:end-len(timeForm)], at, err == nil
}
