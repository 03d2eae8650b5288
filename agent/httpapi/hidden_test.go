package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

// TestNothingOfAnotherNamespaceIsTold has jobs of one namespace meet those of another, in every way in which they can, and asks every route about the
// one: nobody who may not read the other hears its names or how it is.
func TestNothingOfAnotherNamespaceIsTold(t *testing.T) {
	g := newGuarded(t)
	for _, ns := range []string{"apps", "hidden"} {
		g.want("PUT", "/v1/namespace", map[string]any{"Name": ns}, 200, nil)
	}
	of := func(namespace, id, group string, priority int, after ...*structs.Dependency) *structs.Job {
		j := job(id, 1)
		j.Namespace, j.Priority, j.DependsOn, j.TaskGroups[0].Name = namespace, priority, after, group
		return j
	}
	big := func(j *structs.Job) *structs.Job {
		j.TaskGroups[0].Tasks[0].Resources = &structs.Resources{CPU: new(3000), MemoryMB: new(64)}
		return j
	}
	var config struct {
		SchedulerConfig structs.SchedulerConfiguration
	}
	g.want("GET", "/v1/operator/scheduler/configuration", nil, 200, &config)
	config.SchedulerConfig.PreemptionConfig.ServiceSchedulerEnabled = true
	g.want("PUT", "/v1/operator/scheduler/configuration", config.SchedulerConfig, 200, nil)
	// Allocations of one leave for those of the other, both ways.
	g.register(big(of("hidden", "canary-low", "canary-group", 10)))
	g.runAll()
	g.make("reader", `namespace "default" { policy = "write" }
namespace "apps" { policy = "read" }
node { policy = "read" }
node_pool "*" { policy = "read" }
operator { policy = "read" }
agent { policy = "read" }
`)
	g.make("both", `namespace "*" { policy = "write" }`)
	planned := func(caller string) string {
		return g.as(caller).want("PUT", "/v1/job/web/plan", map[string]any{"Job": big(of("default", "web", "g", 50))}, 200, nil)
	}
	if got := planned("reader"); strings.Contains(got, "canary") || strings.Contains(got, `"hidden"`) || !strings.Contains(got, `"PreemptedAllocs":[{"ID":"`) {
		t.Errorf("planned: %s", got)
	}
	if got := planned("both"); !strings.Contains(got, "canary-group") {
		t.Errorf("who may read both is told %s", got)
	}
	g.as("management")
	g.register(big(of("default", "web", "g", 50)))
	g.endStopped("/v1/job/web/allocations")
	g.runAll()
	g.register(big(of("hidden", "canary-high", "canary-group", 90)))
	g.endStopped("/v1/job/canary-high/allocations?namespace=hidden")
	// One waits for the other: what is known is how the one is written.
	wait := func(ns, id string) *structs.Dependency {
		return &structs.Dependency{Namespace: ns, Job: id, Condition: structs.DependHealthy}
	}
	g.register(of("hidden", "known", "canary-group", 50))
	g.register(of("default", "late", "g", 50, wait("hidden", "known")))
	gave := *wait("hidden", "known")
	gave.OnFailure = structs.DependFail
	g.want("DELETE", "/v1/job/known?namespace=hidden", nil, 200, nil)
	var put structs.JobRegisterResponse
	g.want("PUT", "/v1/jobs", &structs.JobRegisterRequest{Job: of("default", "gave-up", "g", 50, &gave)}, 200, &put)
	for e, index := (structs.Evaluation{}), "0"; e.Status != structs.EvalStatusFailed; {
		index = g.get("/v1/evaluation/"+put.EvalID.String()+"?index="+index, &e).header.Get("X-Nomad-Index")
	}

	seen := map[string]bool{}
	var objects struct{ allocs, evals, deployments []struct{ ID string } }
	g.want("GET", "/v1/allocations", nil, 200, &objects.allocs)
	g.want("GET", "/v1/evaluations", nil, 200, &objects.evals)
	g.want("GET", "/v1/deployments", nil, 200, &objects.deployments)
	ids := func(list []struct{ ID string }) (out []string) {
		for _, x := range list {
			out = append(out, x.ID)
		}
		return out
	}
	g.as("reader")
	for _, p := range g.api.permissions {
		if p.Method != http.MethodGet || strings.HasPrefix(p.Path, "/v1/client/") || strings.Contains(p.Path, "/pprof/") || strings.HasSuffix(p.Path, "/stream") || strings.Contains(p.Path, "monitor") ||
			p.Path == "/v1/metrics" || p.Path == "/v1/operator/snapshot" { // streams are tested beside, figures are the agent's
			continue
		}
		names := []string{"x"}
		switch {
		case strings.Contains(p.Path, "/job/"):
			names = []string{"web", "late", "gave-up"}
		case strings.Contains(p.Path, "allocation/"):
			names = ids(objects.allocs)
		case strings.Contains(p.Path, "evaluation/"):
			names = ids(objects.evals)
		case strings.Contains(p.Path, "deployment/"):
			names = ids(objects.deployments)
		case strings.Contains(p.Path, "/node/"):
			names = []string{g.node.ID.String()}
		}
		for _, name := range names {
			for _, query := range []string{"", "?namespace=*", "?related=true"} {
				path := strings.NewReplacer("{id}", name, "{name}", "default", "{op}", "list", "{tag}", "v").Replace(p.Path) + query
				got := g.do("GET", path, nil)
				seen[fmt.Sprint(got.status)] = true
				for _, secret := range []string{"canary", "of 1 serve", "is stopped"} {
					if strings.Contains(got.body, secret) {
						t.Errorf("%s tells %q: %.2000s", path, secret, got.body)
					}
				}
			}
		}
	}
	if !seen["200"] || len(objects.allocs) == 0 || len(objects.evals) < 3 {
		t.Errorf("nothing was asked: %v, %+v", seen, objects)
	}
	var why api.Why
	if text := g.as("both").want("GET", "/v1/explain/job/late", nil, 200, &why); !strings.Contains(text, "of 1 serve") {
		t.Errorf("who may read both is told %s", text)
	}
	// A circle by way of jobs that the caller may not read.
	g.as("management").register(of("apps", "mid", "g", 50, wait("hidden", "canary-end")))
	g.register(of("hidden", "canary-end", "g", 50, wait("default", "first")))
	got := g.as("reader").want("PUT", "/v1/jobs", &structs.JobRegisterRequest{Job: of("default", "first", "g", 50, wait("apps", "mid"))}, 500, nil)
	if strings.Contains(got, "canary") || !strings.Contains(got, "mid on a job of another namespace") {
		t.Errorf("a circle: %s", got)
	}
}

