package httpapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"berth/state"
	"berth/structs"
)

// TestListsWakeForTheirNamespaceAlone blocks each list of a namespace, writes to another, then to its own.
func TestListsWakeForTheirNamespaceAlone(t *testing.T) {
	r := newRig(t)
	r.do("PUT", "/v1/namespace", map[string]any{"Name": "apps"})
	in := func(ns string, count int) func() {
		return func() {
			j := job("web", count)
			j.Namespace = ns
			r.register(j)
		}
	}
	in("apps", 1)()
	in("default", 1)()
	budget := func(ns string, least int) {
		if got := r.do("PUT", "/v1/disruption-budget/b?namespace="+ns, map[string]any{"Job": "web", "MinAvailable": fmt.Sprint(least)}); got.status != 200 {
			t.Fatal(got)
		}
	}
	budget("apps", 1)
	count := 1
	for _, path := range []string{"/v1/jobs?", "/v1/jobs/statuses?", "/v1/allocations?", "/v1/evaluations?", "/v1/evaluations/count?", "/v1/deployments?", "/v1/node/pool/default/jobs?",
		"/v1/disruption-budgets?"} {
		count++
		all := r.index(r.do("GET", path+"namespace=*", nil))
		before := r.index(r.do("GET", path+"namespace=apps", nil))
		ask := func(ns, wait string, at uint64) <-chan reply {
			out := make(chan reply, 1)
			go func() {
				out <- r.do("GET", path+"namespace="+ns+"&wait="+wait+"&index="+strconv.FormatUint(at, 10), nil)
			}()
			return out
		}
		slept, everywhere := ask("apps", "150ms", before), ask("*", "60s", all)
		in("default", count)()
		budget("default", count)
		if got := <-slept; got.status != http.StatusOK || r.index(got) != before {
			t.Errorf("%s: a write elsewhere woke it: %d at %d, not %d", path, got.status, r.index(got), before)
		}
		if got := r.index(<-everywhere); got <= all {
			t.Errorf("%s: the list of all was not woken: %d", path, got)
		}
		woken := ask("apps", "60s", before)
		in("apps", count)()
		budget("apps", count)
		if got := r.index(<-woken); got <= before {
			t.Errorf("%s: woken at %d, not above %d", path, got, before)
		}
		if got := r.index(r.do("GET", path+"namespace=nobody", nil)); got == 0 {
			t.Errorf("%s: no index of an empty namespace", path)
		}
	}
}

// TestEveryListIsWalkedByPages: pages together are the list, forwards and backwards, whatever their size; a token is refused by none.
func TestEveryListIsWalkedByPages(t *testing.T) {
	r := newRig(t)
	for _, id := range []string{"a1", "a2", "b1", "c1", "c2"} {
		r.register(job(id, 1))
	}
	for _, n := range []string{"gpu", "edge"} {
		r.do("PUT", "/v1/node/pools", map[string]any{"Name": n})
		r.do("PUT", "/v1/namespace", map[string]any{"Name": n})
		r.do("PUT", "/v1/priority-class/"+n, map[string]any{"Value": 20})
		r.do("PUT", "/v1/disruption-budget/"+n, map[string]any{"Job": "a*", "MinAvailable": "1"})
		r.do("PUT", "/v1/queue/"+n, map[string]any{"Namespaces": []string{n}})
	}
	type item struct {
		ID, Name    string
		CreateIndex uint64
	}
	walk := func(path string) (out []item) {
		for token, pages := "", 0; ; pages++ {
			var page []item
			got := r.get(path+"&next_token="+token, &page)
			out = append(out, page...)
			if token = got.header.Get("X-Nomad-NextToken"); token == "" {
				return out
			}
			if len(page) == 0 || pages > 50 {
				t.Fatalf("%s: page %d has nothing", path, pages)
			}
		}
	}
	byID := func(a, b item) int { return strings.Compare(a.ID+a.Name, b.ID+b.Name) }
	byIndex := func(a, b item) int { return int(a.CreateIndex) - int(b.CreateIndex) }
	for _, c := range []struct {
		path  string
		least int
		order func(a, b item) int
	}{
		{"/v1/jobs", 5, byID}, {"/v1/jobs/statuses", 5, byID}, {"/v1/node/pool/default/jobs", 5, byID}, {"/v1/allocations", 5, byID},
		{"/v1/evaluations", 5, byIndex}, {"/v1/deployments", 5, byIndex}, {"/v1/nodes", 1, byID}, {"/v1/node/pool/default/nodes", 1, byID},
		{"/v1/node/pools", 4, byID}, {"/v1/namespaces", 3, byID}, {"/v1/priority-classes", 2, byID}, {"/v1/disruption-budgets", 2, byID},
		{"/v1/queues", 2, byID},
	} {
		var all []item
		r.get(c.path+"?namespace=*", &all)
		if len(all) < c.least || !slices.IsSortedFunc(all, c.order) {
			t.Errorf("%s: %d, or not in order: %v", c.path, len(all), all)
		}
		back := slices.Clone(all)
		slices.Reverse(back)
		for _, size := range []int{1, 2, 3, 100} {
			if got := walk(fmt.Sprintf("%s?namespace=*&per_page=%d", c.path, size)); !slices.Equal(got, all) {
				t.Errorf("%s by %d: %v, not %v", c.path, size, got, all)
			}
			if got := walk(fmt.Sprintf("%s?namespace=*&reverse=true&per_page=%d", c.path, size)); !slices.Equal(got, back) {
				t.Errorf("%s backwards by %d: %v, not %v", c.path, size, got, back)
			}
		}
		for _, token := range []string{"nonsense", "12.", ".", "%00"} {
			if got := r.do("GET", c.path+"?next_token="+token, nil); got.status != http.StatusOK || !json.Valid([]byte(got.body)) {
				t.Errorf("%s from %q: %d %s", c.path, token, got.status, got.body)
			}
		}
		if got := r.do("GET", c.path+"?per_page=x", nil); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", c.path, got.status)
		}
	}
}

