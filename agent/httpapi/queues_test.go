package httpapi

import (
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

// Whoever changes a queue is told when more is guaranteed to all together than the nodes have, of the CPU or of the memory.
func TestGuaranteesThatCannotBeKept(t *testing.T) {
	r := newRig(t) // a node of 4000 MHz and 8192 MB
	for i, c := range []struct {
		name        string
		cpu, memory int64
		warns       bool
	}{
		{"default", 3000, 0, false},
		{"default", 3500, 8000, false}, // in the place of what it had
		{"rest", 501, 0, true},
		{"rest", 500, 192, false},
		{"rest", 0, 193, true},
		{"rest", 0, 0, false},
	} {
		namespaces := map[string][]string{"default": {"default"}, "rest": {structs.QueueRest}}[c.name]
		got := r.do("PUT", "/v1/queue/"+c.name, &structs.Queue{Namespaces: namespaces, Guarantee: structs.QueueAmount{CPU: c.cpu, MemoryMB: c.memory}})
		if got.status != 200 || strings.Contains(got.body, "not every guarantee can be kept") != c.warns {
			t.Errorf("%d: %d %s", i, got.status, got.body)
		}
	}
}

// What was told to stop and has not ended is told apart from what a queue holds.
func TestWhatLeavesAQueueIsShown(t *testing.T) {
	r := newRig(t)
	r.do("PUT", "/v1/queue/rest", &structs.Queue{Namespaces: []string{structs.QueueRest}})
	r.register(job("web", 3))
	r.runAll()
	r.register(job("web", 1))
	var q api.Queue
	r.get("/v1/queue/rest", &q)
	one := structs.QueueAmount{CPU: 100, MemoryMB: 300}
	if q.Held != one || q.Allocations != 1 || q.Leaving != one.Plus(one, 1) {
		t.Errorf("%d allocations hold %s, and %s leaves", q.Allocations, q.Held, q.Leaving)
	}
}
