package structs

import (
	"fmt"
	"slices"
	"strings"
)

// How a queue lends what it does not use of its guarantee.
const (
	LendReclaim = "reclaim" // to others, and takes it back by evicting them
	LendWait    = "wait"    // to others, and takes it back as theirs ends
	LendNever   = "never"   // it stays free
)

// QueueRest stands for the namespaces that no other queue names.
const QueueRest = "*"

// Limits of queues.
const (
	QueuesMax          = 1000 // in a cluster
	queueNamespacesMax = 1000 // of one
	queueWeightMax     = 1000
	queueAmountMax     = 1 << 40
)

// QueueAmount is so much of the cluster. As a limit or guarantee, 0 is none of that kind.
type QueueAmount struct {
	CPU      int64 // MHz
	MemoryMB int64
}

// IsZero reports that nothing is said.
func (a QueueAmount) IsZero() bool { return a == QueueAmount{} }

// Plus adds n times another amount.
func (a QueueAmount) Plus(o QueueAmount, n int64) QueueAmount {
	return QueueAmount{CPU: a.CPU + n*o.CPU, MemoryMB: a.MemoryMB + n*o.MemoryMB}
}

// Most is the larger of two, kind by kind.
func (a QueueAmount) Most(o QueueAmount) QueueAmount {
	return QueueAmount{CPU: max(a.CPU, o.CPU), MemoryMB: max(a.MemoryMB, o.MemoryMB)}
}

// Within reports that no kind that the bound speaks of is more than the bound.
func (a QueueAmount) Within(bound QueueAmount) bool {
	return (bound.CPU == 0 || a.CPU <= bound.CPU) && (bound.MemoryMB == 0 || a.MemoryMB <= bound.MemoryMB)
}

// Beyond is what is more than another amount, kind by kind.
func (a QueueAmount) Beyond(o QueueAmount) QueueAmount {
	return QueueAmount{CPU: max(a.CPU-o.CPU, 0), MemoryMB: max(a.MemoryMB-o.MemoryMB, 0)}
}

// String is the amount in words: 2000 MHz, 512 MB.
func (a QueueAmount) String() string { return fmt.Sprintf("%d MHz, %d MB", a.CPU, a.MemoryMB) }

// Bound is the amount in words as a limit or guarantee: kinds it does not speak of are left out.
func (a QueueAmount) Bound() string {
	switch {
	case a.IsZero():
		return "none"
	case a.MemoryMB == 0:
		return fmt.Sprintf("%d MHz", a.CPU)
	case a.CPU == 0:
		return fmt.Sprintf("%d MB", a.MemoryMB)
	}
	return a.String()
}

// Queue is a tenant's part of the cluster: the service and batch jobs of some namespaces, what they have a right to together, and how
// they share the rest with other queues. Beside the contract.
type Queue struct {
	Name        string
	Description string `json:",omitempty"`
	// Namespaces are those whose jobs belong to it; QueueRest alone is all that no other queue names. A namespace belongs to one queue.
	Namespaces []string
	// Weight is its part of what is beyond guarantees, beside the weights of others: 1 to 1000, 1 if not set.
	Weight int
	// Guarantee is what its jobs get whenever they ask, Limit what they get at most.
	Guarantee QueueAmount
	Limit     QueueAmount
	// Lending is LendReclaim, if not set, LendWait or LendNever.
	Lending     string
	CreateIndex uint64
	ModifyIndex uint64
}

// Check fills what is not set and finds what is wrong with a queue, nil for nothing.
func (q *Queue) Check() error {
	if err := checkName("queue", q.Name); err != nil {
		return err
	}
	if q.Weight == 0 {
		q.Weight = 1
	}
	setString(&q.Lending, LendReclaim)
	switch {
	case len(q.Description) > maxDescription:
		return fmt.Errorf("the description is longer than %d", maxDescription)
	case q.Weight < 1 || q.Weight > queueWeightMax:
		return fmt.Errorf("weight is %d; it must be between 1 and %d", q.Weight, queueWeightMax)
	case q.Lending != LendReclaim && q.Lending != LendWait && q.Lending != LendNever:
		return fmt.Errorf("lending is %q; it must be %s, %s or %s", clip(q.Lending), LendReclaim, LendWait, LendNever)
	case len(q.Namespaces) == 0:
		return fmt.Errorf("the queue names no namespace: set Namespaces; %s alone means all that no other queue names", QueueRest)
	case len(q.Namespaces) > queueNamespacesMax:
		return fmt.Errorf("the queue names %d namespaces; at most %d can be named: use %s for all that no other queue names", len(q.Namespaces), queueNamespacesMax, QueueRest)
	}
	for i, name := range q.Namespaces {
		switch {
		case name == QueueRest && len(q.Namespaces) > 1:
			return fmt.Errorf("%s stands for all namespaces that no other queue names: name it alone", QueueRest)
		case name != QueueRest && !namespaceName.MatchString(name):
			return fmt.Errorf("%q cannot be the name of a namespace", clip(name))
		case slices.Contains(q.Namespaces[:i], name):
			return fmt.Errorf("namespace %q is named twice", name)
		}
	}
	for _, a := range []struct {
		what   string
		amount int64
	}{{"guarantee of CPU", q.Guarantee.CPU}, {"guarantee of memory", q.Guarantee.MemoryMB}, {"limit of CPU", q.Limit.CPU}, {"limit of memory", q.Limit.MemoryMB}} {
		if a.amount < 0 || a.amount > queueAmountMax {
			return fmt.Errorf("the %s is %d; it must be between 0 (none) and %d", a.what, a.amount, int64(queueAmountMax))
		}
	}
	if !q.Guarantee.Within(q.Limit) {
		return fmt.Errorf("the guarantee (%s) is more than the limit (%s)", q.Guarantee.Bound(), q.Limit.Bound())
	}
	return nil
}

// Guarantees reports that so much is within the guarantee. What the guarantee does not speak of does not count.
func (q *Queue) Guarantees(held QueueAmount) bool {
	return !q.Guarantee.IsZero() && held.Within(q.Guarantee)
}

// Borrows reports that so much is as much as is guaranteed, or more, of a kind that the guarantee speaks of: one more allocation is
// beyond it.
func (q *Queue) Borrows(held QueueAmount) bool {
	g := q.Guarantee
	return g.IsZero() || g.CPU > 0 && held.CPU >= g.CPU || g.MemoryMB > 0 && held.MemoryMB >= g.MemoryMB
}

// Of says whose jobs are meant.
func (q *Queue) Of() string { return strings.Join(q.Namespaces, ",") }

// InQueues reports a type of jobs that queues are about. Those that run on every node belong to the nodes.
func InQueues(jobType string) bool { return jobType == JobTypeService || jobType == JobTypeBatch }

// QueueCommand stores a queue; with Check only if it was last changed at Index, 0 for one that is new.
type QueueCommand struct {
	Queue *Queue
	Check bool
	Index uint64
}
