package reconcile

// names is a set of allocation indexes that gives out the lowest free one.
type names struct {
	taken []bool
	low   uint32 // every index below is taken
}

// namesMax bounds the table against an absurd index in a stored allocation.
const namesMax = 1 << 22

func (n *names) has(i uint32) bool { return int(i) < len(n.taken) && n.taken[i] }

func (n *names) take(i uint32) {
	if i >= namesMax {
		return
	}
	for int(i) >= len(n.taken) {
		n.taken = append(n.taken, false)
	}
	n.taken[i] = true
}

func (n *names) lowest() uint32 {
	for n.has(n.low) {
		n.low++
	}
	return n.low
}
