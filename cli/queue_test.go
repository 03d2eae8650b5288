package cli

import (
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

func TestQueuesAreShown(t *testing.T) {
	ml := &api.Queue{Queue: structs.Queue{Name: "ml", Description: "models", Namespaces: []string{"ml", "lab"}, Weight: 3, Lending: structs.LendReclaim,
		Guarantee: structs.QueueAmount{CPU: 2000}, Limit: structs.QueueAmount{CPU: 4000, MemoryMB: 8192}},
		Held: structs.QueueAmount{CPU: 2500, MemoryMB: 1024}, Borrowed: structs.QueueAmount{CPU: 500, MemoryMB: 1024}, Leaving: structs.QueueAmount{CPU: 100, MemoryMB: 64}, Share: 0.3125, Allocations: 5, Queued: 2}
	rest := &api.Queue{Queue: structs.Queue{Name: "rest", Namespaces: []string{"*"}, Weight: 1, Lending: structs.LendNever}}
	f := newFake(t, map[string]any{"GET /v1/queues": []*api.Queue{ml, rest}, "GET /v1/queue/ml": ml})
	for file, args := range map[string]string{"queue-list": "queue list", "queue-status": "queue status ml"} {
		got := f.berth(t, strings.Fields(args)...)
		if got.code != 0 || got.err != "" {
			t.Fatalf("exit code %d: %s", got.code, got.err)
		}
		golden(t, file, "$ berth "+args+"\n"+got.out)
	}
	if got := newFake(t, map[string]any{"GET /v1/queues": []*api.Queue{}}).berth(t, "queue", "list"); got.out != "No queues\n" {
		t.Errorf("without queues: %q", got.out)
	}
}

// Mistakes are named with what mends them.
func TestMistakesAboutQueues(t *testing.T) {
	f := newFake(t, map[string]any{"PUT /v1/queue/ml": map[string]any{}})
	for args, want := range map[string]string{
		"queue status nope":               "there is no queue \"nope\": `berth queue list`",
		"queue delete nope":               "there is no queue \"nope\": `berth queue list`",
		"queue apply ml":                  "give -of",
		"queue apply -of ml -weight 0 ml": "-weight is 0; it must be between 1 and 1000",
	} {
		if got := f.berth(t, strings.Fields(args)...); got.code != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if _, sent := f.sent("PUT /v1/queue/ml"); sent {
		t.Error("a weight of 0 was sent as one that is not set")
	}
}

// What cannot be kept is said, and is no failure.
func TestAQueueThatPromisesTooMuch(t *testing.T) {
	f := newFake(t, map[string]any{"PUT /v1/queue/ml": &api.QueueResponse{Warnings: "not every guarantee can be kept"}})
	got := f.berth(t, "queue", "apply", "-of", "ml", "-guarantee-cpu", "1000000", "ml")
	if got.code != 0 || got.out != "Queue \"ml\" applied\nWarning: not every guarantee can be kept\n" {
		t.Errorf("%+v", got)
	}
}
