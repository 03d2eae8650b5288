package server

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/idgen"
	"berth/structs"
)

// A node that says nothing any more is down after its time, and what it ran is placed elsewhere. All of it on a real server, in
// virtual time.
func TestWhatASilentNodeRanIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{Name: "s1", Logger: hclog.NewNullLogger(), IDs: idgen.Seeded(1)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		<-s.Ready()
		silent, alive := node(s), node(s)
		alive.Name = "n2"
		if _, err := s.Register(ctx, &structs.NodeRegisterRequest{Node: silent}); err != nil {
			t.Fatal(err)
		}
		register(t, s, job(2))
		synctest.Wait()
		on := func(id structs.ID) (desired, lost int) {
			for a := range s.State().Snapshot().AllocsByNode(id) {
				if a.DesiredStatus == structs.AllocDesiredRun {
					desired++
				}
				if a.ClientStatus == structs.AllocClientLost {
					lost++
				}
			}
			return desired, lost
		}
		if n, _ := on(silent.ID); n != 2 {
			t.Fatalf("%d allocations on the only node, want 2", n)
		}
		update(t, s, silent, collect(s.State().Snapshot().AllocsByNode(silent.ID)))
		began := time.Now()
		resp, err := s.Register(ctx, &structs.NodeRegisterRequest{Node: alive})
		if err != nil {
			t.Fatal(err)
		}
		var downAfter time.Duration
		for downAfter == 0 {
			<-time.After(resp.HeartbeatTTL / 4)
			if resp, err = s.Heartbeat(ctx, &structs.NodeHeartbeatRequest{NodeID: alive.ID, SecretID: alive.SecretID, Status: structs.NodeStatusReady}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if s.State().Snapshot().Node(silent.ID).Status == structs.NodeStatusDown {
				downAfter = time.Since(began)
			}
			if time.Since(began) > time.Minute {
				t.Fatal("the silent node is not down after a minute")
			}
		}
		// TTL 10 s, up to a quarter more, and 10 s of grace; seen at the next beat of the other.
		if downAfter < 19*time.Second || downAfter > 27*time.Second {
			t.Errorf("down after %v", downAfter)
		}
		if desired, lost := on(silent.ID); desired != 0 || lost != 2 {
			t.Errorf("on the silent node %d should run and %d are lost, want 0 and 2", desired, lost)
		}
		if desired, _ := on(alive.ID); desired != 2 {
			t.Errorf("%d were placed on the other node, want 2", desired)
		}
		if st := s.State().Snapshot().Node(alive.ID).Status; st != structs.NodeStatusReady {
			t.Errorf("the node that beats is %s", st)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
