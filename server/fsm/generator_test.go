package fsm

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"berth/structs"
)

func jobName(n int) string  { return fmt.Sprintf("job-%d", n) }
func poolName(n int) string { return [...]string{"default", "all", "gpu", "edge"}[n] }

// generator draws commands over few names, so that they meet.
type generator struct {
	*rapid.T
	w *world
}

func (g *generator) n(max int, label string) int { return rapid.IntRange(0, max).Draw(g.T, label) }
func (g *generator) one(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(g.T, label)
}

// commands draws an entry and the nodes it registers.
func (g *generator) commands() ([]structs.Command, map[structs.ID]bool) {
	var cmds []structs.Command
	registers := map[structs.ID]bool{}
	for range g.n(3, "commands") + 1 {
		cmds = append(cmds, g.command(registers))
	}
	return cmds, registers
}

// drawn are the kinds of commands the laws are held for, the more often the more can go wrong with them.
var drawn = []structs.CommandKind{
	structs.CmdJobRegister, structs.CmdJobRegister, structs.CmdJobDeregister, structs.CmdNodeRegister, structs.CmdNodeRegister, structs.CmdNodeDeregister,
	structs.CmdNodeStatus, structs.CmdNodeEligibility, structs.CmdNodeDrain, structs.CmdEvalUpsert, structs.CmdPlanApply, structs.CmdPlanApply,
	structs.CmdPlanApply, structs.CmdPlanApply, structs.CmdAllocClientUpdate, structs.CmdAllocClientUpdate, structs.CmdAllocTransition,
	structs.CmdDeploymentUpdate, structs.CmdReap, structs.CmdNodePoolUpsert, structs.CmdNodePoolDelete, structs.CmdJoinToken, structs.CmdJoinTokenUse,
	structs.CmdJoinTokenDelete, structs.CmdAuthorityRoot, structs.CmdAuthorityRootDelete, structs.CmdJobStability, structs.CmdJobVersionTag,
	structs.CmdSchedulerConfig, structs.CmdNamespaceUpsert, structs.CmdNamespaceDelete, structs.CmdPeriodicLaunch, structs.CmdJobDispatch,
	structs.CmdNodeTaints, structs.CmdChainCheck, structs.CmdRegion, structs.CmdRegionForget, structs.CmdAutopilotConfig,
	structs.CmdPriorityClass, structs.CmdPriorityClassDelete, structs.CmdDisruptionBudget, structs.CmdDisruptionBudgetDelete,
	structs.CmdCertificateRevoke, structs.CmdCertificateReinstate, structs.CmdACLPolicyUpsert, structs.CmdACLPolicyDelete, structs.CmdACLRoleUpsert,
	structs.CmdACLRoleDelete, structs.CmdACLTokenUpsert, structs.CmdACLTokenDelete, structs.CmdACLBootstrap, structs.CmdOneTimeToken,
	structs.CmdOneTimeTokenUse, structs.CmdACLExpire, structs.CmdJobSuspend, structs.CmdQueue, structs.CmdQueueDelete, structs.CmdNodeShutdown,
}

func TestTheLawsAreHeldForEveryCommand(t *testing.T) {
	for kind := structs.CmdNone + 1; kind <= structs.CmdLast; kind++ {
		if !slices.Contains(drawn, kind) {
			t.Errorf("commands of kind %d (%s) are not drawn", kind, opOf(kind))
		}
	}
}

