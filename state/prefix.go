package state

import (
	"iter"
	"strings"

	"berth/state/sorted"
	"berth/structs"
)

// firstID is the least id whose text begins so; false when none does.
func firstID(prefix string) (structs.ID, bool) {
	const shape = "00000000-0000-0000-0000-000000000000"
	if len(prefix) > len(shape) {
		return structs.ID{}, false
	}
	id, err := structs.ParseID(prefix + shape[len(prefix):])
	return id, err == nil
}

// idsWith are the objects of a tree whose id's text begins so. Upper case counts as lower.
func idsWith[T any](tree *sorted.Tree[structs.ID, *T], prefix string, id func(*T) structs.ID) iter.Seq[*T] {
	prefix = strings.ToLower(prefix)
	first, ok := firstID(prefix)
	if !ok {
		return func(func(*T) bool) {}
	}
	return tree.Range(first, func(v *T) bool { return strings.HasPrefix(id(v).String(), prefix) })
}

// AllocsWith are the allocations whose id begins so, by id.
func (rd reader) AllocsWith(prefix string) iter.Seq[*structs.Allocation] {
	return steady(rd, func(r *root) iter.Seq[*structs.Allocation] {
		return idsWith(&r.allocs, prefix, func(a *structs.Allocation) structs.ID { return a.ID })
	})
}

// EvalsWith are the evaluations whose id begins so, by id.
func (rd reader) EvalsWith(prefix string) iter.Seq[*structs.Evaluation] {
	return steady(rd, func(r *root) iter.Seq[*structs.Evaluation] {
		return idsWith(&r.evals, prefix, func(e *structs.Evaluation) structs.ID { return e.ID })
	})
}

// NodesWith are the nodes whose id begins so, by id.
func (rd reader) NodesWith(prefix string) iter.Seq[*structs.Node] {
	return steady(rd, func(r *root) iter.Seq[*structs.Node] {
		return idsWith(&r.nodes, prefix, func(n *structs.Node) structs.ID { return n.ID })
	})
}

// DeploymentsWith are the deployments whose id begins so, by id.
func (rd reader) DeploymentsWith(prefix string) iter.Seq[*structs.Deployment] {
	return steady(rd, func(r *root) iter.Seq[*structs.Deployment] {
		return idsWith(&r.deployments, prefix, func(d *structs.Deployment) structs.ID { return d.ID })
	})
}

// JobsWith are the jobs of a namespace whose id begins so, by id.
func (rd reader) JobsWith(namespace, prefix string) iter.Seq[*structs.Job] {
	return steady(rd, func(r *root) iter.Seq[*structs.Job] { return jobsWith(r, namespace, prefix) })
}

func jobsWith(r *root, namespace, prefix string) iter.Seq[*structs.Job] {
	records := r.records.Range(structs.JobKey{Namespace: namespace, ID: prefix}, func(rec *record) bool {
		return rec.key.Namespace == namespace && strings.HasPrefix(rec.key.ID, prefix)
	})
	return func(yield func(*structs.Job) bool) {
		for rec := range records {
			if rec.job != nil && !yield(rec.job) {
				return
			}
		}
	}
}
