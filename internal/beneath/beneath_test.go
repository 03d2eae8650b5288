package beneath

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// tree is a tree with hostile content; outside is what nobody may reach through it.
func tree(t *testing.T) (tr *Tree, dir, outside string) {
	t.Helper()
	base := t.TempDir()
	dir, outside = filepath.Join(base, "tree"), filepath.Join(base, "outside")
	for _, d := range []string{dir, outside, filepath.Join(dir, "a/b")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{filepath.Join(outside, "secret"): "secret", filepath.Join(dir, "a/file"): "text"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"out": outside, "up": "../outside", "in": "a/b", "nothing": "a/none", "loop": "loop", "magic": "/proc/self/root"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	tr, err := OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr, dir, outside
}

func names(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		b.WriteString(p + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMakeIsRefusedWithoutATrace(t *testing.T) {
	tr, dir, _ := tree(t)
	before := names(t, filepath.Dir(dir))
	for _, name := range []string{"out/x/y", "up/x", "in/../../../outside/x", "../outside/x", "/etc/x", "nothing/x", "nothing", "loop/x", "magic/tmp/x",
		"fifo/x", "a/file/x", "a/new/" + strings.Repeat("x", 300), strings.Repeat("d/", 100)} {
		if f, err := tr.Make(name, 0o755); err == nil {
			where, _ := Where(f)
			t.Errorf("%s: made %s", name, where)
			f.Close()
		}
	}
	if after := names(t, filepath.Dir(dir)); after != before {
		t.Errorf("something was changed:\n%s\nwas\n%s", after, before)
	}
}

func TestMake(t *testing.T) {
	tr, dir, _ := tree(t)
	for name, want := range map[string]string{".": "", "a": "a", "a/new/deep": "a/new/deep", "in/new": "a/b/new", "a/file": "a/file", "fifo": "fifo"} {
		f, err := tr.Make(name, 0o755)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if where, err := Where(f); err != nil || where != filepath.Join(dir, want) {
			t.Errorf("%s is %s, %v", name, where, err)
		}
		f.Close()
	}
}

func TestReadIsBoundedAndNeverBlocks(t *testing.T) {
	tr, dir, _ := tree(t)
	if b, err := tr.ReadFile("a/file", 4); err != nil || string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	big, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if err := big.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"sparse": ErrTooBig, "fifo": ErrNotRegular, "a": ErrNotRegular, "out/secret": ErrOutside, "up/secret": ErrOutside,
		"magic/etc/passwd": ErrOutside, "none": fs.ErrNotExist} {
		if _, err := tr.ReadFile(name, 1<<20); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if b, err := tr.ReadFile("a/file", 3); !errors.Is(err, ErrTooBig) {
		t.Errorf("%q, %v", b, err)
	}
}

// A directory is exchanged with a link to the outside as fast as possible: what is found is inside, always.
func TestWhatIsFoundIsInsideWhoeverSwaps(t *testing.T) {
	tr, dir, _ := tree(t)
	victim, other := filepath.Join(dir, "a"), filepath.Join(dir, "out")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, victim, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE)
			}
		}
	})
	found, refused := 0, 0
	for range 20_000 {
		b, err := tr.ReadFile("a/secret", 100)
		if err == nil {
			t.Errorf("read from outside: %q", b)
			break
		}
		f, err := tr.Make("a/b", 0o755)
		if err != nil {
			refused++
			continue
		}
		found++
		if !bytes.Contains(mustWhere(t, f), []byte("/tree/")) {
			t.Errorf("found outside: %s", mustWhere(t, f))
		}
		f.Close()
	}
	close(stop)
	wg.Wait()
	if names := names(t, filepath.Join(filepath.Dir(dir), "outside")); strings.Count(names, "\n") != 2 {
		t.Errorf("made outside: %s", names)
	}
	t.Logf("found %d times, refused %d times", found, refused)
}

func mustWhere(t *testing.T, f *os.File) []byte {
	t.Helper()
	where, err := Where(f)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(where)
}

func TestLookAsRootStaysInside(t *testing.T) {
	tr, dir, _ := tree(t)
	if err := os.Symlink("/a/file", filepath.Join(dir, "absolute")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"absolute": "a/file", "../../a/file": "a/file", "/a": "a"} {
		f, err := tr.LookAsRoot(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if where, err := Where(f); err != nil || where != filepath.Join(dir, want) {
			t.Errorf("%s is %s, %v", name, where, err)
		}
		f.Close()
	}
	for _, name := range []string{"out/secret", "up/secret", "magic/etc/passwd"} {
		if f, err := tr.LookAsRoot(name); err == nil {
			t.Errorf("%s was found", name)
			f.Close()
		}
	}
}
