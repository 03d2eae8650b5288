package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/e2e/harness"
)

// answered is how long a region that may be cut off is asked for an answer, whatever it is.
const answered = time.Minute

// Two regions on machines of their own are joined by one printed line: each answers for the other, streams included, also after the
// cable between them was out and after one of them made a new root.
func TestTwoRegions(t *testing.T) {
	w := newTown(t, 2)
	for i, region := range []string{"east", "west"} {
		w.start(i+1, fmt.Sprintf("region = %q\nserver {\n  enabled = true\n  bootstrap_expect = 1\n}\nclient {\n  enabled = %v\n}\n%s", region, region == "west", w.quick()))
	}
	east := &rig{T: t, ctx: w.ctx, agent: w.agents[0]}
	west := &rig{T: t, ctx: w.ctx, agent: w.agents[1]}
	for _, a := range w.agents {
		w.until("it leads", func() bool {
			_, err := a.API.Call(w.ctx, http.MethodPut, "/v1/namespace", map[string]string{"Name": "own"}, nil)
			return err == nil
		})
	}
	asked := func(a *harness.Agent, region string) error {
		ctx, cancel := context.WithTimeout(w.ctx, answered)
		defer cancel()
		err := a.API.Get(ctx, "/v1/jobs?region="+region, nil)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s was asked about %s and did not answer", a.Dir, region)
		}
		return err
	}
	if err := asked(w.agents[0], "west"); err == nil || !strings.Contains(err.Error(), "No path to region") {
		t.Errorf("before they are joined: %v", err)
	}
	token := tokenOf(east.ok("operator", "join-token", "create", "-role", "region"))
	if out := west.ok("server", "join", token); out != "Joined with region east\n" {
		t.Errorf("join said %q", out)
	}
	both := func() bool {
		for _, a := range w.agents {
			var names []string
			if a.API.Get(w.ctx, "/v1/regions", &names) != nil || !slices.Equal(names, []string{"east", "west"}) || asked(a, "east") != nil || asked(a, "west") != nil {
				return false
			}
		}
		return true
	}
	w.until("each answers for the other", both)
	if out := east.ok("server", "members"); !strings.Contains(out, "m1.east") || !strings.Contains(out, "m2.west") {
		t.Errorf("members:\n%s", out)
	}

	west.load()
	east.submit("away", spec{mode: "bridge", command: counter}.text("away"), "-region", "west")
	one := west.one("away", "running")
	if out := east.ok("alloc", "exec", "-region", "west", one.ID, "echo", "hello"); out != "hello\n" {
		t.Errorf("exec in the other region said %q", out)
	}
	if out := east.ok("job", "status"); strings.Contains(out, "away") {
		t.Errorf("the job is in both regions:\n%s", out)
	}

	if err := w.lan.Cut(2, true); err != nil {
		t.Fatal(err)
	}
	w.until("the other region is gone", func() bool {
		err := asked(w.agents[0], "west")
		return err != nil && strings.Contains(err.Error(), "No path to region")
	})
	if err := asked(w.agents[0], "east"); err != nil {
		t.Errorf("the own region while the other is gone: %v", err)
	}
	east.ok("operator", "ca", "rotate")
	if err := w.lan.Cut(2, false); err != nil {
		t.Fatal(err)
	}
	w.until("each answers for the other again", both)
	var roots []struct{ Roots []string }
	w.until("the new root was told", func() bool {
		return w.agents[1].API.Get(w.ctx, "/v1/operator/regions", &roots) == nil && len(roots) == 1 && len(roots[0].Roots) == 2
	})

	west.ok("operator", "region", "forget", "east")
	w.until("it is forgotten", func() bool {
		err := asked(w.agents[1], "east")
		return err != nil && strings.Contains(err.Error(), "No path to region")
	})
	west.ok("job", "stop", "-detach", "away")
	west.one("away", "complete")
}
