package events

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

// world is a state machine whose store keeps its past.
type world struct {
	store *state.Store
	fsm   *fsm.FSM
	now   int64
}

func newWorld(keep int) *world {
	w := &world{store: state.New(), now: 1e18}
	w.store.LimitFeed(state.FeedLimits{Writes: keep, Bytes: 64 << 20})
	w.fsm = fsm.New(w.store)
	return w
}

type body struct {
	kind structs.CommandKind
	of   msgp.Marshaler
}

// do applies commands as one entry, which must all be accepted.
func (w *world) do(t testing.TB, bodies ...body) {
	t.Helper()
	entry := &structs.LogEntry{}
	for _, b := range bodies {
		w.now += 1e9
		cmd, err := structs.NewCommand(b.kind, w.now, b.of)
		if err != nil {
			t.Fatal(err)
		}
		entry.Commands = append(entry.Commands, cmd)
	}
	for i, r := range w.fsm.ApplyEntry(w.store.Index()+1, entry) {
		if r.Err != nil {
			t.Fatalf("command %d of kind %d: %v", i, bodies[i].kind, r.Err)
		}
	}
}

func id(kind byte, n int) structs.ID { return structs.ID{0: kind, 15: byte(n)} }

func aNode(n int) *structs.Node {
	return &structs.Node{ID: id('n', n), SecretID: id('s', n), Name: "node", Datacenter: "dc1", NodePool: "default", Status: structs.NodeStatusReady,
		Attributes: map[string]string{"a": "b"}, NodeResources: &structs.NodeResources{Cpu: structs.NodeCPUResources{CpuShares: 4000},
			Memory: structs.NodeMemoryResources{MemoryMB: 8192}, Disk: structs.NodeDiskResources{DiskMB: 100_000}}}
}

func aJob(name string) *structs.Job {
	j := &structs.Job{ID: name, Type: structs.JobTypeService, TaskGroups: []*structs.TaskGroup{{Name: "g", Tasks: []*structs.Task{{Name: "t", Driver: "fake"}}}}}
	j.Canonicalize()
	return j
}

func anEval(n int, job string) *structs.Evaluation {
	return &structs.Evaluation{ID: id('e', n), Namespace: "default", JobID: job, Type: "service", Priority: 50, TriggeredBy: structs.EvalTriggerJobRegister,
		Status: structs.EvalStatusPending}
}

func register(job string, n int) body {
	return body{structs.CmdJobRegister, &structs.JobRegisterCommand{Job: aJob(job), Eval: anEval(n, job)}}
}

// placed is a plan that places allocation n of job web, of deployment 1, and ends evaluation 1.
func placed(n int) body {
	over := anEval(1, "web")
	over.Status = structs.EvalStatusComplete
	return body{structs.CmdPlanApply, &structs.PlanApplyCommand{Evals: []*structs.Evaluation{over}, Plans: []*structs.Plan{{EvalID: id('e', 1),
		Deployment: &structs.Deployment{ID: id('d', 1), Namespace: "default", JobID: "web", Status: structs.DeploymentRunning,
			TaskGroups: map[string]*structs.DeploymentState{"g": {DesiredTotal: 1, DesiredCanaries: 1, ProgressDeadline: time.Minute}}},
		Place: []*structs.PlanGroup{{Namespace: "default", JobID: "web", TaskGroup: "g", EvalID: id('e', 1), DeploymentID: id('d', 1),
			Resources: &structs.AllocatedResources{Tasks: map[string]*structs.AllocatedTaskResources{"t": {Cpu: structs.AllocatedCPUResources{CpuShares: 100},
				Memory: structs.AllocatedMemoryResources{MemoryMB: 100}}}},
			Metrics: &structs.AllocMetric{}, Items: []*structs.Placement{{AllocID: id('a', n), NodeID: id('n', 1), NodeName: "node", Canary: true}}}}}}}}
}

func stopped(n int) body {
	return body{structs.CmdPlanApply, &structs.PlanApplyCommand{Plans: []*structs.Plan{{EvalID: id('e', 1),
		Stop: []*structs.PlanStop{{AllocID: id('a', n), DesiredStatus: structs.AllocDesiredStop}}}}}}
}

func told(n int, status string, healthy *bool) body {
	u := &structs.AllocClientUpdate{ID: id('a', n), NodeID: id('n', 1), ClientStatus: status}
	if healthy != nil {
		u.DeploymentStatus = &structs.AllocDeploymentStatus{Healthy: healthy, Timestamp: time.Unix(1, 0)}
	}
	return body{structs.CmdAllocClientUpdate, &structs.AllocClientUpdateCommand{Updates: []*structs.AllocClientUpdate{u}}}
}

