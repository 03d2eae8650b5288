package state

import "berth/structs"

// watchesMax bounds how many queries are watched at once: beyond it all are woken to ask again.
const watchesMax = 1 << 17

// watchBy is the kind of query a watch is of.
type watchBy uint8

const (
	byTable watchBy = iota
	byObject
	byJob
	byNode
	byEval
	byDeployment
)

// watchKey is one query.
type watchKey struct {
	table    Table
	by       watchBy
	ns, name string
	id       structs.ID
}

// watch is the channel of a query asked of a snapshot. same compares the query's answer in two versions; it is asked only
// when the snapshot is not the newest.
func (s *Snapshot) watch(key watchKey, same func(then, now *root) bool) <-chan struct{} {
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	if now := st.root.Load(); now != s.r && !same(s.r, now) {
		ch := make(chan struct{})
		close(ch)
		return ch
	}
	ch := st.watches[key]
	if ch == nil {
		if len(st.watches) >= watchesMax {
			st.fireAll()
		}
		ch = make(chan struct{})
		st.watches[key] = ch
	}
	return ch
}

// fire wakes the watchers of a query; mu is held.
func (s *Store) fire(key watchKey) {
	if ch, ok := s.watches[key]; ok {
		close(ch)
		delete(s.watches, key)
	}
}

// fireAll wakes all watchers; mu is held.
func (s *Store) fireAll() {
	for _, ch := range s.watches {
		close(ch)
	}
	clear(s.watches)
}

// keys are the queries whose answer the change touches, whole tables excepted.
func (c change) keys(fire func(watchKey)) {
	for _, v := range [2]any{c.before, c.after} {
		switch v := v.(type) {
		case *structs.Job:
			fire(watchKey{table: c.table, by: byObject, ns: v.Namespace, name: v.ID})
		case *structs.JobSummary:
			fire(watchKey{table: c.table, by: byObject, ns: v.Namespace, name: v.JobID})
		case *structs.Node:
			fire(watchKey{table: c.table, by: byObject, id: v.ID})
		case *structs.Allocation:
			fire(watchKey{table: c.table, by: byObject, id: v.ID})
			fire(watchKey{table: c.table, by: byJob, ns: v.Namespace, name: v.JobID})
			fire(watchKey{table: c.table, by: byNode, id: v.NodeID})
			fire(watchKey{table: c.table, by: byEval, id: v.EvalID})
			fire(watchKey{table: c.table, by: byDeployment, id: v.DeploymentID})
		case *structs.Evaluation:
			fire(watchKey{table: c.table, by: byObject, id: v.ID})
			fire(watchKey{table: c.table, by: byJob, ns: v.Namespace, name: v.JobID})
		case *structs.Deployment:
			fire(watchKey{table: c.table, by: byObject, id: v.ID})
			fire(watchKey{table: c.table, by: byJob, ns: v.Namespace, name: v.JobID})
		case *structs.Namespace:
			fire(watchKey{table: c.table, by: byObject, name: v.Name})
		case *structs.NodePool:
			fire(watchKey{table: c.table, by: byObject, name: v.Name})
		}
	}
}
