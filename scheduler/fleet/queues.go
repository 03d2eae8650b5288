package fleet

import (
	"cmp"

	"berth/structs"
)

// Account is a queue and what its jobs hold: all that was placed and not told to stop, and room kept for what is to come. Leaving is what was
// told to stop and has not ended: it is no part of the queue's share, and counts against its limit.
type Account struct {
	Queue         *structs.Queue
	Held, Leaving structs.QueueAmount
}

// queues are the accounts of all queues.
type queues struct {
	all  []*Account          // by name
	of   map[string]*Account // by namespace
	rest *Account            // of the namespaces that none names; nil for nobody
}

// SetQueues replaces the queues, by name, and counts anew what their jobs hold.
func (f *Fleet) SetQueues(list []*structs.Queue) {
	f.queues = nil
	if len(list) == 0 {
		return
	}
	q := &queues{of: map[string]*Account{}}
	for _, queue := range list {
		a := &Account{Queue: queue}
		q.all = append(q.all, a)
		for _, name := range queue.Namespaces {
			if name == structs.QueueRest {
				q.rest = a
			} else {
				q.of[name] = a
			}
		}
	}
	f.queues = q
	for _, u := range f.allocs {
		f.enter(u, 1)
	}
}

// Queues are the accounts of all queues by name; none without queues.
func (f *Fleet) Queues() []*Account {
	if f.queues == nil {
		return nil
	}
	return f.queues.all
}

// QueueOf is the account of the queue of a namespace; nil for none.
func (f *Fleet) QueueOf(namespace string) *Account {
	q := f.queues
	if q == nil {
		return nil
	}
	if a := q.of[namespace]; a != nil {
		return a
	}
	return q.rest
}

// AccountOf is the account that a use counts for; nil for none.
func (f *Fleet) AccountOf(u *Use) *Account {
	if f.queues == nil || !u.Queued {
		return nil
	}
	return f.QueueOf(u.Job.Namespace)
}

// QueueAmountOf is what resources count for in a queue.
func QueueAmountOf(r structs.ComparableResources) structs.QueueAmount {
	return structs.QueueAmount{CPU: r.CPU, MemoryMB: r.MemoryMB}
}

// enter counts a use in its queue's account (1), or no more (-1).
func (f *Fleet) enter(u *Use, by int64) {
	a := f.AccountOf(u)
	switch {
	case a == nil:
	case u.Stopping:
		a.Leaving = a.Leaving.Plus(QueueAmountOf(u.Res), by)
	default:
		a.Held = a.Held.Plus(QueueAmountOf(u.Res), by)
	}
}

// Room are the sums of the nodes that may be given allocations.
func (f *Fleet) Room() *Amounts {
	return f.Amounts(FilterKey{Kind: "ready"}, (*structs.Node).Ready)
}

// Share is how much of the cluster a queue has, for who comes next: the least first. It is the larger part it holds of any one kind, by
// its weight (dominant resource fairness, Ghodsi et al., NSDI 2011): first of what it borrows, then of all it holds.
type Share struct{ Borrowed, Held float64 }

// Compare orders shares.
func (s Share) Compare(o Share) int {
	return cmp.Or(cmp.Compare(s.Borrowed, o.Borrowed), cmp.Compare(s.Held, o.Held))
}

// Share is the share of an account now.
func (f *Fleet) Share(a *Account) Share {
	dominant := func(x structs.QueueAmount) float64 { return f.Part(x) / float64(a.Queue.Weight) }
	return Share{Borrowed: dominant(a.Held.Beyond(a.Queue.Guarantee)), Held: dominant(a.Held)}
}

// Part is the larger part that an amount is of the CPU or the memory of the nodes that may be given allocations.
func (f *Fleet) Part(x structs.QueueAmount) float64 {
	room := f.Room()
	return PartOf(x, structs.QueueAmount{CPU: room.CapCPU, MemoryMB: room.CapMem})
}

// PartOf is the larger part that an amount is of all there is.
func PartOf(x, all structs.QueueAmount) float64 {
	return max(part(x.CPU, all.CPU), part(x.MemoryMB, all.MemoryMB))
}

// part is how much of all something is; where there is nothing, whoever holds something has all.
func part(of, all int64) float64 {
	switch {
	case of <= 0:
		return 0
	case all <= 0:
		return 1
	}
	return float64(of) / float64(all)
}

// Unlent is what other queues must leave free for those that do not lend what they have a right to and do not use.
func (f *Fleet) Unlent(but *Account) structs.QueueAmount {
	var sum structs.QueueAmount
	for _, a := range f.Queues() {
		if a != but && a.Queue.Lending == structs.LendNever {
			sum = sum.Plus(a.Queue.Guarantee.Beyond(a.Held), 1)
		}
	}
	return sum
}
