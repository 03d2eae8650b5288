package state

import (
	"strings"

	"berth/state/sorted"
	"berth/structs"
)

// byKey is the key of indexes: an owner, and the object's own id.
type byKey struct{ owner, id structs.ID }

func compareByKey(a, b byKey) int {
	if c := a.owner.Compare(b.owner); c != 0 {
		return c
	}
	return a.id.Compare(b.id)
}

func compareJobKey(a, b structs.JobKey) int {
	if a.Namespace != b.Namespace { // most are of one
		return strings.Compare(a.Namespace, b.Namespace)
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
	life    uint64             // how often the whole state was replaced
	chain   Chain

	records     byJobKey[record]
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
	queues      byName[structs.Queue]
	bootstrap   *structs.ACLBootstrap // nil until the first token was made
	config      *structs.SchedulerConfiguration
	autopilot   *structs.AutopilotConfiguration // nil until it was set

	allocs             byID[structs.Allocation]
	allocsByNode       byIndex[structs.Allocation]
	allocsByEval       byIndex[structs.Allocation]
	allocsByDeployment byIndex[structs.Allocation]

	evals       byID[structs.Evaluation]
	deployments byID[structs.Deployment]

	// Derived.
	secrets sorted.Tree[secretHash, *secretOf]
	nodeUse byID[NodeUse]
	// inNamespace has when parts of tables changed; restored are the tables' indexes of the restore, for parts that did not change since.
	inNamespace sorted.Tree[namespaceKey, *namespaceIndex]
	restored    [TableCount]uint64
}

// newRoot is the state of a new cluster before its first entry: empty but for the scheduler configuration, the namespace and
// the node pools that are always there.
func newRoot() *root {
	r := &root{
		records:    sorted.New(recordOrder),
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
		queues:      newKeyed(func(q *structs.Queue) string { return q.Name }, strings.Compare),
		config:      structs.DefaultSchedulerConfiguration(),

		allocs:             newKeyed(func(a *structs.Allocation) structs.ID { return a.ID }, compareID),
		allocsByNode:       newKeyed(func(a *structs.Allocation) byKey { return byKey{a.NodeID, a.ID} }, compareByKey),
		allocsByEval:       newKeyed(func(a *structs.Allocation) byKey { return byKey{a.EvalID, a.ID} }, compareByKey),
		allocsByDeployment: newKeyed(func(a *structs.Allocation) byKey { return byKey{a.DeploymentID, a.ID} }, compareByKey),

		evals:       newKeyed(func(e *structs.Evaluation) structs.ID { return e.ID }, compareID),
		deployments: newKeyed(func(d *structs.Deployment) structs.ID { return d.ID }, compareID),

		secrets: newKeyed(func(s *secretOf) secretHash { return s.hash }, compareSecretHash),
		nodeUse: newKeyed(func(u *NodeUse) structs.ID { return u.NodeID }, compareID),

		inNamespace: newKeyed(func(n *namespaceIndex) namespaceKey { return n.key }, compareNamespaceKey),
	}
	e := new(sorted.Edit)
	r.namespaces.Set(e, &structs.Namespace{Name: structs.DefaultNamespace, Description: "Default shared namespace"})
	r.pools.Set(e, &structs.NodePool{Name: structs.DefaultNodePool, Description: "Default node pool"})
	r.pools.Set(e, &structs.NodePool{Name: structs.NodePoolAll, Description: "All nodes of the cluster"})
	return r
}

func newKeyed[K, T any](key func(*T) K, compare func(a, b K) int) sorted.Tree[K, *T] {
	return sorted.New(&sorted.Order[K, *T]{Key: key, Compare: compare})
}

func newJobKeyed[T any](key func(*T) structs.JobKey) byJobKey[T] { return newKeyed(key, compareJobKey) }
