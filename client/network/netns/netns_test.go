package netns_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"berth/client/network/netns"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
}

// inode identifies the namespace of the calling thread, or that mounted at a path.
func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Error(err)
	}
	return st.Ino
}

const self = "/proc/thread-self/ns/net"

func TestNamespaceLivesFromCreateToRemove(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "deep", "ns")
	t.Cleanup(func() { _ = netns.Remove(path) })
	home := inode(t, self)
	var made uint64
	if err := netns.Create(path, func() error { made = inode(t, self); return nil }); err != nil {
		t.Fatal(err)
	}
	if made == home || inode(t, path) != made || !netns.Exists(path) {
		t.Errorf("made in %d, mounted %d, home %d", made, inode(t, path), home)
	}
	if err := netns.In(path, func() error {
		if inode(t, self) != made {
			t.Error("In ran elsewhere")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := netns.Create(path, func() error { return nil }); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("second create: %v", err)
	}
	if inode(t, self) != home {
		t.Error("the test's thread was moved")
	}
	for range 2 {
		if err := netns.Remove(path); err != nil {
			t.Error(err)
		}
	}
	if netns.Exists(path) {
		t.Error("still there")
	}
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "ns")
	why := errors.New("why")
	if err := netns.Create(path, func() error { return why }); !errors.Is(err, why) {
		t.Errorf("error = %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("file is there: %v", err)
	}
}

func TestPlainFileIsNoNamespaceAndIsTakenOver(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "ns")
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	if netns.Exists(path) {
		t.Error("a plain file counts as a namespace")
	}
	if err := netns.In(path, func() error { return nil }); err == nil {
		t.Error("entered a plain file")
	}
	if err := netns.Create(path, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := netns.Remove(path); err != nil {
		t.Error(err)
	}
}

func TestThreadsComeHome(t *testing.T) {
	needRoot(t)
	home := inode(t, self)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_ = netns.OnOwnThread(func() error { return unix.Unshare(unix.CLONE_NEWNET) })
			if inode(t, self) != home {
				t.Error("a goroutine runs in a foreign namespace")
			}
		})
	}
	wg.Wait()
}
