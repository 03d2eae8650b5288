package server

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

// Whatever is written, read and deleted: a log answers the same with its newest entries in memory and without, and holds no more of them
// than it may.
func TestTheNewestEntriesInMemoryAreThoseOfTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := raft.NewInmemStore()
		with := &recent{LogStore: raft.NewInmemStore(), most: 8, mostData: 300}
		last := uint64(rapid.IntRange(0, 5).Draw(t, "begins after"))
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "hole") == 0 {
					last += 7 // as after a snapshot was installed
				} else if rapid.IntRange(0, 9).Draw(t, "again") == 0 {
					last -= min(last, 3) // over what is there
				}
				var logs []*raft.Log
				for range rapid.IntRange(1, 20).Draw(t, "entries") {
					last++
					logs = append(logs, &raft.Log{Index: last, Term: uint64(rapid.IntRange(1, 3).Draw(t, "term")), Data: bytes.Repeat([]byte{byte(last)}, rapid.SampledFrom([]int{0, 1, 10, 100, 1000}).Draw(t, "bytes"))})
				}
				for _, s := range []raft.LogStore{plain, with} {
					if err := s.StoreLogs(logs); err != nil {
						t.Fatal(err)
					}
				}
				if n := len(with.logs); n == 0 || with.logs[n-1].Index != last {
					t.Fatalf("the newest entry, %d, is not in memory", last)
				}
			},
			"truncate": func(t *rapid.T) {
				from := uint64(rapid.IntRange(int(max(last, 20))-20, int(last)).Draw(t, "from"))
				for _, s := range []raft.LogStore{plain, with} {
					if err := s.DeleteRange(from, last); err != nil {
						t.Fatal(err)
					}
				}
				if from > 0 {
					last = from - 1
				}
			},
			"age": func(t *rapid.T) {
				through := uint64(rapid.IntRange(0, int(last)).Draw(t, "through"))
				with.forgetThrough([]uint64{through, last, last})
				if len(with.logs) > 0 && with.logs[0].Index <= through {
					t.Fatalf("entry %d is held though those up to %d are old", with.logs[0].Index, through)
				}
			},
			"": func(t *rapid.T) {
				for index := max(last, 40) - 40; index <= last+2; index++ {
					var a, b raft.Log
					errA, errB := plain.GetLog(index, &a), with.GetLog(index, &b)
					if !errors.Is(errB, errA) || a.Term != b.Term || !bytes.Equal(a.Data, b.Data) || a.Index != b.Index {
						t.Fatalf("entry %d: %d of term %d (%v), without memory %d of term %d (%v)", index, b.Index, b.Term, errB, a.Index, a.Term, errA)
					}
				}
				held := 0
				for _, l := range with.logs {
					held += len(l.Data)
				}
				if len(with.logs) > with.most || len(with.logs) > 1 && held > with.mostData || held != with.bytes {
					t.Fatalf("%d entries of %d bytes in memory, %d counted", len(with.logs), held, with.bytes)
				}
			},
		})
	})
}

// A burst of entries is not held in memory because nothing comes after it; what is new is.
func TestOldEntriesLeaveMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecent(raft.NewInmemStore())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.age(ctx) }()
		put := func(index uint64) {
			if err := r.StoreLog(&raft.Log{Index: index, Data: make([]byte, 1000)}); err != nil {
				t.Error(err)
			}
		}
		held := func() (first uint64, n, bytes int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.logs) > 0 {
				first = r.logs[0].Index
			}
			return first, len(r.logs), r.bytes
		}
		for i := range uint64(100) {
			put(1 + i)
		}
		time.Sleep(recentFor - time.Second)
		put(101)
		if _, n, _ := held(); n != 101 {
			t.Errorf("%d entries of 101 are in memory before they are old", n)
		}
		time.Sleep(2*recentLook + time.Second)
		if first, n, bytes := held(); first != 101 || n != 1 || bytes != 1000 {
			t.Errorf("%d entries of %d bytes are in memory from %d on, the new one alone should be", n, bytes, first)
		}
		time.Sleep(recentFor + recentLook)
		if _, n, bytes := held(); n != 0 || bytes != 0 {
			t.Errorf("%d entries of %d bytes are in memory though nothing came for long", n, bytes)
		}
		var l raft.Log
		if err := r.GetLog(7, &l); err != nil || l.Index != 7 {
			t.Errorf("an old entry: %d, %v", l.Index, err)
		}
		put(102)
		if _, n, _ := held(); n != 1 {
			t.Error("what came after a pause is not in memory")
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
