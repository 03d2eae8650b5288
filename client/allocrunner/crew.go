package allocrunner

import (
	"context"
	"slices"
	"sync"
)

// crew runs the tasks of an allocation, each in a goroutine of its own, until they are dead or its context is done. Its methods are called
// by Run alone.
type crew struct {
	r   *Runner
	ctx context.Context
	sync.WaitGroup
	over []chan struct{} // of each task: closed when its Run has returned
}

// newCrew runs all tasks.
func (r *Runner) newCrew(ctx context.Context) *crew {
	c := &crew{r: r, ctx: ctx, over: make([]chan struct{}, len(r.tasks))}
	for i := range r.tasks {
		c.run(i)
	}
	return c
}

func (c *crew) run(i int) {
	t, over := c.r.tasks[i], make(chan struct{})
	c.over[i] = over
	c.Go(func() {
		defer c.r.look()
		defer close(over)
		if err := t.Run(c.ctx); err != nil && c.ctx.Err() == nil {
			c.r.log.Error("task runner ended", "task", t.Name(), "error", err)
		}
	})
}

// revive runs tasks again that are dead.
func (c *crew) revive(names []string) {
	for i, t := range c.r.tasks {
		if !slices.Contains(names, t.Name()) {
			continue
		}
		<-c.over[i]
		if err := t.Revive(begunAnew()); err != nil {
			c.r.log.Error("ended task is not restarted", "task", t.Name(), "error", err)
			continue
		}
		c.run(i)
	}
}

// begunAgain notes that all tasks are at their beginning.
func (r *Runner) begunAgain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again = false
}
