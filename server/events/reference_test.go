package events

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

//go:generate env BERTH_UPDATE=1 go test -run ^TestTheReferenceOfEventsIsFresh$ .

// TestTheReferenceOfEventsIsFresh compares the reference with the rules; `make generate` writes it.
func TestTheReferenceOfEventsIsFresh(t *testing.T) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Events

Made from the program by `+"`make generate`"+`; do not edit. How to use them: [follow what happens](../how-to/follow-what-happens.md).

    GET /v1/event/stream ?topic=Topic[:key] ?namespace ?index ?progress

Each line of the answer is JSON: the events of one index of the log, all of them, in order.

    {"Index":N,"Events":[{"Topic":"Job","Type":"JobRegistered","Key":"web","Namespace":"default","FilterKeys":[],"Index":N,"Payload":{"Job":{…}}}]}

The first line, and one every 30 seconds, is `+"`{}`"+`.

| Parameter | Meaning |
|---|---|
| `+"`topic`"+` | a topic, `+"`Topic:key`"+` or `+"`*`"+`; may be given %d times; default all. A key is the event's own or one of its FilterKeys |
| `+"`namespace`"+` | default `+"`default`"+`; `+"`*`"+` is all. What is in no namespace is always told |
| `+"`index`"+` | the first to be told; without it the last `+"`event_buffer_size`"+` changes come first |
| `+"`progress`"+` | with every sign of life a line `+"`{\"ResumeIndex\":N}`"+`: nothing below N is still to come |

## Topics and types

The first type whose condition holds is the event's. Types marked + are Berth's own, beside the contract.

| Topic | Type | When |
|---|---|---|
`, MaxFilters)
	for _, r := range Rules() {
		mark := ""
		if r.Beside {
			mark = " +"
		}
		fmt.Fprintf(&b, "| %s | %s%s | %s |\n", r.Topic, r.Type, mark, r.When)
	}
	fmt.Fprintf(&b, `
The payload has one member, named after the topic (SchedulerConfiguration or AutopilotConfiguration for Operator): the object as it was after the change, or as it last
was when it is gone. An allocation comes without its job. Secrets of nodes and tokens of other programs are never in it. FilterKeys: of a job
its parent; of an evaluation its job, deployment and node; of an allocation its job, deployment, evaluation and node; of a deployment its job.

Not told of: join tokens, the certificate authority and other regions, which are the servers' own; versions, submissions and summaries of jobs, and
launches of schedules, which follow from what is told. Topics of things this version does not have (%s) are refused.

## What is kept, and what is lost

Every server streams from its own copy of the state; indexes are those of the log and the same on all. A server keeps the changes of the last
%s, at most %d objects and about %d MB, and the last `+"`event_buffer_size`"+` changes (default %d, at most %d) whatever their age, as far as they
take no more than about %d MB. Changes made before
it was started are told if it read them from its log again.

- When `+"`index`"+` is older than what is kept, the stream begins at the oldest, with the header `+"`X-Berth-Event-Gap: from-to`"+` and, as its second line, `+"`{\"Gap\":{\"From\":…,\"To\":…}}`"+`.
- A reader so slow that changes are forgotten before it reads them, or one on a server whose state is replaced by that of a snapshot, is cut off. Its last
  line is `+"`{\"Gap\":{…},\"Error\":\"…\",\"ResumeIndex\":N}`"+`: what is in the gap is lost to it, N is where to go on.
- A write that takes longer than 40 seconds ends the connection. The reader goes on at the index after the last whole line it has.

Between two lines nothing is left out silently: each change comes once, in the order of the log, or is named in a gap.

A server serves %d streams at most; one more is answered with 429. `+"`server { enable_event_broker = false }`"+` turns them off.
`, strings.Join(missing(), ", "), keepFor, keepWrites, keepBytes>>20, DefaultKeep, MaxKeep, oldBytes>>20, MaxStreams)
	got := b.String()
	const path = "../../docs/reference/events.md"
	if os.Getenv("BERTH_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("docs/reference/events.md is not what the rules are (%v): run make generate", err)
	}
}
