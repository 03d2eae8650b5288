package e2e

import (
	"path/filepath"
	"syscall"
	"testing"

	"berth/drivers/containerd/daemon"
	"berth/e2e/harness"
)

// An agent that names a containerd of the host uses that one; here another agent's stands for it.
func TestAnAgentUsesTheContainerdItIsTold(t *testing.T) {
	host := newRig(t, harness.Options{Persistent: true})
	host.start()
	socket := daemon.New(daemon.Config{DataDir: filepath.Join(host.agent.DataDir(), "containerd")}).Address()
	r := keepingAgent(t, "plugin \"containerd\" {\n  config {\n    endpoint = \""+socket+"\"\n  }\n}\n")
	r.submit("told", spec{mode: "none", command: counter}.text("told"))
	before := r.one("told", "running")
	counted := r.count(before.ID, 3)
	if err := r.agent.Signal(r.ctx, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.start()
	if after := r.one("told", "running"); after.ID != before.ID || after.TaskStates["main"].Restarts != 0 {
		t.Errorf("%+v, was %+v", after, before)
	}
	r.count(before.ID, counted+5)
	r.ok("job", "stop", "-purge", "told")
	r.allocsGone("told")
}
