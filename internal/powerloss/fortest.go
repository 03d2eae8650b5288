package powerloss

import (
	"errors"
	"testing"
)

// ForTest mounts an empty file system in a directory of a test's own, and takes it down when the test ends. Where there can be none the test
// is skipped.
func ForTest(t testing.TB) (d *Disk, dir string) {
	t.Helper()
	dir = t.TempDir()
	d, err := Mount(dir)
	if errors.Is(err, ErrNoFUSE) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, dir
}
