package state

import (
	"iter"
	"slices"

	"berth/state/sorted"
	"berth/structs"
)

// reader reads one version of the state: a snapshot's, or a transaction's own.
type reader struct {
	r   *root
	txn *WriteTxn // nil for a snapshot
}

// steady is a sequence of one version: what a transaction writes while the sequence runs does not disturb it.
func steady[T any](rd reader, of func(r *root) iter.Seq[T]) iter.Seq[T] {
	if rd.txn == nil {
		return of(rd.r)
	}
	return func(yield func(T) bool) {
		defer rd.txn.look()()
		of(rd.r)(yield)
	}
}

func get[K, T any](t *sorted.Tree[K, *T], key K) *T {
	v, _ := t.Get(key)
	return v
}

// Index is the log index of the last transaction.
func (rd reader) Index() uint64 { return rd.r.index }

// TableIndex is the log index that last changed the table; 0 when nothing ever did.
func (rd reader) TableIndex(t Table) uint64 { return rd.r.changed[t] }

// Chain is the rolling hash of what was applied.
func (rd reader) Chain() Chain { return rd.r.chain }

// Job is the current version of a job.
func (rd reader) Job(namespace, id string) *structs.Job {
	return rd.record(namespace, id).job
}

// Jobs are all jobs by namespace and id.
func (rd reader) Jobs() iter.Seq[*structs.Job] {
	return steady(rd, func(r *root) iter.Seq[*structs.Job] { return r.jobs() })
}

// JobVersion is one kept version of a job. Its status fields are those of its time.
func (rd reader) JobVersion(namespace, id string, version uint64) *structs.Job {
	return rd.record(namespace, id).version(version)
}

// NewestJobVersion is the newest kept version of a job, nil when none is.
func (rd reader) NewestJobVersion(namespace, id string) *structs.Job {
	if kept := rd.record(namespace, id).versions; len(kept) > 0 {
		return kept[0]
	}
	return nil
}

// JobVersions are the kept versions of a job, newest first.
func (rd reader) JobVersions(namespace, id string) iter.Seq[*structs.Job] {
	return steady(rd, func(r *root) iter.Seq[*structs.Job] { return versionsOf(r, namespace, id) })
}

func versionsOf(r *root, namespace, id string) iter.Seq[*structs.Job] {
	return slices.Values(r.record(namespace, id).versions)
}

// Submission is the text a job version was written as.
func (rd reader) Submission(namespace, id string, version uint64) *structs.JobSubmission {
	return rd.record(namespace, id).submission(version)
}

// JobSummary counts a job's allocations.
func (rd reader) JobSummary(namespace, id string) *structs.JobSummary {
	return rd.record(namespace, id).summary
}

// Node is a node.
func (rd reader) Node(id structs.ID) *structs.Node { return get(&rd.r.nodes, id) }

// Nodes are all nodes by id.
func (rd reader) Nodes() iter.Seq[*structs.Node] {
	return steady(rd, func(r *root) iter.Seq[*structs.Node] { return r.nodes.All() })
}

// Alloc is an allocation, its job version linked.
func (rd reader) Alloc(id structs.ID) *structs.Allocation { return get(&rd.r.allocs, id) }

// Allocs are all allocations by id.
func (rd reader) Allocs() iter.Seq[*structs.Allocation] {
	return steady(rd, func(r *root) iter.Seq[*structs.Allocation] { return r.allocs.All() })
}

// AllocsByJob are a job's allocations, of every version, by id.
func (rd reader) AllocsByJob(namespace, id string) iter.Seq[*structs.Allocation] {
	return steady(rd, func(r *root) iter.Seq[*structs.Allocation] { return allocsByJob(r, namespace, id) })
}

func allocsByJob(r *root, namespace, id string) iter.Seq[*structs.Allocation] {
	return r.record(namespace, id).allocs.All()
}

// AllocsByNode are a node's allocations, those that are over included until they are reaped, by id.
func (rd reader) AllocsByNode(node structs.ID) iter.Seq[*structs.Allocation] {
	return steady(rd, func(r *root) iter.Seq[*structs.Allocation] { return allocsByNode(r, node) })
}

func allocsByNode(r *root, node structs.ID) iter.Seq[*structs.Allocation] {
	return r.allocsByNode.Range(byKey{owner: node}, func(a *structs.Allocation) bool { return a.NodeID == node })
}

// AllocsByEval are the allocations an evaluation placed, by id.
func (rd reader) AllocsByEval(eval structs.ID) iter.Seq[*structs.Allocation] {
	return steady(rd, func(r *root) iter.Seq[*structs.Allocation] { return allocsByEval(r, eval) })
}

