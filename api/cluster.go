package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"berth/structs"
)

// Evaluations are the calls about evaluations.
type Evaluations struct{ c *Client }

// Evaluations are the calls about evaluations.
func (c *Client) Evaluations() Evaluations { return Evaluations{c} }

// List lists evaluations. Params: status and job select.
func (e Evaluations) List(ctx context.Context, q *QueryOptions) ([]*structs.Evaluation, *QueryMeta, error) {
	return get[[]*structs.Evaluation](ctx, e.c, "/v1/evaluations", q)
}

// Get reads an evaluation; param related=true adds the ones it belongs with.
func (e Evaluations) Get(ctx context.Context, id string, q *QueryOptions) (*structs.Evaluation, *QueryMeta, error) {
	return get[*structs.Evaluation](ctx, e.c, "/v1/evaluation/"+escape(id), q)
}

// Allocations lists what an evaluation placed or changed.
func (e Evaluations) Allocations(ctx context.Context, id string, q *QueryOptions) ([]*structs.AllocListStub, *QueryMeta, error) {
	return get[[]*structs.AllocListStub](ctx, e.c, "/v1/evaluation/"+escape(id)+"/allocations", q)
}

// Count counts evaluations.
func (e Evaluations) Count(ctx context.Context, q *QueryOptions) (int, error) {
	out, _, err := get[struct{ Count int }](ctx, e.c, "/v1/evaluations/count", q)
	return out.Count, err
}

// Deployments are the calls about deployments.
type Deployments struct{ c *Client }

// Deployments are the calls about deployments.
func (c *Client) Deployments() Deployments { return Deployments{c} }

// List lists deployments.
func (d Deployments) List(ctx context.Context, q *QueryOptions) ([]*structs.Deployment, *QueryMeta, error) {
	return get[[]*structs.Deployment](ctx, d.c, "/v1/deployments", q)
}

// Get reads a deployment.
func (d Deployments) Get(ctx context.Context, id string, q *QueryOptions) (*structs.Deployment, *QueryMeta, error) {
	return get[*structs.Deployment](ctx, d.c, "/v1/deployment/"+escape(id), q)
}

// Allocations lists a deployment's allocations.
func (d Deployments) Allocations(ctx context.Context, id string, q *QueryOptions) ([]*structs.AllocListStub, *QueryMeta, error) {
	return get[[]*structs.AllocListStub](ctx, d.c, "/v1/deployment/allocations/"+escape(id), q)
}

// Fail ends a deployment as failed.
func (d Deployments) Fail(ctx context.Context, id string, w *WriteOptions) (*DeploymentUpdateResponse, *WriteMeta, error) {
	return put[*DeploymentUpdateResponse](ctx, d.c, "/v1/deployment/fail/"+escape(id), map[string]any{"DeploymentID": id}, w)
}

// Pause holds a deployment, or lets it go on.
func (d Deployments) Pause(ctx context.Context, id string, pause bool, w *WriteOptions) (*DeploymentUpdateResponse, *WriteMeta, error) {
	return put[*DeploymentUpdateResponse](ctx, d.c, "/v1/deployment/pause/"+escape(id), map[string]any{"DeploymentID": id, "Pause": pause}, w)
}

// Promote promotes the canaries of the groups, of all when none is named.
func (d Deployments) Promote(ctx context.Context, id string, groups []string, w *WriteOptions) (*DeploymentUpdateResponse, *WriteMeta, error) {
	body := map[string]any{"DeploymentID": id, "All": len(groups) == 0, "Groups": groups}
	return put[*DeploymentUpdateResponse](ctx, d.c, "/v1/deployment/promote/"+escape(id), body, w)
}

// SetAllocHealth sets the health of allocations by hand.
func (d Deployments) SetAllocHealth(ctx context.Context, id string, healthy, unhealthy []string, w *WriteOptions) (*DeploymentUpdateResponse, *WriteMeta, error) {
	body := map[string]any{"DeploymentID": id, "HealthyAllocationIDs": healthy, "UnhealthyAllocationIDs": unhealthy}
	return put[*DeploymentUpdateResponse](ctx, d.c, "/v1/deployment/allocation-health/"+escape(id), body, w)
}

