package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A node and a server of three are shut out while they run: their connections end, they are told why and by nobody let in again, the server is
// taken out of the consensus group, and the others go on. Taken back, the node is ready again.
func TestMachinesThatAreShutOut(t *testing.T) {
	w := newTown(t, 4)
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.join(4, "client")
	w.voters(3)
	w.lead(1)
	r := &rig{T: t, ctx: w.ctx, agent: w.agents[0]}
	status := func() string {
		var nodes []struct{ ID, Status string }
		if w.agents[1].API.Get(w.ctx, "/v1/nodes", &nodes) != nil || len(nodes) != 1 {
			return ""
		}
		return nodes[0].Status
	}
	w.until("the node is ready", func() bool { return status() == "ready" })
	var nodes []struct{ ID string }
	if err := w.agents[0].API.Get(w.ctx, "/v1/nodes", &nodes); err != nil {
		t.Fatal(err)
	}
	node := nodes[0].ID
	text, err := os.ReadFile(filepath.Join(w.agents[2].DataDir(), "server", "node-id"))
	if err != nil {
		t.Fatal(err)
	}
	server := strings.TrimSpace(string(text))

	w.until("the server is shut out", func() bool {
		_, err := w.agents[0].API.Call(w.ctx, http.MethodPut, "/v1/operator/ca/revocations", map[string]string{"Name": server, "Reason": "stolen"}, nil)
		return err == nil
	})
	r.ok("operator", "ca", "revoke", "-reason", "lost on a train", node)
	told := func(i int, reason string) {
		t.Helper()
		w.until(fmt.Sprintf("machine %d is told why", i), func() bool { return strings.Contains(w.agents[i-1].Log(), reason) })
	}
	told(4, "lost on a train")
	w.voters(2)
	if out := r.ok("operator", "ca", "revocations"); !strings.Contains(out, server) || !strings.Contains(out, "lost on a train") {
		t.Errorf("revocations:\n%s", out)
	}
	for i := 1; i <= 2; i++ {
		w.write(i, fmt.Sprintf("after-%d", i))
	}
	told(3, "stolen")
	if w.names(3)["after-2"] {
		t.Error("the server that was shut out still follows")
	}

	before := len(w.agents[3].Log())
	r.ok("operator", "ca", "reinstate", node)
	w.until("the node is let in again", func() bool {
		log := w.agents[3].Log()
		return status() == "ready" && !strings.Contains(tail(log[before:], 5), "was revoked")
	})
}
