package telemetry

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/go-metrics"

	"berth/client"
	"berth/client/hoststats"
	"berth/drivers"
	"berth/server"
	"berth/server/broker"
	"berth/server/placer"
	"berth/structs"
)

// jobsInterval is how often the figures of jobs are sent to other machines, however short the interval: there may be many. Whoever asks
// this one for them is told them as they are then.
const jobsInterval = 10 * time.Second

// statsPatience bounds the questions to a node's tasks for one interval.
const statsPatience = 5 * time.Second

// Node is what the collector asks of this agent's node; *client.Client is it.
type Node interface {
	Node() *structs.Node
	Figures() client.Figures
	HostStats() (*hoststats.Stats, error)
	AllocStats(ctx context.Context, alloc structs.ID, task string) (map[string]*drivers.Usage, error)
}

// Agent is what the collector asks of the agent around both.
type Agent interface {
	// Connections are those of the API: open now, and refused since the start because their address had too many.
	Connections() (open int, refused uint64)
	// Requests are what came by the cluster port, and went to other regions, since the start.
	Requests() Requests
	// Certificates are when this machine's, and the first of the roots it trusts, end; false without any.
	Certificates() (own, root time.Time, ok bool)
}

// Requests are an agent's since its start.
type Requests struct {
	All, Reads, Failed uint64 // of other machines
	Accepted, Raft     uint64 // connections of the cluster port, and those of them that are Raft's
	Abroad             uint64 // requests of callers, sent on to other regions
}

// Collector looks at the parts of an agent.
type Collector struct {
	t      *Telemetry
	server *server.Server // nil without one
	client Node           // nil without one
	agent  Agent          // nil in tests of the others

	placer   placer.Stats // as they were written last
	jobsAt   time.Time
	began    time.Time
	refused  uint64   // as they were written last
	requests Requests // the same
	// allocs are the node's as they were seen last; nil before the first look.
	allocs map[structs.ID]allocSeen
}

// Collect makes the collector of an agent's parts; each may be nil. It is the one that is asked for figures made when they are read.
func (t *Telemetry) Collect(s *server.Server, c Node, a Agent) *Collector {
	col := &Collector{t: t, server: s, client: c, agent: a, began: time.Now()}
	t.collector.Store(col)
	return col
}