func names(list ...string) *structs.NameDeleteCommand { return &structs.NameDeleteCommand{Names: list} }

var (
	nodeComes = body{structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: aNode(1)}}
	nodeDown  = body{structs.CmdNodeStatus, &structs.NodeStatusCommand{NodeID: id('n', 1), Status: structs.NodeStatusDown}}
	running   = []body{nodeComes, register("web", 1), placed(1)}
)

// TestEveryCommandIsTheseEvents holds for every kind of command what a reader is told of it.
func TestEveryCommandIsTheseEvents(t *testing.T) {
	changed := aNode(1)
	changed.Attributes = map[string]string{"a": "c"}
	daily := aJob("daily")
	daily.Periodic = &structs.PeriodicConfig{Spec: "@daily"}
	daily.Canonicalize()
	template := aJob("template")
	template.Type, template.ParameterizedJob = structs.JobTypeBatch, &structs.ParameterizedJobConfig{}
	template.Canonicalize()
	config := structs.DefaultSchedulerConfiguration()
	root := &structs.AuthorityRootCommand{Root: &structs.AuthorityRoot{ID: "r", Certificate: []byte{1}, SealedKey: []byte{2}}}
	token := body{structs.CmdJoinToken, &structs.JoinTokenCommand{Token: &structs.JoinToken{ID: id('t', 1), Role: "client", Hash: []byte{1}, ExpiresAt: 2e18, MaxUses: 2}}}
	class := body{structs.CmdPriorityClass, &structs.PriorityClassCommand{Class: &structs.PriorityClass{Name: "low", Value: 20, PreemptionPolicy: structs.PreemptNever}}}
	budget := body{structs.CmdDisruptionBudget, &structs.DisruptionBudgetCommand{Budget: &structs.DisruptionBudget{Namespace: "default", Name: "webs", Job: "web*",
		Disruption: structs.Disruption{MinAvailable: "1"}}}}
	queue := body{structs.CmdQueue, &structs.QueueCommand{Queue: &structs.Queue{Name: "all", Namespaces: []string{"*"}}}}
	region := body{structs.CmdRegion, &structs.RegionCommand{Regions: []*structs.Region{{Name: "west", Roots: [][]byte{{1}}, Servers: []string{"10.0.0.1:4647"}}}}}
	revoked := body{structs.CmdCertificateRevoke, &structs.CertificateRevokeCommand{Revocation: &structs.CertificateRevocation{Name: "aa", ExpiresAt: 1 << 62}}}
	policy := body{structs.CmdACLPolicyUpsert, &structs.ACLPolicyUpsertCommand{Policies: []*structs.ACLPolicy{{Name: "dev", Rules: "node {}", Hash: []byte{1}}}}}
	role := body{structs.CmdACLRoleUpsert, &structs.ACLRoleUpsertCommand{Role: &structs.ACLRole{ID: id('r', 1), Name: "devs", Policies: []*structs.ACLRolePolicy{{Name: "dev"}}}}}
	aclToken := &structs.ACLToken{AccessorID: id('t', 1), SecretID: id('s', 1), Type: structs.TokenManagement, ExpirationTime: new(time.Unix(0, 2e18))}
	bootstrap := body{structs.CmdACLBootstrap, &structs.ACLBootstrapCommand{Token: aclToken}}
	short := body{structs.CmdACLTokenUpsert, &structs.ACLTokenUpsertCommand{Token: &structs.ACLToken{AccessorID: id('t', 2), SecretID: id('s', 2), Type: structs.TokenManagement,
		ExpirationTime: new(time.Unix(0, 1e18+3e9))}}}
	oneTime := body{structs.CmdOneTimeToken, &structs.OneTimeTokenCommand{Token: &structs.OneTimeToken{AccessorID: id('t', 1), Hash: []byte{1}, ExpiresAt: time.Unix(0, 2e18)}}}
	rows := []struct {
		name   string
		before []body
		do     body
		want   string // "Topic Type Key" of each, in order
	}{
		{"a job", nil, register("web", 1), "Job JobRegistered web, Evaluation EvaluationUpdated e1"},
		{"a job stops", running[1:2], body{structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "web"}}, "Job JobDeregistered web"},
		{"a job is purged", running[1:2], body{structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "web", Purge: true}}, "Job JobDeregistered web"},
		{"a node", nil, nodeComes, "Node NodeRegistration n1"},
		{"a node tells the same again", []body{nodeComes}, nodeComes, "Node NodeStreamEvent n1"},
		{"a node changes", []body{nodeComes}, body{structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: changed}}, "Node NodeRegistration n1"},
		{"a node goes", []body{nodeComes}, body{structs.CmdNodeDeregister, &structs.NodeDeregisterCommand{NodeID: id('n', 1)}}, "Node NodeDeregistration n1"},
		{"a node is down", []body{nodeComes}, nodeDown, "Node NodeStreamEvent n1"},
		{"a node is closed", []body{nodeComes}, body{structs.CmdNodeEligibility, &structs.NodeEligibilityCommand{NodeID: id('n', 1), Eligibility: structs.NodeIneligible}},
			"Node NodeEligibility n1"},
		{"a node drains", []body{nodeComes}, body{structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: id('n', 1),
			Strategy: &structs.DrainStrategy{DrainSpec: structs.DrainSpec{Deadline: time.Hour}}}}, "Node NodeDrain n1"},
		{"a node drains because its agent ends", []body{nodeComes}, body{structs.CmdNodeShutdown, &structs.NodeShutdownCommand{NodeID: id('n', 1), Deadline: time.Hour}},
			"Node NodeDrain n1"},
		{"a node is tainted", []body{nodeComes}, body{structs.CmdNodeTaints, &structs.NodeTaintsCommand{NodeID: id('n', 1),
			Taints: []*structs.Taint{{Key: "a", Effect: structs.TaintNoSchedule}}}}, "Node NodeTaints n1"},
		{"an evaluation", running[1:2], body{structs.CmdEvalUpsert, &structs.EvalUpsertCommand{Evals: []*structs.Evaluation{anEval(2, "web")}}}, "Evaluation EvaluationUpdated e2"},
		{"a placement", running[:2], placed(1), "Deployment PlanResult d1, Allocation PlanResult a1, Evaluation EvaluationUpdated e1, Job JobUpdated web"},
		{"a stop", running, stopped(1), "Allocation PlanResult a1, Job JobUpdated web"},
		{"a report", running, told(1, "running", nil), "Allocation AllocationUpdated a1"},
		{"a report of health", slices.Concat(running, []body{told(1, "running", nil)}), told(1, "running", new(true)),
			"Allocation AllocationUpdated a1, Deployment DeploymentAllocHealth d1"},
		{"a wish to move", running, body{structs.CmdAllocTransition, &structs.AllocTransitionCommand{Transitions: map[string]*structs.DesiredTransition{
			id('a', 1).String(): {Migrate: new(true)}}}}, "Allocation AllocationUpdateDesiredStatus a1"},
		{"a deployment pauses", running, body{structs.CmdDeploymentUpdate, &structs.DeploymentUpdateCommand{Updates: []*structs.DeploymentStatusUpdate{
			{DeploymentID: id('d', 1), Status: structs.DeploymentPaused}}}}, "Deployment DeploymentStatusUpdate d1"},
		{"canaries are promoted", slices.Concat(running, []body{told(1, "running", new(true))}), body{structs.CmdDeploymentUpdate, &structs.DeploymentUpdateCommand{
			Promote: &structs.DeploymentPromotion{DeploymentID: id('d', 1), All: true}}}, "Allocation PlanResult a1, Deployment DeploymentPromotion d1"},
		{"what is over goes", slices.Concat(running, []body{told(1, "complete", nil), stopped(1), {structs.CmdDeploymentUpdate, &structs.DeploymentUpdateCommand{
			Updates: []*structs.DeploymentStatusUpdate{{DeploymentID: id('d', 1), Status: structs.DeploymentCancelled}}}}, nodeDown}),
			body{structs.CmdReap, &structs.ReapCommand{Allocs: []structs.ID{id('a', 1)}, Evals: []structs.ID{id('e', 1)}, Deployments: []structs.ID{id('d', 1)}, Nodes: []structs.ID{id('n', 1)}}},
			"Allocation AllocationDeleted a1, Evaluation EvaluationDeleted e1, Deployment DeploymentDeleted d1, Node NodeDeregistration n1"},
		{"configuration", nil, body{structs.CmdSchedulerConfig, &structs.SchedulerConfigCommand{Config: config}}, "Operator SchedulerConfigurationUpdated scheduler-configuration"},
		{"a namespace", nil, body{structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "apps"}}}}, "Namespace NamespaceUpserted apps"},
		{"a namespace goes", []body{{structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "apps"}}}}},
			body{structs.CmdNamespaceDelete, names("apps")}, "Namespace NamespaceDeleted apps"},
		{"a pool", nil, body{structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: "gpu"}}}}, "NodePool NodePoolUpserted gpu"},
		{"a pool goes", []body{{structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: "gpu"}}}}},
			body{structs.CmdNodePoolDelete, names("gpu")}, "NodePool NodePoolDeleted gpu"},
		{"a job is suspended", running[1:2], body{structs.CmdJobSuspend, &structs.JobSuspendCommand{Namespace: "default", JobID: "web", Suspend: true}}, "Job JobUpdated web"},
		{"a version is stable", running[1:2], body{structs.CmdJobStability, &structs.JobStabilityCommand{Namespace: "default", JobID: "web", Stable: true}}, "Job JobUpdated web"},
		{"a version is tagged", running[1:2], body{structs.CmdJobVersionTag, &structs.JobVersionTagCommand{Namespace: "default", JobID: "web", Name: "good",
			Tag: &structs.JobVersionTag{Name: "good"}}}, "Job JobUpdated web"},
		{"a schedule is due", []body{{structs.CmdJobRegister, &structs.JobRegisterCommand{Job: daily}}}, body{structs.CmdPeriodicLaunch, &structs.PeriodicLaunchCommand{
			Namespace: "default", JobID: "daily", Launch: 2e18, EvalID: id('e', 9)}}, "Job JobRegistered daily/periodic-2000000000, Evaluation EvaluationUpdated e9"},
		{"a dispatch", []body{{structs.CmdJobRegister, &structs.JobRegisterCommand{Job: template}}}, body{structs.CmdJobDispatch, &structs.JobDispatchCommand{
			Namespace: "default", JobID: "template", ChildID: "template/dispatch-1", EvalID: id('e', 9)}}, "Job JobRegistered template/dispatch-1, Evaluation EvaluationUpdated e9"},
		{"autopilot", nil, body{structs.CmdAutopilotConfig, &structs.AutopilotConfigCommand{Config: &structs.AutopilotConfiguration{MaxTrailingLogs: 9}}},
			"Operator AutopilotConfigurationUpdated autopilot-configuration"},
		{"a priority class", nil, class, "PriorityClass PriorityClassUpserted low"},
		{"a priority class goes", []body{class}, body{structs.CmdPriorityClassDelete, names("low")}, "PriorityClass PriorityClassDeleted low"},
		{"a queue", nil, queue, "Queue QueueUpserted all"},
		{"a queue goes", []body{queue}, body{structs.CmdQueueDelete, &structs.NameDeleteCommand{Names: []string{"all"}}}, "Queue QueueDeleted all"},
		{"a budget", nil, budget, "DisruptionBudget DisruptionBudgetUpserted webs"},
		{"a budget goes", []body{budget}, body{structs.CmdDisruptionBudgetDelete, &structs.DisruptionBudgetDeleteCommand{Namespace: "default", Name: "webs"}},
			"DisruptionBudget DisruptionBudgetDeleted webs"},
		{"a policy", nil, policy, "ACLPolicy ACLPolicyUpserted dev"},
		{"a policy is said again", []body{policy}, policy, ""},
		{"a policy goes", []body{policy}, body{structs.CmdACLPolicyDelete, names("dev")}, "ACLPolicy ACLPolicyDeleted dev"},
		{"a role", []body{policy}, role, "ACLRole ACLRoleUpserted r1"},
		{"a role goes", []body{policy, role}, body{structs.CmdACLRoleDelete, &structs.ACLRoleDeleteCommand{IDs: []structs.ID{id('r', 1)}}}, "ACLRole ACLRoleDeleted r1"},
		{"the first token", nil, bootstrap, "ACLToken ACLTokenUpserted t1"},
		{"a token of people", nil, short, "ACLToken ACLTokenUpserted t2"},
		{"a token of people goes", []body{bootstrap}, body{structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{id('t', 1)}}}, "ACLToken ACLTokenDeleted t1"},
		{"a token expires", []body{short, nodeComes, nodeComes, nodeComes}, body{structs.CmdACLExpire, &structs.ACLExpireCommand{Tokens: []structs.ID{id('t', 2)}}}, "ACLToken ACLTokenDeleted t2"},
		{"a one-time token", []body{bootstrap}, oneTime, ""},
		{"a one-time token is used", []body{bootstrap, oneTime}, body{structs.CmdOneTimeTokenUse, &structs.OneTimeTokenUseCommand{Hash: []byte{1}}}, ""},
		// Secrets of the servers among themselves.
		{"a region", nil, region, ""},
		{"a region goes", []body{region}, body{structs.CmdRegionForget, names("west")}, ""},
		{"a certificate is revoked", nil, revoked, ""},
		{"and no longer", []body{revoked}, body{structs.CmdCertificateReinstate, names("aa")}, ""},
		{"a root", nil, body{structs.CmdAuthorityRoot, root}, ""},
		{"replicas compare their hashes", nil, body{structs.CmdChainCheck, &structs.ChainCheckCommand{Server: id('v', 1), Hash: make([]byte, 32)}}, ""},
		{"a root goes", []body{{structs.CmdAuthorityRoot, root}, {structs.CmdAuthorityRoot, &structs.AuthorityRootCommand{Previous: "r", RetireAt: 5,
			Root: &structs.AuthorityRoot{ID: "q", Certificate: []byte{1}, SealedKey: []byte{2}}}}}, body{structs.CmdAuthorityRootDelete, names("r")}, ""},
		{"a token", nil, token, ""},
		{"a token is used", []body{token}, body{structs.CmdJoinTokenUse, &structs.JoinTokenUseCommand{ID: id('t', 1), Hash: []byte{1}, By: "x"}}, ""},
		{"a token goes", []body{token}, body{structs.CmdJoinTokenDelete, &structs.JoinTokenDeleteCommand{IDs: []structs.ID{id('t', 1)}}}, ""},
	}
	var covered []structs.CommandKind
	types := map[string]bool{}
	for _, row := range rows {
		covered = append(covered, row.do.kind)
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(1000)
			for _, b := range row.before {
				w.do(t, b)
			}
			feed, _ := w.store.FeedFrom(w.store.Index() + 1)
			w.do(t, row.do)
			var got []string
			if c, _, err := feed.Next(); err != nil {
				t.Fatal(err)
			} else if c != nil {
				for _, e := range newDeriver().events(c) {
					got = append(got, string(e.Topic)+" "+e.Type+" "+shortKey(e.Key))
					types[string(e.Topic)+" "+e.Type] = true
					check(t, e, c.Index)
				}
			}
			if s := strings.Join(got, ", "); s != row.want {
				t.Errorf("events:\n%s\nwant:\n%s", s, row.want)
			}
		})
	}
	for _, r := range Rules() {
		if !types[string(r.Topic)+" "+r.Type] {
			t.Errorf("no row gives an event %s of %s", r.Type, r.Topic)
		}
	}
	for kind := structs.CmdNone + 1; kind <= structs.CmdLast; kind++ {
		if !slices.Contains(covered, kind) {
			t.Errorf("no row is about command kind %d", kind)
		}
	}
}

