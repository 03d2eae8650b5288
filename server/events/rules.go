package events

import (
	"maps"
	"reflect"
	"slices"

	"berth/state"
	"berth/structs"
)

// Topic is what an event is about.
type Topic string

// The topics. Namespace, PriorityClass, DisruptionBudget and Queue are beside the contract.
const (
	TopicAny        Topic = "*"
	TopicJob        Topic = "Job"
	TopicEvaluation Topic = "Evaluation"
	TopicAllocation Topic = "Allocation"
	TopicDeployment Topic = "Deployment"
	TopicNode       Topic = "Node"
	TopicNodePool   Topic = "NodePool"
	TopicNamespace  Topic = "Namespace"
	TopicOperator   Topic = "Operator"
	TopicACLPolicy  Topic = "ACLPolicy"
	TopicACLRole    Topic = "ACLRole"
	TopicACLToken   Topic = "ACLToken"

	TopicPriorityClass    Topic = "PriorityClass"
	TopicDisruptionBudget Topic = "DisruptionBudget"
	TopicQueue            Topic = "Queue"
)

// Rule says which change of an object is which event.
type Rule struct {
	Topic Topic
	Type  string
	When  string // in words
	// Beside tells that the contract has no such type.
	Beside bool

	table state.Table
	is    func(before, after any) bool
}

// Rules are all events. Of the rules of a table the first that holds for a change gives its type; the last always does.
func Rules() []Rule {
	return slices.Concat(
		of(TopicJob, state.TableJobs,
			rule[structs.Job]("JobDeregistered", "a job was stopped, or is gone: then the payload is what it last was", func(b, a *structs.Job) bool { return a == nil || a.Stop && (b == nil || !b.Stop) }),
			rule("JobRegistered", "a job, or a new version of it, was stored: by a person, a schedule, a dispatch, a scaling or a revert",
				func(b, a *structs.Job) bool {
					return b == nil || a.Version != b.Version || a.JobModifyIndex != b.JobModifyIndex
				}),
			beside[structs.Job]("JobUpdated", "its status, its stability or the tag of its version changed, not what was asked for", nil)),
		of(TopicEvaluation, state.TableEvals,
			beside("EvaluationDeleted", "an evaluation that was over is forgotten", gone[structs.Evaluation]),
			rule[structs.Evaluation]("EvaluationUpdated", "an evaluation is new, or has another status", nil)),
		of(TopicAllocation, state.TableAllocs,
			beside("AllocationDeleted", "an allocation that was over is forgotten", gone[structs.Allocation]),
			rule("PlanResult", "the scheduler placed it", func(b, _ *structs.Allocation) bool { return b == nil }),
			rule("AllocationUpdateDesiredStatus", "it is asked to move, by a drain, a deployment or a person", func(b, a *structs.Allocation) bool {
				return !reflect.DeepEqual(b.DesiredTransition, a.DesiredTransition)
			}),
			rule("PlanResult", "the scheduler stopped, changed or replaced it", func(b, a *structs.Allocation) bool {
				return b.AllocModifyIndex != a.AllocModifyIndex || b.DesiredStatus != a.DesiredStatus
			}),
			rule[structs.Allocation]("AllocationUpdated", "its node told of it: its status, its tasks, its health", nil)),
		of(TopicDeployment, state.TableDeployments,
			beside("DeploymentDeleted", "a deployment that was over is forgotten", gone[structs.Deployment]),
			rule("PlanResult", "the scheduler began it", func(b, _ *structs.Deployment) bool { return b == nil }),
			rule("DeploymentStatusUpdate", "it has another status", func(b, a *structs.Deployment) bool { return a.Status != b.Status }),
			rule("DeploymentPromotion", "the canaries of a group were promoted", promoted),
			rule("DeploymentAllocHealth", "allocations of it became healthy or unhealthy", counted(func(s *structs.DeploymentState) [2]int { return [2]int{s.HealthyAllocs, s.UnhealthyAllocs} })),
			rule("PlanResult", "the scheduler placed allocations of it", counted(func(s *structs.DeploymentState) [2]int { return [2]int{s.PlacedAllocs, len(s.PlacedCanaries)} })),
			rule[structs.Deployment]("DeploymentStatusUpdate", "its description or a deadline changed", nil)),
		of(TopicNode, state.TableNodes,
			rule("NodeDeregistration", "a node is gone: the payload is what it last was", gone[structs.Node]),
			rule("NodeRegistration", "a node came", func(b, _ *structs.Node) bool { return b == nil }),
			rule("NodeDrain", "a drain began, changed or ended", func(b, a *structs.Node) bool {
				return !reflect.DeepEqual(b.DrainStrategy, a.DrainStrategy)
			}),
			rule("NodeEligibility", "it was opened or closed for placements", func(b, a *structs.Node) bool { return b.SchedulingEligibility != a.SchedulingEligibility }),
			beside("NodeTaints", "its taints changed", func(b, a *structs.Node) bool { return !reflect.DeepEqual(b.Taints, a.Taints) }),
			rule("NodeRegistration", "it describes itself differently: attributes, resources, drivers", func(b, a *structs.Node) bool { return !reflect.DeepEqual(described(b), described(a)) }),
			rule[structs.Node]("NodeStreamEvent", "its status or its list of events changed, or it is heard of again", nil)),
		of(TopicNodePool, state.TableNodePools,
			rule("NodePoolDeleted", "a pool is gone", gone[structs.NodePool]),
			rule[structs.NodePool]("NodePoolUpserted", "a pool is new or changed", nil)),
		of(TopicNamespace, state.TableNamespaces,
			beside("NamespaceDeleted", "a namespace is gone", gone[structs.Namespace]),
			beside[structs.Namespace]("NamespaceUpserted", "a namespace is new or changed", nil)),
		of(TopicOperator, state.TableSchedulerConfig,
			beside[structs.SchedulerConfiguration]("SchedulerConfigurationUpdated", "the scheduler configuration changed", nil)),
		of(TopicOperator, state.TableAutopilotConfig,
			beside[structs.AutopilotConfiguration]("AutopilotConfigurationUpdated", "how servers that fail or come are treated changed", nil)),
		of(TopicACLPolicy, state.TableACLPolicies,
			rule("ACLPolicyDeleted", "a policy is gone", gone[structs.ACLPolicy]),
			rule[structs.ACLPolicy]("ACLPolicyUpserted", "a policy is new or changed", nil)),
		of(TopicACLRole, state.TableACLRoles,
			rule("ACLRoleDeleted", "a role is gone", gone[structs.ACLRole]),
			rule[structs.ACLRole]("ACLRoleUpserted", "a role is new or changed", nil)),
		of(TopicACLToken, state.TableACLTokens,
			rule("ACLTokenDeleted", "a token is gone: by a person, or because it expired", gone[structs.ACLToken]),
			rule[structs.ACLToken]("ACLTokenUpserted", "a token is new or changed; its secret is never told", nil)),
		of(TopicPriorityClass, state.TablePriorityClasses,
			beside("PriorityClassDeleted", "a priority class is gone", gone[structs.PriorityClass]),
			beside[structs.PriorityClass]("PriorityClassUpserted", "a priority class is new or changed", nil)),
		of(TopicDisruptionBudget, state.TableDisruptionBudgets,
			beside("DisruptionBudgetDeleted", "a disruption budget is gone", gone[structs.DisruptionBudget]),
			beside[structs.DisruptionBudget]("DisruptionBudgetUpserted", "a disruption budget is new or changed", nil)),
		of(TopicQueue, state.TableQueues,
			beside("QueueDeleted", "a queue is gone", gone[structs.Queue]),
			beside[structs.Queue]("QueueUpserted", "a queue is new or changed", nil)),
	)
}

