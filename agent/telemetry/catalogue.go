package telemetry

import (
	"slices"

	"berth/server"
	"berth/structs"
)

// Kind says how a figure is read.
type Kind string

// Kinds.
const (
	Gauge   Kind = "gauge"   // the value now
	Counter Kind = "counter" // how often, or how much, since the last interval
	Sample  Kind = "sample"  // a distribution, mostly of milliseconds
)

// Who has a figure.
const (
	always   = "every agent"
	machines = "every agent but -dev"
	servers  = "servers"
	leaders  = "the leader"
	several  = "servers that have others" // raft and gossip between machines
	backups  = "the leader with a backup block"
	follows  = "the leader of a region that follows another"
	nodes    = "nodes"
	hosts    = "nodes with publish_node_metrics"
	tasks    = "nodes with publish_allocation_metrics"
)

// Figure is one entry of the catalogue.
type Figure struct {
	Name   string // whole, without labels
	Kind   Kind
	Unit   string
	Labels []string
	Where  string
	Help   string
}

func job(name, help string) Figure {
	return Figure{Name: "nomad.nomad.job_summary." + name, Kind: Gauge, Labels: []string{"namespace", "job", "task_group"}, Where: leaders, Help: help}
}

func queue(evalType, place string) Figure {
	help := "evaluations of " + evalType + " jobs that can be decided, or wait for another of their job"
	if place == "unacked" {
		help = "evaluations of " + evalType + " jobs that are being decided"
	}
	return Figure{Name: "nomad.nomad.broker." + evalType + "." + place, Kind: Gauge, Where: leaders, Help: help}
}

func tenant(name, unit, help string) Figure {
	return Figure{Name: "nomad.nomad.queue." + name, Kind: Gauge, Unit: unit, Labels: []string{"queue"}, Where: leaders, Help: help}
}

func happened(name, help string) Figure {
	return Figure{Name: "nomad.client.allocs." + name, Kind: Counter, Labels: []string{"namespace", "job", "task_group"}, Where: nodes, Help: help}
}

func worker(evalType string) Figure {
	return Figure{Name: "nomad.nomad.worker.invoke_scheduler." + evalType, Kind: Sample, Unit: "ms", Where: leaders,
		Help: "time to decide an evaluation of a " + evalType + " job, or a slice of a large one"}
}

func waited(name, help string) Figure {
	return Figure{Name: "nomad.nomad.broker." + name, Kind: Sample, Unit: "ms", Where: leaders, Help: help}
}

func state(name, help string) Figure {
	return Figure{Name: "nomad.nomad.job_status." + name, Kind: Gauge, Where: leaders, Help: help}
}

func node(name, unit, help string) Figure {
	return Figure{Name: "nomad.client." + name, Kind: Gauge, Unit: unit, Labels: nodeLabels, Where: nodes, Help: help}
}

func host(name, unit, help string, labels ...string) Figure {
	return Figure{Name: "nomad.client.host." + name, Kind: Gauge, Unit: unit, Labels: append(labels, nodeLabels...), Where: hosts, Help: help}
}

func task(name, unit, help string) Figure {
	return Figure{Name: "nomad.client.allocs." + name, Kind: Gauge, Unit: unit, Labels: []string{"namespace", "job", "task_group", "task", "alloc_id"}, Where: tasks, Help: help}
}

func inner(name, unit, help string) Figure {
	return Figure{Name: "nomad.runtime." + name, Kind: Gauge, Unit: unit, Where: always, Help: help}
}

var nodeLabels = []string{"node_id", "datacenter", "node_class", "node_pool", "node_status", "node_scheduling_eligibility"}

// Catalogue lists the figures Berth itself writes, in the order of the reference. Those of raft, serf and memberlist stand in
// Libraries.
var Catalogue = slices.Concat(ofParts, ofCommands())

// ofCommands are the figures of the state machine.
func ofCommands() []Figure {
	var out []Figure
	for kind := structs.CmdNone + 1; kind <= structs.CmdLast; kind++ {
		out = append(out, Figure{Name: "nomad.nomad.fsm." + server.ApplyName(kind), Kind: Sample, Unit: "ms", Where: servers,
			Help: "time the state machine takes for a command of this kind, or to refuse it"})
	}
	return out
}