// check holds what is so for every event.
func check(t *testing.T, e *Event, index uint64) {
	t.Helper()
	text, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Topic, Type, Key, Namespace string
		FilterKeys                  []string
		Index                       uint64
		Payload                     map[string]map[string]any
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		t.Fatal(err)
	}
	if shown.Index != index || shown.Topic != string(e.Topic) || shown.Type != e.Type || shown.Key != e.Key || shown.FilterKeys == nil || len(shown.Payload) != 1 {
		t.Errorf("shown as %s", text)
	}
	if again, _ := e.JSON(); &again[0] != &text[0] {
		t.Error("encoded twice")
	}
	if strings.Contains(string(text), "SecretID") && !strings.Contains(string(text), `"SecretID":""`) || strings.Contains(string(text), id('s', 1).String()) {
		t.Errorf("a secret is shown: %s", text)
	}
	if topic := string(e.Topic); topic != "Operator" && shown.Payload[topic] == nil {
		t.Errorf("payload of %s: %v", topic, shown.Payload)
	}
	if (shown.Namespace == "default") != slices.Contains([]Topic{TopicJob, TopicEvaluation, TopicAllocation, TopicDeployment, TopicDisruptionBudget}, e.Topic) {
		t.Errorf("namespace %q of %s", shown.Namespace, e.Topic)
	}
}

