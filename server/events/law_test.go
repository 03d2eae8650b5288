package events

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

// mark is one event as the law compares it.
type mark struct {
	index uint64
	key   string
}

func marksOf(b *Batch) []mark {
	var out []mark
	for _, e := range b.Events {
		out = append(out, mark{e.Index, string(e.Topic) + e.Type + e.Key})
	}
	return out
}

// reader is a reader of the law: what it was told, and from where on it knows everything.
type reader struct {
	sub  *Subscription
	from uint64 // it must have been told everything at and above this, up to where it is
	seen []mark
	last uint64
}

func (r *reader) read(t *rapid.T, ctx context.Context, n int) (lost bool) {
	for range n {
		b, err := r.sub.Next(ctx)
		var gap *state.FeedLost
		if errors.As(err, &gap) {
			if gap.After != r.sub.feed.After() || !gap.Restored && gap.Lost <= gap.After {
				t.Fatalf("a gap that is none: %+v", gap)
			}
			return true
		}
		if err != nil {
			return false // nothing more now
		}
		if b.Index <= r.last {
			t.Fatalf("index %d after %d", b.Index, r.last)
		}
		r.last = b.Index
		r.seen = append(r.seen, marksOf(b)...)
	}
	return false
}

// TestI8EveryChangeIsToldOnceOrALossIs lets readers come, read at their own pace, resume and be overrun, while random commands are
// applied and the past is cut short and replaced.
func TestI8EveryChangeIsToldOnceOrALossIs(t *testing.T) {
	over, cancel := context.WithCancel(context.Background())
	cancel() // Next gives what is there and never waits
	rapid.Check(t, func(t *rapid.T) {
		w := &world{store: state.New(), now: 1e18}
		w.fsm = fsm.New(w.store)
		b := New(Config{Keep: rapid.IntRange(1, 5).Draw(t, "keep")}, w.store)
		w.store.LimitFeed(state.FeedLimits{Writes: rapid.IntRange(5, 40).Draw(t, "writes"), Bytes: 1 << 20})
		all, everything := []mark{}, newDeriver()
		record, _ := w.store.FeedFrom(1) // reads at once, and so loses nothing
		var readers []*reader
		compare := func(r *reader) {
			var want []mark
			for _, m := range all {
				if m.index >= r.from && m.index < r.sub.Resume() {
					want = append(want, m)
				}
			}
			if fmt.Sprint(r.seen) != fmt.Sprint(want) {
				t.Fatalf("from %d: told\n%v\nwant\n%v", r.from, r.seen, want)
			}
		}
		subscribe := func(index uint64) {
			sub, err := b.Subscribe(Request{Index: index, Namespace: "*"})
			if err != nil {
				t.Fatal(err)
			}
			r := &reader{sub: sub, from: sub.Resume()}
			if index > 0 && sub.Lost() == 0 && r.from != index || sub.Lost() > 0 && (sub.Lost() < index || r.from != sub.Lost()+1) {
				t.Fatalf("asked for %d, lost %d, begins at %d", index, sub.Lost(), r.from)
			}
			readers = append(readers, r)
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch k := rapid.IntRange(0, 9).Draw(t, "step"); {
			case k < 5:
				w.some(t)
				c, _, err := record.Next()
				if err != nil {
					t.Fatal(err)
				}
				if c != nil {
					all = append(all, marksOf(&Batch{Events: everything.events(c)})...)
				}
			case k == 5:
				subscribe(uint64(rapid.IntRange(0, int(w.store.Index())+1).Draw(t, "index")))
			case k < 8 && len(readers) > 0:
				i := rapid.IntRange(0, len(readers)-1).Draw(t, "reader")
				r := readers[i]
				lost := r.read(t, over, rapid.IntRange(1, 10).Draw(t, "reads"))
				compare(r)
				if lost {
					r.sub.Close()
					readers = append(readers[:i], readers[i+1:]...)
				}
			case k == 8 && len(readers) > 0: // the connection breaks, and is made again
				r := readers[rapid.IntRange(0, len(readers)-1).Draw(t, "reader")]
				r.sub.Close()
				subscribe(max(r.sub.Resume(), 1))
			case k == 9:
				w.store.TrimFeed(uint64(rapid.IntRange(0, int(w.store.Index())).Draw(t, "trim")), b.cfg.Keep, rapid.SampledFrom([]int{0, 2000, oldBytes}).Draw(t, "bytes"))
			}
		}
		for _, r := range readers {
			lost := false
			for before := -1; !lost && len(r.seen) != before; {
				before = len(r.seen)
				lost = r.read(t, over, 100)
			}
			compare(r)
			if !lost && len(all) > 0 && all[len(all)-1].index >= r.from && (len(r.seen) == 0 || r.seen[len(r.seen)-1] != all[len(all)-1]) {
				t.Fatalf("the last change was not told: %v of %v", r.seen, all)
			}
		}
	})
}

// some applies an entry of random commands; some are refused.
func (w *world) some(t *rapid.T) {
	entry := &structs.LogEntry{}
	for range rapid.IntRange(1, 4).Draw(t, "commands") {
		job := rapid.SampledFrom([]string{"web", "db"}).Draw(t, "job")
		n := rapid.IntRange(1, 3).Draw(t, "n")
		b := rapid.SampledFrom([]body{
			register(job, n), nodeComes, nodeDown, placed(n), stopped(n), told(n, "running", nil), told(n, "complete", new(true)),
			{structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: job, Purge: n == 1}},
			{structs.CmdReap, &structs.ReapCommand{Allocs: []structs.ID{id('a', n)}, Evals: []structs.ID{id('e', n)}}},
			{structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: "gpu"}}}},
			{structs.CmdNodePoolDelete, names("gpu")},
			{structs.CmdJoinTokenDelete, &structs.JoinTokenDeleteCommand{IDs: []structs.ID{id('t', 1)}}},
		}).Draw(t, "body")
		w.now += 1e9
		cmd, err := structs.NewCommand(b.kind, w.now, b.of)
		if err != nil {
			t.Fatal(err)
		}
		entry.Commands = append(entry.Commands, cmd)
	}
	w.fsm.ApplyEntry(w.store.Index()+1, entry)
}
