package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/e2e/harness"
)

func TestTheSampleJobAnswersThroughItsPublishedPort(t *testing.T) {
	r := devAgent(t)
	example, err := filepath.Abs("../examples/web.hcl")
	if err != nil {
		t.Fatal(err)
	}
	out := r.ok("job", "run", example)
	if !strings.Contains(out, "finished with status \"complete\"") {
		t.Errorf("job run does not say that the evaluation is complete:\n%s", out)
	}
	a := r.one("web", "running")
	for _, url := range []string{"http://127.0.0.1:8080/", "http://" + harness.HostAddr + ":8080/"} {
		if body := r.page(url); !strings.Contains(body, "It works") {
			t.Errorf("%s answers %q", url, body)
		}
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"job", "status"}, []string{"ID", "web", "service", "running"}},
		{[]string{"job", "status", "web"}, []string{"Summary", "Allocations", a.ID[:8], "running"}},
		{[]string{"alloc", "status", a.ID[:8]}, []string{a.ID[:8], "server", "8080", "Started", "running"}},
		{[]string{"node", "status"}, []string{"ID", "ready", "eligible"}},
		{[]string{"alloc", "logs", a.ID[:8]}, []string{"listening on port 8080"}},
		{[]string{"job", "stop", "web"}, nil},
	} {
		out := r.ok(c.args...)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("berth %s does not show %q:\n%s", strings.Join(c.args, " "), want, out)
			}
		}
	}
	r.one("web", "complete")
	if _, err := r.get("http://127.0.0.1:8080/"); err == nil {
		t.Error("the port still answers after the job was stopped")
	}
}

func TestEveryExampleRuns(t *testing.T) {
	r := devAgent(t)
	files, err := filepath.Glob("../examples/*.hcl")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		abs, _ := filepath.Abs(f)
		r.ok("job", "validate", abs)
		r.ok("job", "run", "-detach", abs)
	}
	for job, want := range map[string]struct {
		count  int
		status string
	}{"primes": {3, "complete"}, "page": {1, "running"}, "hardened": {1, "complete"}, "rolling": {3, "running"}, "web": {1, "running"}} {
		r.allocs(job, func(all []harness.Alloc) bool {
			n := 0
			for _, a := range all {
				if a.ClientStatus == "failed" {
					t.Fatalf("allocation of %s failed: %s", job, events(a))
				}
				if a.ClientStatus == want.status {
					n++
				}
			}
			return n == want.count
		})
	}
	all := r.allocs("primes", func(all []harness.Alloc) bool { return true })
	if out := r.ok("alloc", "logs", all[0].ID); !strings.Contains(out, "46 primes below 200") {
		t.Errorf("the primes below 200 are 46, the log says %q", out)
	}
}

func TestAnImageArchiveOfEitherFormCanBeLoaded(t *testing.T) {
	r := newRig(t, harness.Options{})
	r.start()
	t.Cleanup(r.endClean)
	if out := r.ok("image", "load", shared.box); !strings.Contains(out, boxImage) {
		t.Errorf("load does not name the image: %q", out)
	}
	junk := filepath.Join(r.agent.Dir, "junk.tar")
	if err := os.WriteFile(junk, []byte("not an archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.fails([]string{"archive"}, "image", "load", junk)
	r.submit("loaded", spec{kind: "batch", command: "echo from an archive"}.text("loaded"))
	a := r.one("loaded", "complete")
	if out := r.ok("alloc", "logs", a.ID); out != "from an archive\n" {
		t.Errorf("log: %q", out)
	}
}

func TestAnImageIsPulledFromARegistry(t *testing.T) {
	r := newRig(t, harness.Options{})
	image := registry(t, r.agent.Host, "tools/box:2")
	r.start()
	t.Cleanup(r.endClean)
	r.submit("pulled", spec{kind: "batch", image: image, command: "echo pulled"}.text("pulled"))
	a := r.one("pulled", "complete")
	if out := r.ok("alloc", "logs", a.ID); out != "pulled\n" {
		t.Errorf("log: %q", out)
	}
}

func TestAnUnknownImageIsNamedWithAWayOut(t *testing.T) {
	r := newRig(t, harness.Options{})
	image := registry(t, r.agent.Host, "tools/box:2")
	r.start()
	t.Cleanup(r.endClean)
	unknown := strings.Replace(image, "box:2", "nothing:9", 1)
	r.submit("unknown", spec{kind: "batch", image: unknown, command: "true", group: noRestart}.text("unknown"))
	a := r.one("unknown", "failed")
	text := events(a)
	if !strings.Contains(text, unknown) || !strings.Contains(text, "not found") {
		t.Errorf("the events do not say that %s was not found:%s", unknown, text)
	}
}
