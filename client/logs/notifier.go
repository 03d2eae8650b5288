package logs

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// Notifier tells of changes in directories. One serves a whole node: the kernel allows few of them (inotify(7)).
type Notifier struct {
	mu       sync.Mutex // guards what follows
	kernel   *fsnotify.Watcher
	watchers map[string]map[chan struct{}]struct{} // by directory
	closed   bool
	done     chan struct{}
}

// NewNotifier makes a notifier. Close it.
func NewNotifier() *Notifier {
	return &Notifier{watchers: map[string]map[chan struct{}]struct{}{}, done: make(chan struct{})}
}

// Watch gives a channel that holds a token when something in the directory changed since the last one was taken. Stop ends it.
func (n *Notifier) Watch(dir string) (changed <-chan struct{}, stop func(), err error) {
	dir = filepath.Clean(dir)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, nil, fmt.Errorf("watch %s: the notifier is closed", dir)
	}
	if n.kernel == nil {
		k, err := fsnotify.NewWatcher()
		if err != nil {
			return nil, nil, fmt.Errorf("watch files: %w (the kernel's fs.inotify limits may be too low)", err)
		}
		n.kernel = k
		go n.run(k)
	}
	if len(n.watchers[dir]) == 0 {
		if err := n.kernel.Add(dir); err != nil {
			return nil, nil, fmt.Errorf("watch %s: %w", dir, err)
		}
		n.watchers[dir] = map[chan struct{}]struct{}{}
	}
	ch := make(chan struct{}, 1)
	n.watchers[dir][ch] = struct{}{}
	return ch, func() { n.stop(dir, ch) }, nil
}

func (n *Notifier) stop(dir string, ch chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.watchers[dir], ch)
	if len(n.watchers[dir]) == 0 {
		delete(n.watchers, dir)
		if n.kernel != nil && !n.closed {
			_ = n.kernel.Remove(dir) // it may be gone already, and its watch with it
		}
	}
}

// run passes events on until the kernel's watcher is closed. A lost event (the queue overflowed) wakes everybody.
func (n *Notifier) run(k *fsnotify.Watcher) {
	defer close(n.done)
	for {
		select {
		case e, ok := <-k.Events:
			if !ok {
				return
			}
			n.wake(filepath.Dir(e.Name))
		case _, ok := <-k.Errors:
			if !ok {
				return
			}
			n.wakeAll()
		}
	}
}

func (n *Notifier) wake(dir string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for ch := range n.watchers[dir] {
		poke(ch)
	}
}

func (n *Notifier) wakeAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, set := range n.watchers {
		for ch := range set {
			poke(ch)
		}
	}
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// Close ends it; channels stay silent from then on.
func (n *Notifier) Close() error {
	n.mu.Lock()
	k := n.kernel
	was := n.closed
	n.closed = true
	n.mu.Unlock()
	if k == nil || was {
		return nil
	}
	err := k.Close()
	<-n.done
	return err
}