// TestPlacesOfWhatWasCreated: by index as a number, then by id; tokens are compared as the items are.
func TestPlacesOfWhatWasCreated(t *testing.T) {
	eval := func(index uint64, id byte) *structs.Evaluation {
		return &structs.Evaluation{CreateIndex: index, ID: structs.ID{15: id}}
	}
	want := []*structs.Evaluation{eval(4, 9), eval(9, 1), eval(9, 2), eval(10, 1), eval(10, 3)}
	mixed := []*structs.Evaluation{want[4], want[2], want[0], want[3], eval(7, 7), want[1]}
	got := slices.Collect(evalsByCreation.sort(slices.Values(mixed), func(e *structs.Evaluation) bool { return e.CreateIndex != 7 }))
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for i, a := range want {
		for j, b := range want {
			if at := comparePlaces(evalsByCreation.key(a), evalsByCreation.key(b)); at != cmp.Compare(i, j) {
				t.Errorf("%s against %s: %d", evalsByCreation.key(a), evalsByCreation.key(b), at)
			}
		}
	}
}

// TestTheIndexOfAListIsThatOfItsNewestTable in whatever order the tables are named.
func TestTheIndexOfAListIsThatOfItsNewestTable(t *testing.T) {
	s := state.New()
	write := func(index uint64, change func(txn *state.WriteTxn)) {
		txn := s.Begin(index)
		change(txn)
		txn.Commit()
	}
	write(5, func(txn *state.WriteTxn) {
		txn.PutEval(&structs.Evaluation{ID: structs.ID{1}, Namespace: "apps", JobID: "web"})
	})
	write(7, func(txn *state.WriteTxn) {
		txn.PutDeployment(&structs.Deployment{ID: structs.ID{2}, Namespace: "apps", JobID: "web"})
	})
	for _, ns := range []string{"apps", anyNamespace} {
		one := watched(s.Snapshot(), ns, state.TableEvals, state.TableDeployments)
		other := watched(s.Snapshot(), ns, state.TableDeployments, state.TableEvals)
		if one.index != 7 || other.index != 7 || one.third != nil || one.also == nil {
			t.Errorf("%s: at %d and %d", ns, one.index, other.index)
		}
	}
}

// A list of allocations says what their tasks do unless that is left out, and what they have when it is asked for.
func TestAListOfAllocationsHasWhatIsAskedFor(t *testing.T) {
	g := newRig(t)
	g.register(job("web", 2))
	g.runAll()
	for query, want := range map[string][2]bool{"": {true, false}, "?task_states=false": {false, false}, "?resources=true": {true, true}, "?task_states=false&resources=true": {false, true}} {
		var list []structs.AllocListStub
		g.get("/v1/allocations"+query, &list)
		if len(list) == 0 {
			t.Fatal("there are none")
		}
		for _, al := range list {
			if got := [2]bool{len(al.TaskStates) > 0, al.AllocatedResources != nil}; got != want {
				t.Errorf("%q: states and resources %v, want %v", query, got, want)
			}
		}
	}
}
