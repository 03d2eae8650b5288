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
	byNamespace
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

// wake fires the queries whose answer a change touches, whole tables excepted; mu is held. What came and went within the
// transaction is in no version, and wakes nobody.
func (s *Store) wake(c Write, before, now *root) {
	s.touched(c.Table, c.Before, before)
	s.touched(c.Table, c.After, now)
}

// touched fires the queries whose answer has the object in that version.
func (s *Store) touched(table Table, object any, in *root) {
	fire := func(key watchKey) {
		key.table = table
		if _, watched := s.watches[key]; watched && in.holds(table, object) {
			s.fire(key)
		}
	}
	switch v := object.(type) {
	case *structs.Job:
		fire(watchKey{by: byObject, ns: v.Namespace, name: v.ID})
	case *structs.JobSummary:
		fire(watchKey{by: byObject, ns: v.Namespace, name: v.JobID})
	case *structs.Node:
		fire(watchKey{by: byObject, id: v.ID})
	case *structs.Allocation:
		fire(watchKey{by: byObject, id: v.ID})
		fire(watchKey{by: byJob, ns: v.Namespace, name: v.JobID})
		fire(watchKey{by: byNode, id: v.NodeID})
		fire(watchKey{by: byEval, id: v.EvalID})
		fire(watchKey{by: byDeployment, id: v.DeploymentID})
	case *structs.Evaluation:
		fire(watchKey{by: byObject, id: v.ID})
		fire(watchKey{by: byJob, ns: v.Namespace, name: v.JobID})
	case *structs.Deployment:
		fire(watchKey{by: byObject, id: v.ID})
		fire(watchKey{by: byJob, ns: v.Namespace, name: v.JobID})
	case *structs.Namespace:
		fire(watchKey{by: byObject, name: v.Name})
	case *structs.NodePool:
		fire(watchKey{by: byObject, name: v.Name})
	case *structs.AuthorityRoot, *structs.JoinToken, *structs.Region, *structs.PriorityClass, *structs.DisruptionBudget, *structs.Queue, *structs.CertificateRevocation,
		*structs.ACLPolicy, *structs.ACLRole, *structs.ACLToken, *structs.OneTimeToken: // only the whole table is watched
	}
}

// holds reports that this very object is in the version.
func (r *root) holds(table Table, object any) bool {
	switch v := object.(type) {
	case *structs.Job:
		if table == TableJobVersions {
			return r.record(v.Namespace, v.ID).version(v.Version) == v
		}
		return r.record(v.Namespace, v.ID).job == v
	case *structs.JobSummary:
		return r.record(v.Namespace, v.JobID).summary == v
	case *structs.Node:
		return get(&r.nodes, v.ID) == v
	case *structs.Allocation:
		return get(&r.allocs, v.ID) == v
	case *structs.Evaluation:
		return get(&r.evals, v.ID) == v
	case *structs.Deployment:
		return get(&r.deployments, v.ID) == v
	case *structs.Namespace:
		return get(&r.namespaces, v.Name) == v
	case *structs.NodePool:
		return get(&r.pools, v.Name) == v
	case *structs.AuthorityRoot:
		return get(&r.roots, v.ID) == v
	case *structs.JoinToken:
		return get(&r.joinTokens, v.ID) == v
	case *structs.CertificateRevocation:
		return get(&r.revocations, v.Name) == v
	case *structs.ACLPolicy:
		return get(&r.policies, v.Name) == v
	case *structs.ACLRole:
		return get(&r.aclRoles, v.ID) == v
	case *structs.ACLToken:
		return get(&r.tokens, v.AccessorID) == v
	case *structs.OneTimeToken:
		return get(&r.oneTime, v.AccessorID) == v
	case *structs.Region:
		return get(&r.regions, v.Name) == v
	case *structs.PriorityClass:
		return get(&r.classes, v.Name) == v
	case *structs.DisruptionBudget:
		return get(&r.budgets, v.Key()) == v
	case *structs.Queue:
		return get(&r.queues, v.Name) == v
	case *structs.PeriodicLaunch:
		return get(&r.launches, structs.JobKey{Namespace: v.Namespace, ID: v.JobID}) == v
	}
	return false
}
