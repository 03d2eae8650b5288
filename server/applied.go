package server

import (
	"time"

	"berth/server/timing"
	"berth/structs"
)

// applyTimes measures how long the state machine takes for each command. But for times it is the applying goroutine's.
type applyTimes struct {
	times timing.Times[structs.CommandKind]
	last  time.Time
	entry []timing.Of[structs.CommandKind]
}

// Begin implements fsm.Watch.
func (a *applyTimes) Begin() { a.last, a.entry = time.Now(), a.entry[:0] }

// Applied implements fsm.Watch.
func (a *applyTimes) Applied(kind structs.CommandKind) {
	now := time.Now()
	a.entry = append(a.entry, timing.Of[structs.CommandKind]{What: kind, Took: now.Sub(a.last)})
	a.last = now
}

// End implements fsm.Watch.
func (a *applyTimes) End() { a.times.Add(a.entry...) }

// TookSince tells how long what took that the placer did since the last call, by the end of its figure's name. Only one may call it at a time.
func (s *Server) TookSince(tell func(what string, took time.Duration)) { s.took.Take(tell) }

// AppliedSince tells how long each command took that the state machine applied since the last call. Only one may call it at a time.
func (s *Server) AppliedSince(tell func(kind structs.CommandKind, took time.Duration)) {
	s.applied.times.Take(tell)
}

// applyNames are the ends of the figures' names, by command: the contract's where it has the command.
var applyNames = map[structs.CommandKind]string{
	structs.CmdJobRegister: "register_job", structs.CmdJobDeregister: "deregister_job", structs.CmdNodeRegister: "register_node",
	structs.CmdNodeDeregister: "deregister_node", structs.CmdNodeStatus: "node_status_update", structs.CmdNodeEligibility: "node_eligibility_update",
	structs.CmdNodeDrain: "node_drain_update", structs.CmdEvalUpsert: "update_eval", structs.CmdPlanApply: "apply_plan_results",
	structs.CmdAllocClientUpdate: "alloc_client_update", structs.CmdAllocTransition: "alloc_update_desired_transition",
	structs.CmdDeploymentUpdate: "apply_deployment_status_update", structs.CmdReap: "reap", structs.CmdSchedulerConfig: "apply_scheduler_config",
	structs.CmdNamespaceUpsert: "apply_namespace_upsert", structs.CmdNamespaceDelete: "apply_namespace_delete",
	structs.CmdNodePoolUpsert: "apply_node_pool_upsert", structs.CmdNodePoolDelete: "apply_node_pool_delete", structs.CmdJobStability: "apply_job_stability",
	structs.CmdJobVersionTag: "apply_job_version_tag", structs.CmdAuthorityRoot: "authority_root_upsert",
	structs.CmdAuthorityRootDelete: "authority_root_delete", structs.CmdJoinToken: "join_token_upsert", structs.CmdJoinTokenDelete: "join_token_delete",
	structs.CmdJoinTokenUse: "join_token_use", structs.CmdPeriodicLaunch: "periodic_launch", structs.CmdJobDispatch: "dispatch_job",
	structs.CmdNodeTaints: "node_taints_update", structs.CmdRegion: "region_upsert", structs.CmdRegionForget: "region_delete",
	structs.CmdAutopilotConfig: "autopilot", structs.CmdPriorityClass: "priority_class_upsert", structs.CmdPriorityClassDelete: "priority_class_delete",
	structs.CmdDisruptionBudget: "disruption_budget_upsert", structs.CmdDisruptionBudgetDelete: "disruption_budget_delete",
	structs.CmdChainCheck: "chain_check", structs.CmdCertificateRevoke: "certificate_revoke", structs.CmdCertificateReinstate: "certificate_reinstate",
	structs.CmdACLPolicyUpsert: "apply_acl_policy_upsert", structs.CmdACLPolicyDelete: "apply_acl_policy_delete",
	structs.CmdACLRoleUpsert: "apply_acl_role_upsert", structs.CmdACLRoleDelete: "apply_acl_role_delete",
	structs.CmdACLTokenUpsert: "apply_acl_token_upsert", structs.CmdACLTokenDelete: "apply_acl_token_delete",
	structs.CmdACLBootstrap: "apply_acl_token_bootstrap", structs.CmdOneTimeToken: "apply_one_time_token_upsert",
	structs.CmdOneTimeTokenUse: "apply_one_time_token_delete", structs.CmdACLExpire: "apply_acl_expire", structs.CmdJobSuspend: "suspend_job",
	structs.CmdQueue: "queue_upsert", structs.CmdQueueDelete: "queue_delete", structs.CmdNodeShutdown: "node_shutdown",
}

// ApplyName is the end of the name of a command's figure: "register_job"; empty for a kind that is not known.
func ApplyName(kind structs.CommandKind) string { return applyNames[kind] }
