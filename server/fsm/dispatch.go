package fsm

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"berth/structs"
)

// commandVersion is the newest meaning of command bodies this program knows.
const commandVersion = 0

func (a *applier) dispatch(cmd *structs.Command) (any, error) {
	if cmd.Version > commandVersion {
		return nil, &structs.Error{Op: opOf(cmd.Kind), Kind: structs.KindInternal, Hint: "upgrade this server",
			Err: fmt.Errorf("version %d of the command is not known to this server", cmd.Version)}
	}
	switch cmd.Kind {
	case structs.CmdJobRegister:
		return with(a, cmd, a.jobRegister)
	case structs.CmdJobDeregister:
		return with(a, cmd, a.jobDeregister)
	case structs.CmdNodeRegister:
		return with(a, cmd, a.nodeRegister)
	case structs.CmdNodeDeregister:
		return with(a, cmd, a.nodeDeregister)
	case structs.CmdNodeStatus:
		return with(a, cmd, a.nodeStatus)
	case structs.CmdNodeEligibility:
		return with(a, cmd, a.nodeEligibility)
	case structs.CmdNodeDrain:
		return with(a, cmd, a.nodeDrain)
	case structs.CmdEvalUpsert:
		return with(a, cmd, func(c *structs.EvalUpsertCommand) (any, error) { return nil, a.putEvals(c.Evals) })
	case structs.CmdPlanApply:
		return with(a, cmd, a.planApply)
	case structs.CmdAllocClientUpdate:
		return with(a, cmd, a.allocClientUpdate)
	case structs.CmdAllocTransition:
		return with(a, cmd, a.allocTransition)
	case structs.CmdDeploymentUpdate:
		return with(a, cmd, a.deploymentUpdate)
	case structs.CmdReap:
		return with(a, cmd, a.reap)
	case structs.CmdSchedulerConfig:
		return with(a, cmd, a.schedulerConfig)
	case structs.CmdNamespaceUpsert:
		return with(a, cmd, a.namespaceUpsert)
	case structs.CmdNamespaceDelete:
		return with(a, cmd, a.namespaceDelete)
	case structs.CmdNodePoolUpsert:
		return with(a, cmd, a.nodePoolUpsert)
	case structs.CmdNodePoolDelete:
		return with(a, cmd, a.nodePoolDelete)
	case structs.CmdJobStability:
		return with(a, cmd, a.jobStability)
	case structs.CmdJobSuspend:
		return with(a, cmd, a.jobSuspend)
	case structs.CmdJobVersionTag:
		return with(a, cmd, a.jobVersionTag)
	case structs.CmdAuthorityRoot:
		return with(a, cmd, a.authorityRoot)
	case structs.CmdAuthorityRootDelete:
		return with(a, cmd, a.authorityRootDelete)
	case structs.CmdJoinToken:
		return with(a, cmd, a.joinToken)
	case structs.CmdJoinTokenDelete:
		return with(a, cmd, a.joinTokenDelete)
	case structs.CmdJoinTokenUse:
		return with(a, cmd, a.joinTokenUse)
	case structs.CmdPeriodicLaunch:
		return with(a, cmd, a.periodicLaunch)
	case structs.CmdJobDispatch:
		return with(a, cmd, a.jobDispatch)
	case structs.CmdNodeTaints:
		return with(a, cmd, a.nodeTaints)
	case structs.CmdACLPolicyUpsert:
		return with(a, cmd, a.aclPolicyUpsert)
	case structs.CmdACLPolicyDelete:
		return with(a, cmd, a.aclPolicyDelete)
	case structs.CmdACLRoleUpsert:
		return with(a, cmd, a.aclRoleUpsert)
	case structs.CmdACLRoleDelete:
		return with(a, cmd, a.aclRoleDelete)
	case structs.CmdACLTokenUpsert:
		return with(a, cmd, a.aclTokenUpsert)
	case structs.CmdACLTokenDelete:
		return with(a, cmd, a.aclTokenDelete)
	case structs.CmdACLBootstrap:
		return with(a, cmd, a.aclBootstrap)
	case structs.CmdOneTimeToken:
		return with(a, cmd, a.oneTimeToken)
	case structs.CmdOneTimeTokenUse:
		return with(a, cmd, a.oneTimeTokenUse)
	case structs.CmdACLExpire:
		return with(a, cmd, a.aclExpire)
	case structs.CmdCertificateRevoke:
		return with(a, cmd, a.certificateRevoke)
	case structs.CmdCertificateReinstate:
		return with(a, cmd, a.certificateReinstate)
	case structs.CmdRegion:
		return with(a, cmd, a.region)
	case structs.CmdRegionForget:
		return with(a, cmd, a.regionForget)
	case structs.CmdAutopilotConfig:
		return with(a, cmd, a.autopilotConfig)
	case structs.CmdPriorityClass:
		return with(a, cmd, a.priorityClass)
	case structs.CmdPriorityClassDelete:
		return with(a, cmd, a.priorityClassDelete)
	case structs.CmdDisruptionBudget:
		return with(a, cmd, a.disruptionBudget)
	case structs.CmdDisruptionBudgetDelete:
		return with(a, cmd, a.disruptionBudgetDelete)
	case structs.CmdNodeShutdown:
		return with(a, cmd, a.nodeShutdown)
	case structs.CmdQueue:
		return with(a, cmd, a.queue)
	case structs.CmdQueueDelete:
		return with(a, cmd, a.queueDelete)
	case structs.CmdChainCheck:
		return with(a, cmd, a.chainCheck)
	}
	return nil, &structs.Error{Op: opOf(cmd.Kind), Kind: structs.KindInternal, Hint: "upgrade this server",
		Err: fmt.Errorf("commands of kind %d are not known to this server", cmd.Kind)}
}