// Nodes are the calls about nodes.
type Nodes struct{ c *Client }

// Nodes are the calls about nodes.
func (c *Client) Nodes() Nodes { return Nodes{c} }

// List lists nodes. Params: resources=true and os=true add to the stubs.
func (n Nodes) List(ctx context.Context, q *QueryOptions) ([]*NodeListStub, *QueryMeta, error) {
	return get[[]*NodeListStub](ctx, n.c, "/v1/nodes", q)
}

// Get reads a node.
func (n Nodes) Get(ctx context.Context, id string, q *QueryOptions) (*Node, *QueryMeta, error) {
	return get[*Node](ctx, n.c, "/v1/node/"+escape(id), q)
}

// Allocations lists what is on a node, whole.
func (n Nodes) Allocations(ctx context.Context, id string, q *QueryOptions) ([]*Allocation, *QueryMeta, error) {
	return get[[]*Allocation](ctx, n.c, "/v1/node/"+escape(id)+"/allocations", q)
}

// SetEligibility opens or closes a node for placements.
func (n Nodes) SetEligibility(ctx context.Context, id string, eligible bool, w *WriteOptions) (*NodeUpdateResponse, *WriteMeta, error) {
	word := structs.NodeIneligible
	if eligible {
		word = structs.NodeEligible
	}
	return put[*NodeUpdateResponse](ctx, n.c, "/v1/node/"+escape(id)+"/eligibility", map[string]any{"NodeID": id, "Eligibility": word}, w)
}

// Drain starts or changes a drain; a nil spec ends it, and markEligible then opens the node again.
func (n Nodes) Drain(ctx context.Context, id string, spec *structs.DrainSpec, markEligible bool, meta map[string]string, w *WriteOptions) (*NodeUpdateResponse, *WriteMeta, error) {
	body := map[string]any{"NodeID": id, "DrainSpec": spec, "MarkEligible": markEligible, "Meta": meta}
	return put[*NodeUpdateResponse](ctx, n.c, "/v1/node/"+escape(id)+"/drain", body, w)
}

// SetTaints replaces the taints a node has from its operator; those of its own configuration stay. With cas it fails when they were
// changed at another index than that: see Node.TaintsIndex.
func (n Nodes) SetTaints(ctx context.Context, id string, taints []*structs.Taint, cas *uint64, w *WriteOptions) (*NodeUpdateResponse, *WriteMeta, error) {
	path := "/v1/node/" + escape(id) + "/taints"
	body := map[string]any{"NodeID": id, "Taints": taints}
	if cas != nil {
		body["Cas"] = *cas
	}
	return put[*NodeUpdateResponse](ctx, n.c, path, body, w)
}

// Evaluate looks again at every job with something on the node.
func (n Nodes) Evaluate(ctx context.Context, id string, w *WriteOptions) (*NodeUpdateResponse, *WriteMeta, error) {
	return put[*NodeUpdateResponse](ctx, n.c, "/v1/node/"+escape(id)+"/evaluate", nil, w)
}

// Purge forgets a node.
func (n Nodes) Purge(ctx context.Context, id string, w *WriteOptions) (*NodeUpdateResponse, *WriteMeta, error) {
	return put[*NodeUpdateResponse](ctx, n.c, "/v1/node/"+escape(id)+"/purge", nil, w)
}

// Stats samples a node; id "" means the agent's own.
func (n Nodes) Stats(ctx context.Context, id string, q *QueryOptions) (*HostStats, error) {
	if id != "" {
		q = q.With("node_id", id)
	}
	out, _, err := get[*HostStats](ctx, n.c, "/v1/client/stats", q)
	return out, err
}