// endStopped reports what was told to leave as ended, and waits until a list has what takes its place.
func (g *guarded) endStopped(list string) {
	g.Helper()
	var updates []*structs.AllocClientUpdate
	for a := range g.server.State().Snapshot().AllocsByNode(g.node.ID) {
		if a.ServerTerminal() && !a.ClientTerminal() {
			updates = append(updates, &structs.AllocClientUpdate{ID: a.ID, NodeID: g.node.ID, ClientStatus: structs.AllocClientComplete})
		}
	}
	if len(updates) == 0 {
		g.Fatal("nothing leaves")
	}
	if err := g.server.UpdateAllocs(g.Context(), &structs.NodeUpdateAllocsRequest{NodeID: g.node.ID, SecretID: g.node.SecretID, Updates: updates}); err != nil {
		g.Fatal(err)
	}
	separator := map[bool]string{true: "&", false: "?"}[strings.Contains(list, "?")]
	for got, index := []struct{ ID string }{}, "0"; len(got) == 0; {
		index = g.get(list+separator+"index="+index, &got).header.Get("X-Nomad-Index")
	}
}

// A queue of several namespaces is shown to who sees one of them, without the names of the others.
func TestAQueueNamesNoNamespaceThatIsNotSeen(t *testing.T) {
	g := newGuarded(t)
	for _, ns := range []string{"apps", "hidden"} {
		g.want("PUT", "/v1/namespace", map[string]any{"Name": ns}, 200, nil)
	}
	g.want("PUT", "/v1/queue/both", map[string]any{"Namespaces": []string{"apps", "hidden"}}, 200, nil)
	g.make("apps", `namespace "apps" { policy = "read" }`)
	g.make("operator", `operator { policy = "read" }`)
	g.make("none", `namespace "default" { policy = "read" }`)
	for _, path := range []string{"/v1/queue/both", "/v1/queues"} {
		if got := g.as("apps").want("GET", path, nil, 200, nil); !strings.Contains(got, `"Namespaces":["apps"]`) || strings.Contains(got, "hidden") {
			t.Errorf("who sees one is told %s", got)
		}
		for _, caller := range []string{"operator", "management"} {
			if got := g.as(caller).want("GET", path, nil, 200, nil); !strings.Contains(got, `"Namespaces":["apps","hidden"]`) {
				t.Errorf("%s is told %s", caller, got)
			}
		}
	}
	g.as("none").want("GET", "/v1/queue/both", nil, 404, nil)
	if got := g.as("none").want("GET", "/v1/queues", nil, 200, nil); strings.TrimSpace(got) != "[]" {
		t.Errorf("who sees none is told %s", got)
	}
}
