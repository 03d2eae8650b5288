package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"berth/structs"
)

// TestVersionsAreCompared with the one before, with one, or with a tagged one.
func TestVersionsAreCompared(t *testing.T) {
	r := newRig(t)
	for n := 1; n <= 4; n++ {
		r.register(job("web", n))
	}
	if _, err := r.server.Propose(t.Context(), structs.CmdJobVersionTag, &structs.JobVersionTagCommand{Namespace: "default", JobID: "web", Version: 2, Name: "golden",
		Tag: &structs.JobVersionTag{Name: "golden"}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ query, want string }{
		{"", ""},
		{"diffs=true", "3>4 2>3 1>2"},
		{"diff_version=0", "1>4 1>3 1>2 same"},
		{"diffs=true&diff_version=3", "same 4>3 4>2 4>1"},
		{"diff_tag=golden", "3>4 same 3>2 3>1"},
	} {
		var resp struct {
			Versions []*structs.Job
			Diffs    []*structs.JobDiff
		}
		r.get("/v1/job/web/versions?"+c.query, &resp)
		var got []string
		for _, d := range resp.Diffs {
			text := "same"
			for _, g := range d.TaskGroups {
				for _, f := range g.Fields {
					if f.Name == "Count" && f.Type == structs.DiffEdited {
						text = fmt.Sprintf("%s>%s", f.Old, f.New)
					}
				}
			}
			if (d.Type == structs.DiffNone) != (text == "same") {
				t.Errorf("%s: %s of type %s", c.query, text, d.Type)
			}
			got = append(got, text)
		}
		if s := strings.Join(got, " "); s != c.want || len(resp.Versions) != 4 {
			t.Errorf("%q: %s, want %s", c.query, s, c.want)
		}
	}
	for query, want := range map[string]string{
		"diff_version=9": "404 version 9 of the job is not kept", "diff_version=x": `400 diff_version "x" is not the number`, "diff_tag=none": `404 no version of the job that is kept has the tag "none"`,
		"diff_tag=golden&diff_version=0": "400 diff_version and diff_tag name the same thing",
	} {
		got := r.do("GET", "/v1/job/web/versions?"+query, nil)
		if text := fmt.Sprintf("%d %s", got.status, got.body); !strings.HasPrefix(text, want) {
			t.Errorf("%s: %s", query, text)
		}
	}
}
