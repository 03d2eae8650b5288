package cli

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

// TestWhatIsShown compares what commands show with files: what people read and scripts cut out does not change by accident.
func TestWhatIsShown(t *testing.T) {
	f := newFake(t, webRoutes())
	for _, c := range []struct{ file, args string }{
		{"job-list", "job status"},
		{"job-status", "job status web"},
		{"job-status-prefix", "job status -evals -verbose we"},
		{"job-allocs", "job allocs web"},
		{"alloc-status", "alloc status c0000001"},
		{"alloc-status-short", "alloc status -short -verbose c"},
		{"node-list", "node status -allocs"},
		{"node-list-verbose", "node status -verbose"},
		{"node-status", "node status one"},
		{"eval-list", "eval list"},
		{"eval-status", "eval status e0000002"},
		{"deployment-list", "deployment list"},
		{"deployment-status", "deployment status d0"},
	} {
		t.Run(c.file, func(t *testing.T) {
			got := f.berth(t, strings.Fields(c.args)...)
			if got.code != 0 || got.err != "" {
				t.Fatalf("exit code %d: %s", got.code, got.err)
			}
			golden(t, c.file, "$ berth "+c.args+"\n"+got.out)
		})
	}
}

func TestStatusOfAnything(t *testing.T) {
	f := newFake(t, webRoutes())
	for args, want := range map[string]string{"status": "Submit Date", "status web": "Summary", "status c0": "Client Status", "status one": "Eligibility",
		"status e0000002": "Triggered", "status d0": "Deployed"} {
		if got := f.berth(t, strings.Fields(args)...); got.code != 0 || !strings.Contains(got.out, want) {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := f.berth(t, "status", "-json", "c0"); got.code != 0 || !strings.HasPrefix(got.out, "{") {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "status", "nothing"); got.code != 1 || !strings.Contains(got.err, "nothing") {
		t.Errorf("%+v", got)
	}
}

func TestHelpIsWholeAndPlain(t *testing.T) {
	golden(t, "help", berth(t, "", "-h").out)
}

// TestHistoryOfAJob: differences are asked for, and shown, only with -p.
func TestHistoryOfAJob(t *testing.T) {
	routes := webRoutes()
	versions := []*structs.Job{webJob(), webJob(), webJob()}
	versions[0].TaskGroups[0].Count, versions[0].Priority = new(3), 70
	versions[1].Version, versions[1].Stable, versions[1].VersionTag = 1, true, &structs.JobVersionTag{Name: "golden", Description: "as it ran in May"}
	versions[1].TaskGroups[0].Tasks[0].Env = map[string]string{"LEVEL": "debug"}
	versions[2].Version = 0
	routes["GET /v1/job/web/versions"] = func(w http.ResponseWriter, r *http.Request) {
		resp := &api.JobVersionsResponse{Versions: versions}
		if q := r.URL.Query(); q.Get("diffs") == "true" {
			base := map[string]*structs.Job{"0": versions[2], "golden": versions[1]}[q.Get("diff_version")+q.Get("diff_tag")]
			for i := range versions {
				from := base
				if base == nil {
					if i+1 == len(versions) {
						break
					}
					from = versions[i+1]
				}
				d, err := structs.JobDiffOf(from, versions[i], true)
				if err != nil {
					t.Error(err)
				}
				resp.Diffs = append(resp.Diffs, d)
			}
		}
		_ = json.NewEncoder(w).Encode(resp)
	}
	f := newFake(t, routes)
	text := ""
	for _, args := range []string{"job history web", "job history -p web", "job history -version 1 web", "job history -p -version=1 web", "job history -version=7 web",
		"job history -diff-version=0 web", "job history -diff-tag=golden -version=2 web", "job history -diff-tag=golden -diff-version=0 web"} {
		got := f.berth(t, strings.Fields(args)...)
		text += "$ berth " + args + "\n" + got.out + got.err
	}
	golden(t, "job-history", text)
}

// TestHistoryShowsVersionsWhole reads what -full prints.
func TestHistoryShowsVersionsWhole(t *testing.T) {
	routes := webRoutes()
	routes["GET /v1/job/web/versions"] = &api.JobVersionsResponse{Versions: []*structs.Job{webJob()}}
	got := newFake(t, routes).berth(t, "job", "history", "-full", "web")
	at := strings.Index(got.out, "{")
	var j structs.Job
	if got.code != 0 || at < 0 || json.Unmarshal([]byte(got.out[at:]), &j) != nil || j.ID != "web" || len(j.TaskGroups) == 0 {
		t.Errorf("%+v", got)
	}
}
