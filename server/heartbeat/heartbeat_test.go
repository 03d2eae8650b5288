package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func node(n byte) structs.ID { return structs.ID{15: n, 0: 1} }

func TestTTLGrowsWithTheCluster(t *testing.T) {
	now := time.Unix(1000, 0)
	c := NewCore(Config{MinTTL: 10 * time.Second, MaxPerSecond: 2})
	for i := range 100 {
		c.Beat(node(byte(i)), now)
	}
	ttl := c.Beat(node(7), now)
	if ttl < 50*time.Second || ttl > 63*time.Second {
		t.Fatalf("100 nodes at 2 a second: got %v, want 50 s and up to a quarter more", ttl)
	}
}

func TestANodeExpiresOnceAfterItsTimeAndGrace(t *testing.T) {
	now := time.Unix(1000, 0)
	c := NewCore(Config{MinTTL: time.Second, Grace: time.Second})
	ttl := c.Beat(node(1), now)
	if got := c.Expired(now.Add(ttl)); got != nil {
		t.Fatalf("expired within its grace: %v", got)
	}
	late := now.Add(ttl + time.Second)
	if got := c.Expired(late); len(got) != 1 || got[0] != node(1) {
		t.Fatalf("got %v", got)
	}
	if got := c.Expired(late.Add(time.Hour)); got != nil {
		t.Fatalf("expired again: %v", got)
	}
}

func TestDeadlinesAreALaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, want := NewCore(Config{MinTTL: time.Second}), map[structs.ID]time.Time{}
		now := time.Unix(0, 0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := node(byte(rapid.IntRange(0, 5).Draw(t, "node")))
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0, 1:
				want[id] = now.Add(c.Beat(id, now) + c.cfg.Grace)
			case 2:
				c.Forget(id)
				delete(want, id)
			case 3:
				now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "s")) * time.Second)
				for _, id := range c.Expired(now) {
					if at, ok := want[id]; !ok || at.After(now) {
						t.Fatalf("%v expired at %v, its deadline is %v", id, now, at)
					}
					delete(want, id)
				}
				for id, at := range want {
					if !at.After(now) {
						t.Fatalf("%v should have expired at %v", id, at)
					}
				}
			}
			if c.Active() != len(want) {
				t.Fatalf("%d nodes, want %d", c.Active(), len(want))
			}
		}
	})
}

type reports struct {
	mu   sync.Mutex
	seen []string
	fail int
}

func (r *reports) NodeMissed(_ context.Context, id structs.ID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail > 0 {
		r.fail--
		return errors.New("no leader")
	}
	r.seen = append(r.seen, fmt.Sprint(id[15]))
	return nil
}

func TestANodeHeardAgainIsNotDeclaredLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rep := &reports{fail: 3}
		m := New(Config{MinTTL: 10 * time.Second, Grace: 5 * time.Second, FailoverTTL: 20 * time.Second}, rep, hclog.NewNullLogger())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		m.Restore([]structs.ID{node(1), node(2), node(3)})
		time.Sleep(20*time.Second + retryAfter/2) // all passed their deadline, and none could be recorded
		m.Beat(node(1))
		m.Forget(node(3))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		rep.mu.Lock()
		defer rep.mu.Unlock()
		if len(rep.seen) != 1 || rep.seen[0] != "2" {
			t.Fatalf("reported %v, want node 2 alone", rep.seen)
		}
		cancel()
		<-done
	})
}

func TestMonitorReportsSilentNodesAndTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rep := &reports{fail: 2}
		m := New(Config{MinTTL: 10 * time.Second, Grace: 5 * time.Second, FailoverTTL: 20 * time.Second}, rep, hclog.NewNullLogger())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		m.Restore([]structs.ID{node(1), node(2)})
		for range 10 { // node 1 goes on, node 2 is silent
			time.Sleep(8 * time.Second)
			m.Beat(node(1))
		}
		synctest.Wait()
		if len(rep.seen) != 1 || rep.seen[0] != "2" {
			t.Fatalf("reported %v, want node 2 once", rep.seen)
		}
		cancel()
		<-done
	})
}
