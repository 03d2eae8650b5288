package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"berth/structs"
)

// A register is the scheduler configuration: a value, and the index it was written at.
type cell struct {
	value int64
	index uint64
}

// ask is one operation on the register.
type ask struct {
	kind  string // read, write, swap
	value int64
	index uint64 // a swap's condition
}

// told is its answer. Unknown is an operation that may have been done or not.
type told struct {
	cell
	refused, unknown bool
}

// registerModel is what a single, infallible register would answer. Indexes of writes are taken from their answers; one whose
// answer never came may have any.
func registerModel() porcupine.Model {
	return (&porcupine.NondeterministicModel{
		Init: func() []any { return []any{cell{value: -1}} },
		Step: func(state, input, output any) []any {
			s, in, out := state.(cell), input.(ask), output.(told)
			after := cell{in.value, out.index}
			switch {
			case in.kind == "read":
				if out.value == s.value && (s.index == 0 || out.index == s.index) {
					return []any{out.cell} // the index of a write that was never answered becomes known
				}
				return nil
			case in.kind == "swap" && out.refused:
				if s.index == 0 || s.index != in.index {
					return []any{s}
				}
				return nil
			case in.kind == "swap" && !out.unknown:
				if s.index == 0 || s.index == in.index {
					return []any{after}
				}
				return nil
			case out.unknown:
				return []any{s, cell{value: in.value}}
			}
			return []any{after}
		},
	}).ToModel()
}

// do does one operation at a server. False when it certainly was not done.
func do(ctx context.Context, s *Server, in ask) (told, bool) {
	read := func() cell {
		c := s.State().Snapshot().SchedulerConfig()
		return cell{int64(c.NodeLimitForFeasibilityChecks), c.ModifyIndex}
	}
	if in.kind == "read" {
		// What was committed before the question must be in the answer: the leader asks whether it still leads, then reads.
		if err := s.VerifyLeader(); err != nil {
			return told{}, false
		}
		return told{cell: read()}, true
	}
	cfg := structs.DefaultSchedulerConfiguration()
	cfg.NodeLimitForFeasibilityChecks = int(in.value)
	cmd := &structs.SchedulerConfigCommand{Config: cfg, Check: in.kind == "swap", Index: in.index}
	a, err := s.Propose(ctx, structs.CmdSchedulerConfig, cmd)
	switch {
	case err == nil:
		return told{cell: cell{in.value, a.Index}}, true
	case structs.KindOf(err) == structs.KindConflict:
		return told{refused: true}, true
	case structs.KindOf(err) == structs.KindNoLeader && !errors.Is(err, errOutcomeUnknown):
		return told{}, false
	}
	return told{unknown: true}, true
}

// Registers are linearizable while leaders are cut off, stopped and started again.
func TestHistoriesAreLinearizable(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { linear(t, seed) })
		})
	}
}

