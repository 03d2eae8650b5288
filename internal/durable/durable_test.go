package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"berth/internal/durable"
	"berth/internal/powerloss"
)

// What is made is there after a loss of power, whatever else is lost, also where a process was killed in between.
func TestWhatIsMadeOutlivesALossOfPower(t *testing.T) {
	disk, dir := powerloss.ForTest(t)
	for seed := range uint64(10) {
		deep := filepath.Join(dir, "a", "b", "c")
		if seed%2 == 1 { // one that was killed had made them
			if err := os.Mkdir(filepath.Join(dir, "a"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := durable.MkdirAll(deep, 0o711); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "a", "d", "file")
		for _, text := range []string{"old", "new"} {
			if err := durable.WriteFile(file, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := disk.Restart(seed); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(deep); err != nil || st.Mode().Perm() != 0o711 {
			t.Fatalf("seed %d: %v, %v", seed, st, err)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != "new" {
			t.Fatalf("seed %d: %q, %v", seed, text, err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
			t.Fatal(err)
		}
		if err := durable.SyncDir(dir); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileInTheWayIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := durable.WriteFile(file, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if err := durable.MkdirAll(path, 0o700); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if list, err := os.ReadDir(filepath.Dir(file)); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}