func allocsByEval(r *root, eval structs.ID) iter.Seq[*structs.Allocation] {
	return r.allocsByEval.Range(byKey{owner: eval}, func(a *structs.Allocation) bool { return a.EvalID == eval })
}

// AllocsByDeployment are the allocations of a deployment, by id.
func (rd reader) AllocsByDeployment(deployment structs.ID) iter.Seq[*structs.Allocation] {
	return steady(rd, func(r *root) iter.Seq[*structs.Allocation] { return allocsByDeployment(r, deployment) })
}

func allocsByDeployment(r *root, deployment structs.ID) iter.Seq[*structs.Allocation] {
	return r.allocsByDeployment.Range(byKey{owner: deployment}, func(a *structs.Allocation) bool {
		return a.DeploymentID == deployment
	})
}

// Eval is an evaluation.
func (rd reader) Eval(id structs.ID) *structs.Evaluation { return get(&rd.r.evals, id) }

// Evals are all evaluations by id.
func (rd reader) Evals() iter.Seq[*structs.Evaluation] {
	return steady(rd, func(r *root) iter.Seq[*structs.Evaluation] { return r.evals.All() })
}

// EvalsByJob are a job's evaluations, oldest first.
func (rd reader) EvalsByJob(namespace, id string) iter.Seq[*structs.Evaluation] {
	return steady(rd, func(r *root) iter.Seq[*structs.Evaluation] { return evalsByJob(r, namespace, id) })
}

func evalsByJob(r *root, namespace, id string) iter.Seq[*structs.Evaluation] {
	return r.record(namespace, id).evals.All()
}

// Deployment is a deployment.
func (rd reader) Deployment(id structs.ID) *structs.Deployment { return get(&rd.r.deployments, id) }

// Deployments are all deployments by id.
func (rd reader) Deployments() iter.Seq[*structs.Deployment] {
	return steady(rd, func(r *root) iter.Seq[*structs.Deployment] { return r.deployments.All() })
}

// DeploymentsByJob are a job's deployments, newest first.
func (rd reader) DeploymentsByJob(namespace, id string) iter.Seq[*structs.Deployment] {
	return steady(rd, func(r *root) iter.Seq[*structs.Deployment] { return deploymentsByJob(r, namespace, id) })
}

func deploymentsByJob(r *root, namespace, id string) iter.Seq[*structs.Deployment] {
	return r.record(namespace, id).deployments.All()
}

// LatestDeployment is a job's newest deployment.
func (rd reader) LatestDeployment(namespace, id string) *structs.Deployment {
	return latestDeployment(rd.r, namespace, id)
}

func latestDeployment(r *root, namespace, id string) *structs.Deployment {
	for d := range deploymentsByJob(r, namespace, id) {
		return d
	}
	return nil
}

// SchedulerConfig is never nil.
func (rd reader) SchedulerConfig() *structs.SchedulerConfiguration { return rd.r.config }

// Namespace is a namespace.
func (rd reader) Namespace(name string) *structs.Namespace { return get(&rd.r.namespaces, name) }

// Namespaces are all namespaces by name.
func (rd reader) Namespaces() iter.Seq[*structs.Namespace] {
	return steady(rd, func(r *root) iter.Seq[*structs.Namespace] { return r.namespaces.All() })
}

// NodePool is a node pool.
func (rd reader) NodePool(name string) *structs.NodePool { return get(&rd.r.pools, name) }

// NodePools are all node pools by name.
func (rd reader) NodePools() iter.Seq[*structs.NodePool] {
	return steady(rd, func(r *root) iter.Seq[*structs.NodePool] { return r.pools.All() })
}

// NodeUse is what the allocations of a node hold of it; nil when they hold nothing.
func (rd reader) NodeUse(node structs.ID) *NodeUse { return get(&rd.r.nodeUse, node) }

// JobCounts are a job's allocations and evaluations in numbers.
func (rd reader) JobCounts(namespace, id string) JobCounts {
	return rd.record(namespace, id).counts()
}

// AllJobVersions are the kept versions of all jobs, by job, newest first.
func (rd reader) AllJobVersions() iter.Seq[*structs.Job] {
	return steady(rd, func(r *root) iter.Seq[*structs.Job] { return r.versions() })
}

// AllSubmissions are what all job versions were written as.
func (rd reader) AllSubmissions() iter.Seq[*structs.JobSubmission] {
	return steady(rd, func(r *root) iter.Seq[*structs.JobSubmission] { return r.submissions() })
}

// JobSummaries are the summaries of all jobs by namespace and id.
func (rd reader) JobSummaries() iter.Seq[*structs.JobSummary] {
	return steady(rd, func(r *root) iter.Seq[*structs.JobSummary] { return r.summaries() })
}