func linear(t *testing.T, seed uint64) {
	const lasts = 40 * time.Second
	w := newTown()
	var all []*fellow
	var dirs []string
	for n := 1; n <= 3; n++ {
		dirs = append(dirs, filepath.Join(swift(t), "server"))
		all = append(all, w.join(t, n, 3, dirs[n-1], nil))
	}
	lead := leader(t, all...)
	var mu sync.Mutex // guards all and history
	var history []porcupine.Operation
	began := time.Now()
	since := func() int64 { return int64(time.Since(began)) }
	first := ask{kind: "write", value: 0}
	at := since()
	out, ok := do(t.Context(), lead.Server, first)
	if !ok {
		t.Fatal("the first write failed")
	}
	history = append(history, porcupine.Operation{Input: first, Output: out, Call: at, Return: since()})

	var clients sync.WaitGroup
	for c := range 4 {
		r := rand.New(rand.NewPCG(seed, uint64(c)))
		clients.Go(func() {
			var seen uint64
			for n := 0; time.Since(began) < lasts; n++ {
				<-time.After(time.Duration(r.Int64N(int64(300 * time.Millisecond))))
				mu.Lock()
				s := all[r.IntN(len(all))].Server
				mu.Unlock()
				in := ask{kind: []string{"read", "read", "write", "swap"}[r.IntN(4)], value: int64(c*100_000 + n + 1), index: seen}
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				at := since()
				out, done := do(ctx, s, in)
				cancel()
				if !done {
					continue
				}
				if out.index > 0 {
					seen = out.index
				}
				op := porcupine.Operation{ClientId: c + 1, Input: in, Output: out, Call: at, Return: since()}
				if out.unknown {
					op.Return = int64(time.Hour) // it may still be done
				}
				mu.Lock()
				history = append(history, op)
				mu.Unlock()
			}
		})
	}
	r := rand.New(rand.NewPCG(seed, 77))
	for time.Since(began) < lasts {
		<-time.After(time.Duration(2+r.IntN(3)) * time.Second)
		mu.Lock()
		i := slices.IndexFunc(all, func(f *fellow) bool { return f.IsLeader() })
		if i < 0 {
			i = r.IntN(len(all))
		}
		f := all[i]
		mu.Unlock()
		if r.IntN(2) == 0 {
			w.cut(f.addr)
			<-time.After(time.Duration(1+r.IntN(3)) * time.Second)
			w.mend(f.addr)
			continue
		}
		f.end()
		<-time.After(time.Duration(r.IntN(3)) * time.Second)
		again := w.join(t, i+1, 3, dirs[i], nil)
		mu.Lock()
		all[i] = again
		mu.Unlock()
	}
	clients.Wait()
	// Every replica ends with the same state, live or replayed.
	lead = leader(t, all...)
	write(t, lead.Server, "last")
	sameEverywhere(t, all...)
	finish(all...)
	answered := 0
	for _, op := range history {
		if !op.Output.(told).unknown {
			answered++
		}
	}
	if answered < 100 {
		t.Errorf("only %d operations were answered", answered)
	}
	if res := porcupine.CheckOperationsTimeout(registerModel(), history, 0); res != porcupine.Ok {
		t.Errorf("the history of %d operations is %s", len(history), res)
	}
}

// The model itself finds what it is for.
func TestTheModelFindsStaleReadsAndLostWrites(t *testing.T) {
	op := func(in ask, out told, call, ret int64) porcupine.Operation {
		return porcupine.Operation{Input: in, Output: out, Call: call, Return: ret}
	}
	w := func(v int64, i uint64, call int64) porcupine.Operation {
		return op(ask{kind: "write", value: v}, told{cell: cell{v, i}}, call, call+1)
	}
	read := func(v int64, i uint64, call int64) porcupine.Operation {
		return op(ask{kind: "read"}, told{cell: cell{v, i}}, call, call+1)
	}
	for name, c := range map[string]struct {
		history []porcupine.Operation
		want    bool
	}{
		"in order":     {[]porcupine.Operation{w(1, 5, 0), read(1, 5, 10), w(2, 6, 20), read(2, 6, 30)}, true},
		"a stale read": {[]porcupine.Operation{w(1, 5, 0), w(2, 6, 10), read(1, 5, 20)}, false},
		"a lost write": {[]porcupine.Operation{w(1, 5, 0), w(2, 6, 10), read(2, 6, 20), read(1, 5, 30)}, false},
		"a swap on an old index": {[]porcupine.Operation{w(1, 5, 0), w(2, 6, 10),
			op(ask{"swap", 3, 5}, told{cell: cell{3, 7}}, 20, 21)}, false},
		"a swap refused wrongly": {[]porcupine.Operation{w(1, 5, 0), op(ask{"swap", 3, 5}, told{refused: true}, 20, 21), read(1, 5, 30)}, false},
		"an unanswered write seen later": {[]porcupine.Operation{w(1, 5, 0), op(ask{kind: "write", value: 2}, told{unknown: true}, 10, 1000),
			read(1, 5, 20), read(2, 6, 30)}, true},
		"an unanswered write seen and gone": {[]porcupine.Operation{w(1, 5, 0), op(ask{kind: "write", value: 2}, told{unknown: true}, 10, 1000),
			read(2, 6, 20), read(1, 5, 30)}, false},
	} {
		if got := porcupine.CheckOperations(registerModel(), c.history); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
