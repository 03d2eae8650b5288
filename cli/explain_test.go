package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	for args, want := range map[string]string{
		"explain job.group.network": "bridge", "explain kill_timeout": "5s", "explain job group": "job.group", "explain": "job",
	} {
		var out, errs bytes.Buffer
		if code := Main(strings.Fields(args), strings.NewReader(""), &out, &errs); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %d %s %s", args, code, out.String(), errs.String())
		}
	}
	var out, errs bytes.Buffer
	if code := Main([]string{"explain", "job.group.netwrok"}, strings.NewReader(""), &out, &errs); code == 0 || !strings.Contains(errs.String(), "network") {
		t.Errorf("%d %s", code, errs.String())
	}
}