// shortKey gives the ids of these tests a name to read.
func shortKey(key string) string {
	if id, err := structs.ParseID(key); err == nil {
		return string(id[0]) + strconv.Itoa(int(id[15]))
	}
	return key
}

func TestNothingSecretIsShown(t *testing.T) {
	j := aJob("web")
	j.ConsulToken, j.VaultToken = "secret-of-consul", "secret-of-vault"
	n := aNode(7)
	a := &structs.Allocation{ID: id('a', 1), JobID: "web", TaskGroup: "g", Job: j}
	for _, object := range []any{j, n, a} {
		e := describe(object)
		text, err := e.JSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"secret-of", n.SecretID.String()} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s is in %s", secret, text)
			}
		}
	}
	if j.ConsulToken == "" || a.Job == nil {
		t.Error("the object of the state was changed")
	}
	e := describe(a)
	if text, _ := e.JSON(); !strings.Contains(string(text), `"Name":"web.g[0]"`) || strings.Contains(string(text), "TaskGroups") {
		t.Errorf("allocation %s", text)
	}
}

func TestWhatAnEntryOfManyCommandsDid(t *testing.T) {
	w := newWorld(1000)
	feed, _ := w.store.FeedFrom(1)
	w.do(t, nodeComes, register("web", 1), register("web", 1), placed(1), // the same job again is no change
		body{structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "a", Description: "1"}, {Name: "a", Description: "2"}}}})
	c, _, err := feed.Next()
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	var got []string
	for _, e := range newDeriver().events(c) {
		got = append(got, e.Type)
	}
	want := "NodeRegistration JobRegistered EvaluationUpdated EvaluationUpdated PlanResult PlanResult EvaluationUpdated JobUpdated NamespaceUpserted"
	if strings.Join(got, " ") != want {
		t.Errorf("%v\nwant %s", got, want)
	}
}

