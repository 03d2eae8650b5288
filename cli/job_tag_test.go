package cli

import (
	"strings"
	"testing"

	"berth/api"
	"berth/structs"
)

func TestTagsOfVersions(t *testing.T) {
	routes := webRoutes()
	tagged := webJob()
	tagged.Version, tagged.VersionTag = 1, &structs.JobVersionTag{Name: "golden"}
	routes["GET /v1/job/web/versions"] = &api.JobVersionsResponse{Versions: []*structs.Job{webJob(), tagged}}
	for _, k := range []string{"PUT /v1/job/web/versions/golden/tag", "DELETE /v1/job/web/versions/golden/tag"} {
		routes[k] = &api.JobTagResponse{Name: "golden"}
	}
	routes["PUT /v1/job/web/revert"] = &structs.JobRegisterResponse{}
	f := newFake(t, routes)
	for _, c := range []struct{ args, key, body, out string }{
		{"job tag apply -name=golden -description=d web", "PUT /v1/job/web/versions/golden/tag", `"Latest":true`, `is tagged "golden"`},
		{"job tag apply -name=golden -version=0 web", "PUT /v1/job/web/versions/golden/tag", `"Version":0`, `is tagged "golden"`},
		{"job tag unset -name=golden web", "", "", `Tag "golden" is gone`},
		{"job revert -detach web golden", "PUT /v1/job/web/revert", `"JobVersion":1`, ""},
	} {
		got := f.berth(t, strings.Fields(c.args)...)
		if got.code != 0 || !strings.Contains(got.out, c.out) || c.key != "" && !strings.Contains(string(f.text(c.key)), c.body) {
			t.Errorf("%s: %+v, sent %s", c.args, got, f.text(c.key))
		}
	}
	for args, want := range map[string]string{"job tag apply web": "-name is missing", "job tag unset web": "-name is missing", "job revert web x": "no version has this tag"} {
		if got := f.berth(t, strings.Fields(args)...); got.code != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v", args, got)
		}
	}
}