var ofParts = []Figure{
	{Name: "nomad.nomad.broker.total_ready", Kind: Gauge, Where: leaders, Help: "evaluations that can be decided now"},
	{Name: "nomad.nomad.broker.total_pending", Kind: Gauge, Where: leaders, Help: "evaluations that wait for another of their job"},
	{Name: "nomad.nomad.broker.total_cancelable", Kind: Gauge, Where: leaders, Help: "evaluations that another one of their job stands for, and that are to be cancelled"},
	waited("wait_time", "from when an evaluation can be decided until it is begun"),
	waited("process_time", "from there until its result is in the log"),
	waited("response_time", "both together"),
	queue("service", "ready"), queue("service", "unacked"), queue("batch", "ready"), queue("batch", "unacked"),
	queue("system", "ready"), queue("system", "unacked"), queue("sysbatch", "ready"), queue("sysbatch", "unacked"),
	{Name: "nomad.nomad.broker.total_unacked", Kind: Gauge, Where: leaders, Help: "evaluations that are being decided"},
	{Name: "nomad.nomad.broker.total_waiting", Kind: Gauge, Where: leaders, Help: "evaluations that wait for a time"},
	{Name: "nomad.nomad.blocked_evals.total_blocked", Kind: Gauge, Where: leaders, Help: "evaluations that wait for room"},
	{Name: "nomad.nomad.blocked_evals.total_escaped", Kind: Gauge, Where: leaders, Help: "those of them that any node may help, of whatever class"},
	{Name: "nomad.nomad.blocked_evals.total_quota_limit", Kind: Gauge, Where: leaders, Help: "those of them that the limit of a queue keeps"},
	{Name: "nomad.nomad.blocked_evals.cpu", Kind: Gauge, Unit: "MHz", Where: leaders, Help: "compute that allocations without room ask for"},
	{Name: "nomad.nomad.blocked_evals.memory", Kind: Gauge, Unit: "MiB", Where: leaders, Help: "memory they ask for"},
	{Name: "nomad.nomad.blocked_evals.job.cpu", Kind: Gauge, Unit: "MHz", Labels: []string{"namespace", "job"}, Where: leaders, Help: "the same of one job; of none that has room"},
	{Name: "nomad.nomad.blocked_evals.job.memory", Kind: Gauge, Unit: "MiB", Labels: []string{"namespace", "job"}, Where: leaders, Help: "the same of one job; of none that has room"},
	tenant("held_cpu", "MHz", "what its jobs hold of the CPU, without what was told to stop"),
	tenant("held_memory", "MB", "what its jobs hold of the memory, without what was told to stop"),
	tenant("leaving_cpu", "MHz", "what was told to stop of its jobs and has not ended holds of the CPU"),
	tenant("leaving_memory", "MB", "what was told to stop of its jobs and has not ended holds of the memory"),
	tenant("share", "", "the larger part it holds of the CPU or the memory of all nodes that may be given work, 0 to 1"),
	tenant("ready", "", "its jobs with an evaluation that can be decided"),
	tenant("limited", "", "its evaluations that wait for its limit"),
	{Name: "nomad.nomad.plan.queue_depth", Kind: Gauge, Where: leaders, Help: "plans that are being written"},
	{Name: "nomad.nomad.plan.submit", Kind: Sample, Unit: "ms", Where: leaders, Help: "from a decided plan to its commit: log, disk, other servers, state machine"},
	worker("service"), worker("batch"), worker("system"), worker("sysbatch"),
	{Name: "nomad.nomad.plan.node_rejected", Kind: Counter, Where: leaders, Help: "nodes for which the state machine refused what a plan placed"},
	{Name: "nomad.nomad.placer.evaluations", Kind: Counter, Where: leaders, Help: "evaluations decided to their end"},
	{Name: "nomad.nomad.placer.placed", Kind: Counter, Where: leaders, Help: "allocations placed"},
	{Name: "nomad.nomad.placer.failed", Kind: Counter, Where: leaders, Help: "evaluations given up"},
	{Name: "nomad.nomad.heartbeat.active", Kind: Gauge, Where: leaders, Help: "nodes that are heard of"},
	{Name: "nomad.nomad.heartbeat.invalidate", Kind: Sample, Unit: "ms", Where: leaders, Help: "time to record that a node was not heard of in time"},
	{Name: "nomad.nomad.leader.barrier", Kind: Sample, Unit: "ms", Where: leaders, Help: "from an election to the end of what was committed before it"},
	{Name: "nomad.nomad.leader.establish_leadership", Kind: Sample, Unit: "ms", Where: leaders, Help: "from there until the leader's loops run"},
	{Name: "nomad.nomad.leader.revoke_leadership", Kind: Sample, Unit: "ms", Where: leaders, Help: "time to end the leader's loops"},
	{Name: "nomad.nomad.leader.reconcile", Kind: Sample, Unit: "ms", Where: several, Help: "time to compare the members with the log's servers"},
	{Name: "nomad.nomad.autopilot.healthy", Kind: Gauge, Where: leaders, Help: "1 when all servers are well, else 0"},
	{Name: "nomad.nomad.autopilot.failure_tolerance", Kind: Gauge, Where: leaders, Help: "how many voters may fail before the cluster does"},
	{Name: "nomad.nomad.replication.age", Kind: Gauge, Unit: "s", Where: follows, Help: "since the region last had all that the authoritative one has; since the leader began when it does not know"},
	{Name: "nomad.nomad.replication.failing", Kind: Gauge, Where: follows, Help: "1 while the authoritative region is not followed, such as when it cannot be reached; else 0"},
	{Name: "nomad.nomad.backup.age", Kind: Gauge, Unit: "s", Where: backups, Help: "since the newest snapshot was taken; since the program began when there is none"},
	{Name: "nomad.nomad.backup.failures", Kind: Gauge, Where: backups, Help: "attempts that failed since one succeeded"},
	{Name: "nomad.nomad.backup.size", Kind: Gauge, Unit: "bytes", Where: backups, Help: "size of the newest snapshot"},
	{Name: "nomad.nomad.state.snapshotIndex", Kind: Gauge, Where: servers, Help: "index of the state"},
	{Name: "nomad.nomad.server.leader", Kind: Gauge, Where: servers, Help: "1 on the leader, else 0"},
	state("pending", "jobs that wait to be placed"),
	state("running", "jobs with something that runs, or that may have"),
	state("dead", "jobs that are over or stopped"),
	job("queued", "allocations of a group that wait for room"),
	job("starting", "those that start"),
	job("running", "those that run"),
	job("complete", "those that ended well"),
	job("failed", "those that failed"),
	job("lost", "those that were lost with their node"),
	job("unknown", "those on nodes that are not heard of"),

	node("allocations.pending", "", "allocations that start"),
	node("allocations.running", "", "allocations that run"),
	node("allocations.terminal", "", "allocations that are over and still have files"),
	node("tasks.pending", "", "tasks that wait or start"),
	node("tasks.running", "", "tasks that run"),
	node("tasks.dead", "", "tasks that are over"),
	node("allocated.cpu", "MHz", "compute given to allocations"),
	node("allocated.memory", "MiB", "memory given to allocations"),
	node("allocated.disk", "MiB", "disk given to allocations"),
	node("allocated.max_memory", "MiB", "memory they may use at most"),
	node("unallocated.cpu", "MHz", "compute left, without what is reserved"),
	node("unallocated.memory", "MiB", "memory left, without what is reserved"),
	node("unallocated.disk", "MiB", "disk left, without what is reserved"),
	node("uptime", "s", "since the machine was started"),

	happened("running", "allocations that began to run"),
	happened("complete", "allocations that ended well"),
	happened("failed", "allocations that failed"),
	happened("restart", "restarts of tasks"),
	happened("oom_killed", "tasks that were killed for the memory they used"),

	host("cpu.total", "%", "how busy a processor is", "cpu"),
	host("cpu.user", "%", "its part in programs", "cpu"),
	host("cpu.system", "%", "its part in the kernel", "cpu"),
	host("cpu.idle", "%", "its part without work", "cpu"),
	host("cpu.total_ticks", "MHz", "compute in use"),
	host("memory.total", "bytes", "memory of the machine"),
	host("memory.available", "bytes", "memory programs can still have"),
	host("memory.used", "bytes", "memory in use"),
	host("memory.free", "bytes", "memory without any use"),
	host("disk.size", "bytes", "size of a file system", "disk"),
	host("disk.used", "bytes", "its use", "disk"),
	host("disk.available", "bytes", "what is left", "disk"),
	host("disk.used_percent", "%", "its use", "disk"),
	host("disk.inodes_percent", "%", "the use of its inodes", "disk"),

	task("cpu.total_time", "ns", "processor time of a task since its start"),
	task("cpu.user", "ns", "its part in programs"),
	task("cpu.system", "ns", "its part in the kernel"),
	task("cpu.throttled_periods", "", "periods in which it was held back"),
	task("cpu.throttled_time", "ns", "for how long it was"),
	task("memory.rss", "bytes", "memory of its own"),
	task("memory.usage", "bytes", "memory with cache"),
	task("memory.max_usage", "bytes", "the most it used"),
	task("memory.cache", "bytes", "cache of files"),
	task("memory.swap", "bytes", "memory on disk"),
	task("memory.allocated", "bytes", "memory it was given"),

	{Name: "nomad.agent.http.connections", Kind: Gauge, Where: always, Help: "open connections to the API, unless http_max_conns_per_client is 0"},
	{Name: "nomad.agent.http.exceeded", Kind: Counter, Where: always, Help: "connections to the API that were refused: http_max_conns_per_client"},
	{Name: "nomad.nomad.rpc.request", Kind: Counter, Where: machines, Help: "requests of other machines on the cluster port"},
	{Name: "nomad.nomad.rpc.query", Kind: Counter, Where: machines, Help: "those of them that read"},
	{Name: "nomad.nomad.rpc.request_error", Kind: Counter, Where: machines, Help: "those of them that were answered with an error"},
	{Name: "nomad.nomad.rpc.accept_conn", Kind: Counter, Where: machines, Help: "connections to the cluster port"},
	{Name: "nomad.nomad.rpc.raft_handoff", Kind: Counter, Where: machines, Help: "those of them that are Raft's"},
	{Name: "nomad.nomad.rpc.cross-region", Kind: Counter, Where: machines, Help: "requests of callers that were sent on to other regions"},
	{Name: "nomad.tls.cert.expire_in_seconds", Kind: Gauge, Unit: "s", Where: machines, Help: "until this machine's certificate ends; it is renewed after half its life"},
	{Name: "nomad.tls.ca.expire_in_seconds", Kind: Gauge, Unit: "s", Where: machines, Help: "until the first of the roots it trusts ends"},
	inner("num_goroutines", "", "goroutines"),
	inner("alloc_bytes", "bytes", "memory of live objects"),
	inner("sys_bytes", "bytes", "memory taken from the system"),
	inner("malloc_count", "", "objects made since the start"),
	inner("free_count", "", "objects freed since the start"),
	inner("heap_objects", "", "objects there are"),
	inner("total_gc_pause_ns", "ns", "pauses of the collector since the start"),
	inner("total_gc_runs", "", "its runs since the start"),
	{Name: "nomad.runtime.gc_pause_ns", Kind: Sample, Unit: "ns", Where: always, Help: "one pause of the collector"},
}

// Libraries are where the names of figures begin that libraries write; their own documents list them.
var Libraries = []struct{ Prefix, Help string }{
	{"nomad.raft.", "the log: raft.apply (entries), raft.commitTime (ms), raft.fsm.apply (ms), raft.leader.lastContact (ms), raft.leader.dispatchLog (ms), raft.state.leader and .follower (changes of role), raft.transition.heartbeat_timeout and more, of hashicorp/raft; raft.boltdb.* of its store"},
	{"nomad.memberlist.", "gossip between machines: messages, probes, health, of hashicorp/memberlist"},
	{"nomad.serf.", "members: events, queues, coordinates, of hashicorp/serf"},
}
