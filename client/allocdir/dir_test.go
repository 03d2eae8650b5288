package allocdir

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"berth/structs"
)

func build(t *testing.T, tasks ...string) *Dir {
	t.Helper()
	d := New(t.TempDir(), "a1")
	t.Cleanup(func() {
		if err := d.Destroy(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Build(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBuildMayBeRepeatedAndKeepsWhatIsThere(t *testing.T) {
	d := build(t, "web", "side.car")
	write(t, filepath.Join(d.Task("web").Local, "x"), "kept")
	write(t, filepath.Join(d.Task("web").Secrets, "s"), "kept")
	write(t, d.Task("web").SpoolOut, "kept")
	if err := d.Build(t.Context(), []string{"web", "side.car"}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{filepath.Join(d.Task("web").Local, "x"), filepath.Join(d.Task("web").Secrets, "s"), d.Task("web").SpoolOut} {
		if b, err := os.ReadFile(p); err != nil || string(b) != "kept" {
			t.Errorf("%s: %q, %v", p, b, err)
		}
	}
	if st, err := os.Stat(d.Root()); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the way in has mode %v, %v", st.Mode(), err)
	}
}

func TestSecretsAreInMemoryAndGoneAfterDestroy(t *testing.T) {
	d := build(t, "web")
	secrets := d.Task("web").Secrets
	if os.Geteuid() == 0 {
		var st unix.Statfs_t
		if err := unix.Statfs(secrets, &st); err != nil || st.Type != unix.TMPFS_MAGIC {
			t.Errorf("secrets are on a file system of type %x, %v", st.Type, err)
		}
	}
	write(t, filepath.Join(d.Task("web").Local, "result"), "stays")
	for range 2 {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if m, _ := mountsBelow(d.Root()); len(m) != 0 {
		t.Errorf("still mounted after the end: %v", m)
	}
	if b, err := os.ReadFile(filepath.Join(d.Task("web").Local, "result")); err != nil || string(b) != "stays" {
		t.Errorf("after the end the files are %q, %v", b, err)
	}
	if err := d.Build(t.Context(), []string{"web"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Destroy(); err != nil {
		t.Fatal(err)
	}
	if m, _ := mountsBelow(d.Root()); len(m) != 0 {
		t.Errorf("still mounted: %v", m)
	}
	if _, err := os.Lstat(d.Root()); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
	if err := d.Destroy(); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestNamesThatWouldLeaveTheDirectoryAreRefused(t *testing.T) {
	d := New(t.TempDir(), "a1")
	for _, name := range []string{"", ".", "..", "../x", "a/b", "alloc"} {
		if err := d.Build(t.Context(), []string{name}); err == nil {
			t.Errorf("task %q is accepted", name)
		}
	}
}

func TestFilesAreShownButNoneOutside(t *testing.T) {
	d := build(t, "web")
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, outside, "not yours")
	write(t, filepath.Join(d.Task("web").Local, "app.log"), "hello")
	write(t, filepath.Join(d.Task("web").Secrets, "token"), "secret")
	for link, to := range map[string]string{"out": outside, "up": "../../..", "abs": "/etc/passwd", "in": "app.log",
		"token": "../secrets/token", "hidden": "../secrets", "back": ".."} {
		if err := os.Symlink(to, filepath.Join(d.Task("web").Local, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(d.Task("web").Local, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}

	for p, want := range map[string]string{
		"web/local/app.log": "hello", "/web/local/../local/app.log": "hello", "web/local/in": "hello",
	} {
		f, err := d.Open(p)
		if err != nil {
			t.Errorf("open %s: %v", p, err)
			continue
		}
		b, _ := io.ReadAll(f)
		f.Close()
		if string(b) != want {
			t.Errorf("%s holds %q", p, b)
		}
	}
	for p, kind := range map[string]structs.ErrorKind{
		"web/local/out": structs.KindInvalid, "web/local/abs": structs.KindInvalid, "web/local/up/x": structs.KindInvalid,
		"web/local/none": structs.KindNotFound, "../../../../etc/passwd": structs.KindNotFound, "web/local/fifo": structs.KindInvalid,
		"web/local": structs.KindInvalid, "web/secrets/token": structs.KindUnauthorised, "web/./secrets": structs.KindUnauthorised,
		"web/spool/stdout": structs.KindUnauthorised, "web/private": structs.KindUnauthorised, "web/SECRETS/token": structs.KindUnauthorised,
		"web/local/token": structs.KindUnauthorised, "web/local/hidden/token": structs.KindUnauthorised,
		"web/local/back/spool/stdout": structs.KindUnauthorised,
	} {
		f, err := d.Open(p)
		if err == nil {
			f.Close()
			t.Errorf("%s is shown", p)
			continue
		}
		if structs.KindOf(err) != kind || strings.Contains(err.Error(), d.Root()) {
			t.Errorf("%s: %v (kind %v, want %v)", p, err, structs.KindOf(err), kind)
		}
	}
	for _, p := range []string{"web", "web/local/back"} {
		list, err := d.List(p)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range list {
			names = append(names, f.Name)
		}
		if !slices.Equal(names, []string{"local", "tmp"}) {
			t.Errorf("%s lists %v", p, names)
		}
	}
	if _, err := d.List("web/local/hidden"); structs.KindOf(err) != structs.KindUnauthorised {
		t.Errorf("list of hidden: %v", err)
	}
	if _, err := d.Stat("web/local/token"); structs.KindOf(err) != structs.KindUnauthorised {
		t.Errorf("stat of hidden: %v", err)
	}
	if st, err := d.Stat("web/local/app.log"); err != nil || st.Size != 5 || st.Name != "app.log" || st.IsDir ||
		st.ContentType != "text/plain; charset=utf-8" {
		t.Errorf("%+v, %v", st, err)
	}
	if st, err := d.Stat("web/local/fifo"); err != nil || st.ContentType != "" {
		t.Errorf("%+v, %v", st, err)
	}
	if list, err := d.List("/"); err != nil || len(list) != 2 || list[0].Name != SharedName || list[1].Name != "web" {
		t.Errorf("%v, %v", list, err)
	}
}

func TestTheBuildGoesOnWhereAnAgentWasKilled(t *testing.T) {
	d := build(t, "web")
	local := d.Task("web").Local
	if err := os.Chmod(local, unfinished); err != nil { // killed before the mode was set
		t.Fatal(err)
	}
	if err := os.Chmod(d.Task("web").Tmp, 0o750); err != nil { // the task wanted it so
		t.Fatal(err)
	}
	if err := d.Build(t.Context(), []string{"web"}); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]os.FileMode{local: 0o777, d.Task("web").Tmp: 0o750, d.Task("web").Private: 0o700,
		d.Task("web").Spool: 0o700, d.Root(): 0o700} {
		if st, err := os.Stat(p); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", p, st.Mode(), err)
		}
	}
}

func TestDestroyTakesDownMountsOverALinkToTheDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount")
	}
	base := t.TempDir()
	truth, link := filepath.Join(base, "truth"), filepath.Join(base, "link")
	volume := t.TempDir()
	write(t, filepath.Join(volume, "precious"), "data")
	if err := os.Mkdir(truth, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("truth", link); err != nil {
		t.Fatal(err)
	}
	d := New(link, "a1")
	if err := d.Build(t.Context(), []string{"web"}); err != nil {
		t.Fatal(err)
	}
	point := d.Task("web").Local
	// Twice on the same place, once below secrets, and in use: whatever tasks and drivers made.
	deep := filepath.Join(d.Task("web").Secrets, "deep")
	if err := os.Mkdir(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{point, point, deep} {
		if err := unix.Mount(volume, p, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(p, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) })
	}
	busy, err := os.Open(filepath.Join(point, "precious"))
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for range 2 {
		if err := d.Destroy(); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(volume, "precious")); err != nil || string(b) != "data" {
		t.Fatalf("the volume was emptied: %q, %v", b, err)
	}
	if _, err := os.Lstat(filepath.Join(truth, "a1")); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
	if m, err := mountsBelow(truth); err != nil || len(m) != 0 {
		t.Errorf("still mounted: %v, %v", m, err)
	}
}

func TestDiskUse(t *testing.T) {
	d := build(t, "web")
	before, err := d.DiskUse(t.Context())
	if err != nil || !before.Complete {
		t.Fatal(before, err)
	}
	local := d.Task("web").Local
	write(t, filepath.Join(local, "big"), strings.Repeat("x", 1<<20))
	if err := os.Link(filepath.Join(local, "big"), filepath.Join(local, "again")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/", filepath.Join(local, "all")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(d.Task("web").Secrets, "s"), strings.Repeat("x", 1<<19)) // in memory
	after, err := d.DiskUse(t.Context())
	if grown := after.Bytes - before.Bytes; err != nil || grown < 1<<20 || grown > 1<<20+1<<16 {
		t.Errorf("grown by %d, %v", after.Bytes-before.Bytes, err)
	}
	if part, err := d.diskUse(t.Context(), 3); err != nil || part.Complete || part.Entries != 3 {
		t.Errorf("%+v, %v", part, err)
	}
	if none, err := New(t.TempDir(), "none").DiskUse(t.Context()); err != nil || none.Bytes != 0 || !none.Complete {
		t.Errorf("%+v, %v", none, err)
	}
}

func TestParseMounts(t *testing.T) {
	table := "29 1 0:1 / /data/a1/web/secrets rw - tmpfs tmpfs rw\n" +
		"30 29 0:2 / /data/a1/web/secrets/deep rw - tmpfs tmpfs rw\n" +
		"31 1 0:3 / /data/a10/web/secrets rw - tmpfs tmpfs rw\n" +
		"32 1 0:3 / /data/a1/with\\040space rw - tmpfs tmpfs rw\n" + "junk\n"
	got := parseMounts(table, "/data/a1")
	want := []string{"/data/a1/with space", "/data/a1/web/secrets/deep", "/data/a1/web/secrets"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
