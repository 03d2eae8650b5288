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
	if got := r.do("PUT", "/v1/job/web/versions/golden/tag", map[string]any{"Version": 2, "Description": "d"}); got.status != 200 || !strings.Contains(got.body, `"Version":2`) {
		t.Fatal(got)
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

// TestVersionsAreTagged applies tags and takes them away, and refuses what cannot be one.
func TestVersionsAreTagged(t *testing.T) {
	r := newRig(t)
	r.register(job("web", 1))
	r.register(job("web", 2))
	tags := func() (out []string) {
		var resp struct{ Versions []*structs.Job }
		r.get("/v1/job/web/versions", &resp)
		for _, j := range resp.Versions {
			if j.VersionTag != nil {
				out = append(out, fmt.Sprintf("%d %s %s", j.Version, j.VersionTag.Name, j.VersionTag.Description))
				if j.VersionTag.TaggedTime == 0 {
					t.Errorf("%s has no time", j.VersionTag.Name)
				}
			}
		}
		return out
	}
	for _, c := range []struct {
		method, path string
		body         any
		want         string // of the answer
		tags         string
	}{
		{"PUT", "/v1/job/web/versions/new/tag", map[string]any{"Latest": true}, `200 {"Name":"new"`, "1 new "},
		{"POST", "/v1/job/web/versions/a%2Fb/tag", map[string]any{"Version": 0, "Description": "first"}, `200 {"Name":"a/b","Description":"first","Version":0`, "1 new |0 a/b first"},
		{"PUT", "/v1/job/web/versions/new/tag", map[string]any{"Version": 0}, `409 tag`, "1 new |0 a/b first"},
		{"PUT", "/v1/job/web/versions/x/tag", map[string]any{"Version": 7}, `404 `, "1 new |0 a/b first"},
		{"PUT", "/v1/job/none/versions/x/tag", map[string]any{"Version": 0}, `404 job not found`, "1 new |0 a/b first"},
		{"PUT", "/v1/job/web/versions/" + strings.Repeat("x", 129) + "/tag", map[string]any{}, `400 the name of a tag has 1 to 128 bytes`, "1 new |0 a/b first"},
		{"PUT", "/v1/job/web/versions/x%0Ay/tag", map[string]any{}, `400 the name of a tag`, "1 new |0 a/b first"},
		{"PUT", "/v1/job/web/versions/x/tag", map[string]any{"Description": strings.Repeat("x", 1001)}, `400 the description of a tag`, "1 new |0 a/b first"},
		{"DELETE", "/v1/job/web/versions/new/tag", nil, `200 {"Name":"new"`, "0 a/b first"},
		{"DELETE", "/v1/job/web/versions/new/tag", nil, `404 `, "0 a/b first"},
		{"DELETE", "/v1/job/none/versions/new/tag", nil, `404 job not found`, "0 a/b first"},
	} {
		got := r.do(c.method, c.path, c.body)
		text := fmt.Sprintf("%d %s", got.status, got.body)
		if !strings.HasPrefix(text, c.want) && !(strings.HasPrefix(c.want, "409") && got.status == 409) {
			t.Errorf("%s %s: %s, want %s", c.method, c.path, text, c.want)
		}
		if s := strings.Join(tags(), "|"); s != c.tags {
			t.Errorf("%s %s: tags %q, want %q", c.method, c.path, s, c.tags)
		}
	}
}
