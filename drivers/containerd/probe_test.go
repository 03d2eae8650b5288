package containerd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"berth/drivers"
)

// A program of ours tries inside a container what no task may do; the kernel's answers are the proof.
func TestWhatATaskMayNotAskOfTheKernel(t *testing.T) {
	n := newNode(t)
	cfg := n.config("probe", "exec /probe/probe")
	dir := mkdir(t, cfg.TaskDir, "local")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "probe"), "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the probe: %v\n%s", err, out)
	}
	cfg.Mounts = append(cfg.Mounts, drivers.Mount{HostPath: dir, TaskPath: "/probe", ReadOnly: true})
	r, out := n.run(cfg)
	if !r.Successful() {
		t.Fatalf("%+v\n%s", r, out)
	}
	nofile := "65536"
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &own); err != nil {
		t.Fatal(err)
	} else if own.Max < 65536 {
		nofile = fmt.Sprint(own.Max) // where we may not raise it ourselves
	}
	tried := 0
	for line := range strings.Lines(out) {
		what, answer, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if limit, ok := strings.CutPrefix(what, "rlimit "); ok {
			if want := map[string]string{"nofile": nofile, "core": "0", "memlock": "65536"}[limit]; answer != want {
				t.Errorf("the limit %s is %s, want %s", limit, answer, want)
			}
			continue
		}
		tried++
		switch answer {
		case "EPERM", "ENOSYS": // the profile's answers
		case "EAFNOSUPPORT", "EINVAL":
			if !strings.HasSuffix(what, "socket") {
				t.Errorf("%s reaches the kernel: %s", what, answer)
			}
		default:
			t.Errorf("%s reaches the kernel: %q", what, answer)
		}
	}
	if tried < 30 {
		t.Errorf("the probe tried %d things only:\n%s", tried, out)
	}
}