// Run writes the state of the parts every interval, until ctx is done.
func (c *Collector) Run(ctx context.Context) error {
	tick := time.NewTicker(c.t.cfg.Interval)
	defer tick.Stop()
	for {
		c.Once(ctx, time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Once writes the state of the parts now.
func (c *Collector) Once(ctx context.Context, now time.Time) {
	c.t.global.EmitRuntimeStats()
	if c.agent != nil {
		c.collectAgent(now)
	}
	if c.server != nil {
		c.collectServer(now)
	}
	if c.client != nil {
		c.collectClient(ctx)
	}
}

func (c *Collector) gauge(v float64, labels []metrics.Label, name ...string) {
	c.t.global.SetGaugeWithLabels(name, float32(v), labels)
}

func (c *Collector) count(n uint64, name ...string) { c.t.global.IncrCounter(name, float32(n)) }

func (c *Collector) collectServer(now time.Time) {
	s := c.server
	leads := 0.0
	if s.IsLeader() {
		leads = 1
	}
	c.gauge(leads, nil, "nomad", "server", "leader")
	c.gauge(float64(s.State().Index()), nil, "nomad", "state", "snapshotIndex")
	c.collectTimes()
	if leads == 0 {
		c.placer = placer.Stats{}
		return
	}
	p := s.PlacerStats()
	c.gauge(float64(p.Queue.Ready-p.Queue.Pending), nil, "nomad", "broker", "total_ready")
	c.gauge(float64(p.Queue.Pending), nil, "nomad", "broker", "total_pending")
	for i, t := range broker.Types {
		c.gauge(float64(p.Queue.Types[i].Ready), nil, "nomad", "broker", t, "ready")
		c.gauge(float64(p.Queue.Types[i].InFlight), nil, "nomad", "broker", t, "unacked")
	}
	c.gauge(float64(p.Queue.InFlight), nil, "nomad", "broker", "total_unacked")
	c.gauge(float64(p.Queue.Waiting), nil, "nomad", "broker", "total_waiting")
	c.gauge(float64(p.Cancelable), nil, "nomad", "broker", "total_cancelable")
	c.gauge(float64(p.Queue.Blocked), nil, "nomad", "blocked_evals", "total_blocked")
	c.gauge(float64(p.Queue.Escaped), nil, "nomad", "blocked_evals", "total_escaped")
	c.gauge(float64(p.Queue.Limited), nil, "nomad", "blocked_evals", "total_quota_limit")
	for _, q := range p.Queues {
		c.queue(&q)
	}
	c.gauge(float64(p.Writing), nil, "nomad", "plan", "queue_depth")
	c.gauge(float64(s.ActiveNodes()), nil, "nomad", "heartbeat", "active")
	if p.Evaluations < c.placer.Evaluations { // another term
		c.placer = placer.Stats{}
	}
	c.count(p.Evaluations-c.placer.Evaluations, "nomad", "placer", "evaluations")
	c.count(p.Placed-min(p.Placed, c.placer.Placed), "nomad", "placer", "placed")
	c.count(p.Failed-min(p.Failed, c.placer.Failed), "nomad", "placer", "failed")
	c.count(p.Refused-min(p.Refused, c.placer.Refused), "nomad", "plan", "node_rejected")
	c.placer = p
	if h, err := s.Health(); err == nil {
		healthy := 0.0
		if h.Healthy {
			healthy = 1
		}
		c.gauge(healthy, nil, "nomad", "autopilot", "healthy")
		c.gauge(float64(h.FailureTolerance), nil, "nomad", "autopilot", "failure_tolerance")
	}
	if r, follows := s.Replication(); follows {
		failing := 0.0
		if r.Failing != "" {
			failing = 1
		}
		c.gauge(r.Age(now).Seconds(), nil, "nomad", "replication", "age")
		c.gauge(failing, nil, "nomad", "replication", "failing")
	}
	if b, set := s.Backup(); set {
		newest, _ := b.Newest()
		age := now.Sub(c.began)
		if !newest.Taken.IsZero() {
			age = now.Sub(newest.Taken)
		}
		c.gauge(age.Seconds(), nil, "nomad", "backup", "age")
		c.gauge(float64(b.Failures), nil, "nomad", "backup", "failures")
		c.gauge(float64(newest.Size), nil, "nomad", "backup", "size")
	}
	if c.t.sent != nil && now.Sub(c.jobsAt) >= jobsInterval {
		c.jobsAt = now
		c.collectJobs(c.t.sent)
	}
}

// collectTimes writes how long took what the server did since the last look.
func (c *Collector) collectTimes() {
	c.server.AppliedSince(func(kind structs.CommandKind, took time.Duration) {
		if name := server.ApplyName(kind); name != "" {
			c.sample(took, "nomad", "fsm", name)
		}
	})
	c.server.TookSince(func(what string, took time.Duration) {
		c.sample(took, append([]string{"nomad"}, strings.Split(what, ".")...)...)
	})
}

// sample writes a time, in milliseconds.
func (c *Collector) sample(took time.Duration, name ...string) {
	c.t.global.AddSample(name, float32(took.Seconds()*1000))
}

// collectJobs counts the jobs by status, and the allocations of each group by theirs, when this server leads.
func (c *Collector) collectJobs(to *metrics.Metrics) {
	if c.server == nil || !c.server.IsLeader() {
		return
	}
	gauge := func(n int, labels []metrics.Label, name ...string) {
		to.SetGaugeWithLabels(append([]string{"nomad"}, name...), float32(n), labels)
	}
	snap := c.server.State().Snapshot()
	var pending, running, dead int
	var cpu, memory int64
	for j := range snap.Jobs() {
		switch j.Status {
		case structs.JobStatusPending:
			pending++
		case structs.JobStatusRunning:
			running++
		case structs.JobStatusDead:
			dead++
		}
		sum := snap.JobSummary(j.Namespace, j.ID)
		if sum == nil {
			continue
		}
		wantCPU, wantMemory := wanted(j, sum)
		cpu, memory = cpu+wantCPU, memory+wantMemory
		if c.t.cfg.DisableDispatched && j.Dispatched {
			continue
		}
		if wantCPU > 0 || wantMemory > 0 {
			labels := []metrics.Label{{Name: "namespace", Value: j.Namespace}, {Name: "job", Value: j.ID}}
			gauge(int(wantCPU), labels, "blocked_evals", "job", "cpu")
			gauge(int(wantMemory), labels, "blocked_evals", "job", "memory")
		}
		for group, n := range sum.Summary {
			labels := []metrics.Label{{Name: "namespace", Value: j.Namespace}, {Name: "job", Value: j.ID}, {Name: "task_group", Value: group}}
			gauge(n.Queued, labels, "job_summary", "queued")
			gauge(n.Starting, labels, "job_summary", "starting")
			gauge(n.Running, labels, "job_summary", "running")
			gauge(n.Complete, labels, "job_summary", "complete")
			gauge(n.Failed, labels, "job_summary", "failed")
			gauge(n.Lost, labels, "job_summary", "lost")
			gauge(n.Unknown, labels, "job_summary", "unknown")
		}
	}
	gauge(int(cpu), nil, "blocked_evals", "cpu")
	gauge(int(memory), nil, "blocked_evals", "memory")
	gauge(pending, nil, "job_status", "pending")
	gauge(running, nil, "job_status", "running")
	gauge(dead, nil, "job_status", "dead")
}

// wanted is what the allocations of a job that wait for room ask for: MHz, and MiB.
func wanted(j *structs.Job, sum *structs.JobSummary) (cpu, memory int64) {
	for _, g := range j.TaskGroups {
		n := int64(sum.Summary[g.Name].Queued)
		for _, t := range g.Tasks {
			if r := t.Resources; r != nil && n > 0 {
				cpu, memory = cpu+n*whole(r.CPU), memory+n*whole(r.MemoryMB)
			}
		}
	}
	return cpu, memory
}

func whole(n *int) int64 {
	if n == nil {
		return 0
	}
	return int64(*n)
}

func (c *Collector) collectClient(ctx context.Context) {
	n := c.client.Node()
	if n == nil {
		return
	}
	f := c.client.Figures()
	labels := []metrics.Label{{Name: "node_id", Value: n.ID.String()}, {Name: "datacenter", Value: n.Datacenter}, {Name: "node_class", Value: n.NodeClass},
		{Name: "node_pool", Value: n.NodePool}, {Name: "node_status", Value: string(n.Status)}, {Name: "node_scheduling_eligibility", Value: n.SchedulingEligibility}}
	c.gauge(float64(f.AllocsPending), labels, "client", "allocations", "pending")
	c.gauge(float64(f.AllocsRunning), labels, "client", "allocations", "running")
	c.gauge(float64(f.AllocsTerminal), labels, "client", "allocations", "terminal")
	c.gauge(float64(f.TasksPending), labels, "client", "tasks", "pending")
	c.gauge(float64(f.TasksRunning), labels, "client", "tasks", "running")
	c.gauge(float64(f.TasksDead), labels, "client", "tasks", "dead")
	c.gauge(float64(f.Allocated.CPU), labels, "client", "allocated", "cpu")
	c.gauge(float64(f.Allocated.MemoryMB), labels, "client", "allocated", "memory")
	c.gauge(float64(f.Allocated.DiskMB), labels, "client", "allocated", "disk")
	c.gauge(float64(f.Allocated.MemoryMaxMB), labels, "client", "allocated", "max_memory")
	c.gauge(float64(f.Unallocated.CPU), labels, "client", "unallocated", "cpu")
	c.gauge(float64(f.Unallocated.MemoryMB), labels, "client", "unallocated", "memory")
	c.gauge(float64(f.Unallocated.DiskMB), labels, "client", "unallocated", "disk")
	c.countAllocs(f.Seen)
	c.collectHost(labels)
	if c.t.cfg.AllocMetrics {
		c.collectTasks(ctx, f)
	}
}

func (c *Collector) collectHost(labels []metrics.Label) {
	h, err := c.client.HostStats()
	if err != nil {
		return // the route for people says why
	}
	c.gauge(float64(h.Uptime), labels, "client", "uptime")
	if !c.t.cfg.NodeMetrics {
		return
	}
	with := func(name, value string) []metrics.Label {
		return append([]metrics.Label{{Name: name, Value: value}}, labels...)
	}
	for _, p := range h.CPU {
		l := with("cpu", p.CPU)
		c.gauge(p.TotalPercent, l, "client", "host", "cpu", "total")
		c.gauge(p.User, l, "client", "host", "cpu", "user")
		c.gauge(p.System, l, "client", "host", "cpu", "system")
		c.gauge(p.Idle, l, "client", "host", "cpu", "idle")
	}
	c.gauge(h.CPUTicksConsumed, labels, "client", "host", "cpu", "total_ticks")
	c.gauge(float64(h.Memory.Total), labels, "client", "host", "memory", "total")
	c.gauge(float64(h.Memory.Available), labels, "client", "host", "memory", "available")
	c.gauge(float64(h.Memory.Used), labels, "client", "host", "memory", "used")
	c.gauge(float64(h.Memory.Free), labels, "client", "host", "memory", "free")
	for _, d := range h.DiskStats {
		l := with("disk", d.Device)
		c.gauge(float64(d.Size), l, "client", "host", "disk", "size")
		c.gauge(float64(d.Used), l, "client", "host", "disk", "used")
		c.gauge(float64(d.Available), l, "client", "host", "disk", "available")
		c.gauge(d.UsedPercent, l, "client", "host", "disk", "used_percent")
		c.gauge(d.InodesUsedPercent, l, "client", "host", "disk", "inodes_percent")
	}
}

// collectTasks asks the tasks that run how much they use.
func (c *Collector) collectTasks(ctx context.Context, f client.Figures) {
	ctx, cancel := context.WithTimeout(ctx, statsPatience)
	defer cancel()
	for _, a := range f.Running {
		usage, err := c.client.AllocStats(ctx, a.ID, "")
		if err != nil {
			continue // it ended meanwhile
		}
		for name, u := range usage {
			labels := []metrics.Label{{Name: "namespace", Value: a.Namespace}, {Name: "job", Value: a.JobID}, {Name: "task_group", Value: a.TaskGroup},
				{Name: "task", Value: name}, {Name: "alloc_id", Value: a.ID.String()}}
			c.gauge(float64(u.CPUTotalNS), labels, "client", "allocs", "cpu", "total_time")
			c.gauge(float64(u.CPUUserNS), labels, "client", "allocs", "cpu", "user")
			c.gauge(float64(u.CPUSystemNS), labels, "client", "allocs", "cpu", "system")
			c.gauge(float64(u.ThrottledPeriods), labels, "client", "allocs", "cpu", "throttled_periods")
			c.gauge(float64(u.ThrottledNS), labels, "client", "allocs", "cpu", "throttled_time")
			c.gauge(float64(u.MemoryRSS), labels, "client", "allocs", "memory", "rss")
			c.gauge(float64(u.MemoryUsage), labels, "client", "allocs", "memory", "usage")
			c.gauge(float64(u.MemoryMaxUsage), labels, "client", "allocs", "memory", "max_usage")
			c.gauge(float64(u.MemoryCache), labels, "client", "allocs", "memory", "cache")
			c.gauge(float64(u.MemorySwap), labels, "client", "allocs", "memory", "swap")
			if t := a.AllocatedResources; t != nil && t.Tasks[name] != nil {
				c.gauge(float64(t.Tasks[name].Memory.MemoryMB<<20), labels, "client", "allocs", "memory", "allocated")
			}
		}
	}
}
