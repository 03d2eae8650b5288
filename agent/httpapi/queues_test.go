package httpapi

import (
	"fmt"
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

// What a route of our own does not know in a body is an error, not a limit that silently is none; what was read may be written again.
func TestUnknownFieldsOfOurOwnObjects(t *testing.T) {
	r := newRig(t)
	for path, good := range map[string]string{
		"/v1/queue/q":             `{"Namespaces":["default"],"Limit":{"CPU":100}}`,
		"/v1/priority-class/c":    `{"Value":60}`,
		"/v1/disruption-budget/b": `{"Job":"web","MaxUnavailable":"1"}`,
	} {
		if got := r.do("PUT", path, good); got.status != 200 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
			continue
		}
		if got := r.do("PUT", path, strings.Replace(good, "{", `{"Limits":{"CPU":1},`, 1)); got.status != 400 || !strings.Contains(got.body, `unknown field "Limits"`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		if got := r.do("PUT", path, good+good); got.status != 400 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		if got := r.do("PUT", path, r.do("GET", path, nil).body); got.status != 200 {
			t.Errorf("%s: what was read is refused: %s", path, got.body)
		}
	}
}

// There are as many queues as a decision may look at. One that is there can be changed all the same.
func TestQueuesAreBounded(t *testing.T) {
	r := newRig(t)
	put := func(n int) reply {
		return r.do("PUT", fmt.Sprintf("/v1/queue/q%d", n), fmt.Sprintf(`{"Namespaces":["n%d"]}`, n))
	}
	for n := range maxQueues + 1 {
		if got := r.do("PUT", "/v1/namespace", fmt.Sprintf(`{"Name":"n%d"}`, n)); got.status != 200 {
			t.Fatalf("%d: %d %s", n, got.status, got.body)
		}
	}
	for n := range maxQueues {
		if got := put(n); got.status != 200 {
			t.Fatalf("%d: %d %s", n, got.status, got.body)
		}
	}
	if got := put(maxQueues); got.status != 400 || !strings.Contains(got.body, "there are 1000 queues") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := put(7); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