// HostStats is one sample of a machine.
type HostStats struct {
	Memory           *HostMemoryStats
	CPU              []*HostCPUStats
	DiskStats        []*HostDiskStats
	AllocDirStats    *HostDiskStats
	DeviceStats      []any
	Uptime           uint64 // seconds
	CPUTicksConsumed float64
	Timestamp        int64 // Unix ns
}

// HostMemoryStats are bytes.
type HostMemoryStats struct{ Total, Available, Used, Free uint64 }

// HostCPUStats are percent.
type HostCPUStats struct {
	CPU                              string
	User, System, Idle, TotalPercent float64
}

// HostDiskStats are bytes and percent.
type HostDiskStats struct {
	Device, Mountpoint             string
	Size, Used, Available          uint64
	UsedPercent, InodesUsedPercent float64
}

// NodePools are the calls about node pools.
type NodePools struct{ c *Client }

// NodePools are the calls about node pools.
func (c *Client) NodePools() NodePools { return NodePools{c} }

// List lists node pools.
func (p NodePools) List(ctx context.Context, q *QueryOptions) ([]*structs.NodePool, *QueryMeta, error) {
	return get[[]*structs.NodePool](ctx, p.c, "/v1/node/pools", q)
}

// Get reads a node pool.
func (p NodePools) Get(ctx context.Context, name string, q *QueryOptions) (*structs.NodePool, *QueryMeta, error) {
	return get[*structs.NodePool](ctx, p.c, "/v1/node/pool/"+escape(name), q)
}

// Apply creates or changes a node pool.
func (p NodePools) Apply(ctx context.Context, pool *structs.NodePool, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := put[nothing](ctx, p.c, "/v1/node/pools", pool, w)
	return meta, err
}

// Delete removes a node pool.
func (p NodePools) Delete(ctx context.Context, name string, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := write[nothing](ctx, p.c, http.MethodDelete, "/v1/node/pool/"+escape(name), nil, w.values())
	return meta, err
}

// Nodes lists the nodes of a pool.
func (p NodePools) Nodes(ctx context.Context, name string, q *QueryOptions) ([]*NodeListStub, *QueryMeta, error) {
	return get[[]*NodeListStub](ctx, p.c, "/v1/node/pool/"+escape(name)+"/nodes", q)
}

// Jobs lists the jobs of a pool.
func (p NodePools) Jobs(ctx context.Context, name string, q *QueryOptions) ([]*structs.JobListStub, *QueryMeta, error) {
	return get[[]*structs.JobListStub](ctx, p.c, "/v1/node/pool/"+escape(name)+"/jobs", q)
}

// Namespaces are the calls about namespaces.
type Namespaces struct{ c *Client }

// Namespaces are the calls about namespaces.
func (c *Client) Namespaces() Namespaces { return Namespaces{c} }

// List lists namespaces.
func (n Namespaces) List(ctx context.Context, q *QueryOptions) ([]*structs.Namespace, *QueryMeta, error) {
	return get[[]*structs.Namespace](ctx, n.c, "/v1/namespaces", q)
}

// Get reads a namespace.
func (n Namespaces) Get(ctx context.Context, name string, q *QueryOptions) (*structs.Namespace, *QueryMeta, error) {
	return get[*structs.Namespace](ctx, n.c, "/v1/namespace/"+escape(name), q)
}

// Apply creates or changes a namespace.
func (n Namespaces) Apply(ctx context.Context, ns *structs.Namespace, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := put[nothing](ctx, n.c, "/v1/namespace", ns, w)
	return meta, err
}

// Delete removes a namespace that holds nothing.
func (n Namespaces) Delete(ctx context.Context, name string, w *WriteOptions) (*WriteMeta, error) {
	_, meta, err := write[nothing](ctx, n.c, http.MethodDelete, "/v1/namespace/"+escape(name), nil, w.values())
	return meta, err
}

// Agent are the calls about the agent itself.
type Agent struct{ c *Client }

