package structs

import (
	"strings"
	"testing"
)

func TestQueueCheck(t *testing.T) {
	good := func() *Queue { return &Queue{Name: "ml", Namespaces: []string{"ml"}} }
	for _, c := range []struct {
		what   string
		change func(q *Queue)
		want   string // of the error, "" for none
	}{
		{"as it is", func(*Queue) {}, ""},
		{"the rest", func(q *Queue) { q.Namespaces = []string{"*"} }, ""},
		{"all of it", func(q *Queue) {
			q.Weight, q.Lending, q.Guarantee, q.Limit = 1000, LendNever, QueueAmount{CPU: 10}, QueueAmount{CPU: 10, MemoryMB: 5}
		}, ""},
		{"no name", func(q *Queue) { q.Name = "" }, "has no name"},
		{"a bad name", func(q *Queue) { q.Name = "a/b" }, "cannot be the name of a queue"},
		{"no namespace", func(q *Queue) { q.Namespaces = nil }, "names no namespace"},
		{"a bad namespace", func(q *Queue) { q.Namespaces = []string{"a b"} }, "cannot be the name of a namespace"},
		{"a namespace twice", func(q *Queue) { q.Namespaces = []string{"a", "b", "a"} }, `namespace "a" is named twice`},
		{"the rest and more", func(q *Queue) { q.Namespaces = []string{"*", "a"} }, "name it alone"},
		{"too many namespaces", func(q *Queue) { q.Namespaces = make([]string, 1001) }, "at most 1000"},
		{"weight", func(q *Queue) { q.Weight = -1 }, "weight is -1; it must be between 1 and 1000"},
		{"much weight", func(q *Queue) { q.Weight = 1001 }, "weight is 1001"},
		{"lending", func(q *Queue) { q.Lending = "often" }, `lending is "often"; it must be reclaim, wait or never`},
		{"a negative guarantee", func(q *Queue) { q.Guarantee.CPU = -1 }, "the guarantee of CPU is -1"},
		{"a huge limit", func(q *Queue) { q.Limit.MemoryMB = 1<<40 + 1 }, "the limit of memory is"},
		{"more guaranteed than allowed", func(q *Queue) { q.Guarantee.CPU, q.Limit.CPU = 11, 10 }, "the guarantee (11 MHz) is more than the limit (10 MHz)"},
		{"more guaranteed of what has no limit", func(q *Queue) { q.Guarantee.CPU, q.Limit.MemoryMB = 11, 10 }, ""},
		{"a long description", func(q *Queue) { q.Description = strings.Repeat("x", 300) }, "description is longer"},
	} {
		q := good()
		c.change(q)
		err := q.Check()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, not %q", c.what, err, c.want)
		}
	}
	q := good()
	if err := q.Check(); err != nil || q.Weight != 1 || q.Lending != LendReclaim {
		t.Errorf("filled: %+v", q)
	}
}

// What is within a guarantee is not borrowed, and once as much as is guaranteed is held, one more is: nobody takes from who would
// take it back.
func TestGuaranteedAndBorrowed(t *testing.T) {
	for _, c := range []struct {
		guarantee, held      QueueAmount
		guaranteed, borrowed bool
	}{
		{QueueAmount{}, QueueAmount{}, false, true},
		{QueueAmount{CPU: 10}, QueueAmount{CPU: 9, MemoryMB: 99}, true, false},
		{QueueAmount{CPU: 10}, QueueAmount{CPU: 10}, true, true},
		{QueueAmount{CPU: 10}, QueueAmount{CPU: 11}, false, true},
		{QueueAmount{CPU: 10, MemoryMB: 5}, QueueAmount{CPU: 3, MemoryMB: 6}, false, true},
		{QueueAmount{CPU: 10, MemoryMB: 5}, QueueAmount{CPU: 3, MemoryMB: 4}, true, false},
	} {
		q := &Queue{Guarantee: c.guarantee}
		if g, b := q.Guarantees(c.held), q.Borrows(c.held); g != c.guaranteed || b != c.borrowed {
			t.Errorf("%v of %v: guaranteed %t, borrowed %t", c.held, c.guarantee, g, b)
		}
	}
}
