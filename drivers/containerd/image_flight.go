package containerd

import (
	"context"
	"sync"

	"github.com/containerd/containerd/v2/client"
)

// flights are the pulls under way, one per image and credentials.
type flights struct {
	mu    sync.Mutex // guards byKey and the waiters of its flights
	byKey map[string]*flight
}

// flight is one pull; image and err may be read when done is closed.
type flight struct {
	waiters int
	cancel  context.CancelFunc
	state   *pullState
	done    chan struct{}
	image   client.Image
	err     error
}

func newFlights() *flights { return &flights{byKey: map[string]*flight{}} }

// join starts work, or joins it if somebody has started it. Every join needs a leave.
func (fs *flights) join(ctx context.Context, key string, work func(context.Context, *pullState) (client.Image, error)) *flight {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f, ok := fs.byKey[key]; ok {
		f.waiters++
		return f
	}
	// Why detached: the pull belongs to all who wait for it, and ends when the last of them leaves.
	wctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{
		waiters: 1, cancel: cancel, done: make(chan struct{}),
		state: &pullState{sizes: map[string]int64{}, refs: map[string]bool{}, ended: map[string]bool{}},
	}
	fs.byKey[key] = f
	go func() {
		defer close(f.done)
		f.image, f.err = work(wctx, f.state)
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if fs.byKey[key] == f {
			delete(fs.byKey, key)
		}
	}()
	return f
}

// leave gives a flight up; the last to leave ends it.
func (fs *flights) leave(key string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if fs.byKey[key] == f {
			delete(fs.byKey, key)
		}
	}
}
