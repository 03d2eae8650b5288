package state

import (
	"cmp"
	"strings"

	"berth/state/sorted"
	"berth/structs"
)

// byKey is the key of indexes: an owner (a job's name, or an id), a number within it, and the object's own id.
type byKey struct {
	ns, name string
	owner    structs.ID
	n        uint64
	id       structs.ID
}

func compareByKey(a, b byKey) int {
	if c := a.owner.Compare(b.owner); c != 0 {
		return c
	}
	if c := strings.Compare(a.ns, b.ns); c != 0 {
		return c
	}
	if c := strings.Compare(a.name, b.name); c != 0 {
		return c
	}
	if c := cmp.Compare(a.n, b.n); c != 0 {
		return c
	}
	return a.id.Compare(b.id)
}

// ofJob compares the key of what is a job's with another of that index.
func ofJob(ns, name string, n uint64, id structs.ID, with byKey) int {
	if c := strings.Compare(ns, with.ns); c != 0 {
		return c
	}
	if c := strings.Compare(name, with.name); c != 0 {
		return c
	}
	if c := cmp.Compare(n, with.n); c != 0 {
		return c
	}
	return id.Compare(with.id)
}

// ofOwner compares the key of what belongs to an id with another of that index.
func ofOwner(owner, id structs.ID, with byKey) int {
	if c := owner.Compare(with.owner); c != 0 {
		return c
	}
	return id.Compare(with.id)
}

