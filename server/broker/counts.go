package broker

import "berth/structs"

// Counts are how many evaluations are where.
type Counts struct {
	Ready, Waiting, InFlight, Blocked int
	// Pending are those of Ready that wait for another of their job; Escaped those of Blocked that any node may help.
	Pending, Escaped int
	// Limited are those of Blocked that the limit of a queue keeps.
	Limited int
	// Types are Ready and InFlight by the type of the job, in the order of Types.
	Types [4]TypeCounts
}

// TypeCounts are those of one type of jobs.
type TypeCounts struct{ Ready, InFlight int }

// Types are the types of jobs.
var Types = [4]string{structs.JobTypeService, structs.JobTypeBatch, structs.JobTypeSystem, structs.JobTypeSysBatch}

// ofType is the count of an evaluation's type; nil for a type nobody knows.
func (c *Counts) ofType(e *structs.Evaluation) *TypeCounts {
	for i, t := range Types {
		if e.Type == t {
			return &c.Types[i]
		}
	}
	return nil
}

// Counts are those of now. Nothing is walked: it is asked for at every step.
func (b *Broker) Counts() Counts {
	c := b.counts
	c.Pending = c.Ready - b.ready.Len() - b.queues.ready()
	return c
}

// tally adds n for where an evaluation is: 1 once it has got there, -1 before it leaves.
func (b *Broker) tally(it *item, n int) {
	c := &b.counts
	t := c.ofType(it.eval)
	switch it.place {
	case placeReady:
		c.Ready += n
		if t != nil {
			t.Ready += n
		}
	case placeWaiting:
		c.Waiting += n
	case placeInFlight:
		c.InFlight += n
		if t != nil {
			t.InFlight += n
		}
	case placeBlocked:
		c.Blocked += n
		if it.eval.EscapedComputedClass {
			c.Escaped += n
		}
		if it.eval.QuotaLimitReached != "" {
			c.Limited += n
		}
	}
}
