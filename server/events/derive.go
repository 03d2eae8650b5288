package events

import (
	"sync"
	"sync/atomic"

	"berth/state"
	"berth/structs"
)

// Event is one change of one object. Its payload is encoded when somebody wants it, once for all.
type Event struct {
	Topic      Topic
	Type       string
	Key        string
	Namespace  string // "" of what is in none
	FilterKeys []string
	Index      uint64

	object any
	bytes  *atomic.Int64 // where the text is counted; may be nil
	once   sync.Once
	text   []byte
	err    error
}

// deriver turns commits into events. It is not changed once made.
type deriver struct{ rules [state.TableCount][]Rule }

func newDeriver() *deriver {
	d := &deriver{}
	for _, r := range Rules() {
		d.rules[r.table] = append(d.rules[r.table], r)
	}
	return d
}

// events are those of a commit: one for each object a command changed, by what it was before the command and after, in the order
// the objects were first written.
func (d *deriver) events(c *state.Commit) []*Event {
	type place struct {
		step  int32
		table state.Table
		ns    string
		key   string
	}
	at := make(map[place]int, len(c.Writes))
	net := make([]state.Write, 0, len(c.Writes))
	for _, w := range c.Writes {
		e := describe(shown(w))
		p := place{w.Step, w.Table, e.Namespace, e.Key}
		if i, seen := at[p]; seen {
			net[i].After = w.After
			continue
		}
		at[p] = len(net)
		net = append(net, w)
	}
	out := make([]*Event, 0, len(net))
	for _, w := range net {
		if w.Before == nil && w.After == nil {
			continue // it came and went within the command
		}
		if e := d.event(w); e != nil {
			e.Index = c.Index
			out = append(out, e)
		}
	}
	return out
}

func (d *deriver) event(w state.Write) *Event {
	for _, r := range d.rules[w.Table] {
		if r.is(w.Before, w.After) {
			e := describe(shown(w))
			e.Topic, e.Type = r.Topic, r.Type
			return e
		}
	}
	return nil
}

// shown is the object of a write: as it is, or as it last was.
func shown(w state.Write) any {
	if w.After != nil {
		return w.After
	}
	return w.Before
}

// describe gives an object's keys.
func describe(object any) *Event {
	e := &Event{object: object, FilterKeys: []string{}}
	switch v := object.(type) {
	case *structs.Job:
		e.Namespace, e.Key = v.Namespace, v.ID
		e.also(v.ParentID)
	case *structs.Evaluation:
		e.Namespace, e.Key = v.Namespace, v.ID.String()
		e.also(v.JobID)
		e.alsoID(v.DeploymentID, v.NodeID)
	case *structs.Allocation:
		e.Namespace, e.Key = v.Namespace, v.ID.String()
		e.also(v.JobID)
		e.alsoID(v.DeploymentID, v.EvalID, v.NodeID)
	case *structs.Deployment:
		e.Namespace, e.Key = v.Namespace, v.ID.String()
		e.also(v.JobID)
	case *structs.Node:
		e.Key = v.ID.String()
	case *structs.NodePool:
		e.Key = v.Name
	case *structs.Namespace:
		e.Key = v.Name
	case *structs.SchedulerConfiguration:
		e.Key = "scheduler-configuration"
	case *structs.AutopilotConfiguration:
		e.Key = "autopilot-configuration"
	case *structs.PriorityClass:
		e.Key = v.Name
	case *structs.Queue:
		e.Key = v.Name
	case *structs.ACLPolicy:
		e.Key = v.Name
	case *structs.ACLRole:
		e.Key = v.ID.String()
	case *structs.ACLToken:
		e.Key = v.AccessorID.String()
	case *structs.DisruptionBudget:
		e.Namespace, e.Key = v.Namespace, v.Name
	}
	return e
}

func (e *Event) also(key string) {
	if key != "" {
		e.FilterKeys = append(e.FilterKeys, key)
	}
}

func (e *Event) alsoID(ids ...structs.ID) {
	for _, id := range ids {
		if !id.IsZero() {
			e.FilterKeys = append(e.FilterKeys, id.String())
		}
	}
}
