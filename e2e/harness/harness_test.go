package harness_test

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"berth/e2e/harness"

	"golang.org/x/sys/unix"
)

func scope(t *testing.T) harness.Scope {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
	dir := t.TempDir()
	host, err := harness.NewHost(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	return harness.Scope{Host: host, Dir: dir, Cgroup: "berth-harness-test-" + filepath.Base(dir) + ".slice", Bridge: "bharness"}
}

func traces(t *testing.T, s harness.Scope) string {
	t.Helper()
	found, err := harness.Traces(s)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(found, "\n")
}

func TestTracesSeeWhatAnAgentCouldLeaveAndSweepRemovesIt(t *testing.T) {
	s := scope(t)
	if found := traces(t, s); found != "" {
		t.Fatalf("an unused machine shows %s", found)
	}
	sleep := exec.Command("/bin/sh", "-c", "while :; do sleep 1000; done", s.Dir)
	sleep.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Kill(-sleep.Process.Pid, unix.SIGKILL) })
	mount := filepath.Join(s.Dir, "rootfs")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(mount, unix.MNT_DETACH) })
	for _, args := range [][]string{{"ip", "link", "add", "left0", "type", "bridge"}, {"nft", "add", "table", "inet", "left"}} {
		if _, err := s.Host.Output(args[0], args[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	found := traces(t, s)
	for _, want := range []string{"process ", "mount " + mount, "interface left0", "table inet left"} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is not seen:\n%s", want, found)
		}
	}
	if err := harness.Sweep(s); err != nil {
		t.Error(err)
	}
	sleep.Wait()
	found = traces(t, s)
	if strings.Contains(found, "process") || strings.Contains(found, "mount") {
		t.Errorf("after the sweep there is still\n%s", found)
	}
}

func TestAHostHasANetworkOfItsOwn(t *testing.T) {
	s := scope(t)
	l, err := s.Host.Listen("127.0.0.1:4646")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			io.WriteString(c, "inside")
			c.Close()
		}
	}()
	c, err := s.Host.Dial(context.Background(), "tcp", "127.0.0.1:4646")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(c)
	if string(text) != "inside" {
		t.Errorf("read %q", text)
	}
	if c, err := net.Dial("tcp", "127.0.0.1:4646"); err == nil {
		c.Close()
		t.Error("the port is seen outside its machine")
	}
}