func TestFilters(t *testing.T) {
	j, n := describe(aJob("web")), describe(aNode(1))
	j.Topic, n.Topic = TopicJob, TopicNode
	a := describe(&structs.Allocation{ID: id('a', 1), Namespace: "apps", JobID: "web", NodeID: id('n', 1), EvalID: id('e', 1)})
	a.Topic = TopicAllocation
	for _, c := range []struct {
		namespace string
		topics    []string
		want      string
	}{
		{"default", nil, "jn"},
		{"*", nil, "jna"},
		{"apps", nil, "na"},
		{"*", []string{"*"}, "jna"},
		{"*", []string{"*:*"}, "jna"},
		{"*", []string{"*:web"}, "ja"},
		{"*", []string{"Job"}, "j"},
		{"*", []string{"Job:other"}, ""},
		{"*", []string{"Job:other", "Node"}, "n"},
		{"*", []string{"Allocation:web"}, "a"},
		{"*", []string{"Allocation:" + id('n', 1).String()}, "a"},
		{"*", []string{"Allocation:" + id('e', 1).String(), "Job:*"}, "ja"},
		{"default", []string{"Allocation"}, ""},
	} {
		filters, err := ParseFilters(c.topics)
		if err != nil {
			t.Fatal(err)
		}
		r, got := &Request{Namespace: c.namespace, Filters: filters}, ""
		for name, e := range map[string]*Event{"j": j, "n": n, "a": a} {
			if r.wants(e) {
				got += name
			}
		}
		if len(got) != len(c.want) || strings.Trim(got, c.want) != "" {
			t.Errorf("%s %v: %q, want %q", c.namespace, c.topics, got, c.want)
		}
	}
	for text, want := range map[string]string{
		"Jobs":                             `topic "Jobs" is not known; did you mean "Job"? topics: *, Job`,
		"":                                 `topic "" is not known; topics: *`,
		"Service:web":                      `there are no events of topic "Service" in this version; topics: *, Job`,
		"Job:":                             `topic "Job:" has an empty key: write Job:KEY, or Job:* for all`,
		"Job:" + strings.Repeat("x", 1024): "more than the 1024 one may have",
	} {
		if _, err := ParseFilters([]string{text}); err == nil || !strings.Contains(err.Error(), want) || structs.KindOf(err) != structs.KindInvalid {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := ParseFilters(slices.Repeat([]string{"Job"}, MaxFilters+1)); err == nil || !strings.Contains(err.Error(), "more than the 100") {
		t.Error(err)
	}
}

func FuzzFilters(f *testing.F) {
	for _, text := range []string{"Job", "Job:web", "*:*", "Allocation:", ":", "Job:a:b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseFilters([]string{text})
		if err == nil && (len(got) != 1 || got[0].Key == "" || checkTopic(string(got[0].Topic)) != nil) {
			t.Fatalf("%q is %+v", text, got)
		}
	})
}
