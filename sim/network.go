package sim

import (
	"math/rand/v2"
	"time"
)

// network carries messages between nodes and servers. Between a node and the servers a link may be cut in either direction.
type network struct {
	w    *world
	r    *rand.Rand
	loss float64 // probability that a message is lost
	dup  float64 // probability that it arrives twice
	slow float64 // probability that it is delayed by seconds instead of milliseconds
	cut  map[int]cut
}

// cut says which directions of a node's link are dead.
type cut struct{ up, down bool }

func newNetwork(w *world) *network {
	return &network{w: w, r: w.rng("network"), cut: map[int]cut{}}
}

// calm ends every fault of the network.
func (n *network) calm() {
	n.loss, n.dup, n.slow = 0, 0, 0
	clear(n.cut)
}

// toServers sends from node i; deliver runs on arrival, if it arrives, perhaps more than once.
func (n *network) toServers(i int, deliver func()) { n.send(n.cut[i].up, deliver) }

// toNode sends to node i.
func (n *network) toNode(i int, deliver func()) { n.send(n.cut[i].down, deliver) }

func (n *network) send(dead bool, deliver func()) {
	// The draws are always made, so that a cut does not shift those of other messages.
	lost, twice, late := chance(n.r, n.loss), chance(n.r, n.dup), chance(n.r, n.slow)
	d := between(n.r, 200*time.Microsecond, 3*time.Millisecond)
	if late {
		d = between(n.r, 50*time.Millisecond, 4*time.Second)
	}
	if dead || lost {
		return
	}
	n.w.after(d, deliver)
	if twice {
		n.w.after(d+between(n.r, time.Millisecond, 2*time.Second), deliver)
	}
}