func (g *generator) command(registers map[structs.ID]bool) structs.Command {
	w := g.w
	switch kind := rapid.SampledFrom(drawn).Draw(g.T, "command"); kind {
	case structs.CmdJobRegister:
		j := job(jobName(g.n(3, "job")), g.n(3, "count"))
		j.Type = g.one("type", "service", "batch", "system")
		if g.n(5, "periodic") == 0 {
			j.Periodic = &structs.PeriodicConfig{Spec: "@daily"}
		}
		if g.n(5, "parameterized") == 0 {
			j.Type, j.ParameterizedJob = "batch", &structs.ParameterizedJobConfig{Payload: "optional", MetaOptional: []string{"file", "size"}}
		}
		if g.n(3, "child") == 0 {
			j.ParentID = jobName(0)
		}
		if g.n(9, "no namespace") == 0 {
			j.Namespace = "nowhere"
		}
		return w.command(structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: g.eval(j.ID),
			Submission: &structs.JobSubmission{Source: "job", Format: "hcl2"}, PreserveCounts: g.n(2, "keep") == 0,
			EnforceIndex: g.n(5, "enforce") == 0, Index: uint64(g.n(20, "index"))})
	case structs.CmdJobDeregister:
		name := jobName(g.n(3, "job"))
		return w.command(structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: name,
			Purge: g.n(1, "purge") == 0, NoShutdownDelay: g.n(1, "quick") == 0, Eval: g.eval(name)})
	case structs.CmdNodeRegister:
		n := node(g.n(3, "node"))
		n.NodeResources.Cpu.CpuShares = int64(g.n(3, "cpu")+1) * 1000
		n.NodePool = poolName(g.n(3, "pool"))
		n.Status = structs.NodeStatus(g.one("status", "initializing", "ready", "ready", "ready"))
		registers[n.ID] = true
		return w.command(structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: n})
	case structs.CmdNodeDeregister:
		return w.command(structs.CmdNodeDeregister, &structs.NodeDeregisterCommand{NodeID: nodeID(g.n(9, "node"))})
	case structs.CmdNodeStatus:
		return w.command(structs.CmdNodeStatus, &structs.NodeStatusCommand{NodeID: nodeID(g.n(3, "node")),
			Status: structs.NodeStatus(g.one("status", "down", "ready", "ready", "disconnected", "asleep")), Event: &structs.NodeEvent{Message: "m"}})
	case structs.CmdNodeEligibility:
		return w.command(structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: nodeID(g.n(3, "node")),
			Eligibility: g.one("eligibility", "eligible", "eligible", "ineligible")})
	case structs.CmdNodeDrain:
		c := &structs.NodeDrainCommand{NodeID: nodeID(g.n(3, "node")), MarkEligible: true, Complete: g.n(1, "complete") == 0}
		if g.n(2, "drain") == 0 {
			c.Strategy = &structs.DrainStrategy{DrainSpec: structs.DrainSpec{Deadline: 1e9}}
		}
		return w.command(structs.CmdNodeDrain, c)
	case structs.CmdNodeShutdown:
		return w.command(kind, &structs.NodeShutdownCommand{NodeID: nodeID(g.n(3, "node")), Back: g.n(1, "back") == 0, Force: g.n(1, "force") == 0, Deadline: time.Duration(g.n(9, "deadline"))})
	case structs.CmdEvalUpsert:
		e := g.eval(jobName(g.n(3, "job")))
		e.Status = g.one("status", "pending", "complete", "blocked", "failed")
		e.QueuedAllocations = map[string]int{"web": g.n(3, "queued")}
		return w.command(structs.CmdEvalUpsert, &structs.EvalUpsertCommand{Evals: []*structs.Evaluation{e}})
	case structs.CmdPlanApply:
		return w.command(structs.CmdPlanApply, &structs.PlanApplyCommand{Plans: []*structs.Plan{g.plan(), g.plan()},
			Evals: []*structs.Evaluation{g.eval(jobName(g.n(3, "job")))}})
	case structs.CmdAllocClientUpdate:
		c := &structs.AllocClientUpdateCommand{}
		for range g.n(3, "updates") {
			a := g.n(15, "alloc")
			u := &structs.AllocClientUpdate{ID: allocID(a), NodeID: nodeID(g.n(3, "node")),
				ClientStatus: g.one("status", "pending", "running", "running", "complete", "failed", "unknown"),
				TaskStates:   map[string]*structs.TaskState{"app": {State: "running"}}}
			if al := w.snap().Alloc(u.ID); al != nil {
				u.NodeID = al.NodeID
			}
			if h := g.n(2, "health"); h < 2 {
				u.DeploymentStatus = &structs.AllocDeploymentStatus{Healthy: new(h == 0)}
			}
			c.Updates = append(c.Updates, u)
		}
		return w.command(structs.CmdAllocClientUpdate, c)
	case structs.CmdAllocTransition:
		return w.command(structs.CmdAllocTransition, &structs.AllocTransitionCommand{Transitions: map[string]*structs.DesiredTransition{
			allocID(g.n(15, "alloc")).String(): {Migrate: new(true)}, allocID(g.n(15, "alloc")).String(): {Reschedule: new(true)}}})
	case structs.CmdDeploymentUpdate:
		return w.command(structs.CmdDeploymentUpdate, g.deploymentUpdate())
	case structs.CmdReap:
		c := &structs.ReapCommand{Jobs: []structs.JobRef{{Namespace: "default", ID: jobName(g.n(3, "job"))}}, Nodes: []structs.ID{nodeID(g.n(3, "node"))}}
		for range g.n(4, "reap") {
			c.Allocs = append(c.Allocs, allocID(g.n(15, "alloc")))
			c.Evals = append(c.Evals, evalID(g.n(5, "eval")))
			c.Deployments = append(c.Deployments, deplID(g.n(3, "deployment")))
		}
		return w.command(structs.CmdReap, c)
	case structs.CmdNodePoolUpsert:
		return w.command(structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{
			{Name: poolName(g.n(3, "pool")), Meta: map[string]string{"a": "b", "c": "d"}}, {Name: poolName(g.n(3, "pool"))}}})
	case structs.CmdNodePoolDelete:
		return w.command(structs.CmdNodePoolDelete, &structs.NameDeleteCommand{Names: []string{poolName(g.n(3, "pool"))}})
	case structs.CmdJoinToken:
		return w.command(structs.CmdJoinToken, &structs.JoinTokenCommand{Token: &structs.JoinToken{ID: evalID(g.n(3, "token")), Role: "client",
			Hash: []byte{byte(g.n(1, "hash"))}, ExpiresAt: int64(g.n(2, "expiry")) * 1e18, MaxUses: g.n(2, "uses")}})
	case structs.CmdJoinTokenUse:
		return w.command(structs.CmdJoinTokenUse, &structs.JoinTokenUseCommand{ID: evalID(g.n(3, "token")), Hash: []byte{byte(g.n(1, "hash"))}, By: "x"})
	case structs.CmdJoinTokenDelete:
		return w.command(structs.CmdJoinTokenDelete, &structs.JoinTokenDeleteCommand{IDs: []structs.ID{evalID(g.n(3, "token"))}})
	case structs.CmdAuthorityRoot:
		return w.command(structs.CmdAuthorityRoot, &structs.AuthorityRootCommand{Root: &structs.AuthorityRoot{ID: poolName(g.n(3, "root")),
			Certificate: []byte{1}, SealedKey: []byte{2}}, Previous: rootID(w.snap().ActiveRoot()), RetireAt: 5})
	case structs.CmdPriorityClass:
		return w.command(structs.CmdPriorityClass, &structs.PriorityClassCommand{Class: &structs.PriorityClass{Name: poolName(g.n(3, "class")), Value: g.n(100, "value"),
			Default: g.n(1, "default") == 0}, Check: g.n(3, "check") == 0})
	case structs.CmdPriorityClassDelete:
		return w.command(structs.CmdPriorityClassDelete, &structs.NameDeleteCommand{Names: []string{poolName(g.n(3, "class"))}})
	case structs.CmdDisruptionBudget:
		return w.command(structs.CmdDisruptionBudget, &structs.DisruptionBudgetCommand{Check: g.n(3, "check") == 0, Budget: &structs.DisruptionBudget{
			Namespace: "default", Name: poolName(g.n(3, "budget")), Job: "*", Disruption: structs.Disruption{MinAvailable: "50%"}}})
	case structs.CmdQueue:
		return w.command(structs.CmdQueue, &structs.QueueCommand{Check: g.n(3, "check") == 0, Queue: &structs.Queue{
			Name: poolName(g.n(3, "queue")), Namespaces: [][]string{{"default"}, {"*"}, {"spaces"}}[g.n(2, "of")], Weight: g.n(3, "weight"),
			Guarantee: structs.QueueAmount{CPU: int64(g.n(3, "guarantee"))}, Limit: structs.QueueAmount{CPU: int64(g.n(3, "limit"))}}})
	case structs.CmdQueueDelete:
		return w.command(structs.CmdQueueDelete, &structs.NameDeleteCommand{Names: []string{poolName(g.n(3, "queue"))}})
	case structs.CmdDisruptionBudgetDelete:
		return w.command(structs.CmdDisruptionBudgetDelete, &structs.DisruptionBudgetDeleteCommand{Namespace: "default", Name: poolName(g.n(3, "budget"))})
	case structs.CmdNodeTaints:
		return w.command(structs.CmdNodeTaints, &structs.NodeTaintsCommand{NodeID: nodeID(g.n(3, "node")), Check: g.n(3, "check") == 0,
			Taints: []*structs.Taint{{Key: "a", Effect: []string{structs.TaintNoSchedule, structs.TaintNoExecute, "Never"}[g.n(2, "effect")]}}})
	case structs.CmdAuthorityRootDelete:
		return w.command(structs.CmdAuthorityRootDelete, &structs.NameDeleteCommand{Names: []string{poolName(g.n(3, "root"))}})
	case structs.CmdJobVersionTag:
		c := &structs.JobVersionTagCommand{Namespace: "default", JobID: jobName(g.n(3, "job")), Name: g.one("tag", "good", "old"), Version: uint64(g.n(2, "version"))}
		if g.n(2, "untag") > 0 {
			c.Tag = &structs.JobVersionTag{Name: c.Name, Description: "d", TaggedTime: 5}
		}
		return w.command(kind, c)
	case structs.CmdSchedulerConfig:
		return w.command(kind, &structs.SchedulerConfigCommand{Config: &structs.SchedulerConfiguration{SchedulerAlgorithm: g.one("algorithm", "binpack", "spread")},
			Check: g.n(1, "check") == 0, Index: uint64(g.n(3, "index"))})
	case structs.CmdNamespaceUpsert:
		return w.command(kind, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: g.one("namespace", "default", "team", "apps"),
			Meta: map[string]string{"a": "b", "c": "d", "e": "f"}}}})
	case structs.CmdNamespaceDelete:
		return w.command(kind, &structs.NameDeleteCommand{Names: []string{g.one("namespace", "default", "team", "apps")}})
	case structs.CmdPeriodicLaunch:
		return w.command(kind, &structs.PeriodicLaunchCommand{Namespace: "default", JobID: jobName(g.n(3, "job")), Launch: w.now + int64(g.n(3, "launch"))*1e9,
			Forced: g.n(1, "forced") == 0, EvalID: evalID(g.n(5, "eval"))})
	case structs.CmdJobDispatch:
		name := jobName(g.n(3, "job"))
		return w.command(kind, &structs.JobDispatchCommand{Namespace: "default", JobID: name, ChildID: name + g.one("child", "/dispatch-1", "/dispatch-2"),
			Meta: map[string]string{"file": "a", "size": "1"}, EvalID: evalID(g.n(5, "eval"))})
	case structs.CmdRegion:
		return w.command(kind, &structs.RegionCommand{Regions: []*structs.Region{{Name: g.one("region", "mars", "venus"), Roots: [][]byte{{1}}, Servers: []string{"10.0.0.1:4647"}}},
			Anew: g.n(1, "anew") == 0})
	case structs.CmdCertificateRevoke:
		return w.command(kind, &structs.CertificateRevokeCommand{Revocation: &structs.CertificateRevocation{Name: g.one("certificate", "aa", "bb"), Reason: "lost", ExpiresAt: 1 << 62}})
	case structs.CmdCertificateReinstate:
		return w.command(kind, &structs.NameDeleteCommand{Names: []string{g.one("certificate", "aa", "bb")}})
	case structs.CmdACLPolicyUpsert:
		p := &structs.ACLPolicy{Name: g.one("policy", "dev", "ops"), Rules: g.one("rules", "a", "b")}
		p.SetHash()
		return w.command(kind, &structs.ACLPolicyUpsertCommand{Policies: []*structs.ACLPolicy{p}})
	case structs.CmdACLPolicyDelete:
		return w.command(kind, &structs.NameDeleteCommand{Names: []string{g.one("policy", "dev", "ops")}})
	case structs.CmdACLRoleUpsert:
		return w.command(kind, &structs.ACLRoleUpsertCommand{Role: &structs.ACLRole{ID: evalID(g.n(2, "role")), Name: g.one("role name", "dev", "ops"),
			Policies: []*structs.ACLRolePolicy{{Name: g.one("policy", "dev", "ops")}}}})
	case structs.CmdACLRoleDelete:
		return w.command(kind, &structs.ACLRoleDeleteCommand{IDs: []structs.ID{evalID(g.n(2, "role"))}})
	case structs.CmdACLTokenUpsert:
		return w.command(kind, &structs.ACLTokenUpsertCommand{Token: g.token()})
	case structs.CmdACLTokenDelete:
		return w.command(kind, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{evalID(g.n(3, "token"))}})
	case structs.CmdACLBootstrap:
		t := g.token()
		t.Type, t.Policies, t.Roles = structs.TokenManagement, nil, nil
		return w.command(kind, &structs.ACLBootstrapCommand{Token: t, Reset: uint64(g.n(5, "reset"))})
	case structs.CmdOneTimeToken:
		return w.command(kind, &structs.OneTimeTokenCommand{Token: &structs.OneTimeToken{AccessorID: evalID(g.n(3, "token")), Hash: []byte{byte(g.n(2, "hash"))},
			ExpiresAt: time.Unix(0, w.now+int64(g.n(3, "expiry"))*1e9).UTC()}})
	case structs.CmdOneTimeTokenUse:
		return w.command(kind, &structs.OneTimeTokenUseCommand{Hash: []byte{byte(g.n(2, "hash"))}})
	case structs.CmdACLExpire:
		return w.command(kind, &structs.ACLExpireCommand{Tokens: []structs.ID{evalID(g.n(3, "token"))}, OneTime: []structs.ID{evalID(g.n(3, "token"))}})
	case structs.CmdRegionForget:
		return w.command(kind, &structs.NameDeleteCommand{Names: []string{g.one("region", "mars", "venus")}})
	case structs.CmdAutopilotConfig:
		return w.command(kind, &structs.AutopilotConfigCommand{Config: &structs.AutopilotConfiguration{MinQuorum: uint(g.n(3, "quorum"))}, Check: g.n(1, "check") == 0})
	case structs.CmdChainCheck:
		c := w.snap().Chain()
		return w.command(kind, &structs.ChainCheckCommand{Server: nodeID(1), Origin: c.Origin, Index: w.snap().Index(), Hash: c.Hash[:]})
	case structs.CmdJobSuspend:
		name := jobName(g.n(3, "job"))
		return w.command(kind, &structs.JobSuspendCommand{Namespace: "default", JobID: name, Suspend: g.n(2, "suspend") > 0, Eval: eval(g.n(40, "eval"), name)})
	default:
		return w.command(structs.CmdJobStability, &structs.JobStabilityCommand{Namespace: "default", JobID: jobName(g.n(3, "job")),
			Version: uint64(g.n(2, "version")), Stable: true})
	}
}

