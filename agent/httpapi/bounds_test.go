package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sync/semaphore"

	"berth/api"
	"berth/structs"
)

// TestScaleIsValidated: counts that are each allowed may not add up to more than a job may have.
func TestScaleIsValidated(t *testing.T) {
	r := newRig(t)
	j := job("web", 0)
	j.Type = structs.JobTypeBatch // has no deployments that are in the way
	j.TaskGroups = append(j.TaskGroups, &structs.TaskGroup{Name: "h", Count: new(1), Tasks: []*structs.Task{{Name: "t", Driver: "fake"}}})
	r.register(j)
	got := r.do("PUT", "/v1/job/web/scale", map[string]any{"Target": map[string]string{"Group": "g"}, "Count": structs.MaxGroupCount})
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "add up to more than 50000") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if s := r.server.State().Snapshot(); *s.Job("default", "web").LookupGroup("g").Count != 0 {
		t.Error("the job was scaled")
	}
}

// TestRevertIsAdmittedAnew: an earlier version may need what is gone.
func TestRevertIsAdmittedAnew(t *testing.T) {
	r := newRig(t)
	pool := map[string]any{"Name": "gone"}
	if got := r.do("PUT", "/v1/node/pool/gone", pool); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	j := job("web", 0)
	j.NodePool = "gone"
	r.register(j)
	j = job("web", 0)
	j.NodePool = structs.DefaultNodePool
	r.register(j)
	if got := r.do("DELETE", "/v1/node/pool/gone", nil); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	got := r.do("PUT", "/v1/job/web/revert", map[string]any{"JobID": "web", "JobVersion": 0})
	if got.status != http.StatusInternalServerError || !strings.Contains(got.body, `nonexistent node pool "gone"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestObjectsOfABody: as many as allowed, and one more.
func TestObjectsOfABody(t *testing.T) {
	body := func(n int) []byte { return []byte("[" + strings.Repeat("{},", n-1) + "{}]") }
	if err := checkDepth(body(maxObjects)); err != nil {
		t.Error(err)
	}
	if err := checkDepth(body(maxObjects + 1)); err == nil || !strings.Contains(err.Error(), "more than 500000 objects") {
		t.Error(err)
	}
	if err := checkDepth([]byte(`["` + strings.Repeat("{", maxObjects+1) + `"]`)); err != nil {
		t.Errorf("braces in a text: %v", err)
	}
	r := newRig(t)
	got := r.do("PUT", "/v1/jobs", `{"Job":{"TaskGroups":`+string(body(maxObjects+1))+`}}`)
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "objects") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestJobsAreReadInTurn: two texts are read at a time; one more waits for a turn, and is told to come again when there is none.
func TestJobsAreReadInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &API{parses: semaphore.NewWeighted(parsedAtATime)}
		w := httptest.NewRecorder()
		ask := func() (func(), error) {
			return a.request(w, httptest.NewRequest(http.MethodPost, "/v1/jobs/parse", nil)).turn()
		}
		first, err := ask()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ask(); err != nil {
			t.Fatal(err)
		}
		_, err = ask()
		coded, ok := err.(*statusError)
		if !ok || coded.status != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
			t.Fatalf("%v, Retry-After %q", err, w.Header().Get("Retry-After"))
		}
		first()
		if _, err := ask(); err != nil {
			t.Errorf("a turn was free: %v", err)
		}
	})
}

// TestParsingOverTheAPIGivesBackItsTurn: more requests than may be read at a time, one after the other.
func TestParsingOverTheAPIGivesBackItsTurn(t *testing.T) {
	r := newRig(t)
	for range 2 * parsedAtATime {
		for text, want := range map[string]int{"job \"a\" {": http.StatusBadRequest,
			"job \"a\" {\n group \"g\" {\n task \"t\" {\n driver = \"fake\"\n }\n }\n}\n": http.StatusOK} {
			if got := r.do("PUT", "/v1/jobs/parse", api.ParseRequest{JobHCL: text}); got.status != want {
				t.Errorf("%d %s", got.status, got.body)
			}
		}
	}
}
