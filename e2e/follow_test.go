package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"berth/e2e/harness"
)

// One region decides over policies, roles, global tokens and namespaces of another: what is made in either holds in both, a change and a deletion follow,
// also of what happened while the cable was out, and after the leader that decided was killed. The tokens of one region stay there.
func TestOneRegionDecides(t *testing.T) {
	w := newTown(t, 4)
	w.extra = "acl {\n  enabled = true\n}\n"
	w.form()
	r := &rig{T: t, ctx: w.ctx, agent: w.agents[0]}
	var first, reads, dev, local struct{ SecretID, AccessorID string }
	w.until("the first token is made", func() bool {
		out := r.run("acl", "bootstrap", "-json")
		return out.Code == 0 && json.Unmarshal([]byte(out.Stdout), &first) == nil
	})
	as := func(secret string) {
		for _, a := range w.agents {
			if a != nil {
				a.API.Token = secret
			}
		}
	}
	w.join(2, "server")
	w.join(3, "server")
	w.extra = ""
	w.start(4, "region = \"west\"\nserver {\n  enabled = true\n  bootstrap_expect = 1\n}\n"+w.quick())
	as(first.SecretID)
	made := func(r *rig, into any, args ...string) {
		t.Helper()
		if err := json.Unmarshal([]byte(r.ok(append([]string{"acl", "token", "create", "-json"}, args...)...)), into); err != nil {
			t.Fatal(err)
		}
	}
	made(r, &reads, "-type=management", "-name=replication-west")
	west := &rig{T: t, ctx: w.ctx, agent: w.agents[3]}
	token := tokenOf(r.ok("operator", "join-token", "create", "-role", "region"))
	w.until("the regions are joined", func() bool { return west.run("server", "join", token).Code == 0 })
	if err := w.agents[3].Signal(w.ctx, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c := &w.agents[3].Options.Config
	*c = strings.Replace(*c, "bootstrap_expect", "authoritative_region = \"global\"\n  bootstrap_expect", 1) + "acl {\n  enabled = true\n  replication_token = \"" + reads.SecretID + "\"\n}\n"
	if err := w.agents[3].Launch(); err != nil {
		t.Fatal(err)
	}
	// holds tells whether a secret is answered on a machine, or what is said of it.
	holds := func(i int, secret, path string) string {
		api := harness.NewAPI(w.lan.Hosts[i-1])
		defer api.Close()
		api.Token = secret
		switch err := api.Get(w.ctx, path, nil); {
		case err == nil:
			return "yes"
		case strings.HasSuffix(err.Error(), "Permission denied"):
			return "denied"
		case strings.HasSuffix(err.Error(), "ACL token not found"):
			return "unknown"
		default:
			return err.Error()
		}
	}
	follows := func(what, secret, path, want string) {
		t.Helper()
		w.until(what, func() bool { return holds(4, secret, path) == want })
	}
	follows("the first token holds in the west", first.SecretID, "/v1/acl/tokens", "yes")

	// Typed in the west, made where it is decided, and good in both.
	west.runIn(strings.NewReader("namespace \"default\" {\n  policy = \"write\"\n}\n"), "acl", "policy", "apply", "dev", "-")
	west.ok("namespace", "apply", "apps")
	made(west, &dev, "-global", "-policy=dev", "-name=dev")
	made(west, &local, "-policy=dev", "-name=local")
	follows("a global token", dev.SecretID, "/v1/jobs", "yes")
	follows("a token of the region", local.SecretID, "/v1/jobs", "yes")
	w.until("the namespace", func() bool { return w.names(4)["apps"] })
	for i, want := range map[int]string{1: "unknown", 2: "unknown", 4: "yes"} {
		if got := holds(i, local.SecretID, "/v1/jobs"); got != want {
			t.Errorf("a token of the west on machine %d: %s", i, got)
		}
		if got := holds(i, dev.SecretID, "/v1/jobs?region=global"); want == "unknown" && got != "yes" {
			t.Errorf("the global token on machine %d: %s", i, got)
		}
	}
	if got := holds(4, dev.SecretID, "/v1/jobs?region=global"); got != "yes" {
		t.Errorf("the global token of the west in the other region: %s", got)
	}
	if got := holds(4, reads.SecretID, "/v1/jobs"); got != "unknown" {
		t.Errorf("the replication token, of the other region alone: %s", got)
	}
	if got := holds(4, dev.SecretID, "/v1/nodes"); got != "denied" {
		t.Errorf("before the policy says so: %s", got)
	}
	r.runIn(strings.NewReader("namespace \"default\" {\n  policy = \"write\"\n}\nnode {\n  policy = \"read\"\n}\n"), "acl", "policy", "apply", "dev", "-")
	follows("a policy's change", dev.SecretID, "/v1/nodes", "yes")
	if out := west.ok("operator", "region", "status"); !strings.Contains(out, "global") || !strings.Contains(out, "ago") || strings.Contains(out, "Error") {
		t.Errorf("the status:\n%s", out)
	}

	// Cut off it goes on with what it has, and says so; then what happened meanwhile holds.
	if err := w.lan.Cut(4, true); err != nil {
		t.Fatal(err)
	}
	r.ok("acl", "token", "delete", dev.AccessorID)
	w.until("the west sees that it is cut off", func() bool { return strings.Contains(west.ok("operator", "region", "status"), "Error") })
	if got := holds(4, dev.SecretID, "/v1/nodes"); got != "yes" {
		t.Errorf("while it is cut off: %s", got)
	}
	west.fails([]string{"No path to region"}, "namespace", "apply", "meanwhile")
	if err := w.lan.Cut(4, false); err != nil {
		t.Fatal(err)
	}
	follows("a deletion", dev.SecretID, "/v1/nodes", "unknown")

	lead := w.voters(3)
	if err := w.agents[lead-1].Signal(w.ctx, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.until("a token is made at the next leader, through the west", func() bool {
		return json.Unmarshal([]byte(west.run("acl", "token", "create", "-json", "-global", "-policy=dev").Stdout), &dev) == nil
	})
	follows("what the next leader has", dev.SecretID, "/v1/nodes", "yes")
	if _, err := w.agents[3].API.Call(w.ctx, http.MethodDelete, "/v1/acl/token/"+local.AccessorID, nil, nil); err != nil {
		t.Error(err)
	}
	follows("the end of the token of the region", local.SecretID, "/v1/jobs", "unknown")
}