// token draws a token of few accessors and secrets.
func (g *generator) token() *structs.ACLToken {
	t := &structs.ACLToken{AccessorID: evalID(g.n(3, "token")), SecretID: nodeID(g.n(3, "secret")), Name: g.one("token name", "a", "b"), Type: g.one("type", "client", "management"),
		CreateTime: time.Unix(0, g.w.now).UTC()}
	if t.Type == structs.TokenClient {
		t.Policies = []string{"dev"}
		if g.n(1, "with role") == 0 {
			t.Roles = []*structs.ACLTokenRole{{ID: evalID(g.n(2, "role"))}}
		}
	}
	if g.n(1, "expires") == 0 {
		t.ExpirationTime = new(time.Unix(0, g.w.now+int64(g.n(3, "ttl"))*1e9).UTC())
	}
	t.SetHash()
	return t
}

func (g *generator) eval(job string) *structs.Evaluation {
	e := eval(g.n(5, "eval"), job)
	e.Status = g.one("status", "pending", "complete")
	if old := g.w.snap().Eval(e.ID); old != nil {
		e.JobID = old.JobID
	}
	return e
}

func (g *generator) plan() *structs.Plan {
	p := &structs.Plan{EvalID: evalID(g.n(5, "eval")), AllAtOnce: g.n(3, "all") == 0}
	snap := g.w.snap()
	if name := jobName(g.n(3, "job")); g.n(1, "deployment") == 0 {
		p.Deployment = &structs.Deployment{ID: deplID(g.n(3, "deployment")), Namespace: "default", JobID: name, Status: "running",
			TaskGroups: map[string]*structs.DeploymentState{"web": {DesiredCanaries: g.n(1, "canaries"), DesiredTotal: 3, ProgressDeadline: 1e10}}}
		if old := snap.Deployment(p.Deployment.ID); old != nil {
			p.Deployment.JobID = old.JobID
		}
	}
	for range g.n(3, "stops") {
		p.Stop = append(p.Stop, &structs.PlanStop{AllocID: allocID(g.n(15, "alloc")), DesiredStatus: "stop", Description: "why",
			ClientStatus: g.one("status", "", "", "lost", "unknown")})
	}
	for range g.n(2, "updates") {
		u := &structs.PlanUpdate{AllocID: allocID(g.n(15, "alloc")), JobVersion: uint64(g.n(2, "version"))}
		if g.n(1, "resources") == 0 {
			u.Resources = g.resources()
		}
		if g.n(1, "deployment") == 0 {
			u.DeploymentID = deplID(g.n(3, "deployment"))
		}
		p.Update = append(p.Update, u)
	}
	for range g.n(2, "groups") {
		name := jobName(g.n(3, "job"))
		pg := group(name, 0, g.resources(), 0)
		if j := snap.Job("default", name); j != nil {
			pg.JobVersion = j.Version
		}
		pg.EvalID = evalID(g.n(5, "eval"))
		if g.n(1, "deployment") == 0 {
			pg.DeploymentID = deplID(g.n(3, "deployment"))
		}
		for range g.n(4, "items") {
			item := &structs.Placement{AllocID: allocID(g.n(15, "alloc")), NodeID: nodeID(g.n(3, "node")), Canary: g.n(3, "canary") == 0}
			for range g.n(2, "ports") {
				item.Ports = append(item.Ports, structs.AllocatedPortMapping{Label: "p", Value: 8000 + g.n(3, "port"),
					HostIP: g.one("ip", "", "10.0.0.1", "10.0.0.2")})
			}
			if g.n(3, "cores") == 0 {
				item.Tasks = g.resources().Tasks
				item.Tasks["app"].Cpu.ReservedCores = []uint16{uint16(g.n(4, "core"))}
			}
			if g.n(2, "previous") == 0 {
				item.PreviousAllocation = allocID(g.n(15, "alloc"))
			}
			pg.Items = append(pg.Items, item)
		}
		p.Place = append(p.Place, pg)
	}
	return p
}

func (g *generator) resources() *structs.AllocatedResources {
	return resources(int64(g.n(3, "cpu")*500+100), int64(g.n(3, "memory")*1000+100))
}

func (g *generator) deploymentUpdate() *structs.DeploymentUpdateCommand {
	c := &structs.DeploymentUpdateCommand{}
	d := deplID(g.n(3, "deployment"))
	switch g.n(3, "kind") {
	case 0:
		c.Updates = []*structs.DeploymentStatusUpdate{{DeploymentID: d, Status: g.one("status", "running", "paused", "failed", "successful")}}
	case 1:
		c.Promote = &structs.DeploymentPromotion{DeploymentID: d, All: true}
	case 2:
		c.Health = &structs.DeploymentHealth{DeploymentID: d, Healthy: []structs.ID{allocID(g.n(15, "alloc"))}}
	default:
		c.Progress = []*structs.DeploymentProgress{{DeploymentID: d, Group: "web", RequireProgressBy: g.w.now}}
	}
	if g.n(2, "revert") == 0 {
		c.RevertJob = job(jobName(g.n(3, "job")), g.n(5, "count"))
	}
	return c
}
