package httpapi

import (
	"cmp"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"berth/acl"
	"berth/api"
	"berth/scheduler/fleet"
	"berth/state"
	"berth/structs"
)

// maxQueues bounds the queues: each decision of the scheduler may look at all of them.
const maxQueues = 1000

func (a *API) queueRoutes() {
	a.route("/v1/queues", methods{http.MethodGet: anywhere().then(a.queuesList)})
	a.route("/v1/queue/{name}", methods{http.MethodGet: anywhere().then(a.queueGet), http.MethodPut: operatorWrite().then(a.queueApply), http.MethodDelete: operatorWrite().then(a.queueDelete)})
}

// seesQueue reports a queue that a caller may be shown: an operator all, others those of a namespace they see.
func (r *request) seesQueue(q *structs.Queue) bool {
	if r.asks(func(a *acl.ACL) bool { return a.Operator(acl.LevelRead) }) {
		return true
	}
	for _, name := range q.Namespaces {
		if name != structs.QueueRest && r.seesNamespace(name) {
			return true
		}
	}
	return false
}

// shownQueue leaves out of a queue the namespaces that its caller does not see; an operator is shown all.
func (r *request) shownQueue(q *api.Queue) *api.Queue {
	if !r.asks(func(a *acl.ACL) bool { return a.Operator(acl.LevelRead) }) {
		q.Namespaces = slices.DeleteFunc(slices.Clone(q.Namespaces), func(name string) bool { return name != structs.QueueRest && !r.seesNamespace(name) })
	}
	return q
}

// queuesOf tells how queues stand, by their names: one walk over the state for all of them.
func queuesOf(s *state.Snapshot) map[string]*api.Queue {
	all, of := map[string]*api.Queue{}, map[string]*api.Queue{}
	for q := range s.Queues() {
		st := &api.Queue{Queue: *q}
		all[q.Name] = st
		for _, name := range q.Namespaces {
			of[name] = st
		}
	}
	find := func(namespace, jobType string) *api.Queue {
		if !structs.InQueues(jobType) {
			return nil
		}
		return cmp.Or(of[namespace], of[structs.QueueRest])
	}
	for al := range s.Allocs() {
		if al.Job == nil || !al.HoldsResources() {
			continue
		}
		switch st := find(al.Namespace, al.Job.Type); {
		case st == nil:
		case al.ServerTerminal():
			st.Leaving = st.Leaving.Plus(fleet.QueueAmountOf(al.AllocatedResources.Comparable()), 1)
		default:
			st.Held = st.Held.Plus(fleet.QueueAmountOf(al.AllocatedResources.Comparable()), 1)
			st.Allocations++
		}
	}
	for e := range s.Evals() {
		if e.Status != structs.EvalStatusBlocked {
			continue
		}
		if st := find(e.Namespace, e.Type); st != nil {
			for _, n := range e.QueuedAllocations {
				st.Queued += n
			}
		}
	}
	room := roomOf(s.Nodes())
	for _, st := range all {
		st.Borrowed = st.Held.Beyond(st.Guarantee)
		st.Share = fleet.PartOf(st.Held, room)
	}
	return all
}

// roomOf is what the nodes that may be given allocations have together.
func roomOf(nodes iter.Seq[*structs.Node]) structs.QueueAmount {
	var sum structs.QueueAmount
	for n := range nodes {
		if n.Ready() {
			sum = sum.Plus(fleet.QueueAmountOf(fleet.Capacity(n)), 1)
		}
	}
	return sum
}

func (a *API) queuesList(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		all, changed := s.QueuesW()
		stand := queuesOf(s)
		out, err := list(r, all, func(q *structs.Queue) string { return q.Name }, func(q *structs.Queue) *api.Queue { return r.shownQueue(stand[q.Name]) },
			func(q *structs.Queue) bool { return r.hasPrefix(q.Name) && r.seesQueue(q) })
		return answer{value: out, index: s.TableIndex(state.TableQueues), changed: changed}, err
	})
}

func (a *API) queueGet(r *request) (any, error) {
	return r.read(func(s *state.Snapshot) (answer, error) {
		_, changed := s.QueuesW()
		q := s.Queue(r.PathValue("name"))
		if q == nil || !r.seesQueue(q) {
			return answer{}, notFound("queue not found")
		}
		return answer{value: r.shownQueue(queuesOf(s)[q.Name]), index: q.ModifyIndex, changed: changed}, nil
	})
}

func (a *API) queueApply(r *request) (any, error) {
	var in api.Queue // what was read may be written: how it stands is left out
	if err := r.ownBody(&in); err != nil {
		return nil, err
	}
	q := &in.Queue
	if q.Name = cmp.Or(q.Name, r.PathValue("name")); q.Name != r.PathValue("name") {
		return nil, invalid("the name of the queue is not that of the path")
	}
	if err := q.Check(); err != nil {
		return nil, invalid("%v", err)
	}
	if s := r.snapshot(); s.Queue(q.Name) == nil && len(slices.Collect(s.Queues())) >= maxQueues {
		return nil, invalid("there are %d queues, which is as many as there may be: remove one, or name the namespace in another", maxQueues)
	}
	check, index, err := r.cas()
	if err != nil {
		return nil, err
	}
	if err := a.write(r, structs.CmdQueue, &structs.QueueCommand{Queue: q, Check: check, Index: index}); err != nil {
		return nil, err
	}
	return &api.QueueResponse{Warnings: overpromised(r.snapshot(), q)}, nil
}

// overpromised tells that with a queue more is guaranteed than the nodes that may be given allocations have, empty if not.
func overpromised(s *state.Snapshot, with *structs.Queue) string {
	promised, room := with.Guarantee, roomOf(s.Nodes())
	for q := range s.Queues() {
		if q.Name != with.Name {
			promised = promised.Plus(q.Guarantee, 1)
		}
	}
	if with.Guarantee.IsZero() || promised.CPU <= room.CPU && promised.MemoryMB <= room.MemoryMB {
		return ""
	}
	return fmt.Sprintf("what is guaranteed to all queues together (%s) is more than the nodes have that may be given work (%s): not every guarantee can be kept",
		promised, room)
}

func (a *API) queueDelete(r *request) (any, error) {
	return nil, a.write(r, structs.CmdQueueDelete, &structs.NameDeleteCommand{Names: []string{r.PathValue("name")}})
}
