package lifecycle_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"berth/internal/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func untilTold(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestFirstErrorEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lifecycle.New(t.Context())
		boom := errors.New("disk is full")
		g.Go("waiter", untilTold)
		g.Go("writer", func(context.Context) error { return boom })
		err := g.Wait()
		if !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "writer: ") {
			t.Fatalf("got %v, want the writer's error under its name", err)
		}
	})
}

func TestReturnWithoutErrorEndsAll(t *testing.T) {
	g := lifecycle.New(t.Context())
	g.Go("waiter", untilTold)
	g.Go("short", func(context.Context) error { return nil })
	if err := g.Wait(); err != nil {
		t.Fatalf("got %v, want nil", err)
	}
	if g.Context().Err() == nil {
		t.Fatal("the context outlived the group")
	}
}

func TestParentEndsAll(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := lifecycle.New(ctx)
	g.Go("a", untilTold)
	g.Go("b", untilTold)
	cancel()
	if err := g.Wait(); err != nil {
		t.Fatalf("got %v, want nil", err)
	}
}

func TestStop(t *testing.T) {
	g := lifecycle.New(t.Context())
	g.Go("a", untilTold)
	g.Stop()
	if err := g.Wait(); err != nil {
		t.Fatalf("got %v, want nil", err)
	}
}

func TestCancelledBeforeBeingToldIsAnError(t *testing.T) {
	g := lifecycle.New(t.Context())
	g.Go("a", func(context.Context) error { return context.Canceled })
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the part's own cancellation", err)
	}
}
