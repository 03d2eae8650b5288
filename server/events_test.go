package server

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"berth/server/events"
)

// eventsOf reads all lines of a server up to an index.
func eventsOf(t *testing.T, s *Server, through uint64) string {
	t.Helper()
	sub, err := s.Events().Subscribe(events.Request{Index: 1, Namespace: "*"})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	if sub.Lost() != 0 {
		t.Errorf("lost %d", sub.Lost())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var out bytes.Buffer
	for {
		b, err := sub.Next(ctx)
		if err != nil || b.Index > through {
			return out.String()
		}
		if err := b.Write(&out); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryServerTellsTheSameEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, "", nil))
		}
		first := leader(t, all...)
		write(t, first.Server, "one")
		w.cut(first.addr)
		second := leader(t, without(all, first)...)
		write(t, second.Server, "two")
		w.mend(first.addr)
		eventually(t, "the old leader has what it missed", func() bool { return has(first.Server, "two") })
		through := second.State().Index()
		eventually(t, "all have it", func() bool {
			return all[0].State().Index() >= through && all[1].State().Index() >= through && all[2].State().Index() >= through
		})
		want := eventsOf(t, all[0].Server, through)
		if !bytes.Contains([]byte(want), []byte(`"Key":"one"`)) || !bytes.Contains([]byte(want), []byte(`"Key":"two"`)) {
			t.Errorf("told %s", want)
		}
		for _, f := range all[1:] {
			if got := eventsOf(t, f.Server, through); got != want {
				t.Errorf("%s tells\n%s\nnot\n%s", f.addr, got, want)
			}
		}
		finish(all...)
	})
}
