package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"berth/e2e/harness"
)

// Access control on three servers and a node that was not told of it: the first token makes a policy and a token, whose owner runs a job and
// reads its output, from any machine, and is refused everything else everywhere. A leader is killed in between. When the token is deleted,
// the open streams end, on the node too.
func TestAccessControl(t *testing.T) {
	w := newTown(t, 4)
	w.extra = "acl {\n  enabled = true\n}\n"
	w.form()
	r := &rig{T: t, ctx: w.ctx, agent: w.agents[0]}
	var first struct{ SecretID string }
	w.until("the first token is made", func() bool {
		out := r.run("acl", "bootstrap", "-json")
		return out.Code == 0 && json.Unmarshal([]byte(out.Stdout), &first) == nil
	})
	r.fails([]string{"ACL bootstrap already done (reset index: "}, "acl", "bootstrap")
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
	w.join(4, "client")
	as(first.SecretID)
	w.voters(3)
	w.until("the node is ready", func() bool {
		var nodes []struct{ Status string }
		return w.agents[3].API.Get(w.ctx, "/v1/nodes", &nodes) == nil && len(nodes) == 1 && nodes[0].Status == "ready"
	})

	r.runIn(strings.NewReader("namespace \"default\" {\n  policy = \"write\"\n}\n"), "acl", "policy", "apply", "dev", "-")
	var dev struct{ SecretID, AccessorID string }
	if err := json.Unmarshal([]byte(r.ok("acl", "token", "create", "-name=dev", "-policy=dev", "-json")), &dev); err != nil {
		t.Fatal(err)
	}
	w.write(1, "apps")
	r.agent = w.agents[3]
	r.load()
	as(dev.SecretID)
	r.agent = w.agents[1]
	r.submit("mine", spec{mode: "bridge", command: counter}.text("mine"))
	alloc := r.one("mine", "running").ID
	refused := func(i int, method, path string, in any, why string) {
		t.Helper()
		var err error
		code := new(harness.StatusError)
		w.until("somebody answers "+path, func() bool {
			_, err = w.agents[i-1].API.Call(w.ctx, method, path, in, nil)
			return !errors.As(err, &code) || code.Code != http.StatusServiceUnavailable
		})
		if code.Code != http.StatusForbidden || code.Body != why {
			t.Errorf("machine %d, %s %s: %v, want %s", i, method, path, err, why)
		}
	}
	const permission = "Permission denied"
	for i := 1; i <= 4; i++ {
		r.agent = w.agents[i-1]
		r.count(alloc, 1)
		if out := r.ok("alloc", "exec", alloc, "echo", "hello"); out != "hello\n" {
			t.Errorf("machine %d: exec said %q", i, out)
		}
		refused(i, http.MethodGet, "/v1/jobs?namespace=apps", nil, permission)
		refused(i, http.MethodGet, "/v1/nodes", nil, permission)
		refused(i, http.MethodPut, "/v1/namespace", map[string]string{"Name": "theirs"}, permission)
		refused(i, http.MethodGet, "/v1/acl/tokens", nil, permission)
		refused(i, http.MethodGet, "/v1/agent/self", nil, permission)
		as("")
		refused(i, http.MethodGet, "/v1/jobs", nil, permission)
		refused(i, http.MethodGet, "/v1/client/fs/logs/"+alloc+"?task=main&type=stdout", nil, permission)
		refused(i, http.MethodGet, "/v1/client/fs/ls/"+alloc, nil, permission)
		// What machines ask each other is theirs, on whichever agent: a server would ask for its own next certificate, with the caller's key.
		for _, path := range []string{"/v1/internal/certificate", "/v1/internal/join", "/v1/internal/region"} {
			_, err := w.agents[i-1].API.Call(w.ctx, http.MethodPut, path, map[string]any{"CSR": []byte("x")}, nil)
			if code := new(harness.StatusError); !errors.As(err, &code) || code.Code != http.StatusNotFound {
				t.Errorf("machine %d, %s: %v", i, path, err)
			}
		}
		as("00000000-0000-4000-8000-0000000000aa")
		refused(i, http.MethodGet, "/v1/jobs", nil, "ACL token not found")
		refused(i, http.MethodGet, "/v1/client/allocation/"+alloc+"/stats", nil, "ACL token not found")
		as(dev.SecretID)
	}

	as(first.SecretID)
	lead := w.voters(3)
	if err := w.agents[lead-1].Signal(w.ctx, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	other := lead%3 + 1
	as(dev.SecretID)
	r.agent = w.agents[other-1]
	w.until("the token works at the next leader", func() bool { return r.run("job", "status", "mine").Code == 0 })
	refused(other, http.MethodPut, "/v1/namespace", map[string]string{"Name": "theirs"}, permission)

	ended := make(chan error, 3)
	for _, of := range []struct {
		machine int
		path    string
	}{{4, "/v1/client/fs/logs/" + alloc + "?task=main&type=stdout&follow=true&plain=true"},
		{other, "/v1/client/fs/logs/" + alloc + "?task=main&type=stdout&follow=true&plain=true"}, {other, "/v1/event/stream?topic=Job"}} {
		var text string
		go func() {
			_, err := w.agents[of.machine-1].API.Call(w.ctx, http.MethodGet, of.path, nil, &text)
			ended <- err
		}()
	}
	r.count(alloc, 3) // they are under way
	r.agent = w.agents[other-1]
	manager := harness.NewAPI(w.lan.Hosts[other-1])
	defer manager.Close()
	manager.Token = first.SecretID
	w.until("the token is deleted", func() bool {
		_, err := manager.Call(w.ctx, http.MethodDelete, "/v1/acl/token/"+dev.AccessorID, nil, nil)
		return err == nil
	})
	for range 3 {
		select {
		case <-ended:
		case <-w.ctx.Done():
			t.Fatal("a stream of a token that is gone does not end")
		}
	}
	for _, i := range []int{other, 4} {
		refused(i, http.MethodGet, "/v1/jobs", nil, "ACL token not found")
	}
	w.until("the node has heard of it too", func() bool {
		_, err := w.agents[3].API.Call(w.ctx, http.MethodGet, "/v1/client/fs/ls/"+alloc, nil, nil)
		return err != nil && strings.HasSuffix(err.Error(), "ACL token not found")
	})
	as(first.SecretID)
	r.ok("job", "stop", "-detach", "mine")
	r.one("mine", "complete")
}
