package server

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"berth/server/membership"
	"berth/structs"
)

// crowd is a cluster that is written to while its servers change.
type crowd struct {
	*testing.T
	w     *town
	mu    sync.Mutex
	all   []*fellow
	acked []string
	over  chan struct{}
}

func (c *crowd) members() []*fellow {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

func (c *crowd) remove(f *fellow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = without(c.all, f)
}

// load writes to whoever leads until the test is over.
func (c *crowd) load() {
	for n := 0; ; n++ {
		name := fmt.Sprintf("n%d", n)
		for _, f := range c.members() {
			if !f.IsLeader() {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			_, err := f.Propose(ctx, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: name}}})
			cancel()
			if err == nil {
				c.mu.Lock()
				c.acked = append(c.acked, name)
				c.mu.Unlock()
				break
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-c.over:
			return
		}
	}
}

// voters waits until so many servers have a vote.
func (c *crowd) voters(n int) {
	c.Helper()
	eventually(c.T, fmt.Sprintf("%d voters", n), func() bool {
		for _, f := range c.members() {
			if !f.IsLeader() {
				continue
			}
			peers, _, err := f.Peers()
			voters := 0
			for _, p := range peers {
				if p.Voter {
					voters++
				}
			}
			return err == nil && voters == n && len(peers) == n
		}
		return false
	})
}

// Every server of a cluster is replaced while it is written to: the leader and followers by turns, some leave, some die. Never are
// there too few, and nothing acknowledged is lost.
func TestEveryServerIsReplacedUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{T: t, w: newTown(), over: make(chan struct{})}
		for n := 1; n <= 3; n++ {
			c.all = append(c.all, c.w.join(t, n, 3, "", nil))
		}
		old := slices.Clone(c.all)
		leader(t, c.all...)
		var load sync.WaitGroup
		load.Go(c.load)
		c.voters(3)
		<-time.After(20 * time.Second)
		var dead []*fellow
		for i := range 3 {
			next := c.w.join(t, 4+i, 0, "", nil)
			c.mu.Lock()
			c.all = append(c.all, next)
			c.mu.Unlock()
			c.voters(4)
			gone := old[0]
			if at := slices.IndexFunc(old, func(f *fellow) bool { return f.IsLeader() }); at >= 0 && i != 1 {
				gone = old[at] // the leader itself
			}
			old = without(old, gone)
			c.remove(gone)
			if i == 1 { // it dies: the autopilot removes it
				c.w.cut(gone.addr)
				c.w.set(gone.cfg.Name+".global", membership.StatusFailed)
				dead = append(dead, gone)
			} else {
				gone.cfg.LeaveOnStop = true
				gone.end()
			}
			c.voters(3)
		}
		close(c.over)
		load.Wait()
		lead := leader(t, c.members()...)
		write(t, lead.Server, "last")
		if len(c.acked) < 300 {
			t.Errorf("only %d writes were acknowledged", len(c.acked))
		}
		for _, f := range c.members() {
			eventually(t, "it has the last write", func() bool { return has(f.Server, "last") })
			for _, name := range c.acked {
				if !has(f.Server, name) {
					t.Errorf("%s lost %s", f.addr, name)
				}
			}
			sameEverywhere(t, f, lead)
		}
		finish(append(dead, c.members()...)...)
	})
}
