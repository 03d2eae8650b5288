package containerd_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/internal/testimage"
)

// refused starts a task that must be refused for good, soon, and without a trace.
func (n *node) refused(cfg *drivers.TaskConfig, words ...string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	_, err := n.driver.Start(ctx, cfg)
	var se *drivers.StartError
	switch {
	case err == nil:
		n.t.Errorf("%s was started", cfg.ID)
		if err := n.driver.Destroy(ctx, cfg.ID); err != nil {
			n.t.Error(err)
		}
		return
	case !errors.As(err, &se):
		n.t.Errorf("%s: %v is no StartError", cfg.ID, err)
	case se.Recoverable:
		n.t.Errorf("%s: %v would be tried again", cfg.ID, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			n.t.Errorf("%s: %q is not told in: %v", cfg.ID, w, err)
		}
	}
	if _, err := n.driver.Inspect(ctx, cfg.ID); !errors.Is(err, drivers.ErrTaskNotFound) {
		n.t.Errorf("%s: something is left: %v", cfg.ID, err)
	}
}

func mkdir(t *testing.T, path ...string) string {
	t.Helper()
	dir := filepath.Join(path...)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestALinkATaskPlantedMakesNothingOnTheHost(t *testing.T) {
	n := newNode(t)
	outside := mkdir(t, t.TempDir(), "outside")
	for name, volume := range map[string]string{"in-local": "local/out/made/by/task:/x", "in-alloc": "../alloc/out/made/by/task:/x", "dots": "local/../../../outside/made:/x",
		"whole": ".:/x", "agents": "private/x:/x"} {
		cfg := n.config(name, "true")
		for _, dir := range []string{mkdir(t, cfg.TaskDir, "local"), cfg.AllocDir} {
			if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
				t.Fatal(err)
			}
		}
		cfg.Config["volumes"] = []any{volume}
		n.refused(cfg, "volume source")
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("made outside: %v, %v", left, err)
	}
}

func TestVolumesOfTheTasksOwnDirectories(t *testing.T) {
	n := newNode(t)
	cfg := n.config("own", "echo kept > /data/file; cat /one; echo new > /new/a; touch /ro/x || echo read-only; grep -c ' /data ' /proc/mounts")
	mkdir(t, cfg.TaskDir, "local/deep")
	if err := os.Symlink("deep", filepath.Join(cfg.TaskDir, "local/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.TaskDir, "local/one"), []byte("one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.Config["volumes"] = []any{"local/link:/data", "local/one:/one", "../alloc/fresh/dir:/new", "local/deep:/ro:ro"}
	r, out := n.run(cfg)
	if !r.Successful() || !strings.Contains(out, "one\n") || !strings.Contains(out, "read-only\n") || !strings.HasSuffix(out, "1\n") && !strings.Contains(out, "\n1\n") {
		t.Errorf("%+v\n%s", r, out)
	}
	for file, want := range map[string]string{filepath.Join(cfg.TaskDir, "local/deep/file"): "kept\n", filepath.Join(cfg.AllocDir, "fresh/dir/a"): "new\n"} {
		if b, err := os.ReadFile(file); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", file, b, err)
		}
	}
}

// While tasks start, their volume is exchanged with a link to the outside, over and over.
func TestAVolumeExchangedWhileItIsMountedNeverShowsTheHost(t *testing.T) {
	n := newNode(t)
	outside := mkdir(t, t.TempDir(), "outside")
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret of the host"), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := n.config("swap", "cat /v/secret; touch /v/escaped")
	local := mkdir(t, cfg.TaskDir, "local")
	victim, link := mkdir(t, local, "v"), filepath.Join(local, "w")
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	cfg.Config["volumes"] = []any{"local/v:/v"}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, victim, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE)
			}
		}
	})
	started := 0
	for range 12 {
		if _, err := n.driver.Start(context.Background(), cfg); err != nil {
			continue
		}
		started++
		n.wait(cfg.ID)
		if err := n.driver.Destroy(context.Background(), cfg.ID); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	out, err := os.ReadFile(cfg.StdoutPath)
	if err != nil || strings.Contains(string(out), "secret of the host") {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(outside, "escaped")); err == nil {
		t.Error("a task wrote to the host")
	}
	t.Logf("%d of 12 starts", started)
}

// What a task mounts over hosts and resolv.conf is read by the agent.
func TestFilesOfATaskAreReadWithinBoundsAndNeverWaitedFor(t *testing.T) {
	n := newNode(t)
	for name, plant := range map[string]func(path string) error{
		"fifo": func(p string) error { return unix.Mkfifo(p, 0o666) },
		"device": func(p string) error {
			return unix.Mknod(p, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) // zero
		},
		"sparse": func(p string) error {
			if err := os.WriteFile(p, nil, 0o666); err != nil {
				return err
			}
			return os.Truncate(p, 1<<40)
		},
	} {
		for key, target := range map[string]string{"extra_hosts": "/etc/hosts", "dns_servers": "/etc/resolv.conf", "load": ""} {
			cfg := n.config(name+"-"+strings.ReplaceAll(key, "_", "-"), "true")
			if err := plant(filepath.Join(mkdir(t, cfg.TaskDir, "local"), "f")); err != nil {
				t.Fatal(err)
			}
			cfg.Config[key] = map[string]any{"extra_hosts": []any{"a:10.0.0.1"}, "dns_servers": []any{"10.0.0.1"}, "load": "local/f"}[key]
			if target == "" {
				n.refused(cfg, "local/f")
				continue
			}
			cfg.Config["volumes"] = []any{"local/f:" + target}
			n.refused(cfg, target)
		}
	}
}

func TestUserFilesOfAnImageAreReadWithinBounds(t *testing.T) {
	n := newNode(t)
	n.load("berth.local/big:1", testimage.Options{Files: map[string]testimage.File{"/etc/passwd": {Content: make([]byte, 9<<20)}}})
	n.load("berth.local/fifo:1", testimage.Options{Files: map[string]testimage.File{"/etc/group": {Mode: os.ModeNamedPipe | 0o644}}})
	n.load("berth.local/link:1", testimage.Options{Files: map[string]testimage.File{"/usr/lib/passwd": {Content: []byte("me:x:77:78::/:/bin/sh\n")},
		"/etc/passwd": {Link: "/usr/lib/passwd"}}})
	for image, word := range map[string]string{"big": "too big", "fifo": "not a regular file"} {
		cfg := n.config("user-"+image, "true")
		cfg.Config["image"] = "berth.local/" + image + ":1"
		n.refused(cfg, word, "of the image")
	}
	cfg := n.config("user-link", "id -u; id -g")
	cfg.Config["image"], cfg.User = "berth.local/link:1", "me"
	if r, out := n.run(cfg); !r.Successful() || out != "77\n78\n" {
		t.Errorf("%+v %q", r, out)
	}
	cfg = n.config("user-groups", "id -u; id -g; id -G")
	cfg.User, cfg.Config["group_add"] = "web", []any{"nogroup", "3000"}
	if r, out := n.run(cfg); !r.Successful() || out != "1000\n1000\n1000 2000 3000 65534\n" {
		t.Errorf("%+v %q", r, out)
	}
	cfg = n.config("user-none", "true")
	cfg.User = "stranger"
	n.refused(cfg, "user or group")
}