// with decodes a command's body and applies it.
func with[T any, P interface {
	*T
	msgp.Unmarshaler
}](a *applier, cmd *structs.Command, apply func(*T) (any, error)) (any, error) {
	var body T
	read := decode
	if a.whole {
		read = decodeWhole
	}
	if err := read(cmd.Body, P(&body)); err != nil {
		return nil, &structs.Error{Op: opOf(cmd.Kind), Kind: structs.KindInternal, Err: err}
	}
	return apply(&body)
}

// opOf is the command in words, for errors.
func opOf(kind structs.CommandKind) string {
	switch kind {
	case structs.CmdJobRegister:
		return "register job"
	case structs.CmdJobDeregister:
		return "stop job"
	case structs.CmdNodeRegister:
		return "register node"
	case structs.CmdNodeDeregister:
		return "forget node"
	case structs.CmdNodeStatus:
		return "set node status"
	case structs.CmdNodeEligibility:
		return "set node eligibility"
	case structs.CmdNodeDrain:
		return "drain node"
	case structs.CmdEvalUpsert:
		return "store evaluations"
	case structs.CmdPlanApply:
		return "apply plan"
	case structs.CmdAllocClientUpdate:
		return "update allocations"
	case structs.CmdAllocTransition:
		return "move allocations"
	case structs.CmdDeploymentUpdate:
		return "update deployment"
	case structs.CmdReap:
		return "reap"
	case structs.CmdSchedulerConfig:
		return "set scheduler configuration"
	case structs.CmdNamespaceUpsert:
		return "store namespace"
	case structs.CmdNamespaceDelete:
		return "delete"
	case structs.CmdNodePoolUpsert:
		return "store node pool"
	case structs.CmdNodePoolDelete:
		return "delete"
	case structs.CmdJobStability:
		return "mark job version"
	case structs.CmdJobSuspend:
		return "suspend or resume job"
	case structs.CmdJobVersionTag:
		return "tag job version"
	case structs.CmdAuthorityRoot:
		return "add authority root"
	case structs.CmdAuthorityRootDelete:
		return "forget authority root"
	case structs.CmdJoinToken:
		return "store join token"
	case structs.CmdJoinTokenDelete:
		return "revoke join token"
	case structs.CmdJoinTokenUse:
		return "join with token"
	case structs.CmdPeriodicLaunch:
		return "launch periodic job"
	case structs.CmdJobDispatch:
		return "dispatch job"
	case structs.CmdNodeTaints:
		return "taint node"
	case structs.CmdACLPolicyUpsert:
		return "store ACL policy"
	case structs.CmdACLPolicyDelete:
		return "delete ACL policy"
	case structs.CmdACLRoleUpsert:
		return "store ACL role"
	case structs.CmdACLRoleDelete:
		return "delete ACL role"
	case structs.CmdACLTokenUpsert:
		return "store ACL token"
	case structs.CmdACLTokenDelete:
		return "delete ACL token"
	case structs.CmdACLBootstrap:
		return "make the first token"
	case structs.CmdOneTimeToken:
		return "store one-time token"
	case structs.CmdOneTimeTokenUse:
		return "exchange one-time token"
	case structs.CmdACLExpire:
		return "forget expired tokens"
	case structs.CmdCertificateRevoke:
		return "revoke certificate"
	case structs.CmdCertificateReinstate:
		return "take back the revocation"
	case structs.CmdRegion:
		return "store region"
	case structs.CmdRegionForget:
		return "forget region"
	case structs.CmdAutopilotConfig:
		return "set autopilot configuration"
	case structs.CmdPriorityClass:
		return "store priority class"
	case structs.CmdPriorityClassDelete:
		return "delete priority class"
	case structs.CmdDisruptionBudget:
		return "store disruption budget"
	case structs.CmdDisruptionBudgetDelete:
		return "delete disruption budget"
	case structs.CmdNodeShutdown:
		return "drain a node that shuts down"
	case structs.CmdQueue:
		return "store queue"
	case structs.CmdQueueDelete:
		return "delete queue"
	case structs.CmdChainCheck:
		return "compare replicas"
	}
	return "apply command"
}

// fault is an error of the command, its subject in words.
func fault(cmd structs.CommandKind, kind structs.ErrorKind, subject, format string, args ...any) error {
	return &structs.Error{Op: opOf(cmd), Kind: kind, Subject: subject, Err: fmt.Errorf(format, args...)}
}

func quoted(noun, name string) string         { return fmt.Sprintf("%s %q", noun, name) }
func named(noun string, id structs.ID) string { return noun + " " + id.String() }
