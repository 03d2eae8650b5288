package remote

import (
	"sync"

	"berth/structs"
)

// Bounds of the bodies that are read at a time, in bytes: what is more is refused, and sent again by who means it.
const (
	// maxOfPeer is what one machine may send at a time: one that was taken over must not fill a server's memory.
	maxOfPeer = 2 * maxBody
	// maxOfAll is what all may send at a time, those of at most smallBody aside: what thousands of honest nodes say at once is small.
	maxOfAll  = 1 << 30
	smallBody = 64 << 10
)

// bodies counts what is being read.
type bodies struct {
	mu  sync.Mutex // guards what follows
	all int64
	of  map[structs.ID]int64
}

// take counts a body of a length, below 0 when it was not told, until done; false when there is no room.
func (b *bodies) take(peer structs.ID, length int64) (done func(), ok bool) {
	n := max(length, smallBody)
	if length < 0 {
		n = maxBody
	}
	large := n
	if n == smallBody {
		large = 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of[peer]+n > maxOfPeer || b.all+large > maxOfAll {
		return nil, false
	}
	b.of[peer] += n
	b.all += large
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.all -= large
		if b.of[peer] -= n; b.of[peer] == 0 {
			delete(b.of, peer)
		}
	}, true
}
