package httpapi

import (
	"berth/acl"
	"berth/server/events"
	"berth/state"
)

// followEvents lets a caller follow the topics it names if there may be events among them that it may see.
func followEvents() permission {
	return permission{words: "that of the object; topics of ACL objects: management", caps: acl.ReadJob, check: func(r *request, _ *state.Snapshot) error {
		filters, err := events.ParseFilters(r.query["topic"])
		if err != nil || len(filters) == 0 {
			return anywhere().check(r, nil) // the handler says what is wrong with them
		}
		for _, f := range filters {
			if !r.seesTopic(f.Topic, r.namespace()) {
				return denied(false)
			}
		}
		return nil
	}}
}

// seesTopic reports whether events of a topic may be shown, of those in a namespace ("*" for any).
func (r *request) seesTopic(topic events.Topic, namespace string) bool {
	return r.asks(func(a *acl.ACL) bool {
		switch topic {
		case events.TopicJob, events.TopicAllocation, events.TopicEvaluation, events.TopicDeployment, events.TopicDisruptionBudget:
			if namespace == anyNamespace {
				return a.AnyNamespace(acl.ReadJob)
			}
			return a.Namespace(namespace, acl.ReadJob)
		case events.TopicNode:
			return a.Node(acl.LevelRead)
		case events.TopicNodePool:
			return a.AnyNodePool(acl.PoolRead)
		case events.TopicOperator, events.TopicQueue:
			return a.Operator(acl.LevelRead)
		case events.TopicAny, events.TopicNamespace, events.TopicPriorityClass:
			return anywhere().check(r, nil) == nil
		}
		return a.IsManagement() // ACL objects, and what a later version adds
	})
}

// seesEvent reports whether an event may be shown: whether its object may.
func (r *request) seesEvent(e *events.Event) bool {
	return r.asks(func(a *acl.ACL) bool {
		switch e.Topic {
		case events.TopicNodePool:
			return a.NodePool(e.Key, acl.PoolRead)
		case events.TopicNamespace:
			return a.SeesNamespace(e.Key)
		}
		return r.seesTopic(e.Topic, e.Namespace)
	})
}

// shown is what a caller may see of a batch, as it may now; nil when that is nothing.
func (r *request) shown(b *events.Batch) (*events.Batch, error) {
	if r.who == nil {
		return b, nil
	}
	if err := r.again(); err != nil {
		return nil, err
	}
	out := &events.Batch{Index: b.Index}
	for _, e := range b.Events {
		if r.seesEvent(e) {
			out.Events = append(out.Events, e)
		}
	}
	if len(out.Events) == 0 {
		return nil, nil
	}
	return out, nil
}