func compareJobKey(a, b structs.JobKey) int {
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

func compareID(a, b structs.ID) int { return a.Compare(b) }

// The kinds of trees a root is made of.
type (
	byID[T any]     = sorted.Tree[structs.ID, *T]
	byJobKey[T any] = sorted.Tree[structs.JobKey, *T]
	byName[T any]   = sorted.Tree[string, *T]
	byIndex[T any]  = sorted.Tree[byKey, *T]
)

// root is one version of the whole state.
type root struct {
	index   uint64
	changed [TableCount]uint64 // index of each table's last change
	chain   Chain

	jobs        byJobKey[structs.Job]
	versions    byIndex[structs.Job]
	submissions byIndex[structs.JobSubmission]
	summaries   byJobKey[structs.JobSummary]
	nodes       byID[structs.Node]
	namespaces  byName[structs.Namespace]
	pools       byName[structs.NodePool]
	roots       byName[structs.AuthorityRoot]
	joinTokens  byID[structs.JoinToken]
	launches    byJobKey[structs.PeriodicLaunch]
	regions     byName[structs.Region]
	classes     byName[structs.PriorityClass]
	budgets     byJobKey[structs.DisruptionBudget]
	revocations byName[structs.CertificateRevocation]
	policies    byName[structs.ACLPolicy]
	aclRoles    byID[structs.ACLRole]
	tokens      byID[structs.ACLToken]
	oneTime     byID[structs.OneTimeToken]
	bootstrap   *structs.ACLBootstrap // nil until the first token was made
	config      *structs.SchedulerConfiguration
	autopilot   *structs.AutopilotConfiguration // nil until it was set

	allocs             byID[structs.Allocation]
	allocsByJob        byIndex[structs.Allocation]
	allocsByNode       byIndex[structs.Allocation]
	allocsByEval       byIndex[structs.Allocation]
	allocsByDeployment byIndex[structs.Allocation]

	evals      byID[structs.Evaluation]
	evalsByJob byIndex[structs.Evaluation]

	deployments      byID[structs.Deployment]
	deploymentsByJob byIndex[structs.Deployment]

	// Derived.
	secrets   sorted.Tree[secretHash, *secretOf]
	nodeUse   byID[NodeUse]
	jobCounts byJobKey[jobCounts]
	// inNamespace has when parts of tables changed; restored are the tables' indexes of the restore, for parts that did not change since.
	inNamespace sorted.Tree[namespaceKey, *namespaceIndex]
	restored    [TableCount]uint64
}

// newRoot is the state of a new cluster before its first entry: empty but for the scheduler configuration, the namespace and
// the node pools that are always there.
func newRoot() *root {
	r := &root{
		jobs: newJobKeyed(func(j *structs.Job) structs.JobKey { return j.Key() }),
		versions: newIndex(func(j *structs.Job) byKey { return versionKey(j.Namespace, j.ID, j.Version) },
			func(j *structs.Job, k byKey) int { return ofJob(j.Namespace, j.ID, ^j.Version, structs.ID{}, k) }),
		submissions: newIndex(func(s *structs.JobSubmission) byKey { return versionKey(s.Namespace, s.JobID, s.Version) },
			func(s *structs.JobSubmission, k byKey) int {
				return ofJob(s.Namespace, s.JobID, ^s.Version, structs.ID{}, k)
			}),
		summaries:  newJobKeyed(func(s *structs.JobSummary) structs.JobKey { return structs.JobKey{Namespace: s.Namespace, ID: s.JobID} }),
		nodes:      newKeyed(func(n *structs.Node) structs.ID { return n.ID }, compareID),
		namespaces: newKeyed(func(n *structs.Namespace) string { return n.Name }, strings.Compare),
		pools:      newKeyed(func(p *structs.NodePool) string { return p.Name }, strings.Compare),
		roots:      newKeyed(func(r *structs.AuthorityRoot) string { return r.ID }, strings.Compare),
		joinTokens: newKeyed(func(j *structs.JoinToken) structs.ID { return j.ID }, compareID),
		launches: newJobKeyed(func(l *structs.PeriodicLaunch) structs.JobKey {
			return structs.JobKey{Namespace: l.Namespace, ID: l.JobID}
		}),
		regions:     newKeyed(func(r *structs.Region) string { return r.Name }, strings.Compare),
		classes:     newKeyed(func(c *structs.PriorityClass) string { return c.Name }, strings.Compare),
		budgets:     newJobKeyed(func(b *structs.DisruptionBudget) structs.JobKey { return b.Key() }),
		revocations: newKeyed(func(c *structs.CertificateRevocation) string { return c.Name }, strings.Compare),
		policies:    newKeyed(func(p *structs.ACLPolicy) string { return p.Name }, strings.Compare),
		aclRoles:    newKeyed(func(r *structs.ACLRole) structs.ID { return r.ID }, compareID),
		tokens:      newKeyed(func(t *structs.ACLToken) structs.ID { return t.AccessorID }, compareID),
		oneTime:     newKeyed(func(o *structs.OneTimeToken) structs.ID { return o.AccessorID }, compareID),
		config:      structs.DefaultSchedulerConfiguration(),

		allocs: newKeyed(func(a *structs.Allocation) structs.ID { return a.ID }, compareID),
		allocsByJob: newIndex(func(a *structs.Allocation) byKey { return byKey{ns: a.Namespace, name: a.JobID, id: a.ID} },
			func(a *structs.Allocation, k byKey) int { return ofJob(a.Namespace, a.JobID, 0, a.ID, k) }),
		allocsByNode: newIndex(func(a *structs.Allocation) byKey { return byKey{owner: a.NodeID, id: a.ID} },
			func(a *structs.Allocation, k byKey) int { return ofOwner(a.NodeID, a.ID, k) }),
		allocsByEval: newIndex(func(a *structs.Allocation) byKey { return byKey{owner: a.EvalID, id: a.ID} },
			func(a *structs.Allocation, k byKey) int { return ofOwner(a.EvalID, a.ID, k) }),
		allocsByDeployment: newIndex(func(a *structs.Allocation) byKey { return byKey{owner: a.DeploymentID, id: a.ID} },
			func(a *structs.Allocation, k byKey) int { return ofOwner(a.DeploymentID, a.ID, k) }),

		evals: newKeyed(func(e *structs.Evaluation) structs.ID { return e.ID }, compareID),
		evalsByJob: newIndex(func(e *structs.Evaluation) byKey {
			return byKey{ns: e.Namespace, name: e.JobID, n: e.CreateIndex, id: e.ID}
		}, func(e *structs.Evaluation, k byKey) int { return ofJob(e.Namespace, e.JobID, e.CreateIndex, e.ID, k) }),

		deployments: newKeyed(func(d *structs.Deployment) structs.ID { return d.ID }, compareID),
		deploymentsByJob: newIndex(func(d *structs.Deployment) byKey {
			return byKey{ns: d.Namespace, name: d.JobID, n: ^d.CreateIndex, id: d.ID}
		}, func(d *structs.Deployment, k byKey) int { return ofJob(d.Namespace, d.JobID, ^d.CreateIndex, d.ID, k) }),

		secrets:   newKeyed(func(s *secretOf) secretHash { return s.hash }, compareSecretHash),
		nodeUse:   newKeyed(func(u *NodeUse) structs.ID { return u.NodeID }, compareID),
		jobCounts: newJobKeyed(func(c *jobCounts) structs.JobKey { return c.key }),

		inNamespace: newKeyed(func(n *namespaceIndex) namespaceKey { return n.key }, compareNamespaceKey),
	}
	e := new(sorted.Edit)
	r.namespaces.Set(e, &structs.Namespace{Name: structs.DefaultNamespace, Description: "Default shared namespace"})
	r.pools.Set(e, &structs.NodePool{Name: structs.DefaultNodePool, Description: "Default node pool"})
	r.pools.Set(e, &structs.NodePool{Name: structs.NodePoolAll, Description: "All nodes of the cluster"})
	return r
}

// versionKey orders versions newest first.
func versionKey(ns, id string, version uint64) byKey { return byKey{ns: ns, name: id, n: ^version} }

func newKeyed[K, T any](key func(*T) K, compare func(a, b K) int) sorted.Tree[K, *T] {
	return sorted.New(&sorted.Order[K, *T]{Key: key, Compare: compare})
}

func newJobKeyed[T any](key func(*T) structs.JobKey) byJobKey[T] { return newKeyed(key, compareJobKey) }

// newIndex is given the key of an object, and how that compares with another without being made.
func newIndex[T any](key func(*T) byKey, at func(*T, byKey) int) byIndex[T] {
	return sorted.New(&sorted.Order[byKey, *T]{Key: key, Compare: compareByKey, At: at})
}