// Agent are the calls about the agent itself.
func (c *Client) Agent() Agent { return Agent{c} }

// Self describes the agent.
func (a Agent) Self(ctx context.Context) (*AgentSelf, error) {
	out, _, err := get[*AgentSelf](ctx, a.c, "/v1/agent/self", nil)
	return out, err
}

// Health tells whether the agent's roles work.
func (a Agent) Health(ctx context.Context) (*AgentHealth, error) {
	out, _, err := get[*AgentHealth](ctx, a.c, "/v1/agent/health", nil)
	return out, err
}

// Members lists the servers the agent knows.
func (a Agent) Members(ctx context.Context) (*ServerMembers, error) {
	out, _, err := get[*ServerMembers](ctx, a.c, "/v1/agent/members", nil)
	return out, err
}

// Leader is the address of the cluster's leader, "" when there is none.
func (c *Client) Leader(ctx context.Context, q *QueryOptions) (string, error) {
	out, _, err := get[string](ctx, c, "/v1/status/leader", q)
	return out, err
}

// Regions lists the regions the agent knows.
func (c *Client) Regions(ctx context.Context) ([]string, error) {
	out, _, err := get[[]string](ctx, c, "/v1/regions", nil)
	return out, err
}

// Operator are the calls for whoever runs the cluster.
type Operator struct{ c *Client }

// Operator are the calls for whoever runs the cluster.
func (c *Client) Operator() Operator { return Operator{c} }

// RaftConfiguration lists the servers of the Raft cluster.
func (o Operator) RaftConfiguration(ctx context.Context, q *QueryOptions) (*RaftConfiguration, error) {
	out, _, err := get[*RaftConfiguration](ctx, o.c, "/v1/operator/raft/configuration", q)
	return out, err
}

// SchedulerConfiguration reads the scheduler's configuration.
func (o Operator) SchedulerConfiguration(ctx context.Context, q *QueryOptions) (*SchedulerConfigurationResponse, *QueryMeta, error) {
	return get[*SchedulerConfigurationResponse](ctx, o.c, "/v1/operator/scheduler/configuration", q)
}

// SetSchedulerConfiguration replaces it; with check only if nobody changed it since index.
func (o Operator) SetSchedulerConfiguration(ctx context.Context, cfg *structs.SchedulerConfiguration, check *uint64, w *WriteOptions) (*SchedulerSetResponse, *WriteMeta, error) {
	v := w.values()
	if check != nil {
		v.Set("cas", strconv.FormatUint(*check, 10))
	}
	return write[*SchedulerSetResponse](ctx, o.c, http.MethodPut, "/v1/operator/scheduler/configuration", cfg, v)
}

// SystemGC removes everything that is over.
func (c *Client) SystemGC(ctx context.Context) error {
	_, _, err := write[nothing](ctx, c, http.MethodPut, "/v1/system/gc", nil, nil)
	return err
}

// Search finds ids that begin with a prefix; context "all" looks everywhere.
func (c *Client) Search(ctx context.Context, prefix, context string, q *QueryOptions) (*SearchResponse, error) {
	body := map[string]string{"Prefix": prefix, "Context": context}
	out, _, err := write[*SearchResponse](ctx, c, http.MethodPut, "/v1/search", body, q.values())
	return out, err
}

// FuzzySearch finds names that hold a text of at least two characters, whatever their case; context "all" looks everywhere.
func (c *Client) FuzzySearch(ctx context.Context, text, context string, q *QueryOptions) (*FuzzySearchResponse, error) {
	body := map[string]string{"Text": text, "Context": context}
	out, _, err := write[*FuzzySearchResponse](ctx, c, http.MethodPut, "/v1/search/fuzzy", body, q.values())
	return out, err
}

// WaitLeader blocks until the cluster has a leader.
func (c *Client) WaitLeader(ctx context.Context) error {
	for {
		leader, err := c.Leader(ctx, nil)
		if err == nil && leader != "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
