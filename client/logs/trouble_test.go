package logs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// blocks is how much disk a file takes, in bytes.
func blocks(t *testing.T, path string) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks * 512
}

func TestALogDirectoryThatIsALinkIsNotFollowed(t *testing.T) {
	p := newPlace(t, t.TempDir())
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "web.stdout.0"), []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.cfg.Dir, p.cfg.Dir+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, p.cfg.Dir); err != nil {
		t.Fatal(err)
	}
	add(t, p.cfg.SpoolOut, "mine")
	if err := New(p.cfg).Flush(t.Context()); err == nil {
		t.Error("collected over a link")
	}
	err := Read(t.Context(), Request{Dir: p.cfg.Dir, Task: "web", Kind: Stdout}, func(f Frame) error {
		t.Errorf("read %q over a link", f.Data)
		return nil
	})
	if err == nil {
		t.Error("read over a link")
	}
	names, err := os.ReadDir(outside)
	if err != nil || len(names) != 1 {
		t.Errorf("outside has %v, %v", names, err)
	}
	if b, err := os.ReadFile(filepath.Join(outside, "web.stdout.0")); err != nil || string(b) != "theirs" {
		t.Errorf("outside holds %q, %v", b, err)
	}
}

func TestARemovedLogDirectoryComesBack(t *testing.T) {
	p := newPlace(t, t.TempDir())
	c := New(p.cfg)
	if err := os.Remove(p.cfg.Dir); err != nil {
		t.Fatal(err)
	}
	add(t, p.cfg.SpoolOut, "hello")
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.all(t, Stdout, "start", 0); got != "hello" {
		t.Errorf("got %q", got)
	}
}

// A task that broke its own log directory, and writes on, does not fill the disk.
func TestWhatCannotBeCollectedIsBounded(t *testing.T) {
	p := newPlace(t, t.TempDir())
	file := filepath.Join(p.cfg.Dir, "web.stdout.0")
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	c := New(p.cfg)
	for range 4 {
		add(t, p.cfg.SpoolOut, strings.Repeat("x", 1<<20))
		_ = c.Flush(t.Context())
	}
	if n := blocks(t, p.cfg.SpoolOut); n > 2<<20 {
		t.Errorf("the spool takes %d bytes", n)
	}
	if c.takeDropped() == 0 || c.takeDropped() != 0 {
		t.Error("the loss is not counted")
	}
	add(t, p.cfg.SpoolOut, "end")
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.all(t, Stdout, "end", 4); got != "xend" {
		t.Errorf("got %q", got)
	}
	if err := os.MkdirAll(filepath.Join(file, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 4 { // the turn of what is in the way to be removed comes
		add(t, p.cfg.SpoolOut, strings.Repeat("x", 1<<20))
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

func TestOutputNobodyWantsIsFreed(t *testing.T) {
	p := newPlace(t, t.TempDir())
	p.cfg.Disabled = true
	c := New(p.cfg)
	for range 3 {
		add(t, p.cfg.SpoolOut, strings.Repeat("x", 1<<20))
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := blocks(t, p.cfg.SpoolOut); n > punchBytes {
		t.Errorf("the spool takes %d bytes", n)
	}
	if names, err := os.ReadDir(p.cfg.Dir); err != nil || len(names) != 0 {
		t.Errorf("collected %v, %v", names, err)
	}
}

func TestADamagedRecordIsNoEnd(t *testing.T) {
	p := newPlace(t, t.TempDir())
	c := New(p.cfg)
	add(t, p.cfg.SpoolOut, strings.Repeat("x", 3<<20))
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", `{"Index":-1}`} {
		if err := os.WriteFile(recordOf(p.cfg.SpoolOut), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		add(t, p.cfg.SpoolOut, "end")
		if err := New(p.cfg).Flush(t.Context()); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got := p.all(t, Stdout, "end", 4); got != "xend" && got != "dend" {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestAfterALongAbsenceOnlyWhatIsKeptIsCopied(t *testing.T) {
	p := newPlace(t, t.TempDir())
	f, err := os.OpenFile(p.cfg.SpoolOut, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 20 << 20
	if _, err := f.WriteString(strings.Repeat("0123456789abcde\n", size/16)); err != nil {
		t.Fatal(err)
	}
	c := New(p.cfg)
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.all(t, Stdout, "start", 0); len(got) != 3<<20 || !strings.HasSuffix(got, "abcde\n") {
		t.Errorf("kept %d bytes", len(got))
	}
	if n := blocks(t, p.cfg.SpoolOut); n > punchBytes {
		t.Errorf("the spool takes %d bytes", n)
	}
}

func TestATaskThatEmptiesItsOutputGoesOn(t *testing.T) {
	p := newPlace(t, t.TempDir())
	c := New(p.cfg)
	add(t, p.cfg.SpoolOut, "before\n")
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p.cfg.SpoolOut, 0); err != nil {
		t.Fatal(err)
	}
	add(t, p.cfg.SpoolOut, "new\n")
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.all(t, Stdout, "start", 0); got != "before\nnew\n" {
		t.Errorf("got %q", got)
	}
}

// On a full disk the agent lets go of what the task wrote, and collects again when there is room.
func TestAFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	p := newPlace(t, dir)
	c := New(p.cfg)
	chunk := strings.Repeat(strings.Repeat("y", 63)+"\n", (900<<10)/64)
	add(t, p.cfg.SpoolOut, chunk)
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(t, p.cfg.SpoolOut, chunk)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 6<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if err := c.Flush(t.Context()); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("collected on a full disk: %v", err)
	}
	if c.takeDropped() == 0 {
		t.Error("the loss is not counted")
	}
	if n := blocks(t, p.cfg.SpoolOut); n > 2*punchBytes {
		t.Errorf("the spool takes %d bytes", n)
	}
	add(t, p.cfg.SpoolOut, chunk[:64<<10]) // there is room for the task
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	add(t, p.cfg.SpoolOut, "the end\n")
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.all(t, Stdout, "end", 10); got != "y\nthe end\n" {
		t.Errorf("got %q", got)
	}
}
