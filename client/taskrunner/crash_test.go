package taskrunner

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"berth/structs"
)

// mortal is a disk whose agent dies at one of its writes, just before or just after it.
type mortal struct {
	*disk
	die    func()
	at     int // the write that is the last
	before bool
	writes int
}

func (m *mortal) PutTask(id structs.ID, task string, r *Record) error {
	m.writes++
	if m.writes > m.at || m.writes == m.at && m.before {
		m.die()
		return context.Canceled
	}
	if err := m.disk.PutTask(id, task, r); err != nil {
		return err
	}
	if m.writes == m.at {
		m.die()
	}
	return nil
}

// mortalLife runs a life that ends at a write, or with the wish to end the task if there are fewer writes.
func (b *bench) mortalLife(at int, before, kill bool) (died bool) {
	m := &mortal{disk: b.disk, at: at, before: before}
	b.store = m
	ctx, die := context.WithCancel(b.Context())
	m.die = die
	b.lifeWith(ctx)
	if kill {
		b.r.Kill("", false)
	}
	b.after(time.Second)
	b.crash()
	die()
	b.store = nil
	return m.writes >= at
}

// TestKilledAtAnyWrite: an agent killed before or after any of its writes, while the task starts or stops, is followed by
// one that has exactly one attempt running, or none if it was to end.
func TestKilledAtAnyWrite(t *testing.T) {
	for _, before := range []bool{true, false} {
		for at := 1; at <= 6; at++ {
			t.Run(fmt.Sprintf("before=%v write %d", before, at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, "service", nil, func(t *structs.Task) { t.ShutdownDelay = 100 * time.Millisecond })
					b.mortalLife(at, before, false)
					b.life()
					if s := b.after(time.Minute); s.State != structs.TaskStateRunning || b.world.Running() != 1 {
						t.Fatalf("started: %+v %s, %d run", s, kinds(s), b.world.Running())
					}
					b.crash()
					b.mortalLife(at, before, true)
					b.life()
					b.r.Kill("", false) // the servers' wish is still there
					s := b.after(time.Minute)
					if s.State != structs.TaskStateDead || s.Failed {
						t.Errorf("stopped: %+v %s", s, kinds(s))
					}
					b.over()
				})
			})
		}
	}
}
