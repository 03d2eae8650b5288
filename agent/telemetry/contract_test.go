package telemetry

import (
	"slices"
	"strings"
	"testing"
)

// contract are the names dashboards know, as Nomad documents them (https://developer.hashicorp.com/nomad/docs/reference/metrics); those of
// servers begin with nomad.nomad. A name that ends in "." is all below it.
const contract = `
nomad.broker total_ready total_pending total_unacked total_waiting total_cancelable eval_waiting wait_time process_time response_time
	service.ready service.unacked batch.ready batch.unacked system.ready system.unacked sysbatch.ready sysbatch.unacked
nomad.blocked_evals total_blocked total_escaped total_quota_limit cpu memory job.cpu job.memory
nomad.plan submit evaluate apply queue_depth wait_for_index node_rejected optimistic_apply outstanding_apply raft_dispatch sign_identities
	rejection_tracker.node_score
nomad.worker dequeue_eval invoke_scheduler.service invoke_scheduler.batch invoke_scheduler.system invoke_scheduler.sysbatch submit_plan
	wait_for_index create_eval update_eval reblock_eval send_ack
nomad.heartbeat active invalidate
nomad.leader barrier establish_leadership reconcile reconcileMember revoke_leadership
nomad.rpc request request_error query accept_conn raft_handoff cross-region
nomad.fsm register_job deregister_job register_node deregister_node node_status_update node_eligibility_update node_drain_update update_eval
	apply_plan_results alloc_client_update alloc_update_desired_transition apply_deployment_status_update apply_job_stability
	apply_scheduler_config apply_namespace_upsert apply_namespace_delete apply_node_pool_upsert apply_node_pool_delete autopilot
	apply_acl_policy_upsert apply_acl_policy_delete apply_acl_token_upsert apply_acl_token_delete apply_acl_token_bootstrap
nomad.job_summary queued starting running complete failed lost unknown
nomad.job_status pending running dead
nomad.periodic force
nomad.state snapshotIndex
nomad.vault .
nomad.consul .
nomad.variables .
nomad.acl .
nomad.autopilot healthy failure_tolerance
nomad.event_broker subscription.request_offset
agent.http connections exceeded
agent.event_stream .
tls cert.expire_in_seconds ca.expire_in_seconds
raft apply commitTime fsm.apply leader.lastContact leader.dispatchLog transition.heartbeat_timeout
memberlist gossip
serf queue.Event
client uptime introduction_violation_num
client.consul .
client.allocated cpu memory disk network max_memory
client.unallocated cpu memory disk network
client.allocations running pending blocked migrating terminal
client.tasks running pending dead
client.allocs running complete failed restart oom_killed cpu.system cpu.user cpu.throttled_time cpu.throttled_periods cpu.total_percent cpu.total_ticks
	memory.rss memory.cache memory.swap memory.usage memory.max_usage memory.allocated memory.kernel_usage memory.kernel_max_usage
client.host cpu.user cpu.system cpu.idle cpu.total memory.total memory.available memory.used memory.free
	disk.size disk.used disk.available disk.used_percent disk.inodes_percent
runtime num_goroutines alloc_bytes sys_bytes malloc_count free_count heap_objects total_gc_pause_ns total_gc_runs gc_pause_ns
`

// contractNames are the whole names.
func contractNames() []string {
	var out []string
	prefix := ""
	for line := range strings.Lines(contract) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if line[0] != '\t' {
			prefix, words = "nomad."+words[0]+".", words[1:]
		}
		for _, w := range words {
			out = append(out, strings.TrimSuffix(prefix+w, ".."))
		}
	}
	return out
}

// TestEveryNameOfTheContractIsWrittenOrExplained: no name is neither, and none is both. That what the catalogue lists is written, to memory
// (which the API shows as JSON) and to Prometheus, is TestARunningServerWritesWhatTheCatalogueSays.
func TestEveryNameOfTheContractIsWrittenOrExplained(t *testing.T) {
	written := func(name string) bool {
		return slices.ContainsFunc(Catalogue, func(f Figure) bool { return f.Name == name }) ||
			slices.ContainsFunc(Libraries, func(l struct{ Prefix, Help string }) bool { return strings.HasPrefix(name, l.Prefix) })
	}
	used := map[string]bool{}
	for _, name := range contractNames() {
		why := ""
		for _, a := range Absent {
			if a.Name == name || strings.HasSuffix(a.Name, ".") && strings.HasPrefix(name+".", a.Name) {
				why, used[a.Name] = a.Why, true
			}
		}
		if written(name) == (why != "") {
			t.Errorf("%s: written %v, and why not: %q", name, written(name), why)
		}
	}
	for _, a := range Absent {
		if !used[a.Name] || a.Why == "" {
			t.Errorf("%s is no name of the contract, or stands without a reason", a.Name)
		}
	}
}