// Topics are the topics that events have.
func Topics() []Topic {
	var out []Topic
	for _, r := range Rules() {
		if !slices.Contains(out, r.Topic) {
			out = append(out, r.Topic)
		}
	}
	return out
}

func of(topic Topic, table state.Table, rules ...Rule) []Rule {
	for i := range rules {
		rules[i].Topic, rules[i].table = topic, table
	}
	return rules
}

// rule is one of the contract's; a nil is always holds. What is gone never reaches a rule below that for what is gone.
func rule[T any](name, when string, is func(before, after *T) bool) Rule {
	r := Rule{Type: name, When: when, is: func(_, _ any) bool { return true }}
	if is != nil {
		r.is = func(before, after any) bool {
			b, _ := before.(*T) // nil when it is new
			a, _ := after.(*T)  // nil when it is gone
			return is(b, a)
		}
	}
	return r
}

func beside[T any](name, when string, is func(before, after *T) bool) Rule {
	r := rule(name, when, is)
	r.Beside = true
	return r
}

func gone[T any](_, after *T) bool { return after == nil }

// promoted reports a group that is promoted now and was not.
func promoted(b, a *structs.Deployment) bool {
	for name, g := range a.TaskGroups {
		if old := b.TaskGroups[name]; g.Promoted && (old == nil || !old.Promoted) {
			return true
		}
	}
	return false
}

// counted reports that numbers of a group changed.
func counted(of func(*structs.DeploymentState) [2]int) func(b, a *structs.Deployment) bool {
	return func(b, a *structs.Deployment) bool {
		return !maps.EqualFunc(b.TaskGroups, a.TaskGroups, func(x, y *structs.DeploymentState) bool { return of(x) == of(y) })
	}
}

// described is what a node says of itself, without what becomes of it.
func described(n *structs.Node) structs.Node {
	d := *n
	d.SecretID = structs.ID{}
	d.DrainStrategy, d.LastDrain, d.SchedulingEligibility = nil, nil, ""
	d.Taints, d.TaintsIndex = nil, 0
	d.Status, d.StatusDescription, d.StatusUpdatedAt, d.Events = "", "", 0, nil
	d.LastMissedHeartbeat, d.LastAllocUpdateIndex, d.CreateIndex, d.ModifyIndex = 0, 0, 0, 0
	return d
}
