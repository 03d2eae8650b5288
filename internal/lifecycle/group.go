package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Group is a set of parts that live and die together. Make it with New; it must not be copied.
type Group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mu  sync.Mutex // guards err
	err error
}

// New makes a group whose parts get a context derived from ctx. Every group must be waited for, or its context leaks.
func New(ctx context.Context) *Group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{ctx: ctx, cancel: cancel}
}

// Context is what the parts get. It ends when the parent's does, when a part returns, or by Stop.
func (g *Group) Context() context.Context { return g.ctx }

// Go starts a part. The name stands before its error. A part that was told to end (its context is over) and returns the
// context's error has ended well; any other error is the group's, the first one wins.
func (g *Group) Go(name string, run func(context.Context) error) {
	g.wg.Go(func() {
		err := run(g.ctx)
		if err != nil && g.ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(g.ctx))) {
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
			g.mu.Lock()
			if g.err == nil {
				g.err = err
			}
			g.mu.Unlock()
		}
		g.cancel(err)
	})
}

// Stop tells all parts to end. It does not wait.
func (g *Group) Stop() { g.cancel(nil) }

// Wait returns when every part has ended, with the first error of one. Parts may still be added while it waits, by parts.
func (g *Group) Wait() error {
	g.wg.Wait()
	g.cancel(nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}
