package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/hostile"
	"berth/internal/idgen"
	"berth/structs"
)

// A command that admission would never let through reaches the log all the same. Its proposer is answered, the leader's loops live
// through what it left in the state, and what is asked afterwards is done.
func TestALeaderLivesThroughHostileCommands(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { besiege(t, seed) })
		})
	}
}

func besiege(t *testing.T, seed uint64) {
	s, err := New(Config{Name: "s1", Logger: hclog.NewNullLogger(), IDs: idgen.Seeded(seed)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended: %v", err)
		}
	}()
	<-s.Ready()
	n := node(s)
	if _, err := s.Register(ctx, &structs.NodeRegisterRequest{Node: n}); err != nil {
		t.Fatal(err)
	}
	register(t, s, job(2))
	synctest.Wait()

	kinds := slices.Sorted(maps.Keys(hostile.Commands()))
	f := &hostile.Filler{R: rand.New(rand.NewPCG(seed, 2)), Names: []string{"web", "default", "g", "t", "fake"}}
	for i := range 120 {
		snap := s.State().Snapshot()
		f.IDs = []structs.ID{n.ID}
		for a := range snap.Allocs() {
			f.IDs = append(f.IDs, a.ID)
		}
		for e := range snap.Evals() {
			f.IDs = append(f.IDs, e.ID)
		}
		for d := range snap.Deployments() {
			f.IDs = append(f.IDs, d.ID)
		}
		kind := kinds[f.R.IntN(len(kinds))]
		body := hostile.Commands()[kind]
		f.Fill(body)
		if _, err := s.proposer.propose(ctx, kind, time.Now().UnixNano(), body); errors.Is(err, context.Canceled) {
			t.Fatal("a proposer had no answer")
		}
		if i%8 == 0 {
			<-time.After(time.Duration(f.R.Int64N(int64(time.Minute))))
		}
		select {
		case err := <-done:
			done <- nil
			t.Fatalf("the server ended: %v", err)
		default:
		}
	}
	<-time.After(time.Hour) // timers of what is in the state
	if !s.IsLeader() {
		t.Fatal("it does not lead any more")
	}
	if _, err := s.Propose(ctx, structs.CmdSchedulerConfig, &structs.SchedulerConfigCommand{Config: structs.DefaultSchedulerConfiguration()}); err != nil {
		t.Fatal(err)
	}
	fresh := node(s)
	fresh.Name = "fresh"
	if _, err := s.Register(ctx, &structs.NodeRegisterRequest{Node: fresh}); err != nil {
		t.Fatal(err)
	}
	j := job(1)
	j.ID, j.Name = "after", "after"
	register(t, s, j)
	eventually(t, "a job is placed after all that", func() bool {
		return len(collect(s.State().Snapshot().AllocsByJob("default", "after"))) > 0
	})
}
