package server

import (
	"bytes"
	"errors"
	"testing"

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
