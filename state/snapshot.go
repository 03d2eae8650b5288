package state

import (
	"iter"

	"berth/structs"
)

// Snapshot is the state at one index. It never changes and may be kept. The getters without W are those of every reader.
type Snapshot struct {
	reader
	store *Store
}

// sameSeq compares two answers by the identity of their objects.
func sameSeq[T any](seq func(*root) iter.Seq[*T]) func(then, now *root) bool {
	return func(then, now *root) bool {
		next, stop := iter.Pull(seq(now))
		defer stop()
		for v := range seq(then) {
			if w, ok := next(); !ok || v != w {
				return false
			}
		}
		_, more := next()
		return !more
	}
}

func sameOne[T any](one func(*root) *T) func(then, now *root) bool {
	return func(then, now *root) bool { return one(then) == one(now) }
}

// table watches a whole table.
func (s *Snapshot) table(t Table) <-chan struct{} {
	return s.watch(watchKey{table: t, by: byTable}, func(then, now *root) bool { return then.changed[t] == now.changed[t] })
}

// JobW is Job and its watch.
func (s *Snapshot) JobW(namespace, id string) (*structs.Job, <-chan struct{}) {
	return s.Job(namespace, id), s.watch(watchKey{table: TableJobs, by: byObject, ns: namespace, name: id},
		sameOne(func(r *root) *structs.Job { return r.record(namespace, id).job }))
}

// JobsW is Jobs and its watch.
func (s *Snapshot) JobsW() (iter.Seq[*structs.Job], <-chan struct{}) {
	return s.Jobs(), s.table(TableJobs)
}

// JobVersionsW is JobVersions and its watch.
func (s *Snapshot) JobVersionsW(namespace, id string) (iter.Seq[*structs.Job], <-chan struct{}) {
	return s.JobVersions(namespace, id), s.watch(watchKey{table: TableJobVersions, by: byObject, ns: namespace, name: id},
		sameSeq(func(r *root) iter.Seq[*structs.Job] { return versionsOf(r, namespace, id) }))
}

// JobSummaryW is JobSummary and its watch.
func (s *Snapshot) JobSummaryW(namespace, id string) (*structs.JobSummary, <-chan struct{}) {
	return s.JobSummary(namespace, id), s.watch(watchKey{table: TableJobSummaries, by: byObject, ns: namespace, name: id},
		sameOne(func(r *root) *structs.JobSummary { return r.record(namespace, id).summary }))
}

// JobSummariesW watches the summaries of all jobs.
func (s *Snapshot) JobSummariesW() <-chan struct{} { return s.table(TableJobSummaries) }

// NodeW is Node and its watch.
func (s *Snapshot) NodeW(id structs.ID) (*structs.Node, <-chan struct{}) {
	return s.Node(id), s.watch(watchKey{table: TableNodes, by: byObject, id: id},
		sameOne(func(r *root) *structs.Node { return get(&r.nodes, id) }))
}

// NodesW is Nodes and its watch.
func (s *Snapshot) NodesW() (iter.Seq[*structs.Node], <-chan struct{}) {
	return s.Nodes(), s.table(TableNodes)
}

// AllocW is Alloc and its watch.
func (s *Snapshot) AllocW(id structs.ID) (*structs.Allocation, <-chan struct{}) {
	return s.Alloc(id), s.watch(watchKey{table: TableAllocs, by: byObject, id: id},
		sameOne(func(r *root) *structs.Allocation { return get(&r.allocs, id) }))
}

// AllocsW is Allocs and its watch.
func (s *Snapshot) AllocsW() (iter.Seq[*structs.Allocation], <-chan struct{}) {
	return s.Allocs(), s.table(TableAllocs)
}

// AllocsByJobW is AllocsByJob and its watch.
func (s *Snapshot) AllocsByJobW(namespace, id string) (iter.Seq[*structs.Allocation], <-chan struct{}) {
	return s.AllocsByJob(namespace, id), s.watch(watchKey{table: TableAllocs, by: byJob, ns: namespace, name: id},
		sameSeq(func(r *root) iter.Seq[*structs.Allocation] { return allocsByJob(r, namespace, id) }))
}

// AllocsByNodeW is AllocsByNode and its watch.
func (s *Snapshot) AllocsByNodeW(node structs.ID) (iter.Seq[*structs.Allocation], <-chan struct{}) {
	return s.AllocsByNode(node), s.watch(watchKey{table: TableAllocs, by: byNode, id: node},
		sameSeq(func(r *root) iter.Seq[*structs.Allocation] { return allocsByNode(r, node) }))
}

