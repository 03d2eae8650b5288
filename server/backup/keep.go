package backup

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Keep says which snapshots are kept: the newest of all, and the newest of each of the last hours, days, weeks and months that have one, UTC.
// What no rule keeps is removed.
type Keep struct {
	Last    int
	Hourly  int
	Daily   int
	Weekly  int // of ISO, from Monday
	Monthly int
}

// MaxKeep bounds each rule.
const MaxKeep = 1000

// rules are the periods: how many are kept, and which one a time is in.
func (k Keep) rules() []keepRule {
	return []keepRule{
		{k.Hourly, func(t time.Time) string { return t.Format("2006010215") }},
		{k.Daily, func(t time.Time) string { return t.Format("20060102") }},
		{k.Weekly, func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprintf("%d-%d", y, w) }},
		{k.Monthly, func(t time.Time) string { return t.Format("200601") }},
	}
}

type keepRule struct {
	count  int
	period func(time.Time) string
}

// surplus are the snapshots no rule keeps, the oldest last. Those of the future, taken while a clock was wrong, neither count nor go: their
// time comes. The newest of the others always stays.
func surplus(now time.Time, have []Stored, keep Keep) []Stored {
	past := slices.DeleteFunc(slices.Clone(have), func(s Stored) bool { return s.Taken.After(now) })
	slices.SortFunc(past, func(a, b Stored) int { return cmp.Or(b.Taken.Compare(a.Taken), cmp.Compare(a.Name, b.Name)) })
	kept := make([]bool, len(past))
	for i := range min(max(keep.Last, 1), len(past)) {
		kept[i] = true
	}
	for _, r := range keep.rules() {
		last, seen := "", 0
		for i, s := range past {
			p := r.period(s.Taken.UTC())
			if p == last {
				continue
			}
			if seen == r.count {
				break
			}
			last, seen = p, seen+1
			kept[i] = true
		}
	}
	var out []Stored
	for i, s := range past {
		if !kept[i] {
			out = append(out, s)
		}
	}
	return out
}
