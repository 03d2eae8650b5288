package broker

import (
	"testing"

	"berth/structs"
)

func TestCounts(t *testing.T) {
	b := New()
	typed := func(e *structs.Evaluation, kind string) *structs.Evaluation {
		e.Type = kind
		return e
	}
	for n, job := range []string{"a", "a", "b"} {
		b.Set(typed(eval(n+1, job, 50-n), structs.JobTypeService), start)
	}
	b.Set(typed(eval(4, "c", 1), structs.JobTypeSysBatch), start)
	escaped := blocked(5, "d", 1, nil)
	escaped.EscapedComputedClass = true
	b.Set(escaped, start)
	b.Set(blocked(6, "e", 1, nil), start)
	limited := blocked(7, "f", 1, nil)
	limited.QuotaLimitReached = "q"
	b.Set(limited, start)
	want := Counts{Ready: 4, Pending: 1, Blocked: 3, Escaped: 1, Limited: 1, Types: [4]TypeCounts{{Ready: 3}, {}, {}, {Ready: 1}}}
	if got := b.Counts(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if take(b, start) != 1 {
		t.Fatal("the first is not taken")
	}
	want.Ready, want.InFlight, want.Types[0] = 3, 1, TypeCounts{Ready: 2, InFlight: 1}
	if got := b.Counts(); got != want { // the other of its job still waits for it
		t.Errorf("%+v, want %+v", got, want)
	}
	b.Done(id(1))
	want.InFlight, want.Pending, want.Types[0] = 0, 0, TypeCounts{Ready: 2}
	if got := b.Counts(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// recount counts all evaluations one by one.
func (b *Broker) recount() Counts {
	slow := &Broker{ready: b.ready, queues: b.queues}
	for _, it := range b.items {
		slow.tally(it, 1)
	}
	return slow.Counts()
}