// AllocsByEvalW is AllocsByEval and its watch.
func (s *Snapshot) AllocsByEvalW(eval structs.ID) (iter.Seq[*structs.Allocation], <-chan struct{}) {
	return s.AllocsByEval(eval), s.watch(watchKey{table: TableAllocs, by: byEval, id: eval},
		sameSeq(func(r *root) iter.Seq[*structs.Allocation] { return allocsByEval(r, eval) }))
}

// AllocsByDeploymentW is AllocsByDeployment and its watch.
func (s *Snapshot) AllocsByDeploymentW(deployment structs.ID) (iter.Seq[*structs.Allocation], <-chan struct{}) {
	return s.AllocsByDeployment(deployment), s.watch(watchKey{table: TableAllocs, by: byDeployment, id: deployment},
		sameSeq(func(r *root) iter.Seq[*structs.Allocation] { return allocsByDeployment(r, deployment) }))
}

// EvalW is Eval and its watch.
func (s *Snapshot) EvalW(id structs.ID) (*structs.Evaluation, <-chan struct{}) {
	return s.Eval(id), s.watch(watchKey{table: TableEvals, by: byObject, id: id},
		sameOne(func(r *root) *structs.Evaluation { return get(&r.evals, id) }))
}

// EvalsW is Evals and its watch.
func (s *Snapshot) EvalsW() (iter.Seq[*structs.Evaluation], <-chan struct{}) {
	return s.Evals(), s.table(TableEvals)
}

// EvalsByJobW is EvalsByJob and its watch.
func (s *Snapshot) EvalsByJobW(namespace, id string) (iter.Seq[*structs.Evaluation], <-chan struct{}) {
	return s.EvalsByJob(namespace, id), s.watch(watchKey{table: TableEvals, by: byJob, ns: namespace, name: id},
		sameSeq(func(r *root) iter.Seq[*structs.Evaluation] { return evalsByJob(r, namespace, id) }))
}

// DeploymentW is Deployment and its watch.
func (s *Snapshot) DeploymentW(id structs.ID) (*structs.Deployment, <-chan struct{}) {
	return s.Deployment(id), s.watch(watchKey{table: TableDeployments, by: byObject, id: id},
		sameOne(func(r *root) *structs.Deployment { return get(&r.deployments, id) }))
}

// DeploymentsW is Deployments and its watch.
func (s *Snapshot) DeploymentsW() (iter.Seq[*structs.Deployment], <-chan struct{}) {
	return s.Deployments(), s.table(TableDeployments)
}

// DeploymentsByJobW is DeploymentsByJob and its watch.
func (s *Snapshot) DeploymentsByJobW(namespace, id string) (iter.Seq[*structs.Deployment], <-chan struct{}) {
	return s.DeploymentsByJob(namespace, id), s.watch(watchKey{table: TableDeployments, by: byJob, ns: namespace, name: id},
		sameSeq(func(r *root) iter.Seq[*structs.Deployment] { return deploymentsByJob(r, namespace, id) }))
}

// LatestDeploymentW is LatestDeployment and a watch of all the job's deployments.
func (s *Snapshot) LatestDeploymentW(namespace, id string) (*structs.Deployment, <-chan struct{}) {
	_, ch := s.DeploymentsByJobW(namespace, id)
	return s.LatestDeployment(namespace, id), ch
}

// SchedulerConfigW is SchedulerConfig and its watch.
func (s *Snapshot) SchedulerConfigW() (*structs.SchedulerConfiguration, <-chan struct{}) {
	return s.SchedulerConfig(), s.table(TableSchedulerConfig)
}

// NamespaceW is Namespace and its watch.
func (s *Snapshot) NamespaceW(name string) (*structs.Namespace, <-chan struct{}) {
	return s.Namespace(name), s.watch(watchKey{table: TableNamespaces, by: byObject, name: name},
		sameOne(func(r *root) *structs.Namespace { return get(&r.namespaces, name) }))
}

// NamespacesW is Namespaces and its watch.
func (s *Snapshot) NamespacesW() (iter.Seq[*structs.Namespace], <-chan struct{}) {
	return s.Namespaces(), s.table(TableNamespaces)
}

// NodePoolW is NodePool and its watch.
func (s *Snapshot) NodePoolW(name string) (*structs.NodePool, <-chan struct{}) {
	return s.NodePool(name), s.watch(watchKey{table: TableNodePools, by: byObject, name: name},
		sameOne(func(r *root) *structs.NodePool { return get(&r.pools, name) }))
}

// NodePoolsW is NodePools and its watch.
func (s *Snapshot) NodePoolsW() (iter.Seq[*structs.NodePool], <-chan struct{}) {
	return s.NodePools(), s.table(TableNodePools)
}
