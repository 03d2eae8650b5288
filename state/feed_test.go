package state

import (
	"errors"
	"fmt"
	"testing"

	"berth/structs"
)

func putNode(n byte) func(*WriteTxn) {
	return func(t *WriteTxn) { t.PutNode(&structs.Node{ID: id(n)}) }
}

// read reads everything there is.
func read(t *testing.T, f *Feed) (indexes []uint64, err error) {
	t.Helper()
	for {
		c, wake, err := f.Next()
		switch {
		case err != nil:
			return indexes, err
		case c == nil && wake == nil:
			t.Fatal("neither a commit nor a wait")
		case c == nil:
			return indexes, nil
		}
		indexes = append(indexes, c.Index)
	}
}

func TestTheFeedTellsEachCommitOnce(t *testing.T) {
	s := New()
	write(s, putNode(1))
	s.LimitFeed(FeedLimits{Writes: 100, Bytes: 1 << 20})
	f, lost := s.FeedFrom(1)
	if lost != 1 {
		t.Errorf("what was before the feed: lost %d", lost)
	}
	write(s, putNode(1))
	write(s, func(t *WriteTxn) { t.PutSubmission(&structs.JobSubmission{Namespace: "default", JobID: "a"}) }) // not told of
	write(s, func(t *WriteTxn) {
		t.PutNode(&structs.Node{ID: id(2)})
		save := t.Savepoint()
		t.PutNode(&structs.Node{ID: id(3)})
		t.Rollback(save)
		t.Step()
		t.DeleteNode(id(1))
	})
	c, _, _ := f.Next()
	if w := c.Writes; c.Index != 2 || len(w) != 1 || w[0].Before == nil || w[0].After.(*structs.Node).ID != id(1) {
		t.Fatalf("%+v", c)
	}
	c, _, _ = f.Next()
	if w := c.Writes; c.Index != 4 || len(w) != 2 || w[0].Before != nil || w[1].After != nil || w[0].Step == w[1].Step {
		t.Fatalf("%+v", c)
	}
	_, wake, err := f.Next()
	if err != nil || f.After() != 4 {
		t.Fatal(err, f.After())
	}
	select {
	case <-wake:
		t.Fatal("woken without a commit")
	default:
	}
	write(s, putNode(5))
	<-wake
	if c, _, _ := f.Next(); c == nil || c.Index != 5 {
		t.Fatalf("%+v", c)
	}
}

func TestTheFeedIsBounded(t *testing.T) {
	s := New()
	s.LimitFeed(FeedLimits{Writes: 3, Bytes: 1 << 20})
	slow, _ := s.FeedFrom(1)
	for n := range byte(5) {
		write(s, putNode(n))
	}
	if commits, writes, bytes := s.FeedStats(); commits != 3 || writes != 3 || bytes < 3*512 {
		t.Errorf("%d commits, %d writes, %d bytes", commits, writes, bytes)
	}
	_, err := read(t, slow)
	var lost *FeedLost
	if !errors.As(err, &lost) || lost.After != 0 || lost.Lost != 2 || lost.Restored || err.Error() != "the changes from index 1 to 2 are not kept any more" {
		t.Errorf("%v", err)
	}
	for from, want := range map[uint64]string{0: "[3 4 5] 2", 1: "[3 4 5] 2", 2: "[3 4 5] 2", 3: "[3 4 5] 0", 5: "[5] 0", 6: "[] 0", 99: "[] 0"} {
		f, lost := s.FeedFrom(from)
		got, err := read(t, f)
		if text := fmt.Sprint(got, lost); err != nil || text != want {
			t.Errorf("from %d: %s %v, want %s", from, text, err, want)
		}
	}
	for n, want := range map[int]string{0: "[]", 2: "[4 5]", 9: "[3 4 5]"} {
		if got, err := read(t, s.FeedTail(n)); err != nil || fmt.Sprint(got) != want {
			t.Errorf("the last %d: %v %v", n, got, err)
		}
	}
	s.TrimFeed(5, 2, 1<<20)
	if got, _ := read(t, s.FeedTail(9)); fmt.Sprint(got) != "[4 5]" {
		t.Errorf("trimmed to %v", got)
	}
	s.TrimFeed(5, 2, 600) // one object's
	if got, _ := read(t, s.FeedTail(9)); fmt.Sprint(got) != "[5]" {
		t.Errorf("trimmed by bytes to %v", got)
	}
	s.LimitFeed(FeedLimits{Writes: 100, Bytes: 1})
	write(s, func(t *WriteTxn) { putNode(8)(t); putNode(9)(t) })
	if got, err := read(t, s.FeedTail(9)); err != nil || fmt.Sprint(got) != "[6]" {
		t.Errorf("the newest of any size: %v %v", got, err)
	}
}

func TestTheFeedEndsWhereTheStateIsReplaced(t *testing.T) {
	s := New()
	s.LimitFeed(FeedLimits{Writes: 100, Bytes: 1 << 20})
	write(s, putNode(1))
	f, _ := s.FeedFrom(1)
	if got, err := read(t, f); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	_, wake, _ := f.Next()
	restore := s.BeginRestore(1, [TableCount]uint64{})
	restore.PutNode(&structs.Node{ID: id(7)})
	restore.Commit()
	<-wake
	var lost *FeedLost
	if _, err := read(t, f); !errors.As(err, &lost) || !lost.Restored || lost.Lost != 1 || err.Error() != "the state was replaced by that of a snapshot at index 1" {
		t.Fatalf("%v", err)
	}
	if _, lost := s.FeedFrom(1); lost != 1 {
		t.Errorf("lost %d", lost)
	}
	again, lost1 := s.FeedFrom(2)
	write(s, putNode(2))
	if got, err := read(t, again); err != nil || lost1 != 0 || fmt.Sprint(got) != "[2]" {
		t.Errorf("%v %v", got, err)
	}
}

func BenchmarkCommitWithTheFeed(b *testing.B) {
	for name, limits := range map[string]FeedLimits{"off": {}, "on": {Writes: 100_000, Bytes: 64 << 20}} {
		b.Run(name, func(b *testing.B) {
			s := New()
			s.LimitFeed(limits)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				j := job(fmt.Sprint("job-", i%1000), 0)
				write(s, func(t *WriteTxn) { putJob(t, j) })
			}
		})
	}
}
