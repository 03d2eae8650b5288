package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/internal/idgen"
)

func TestIdentityIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	first, err := identity(dir, idgen.Seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	again, err := identity(dir, idgen.Seeded(2))
	if err != nil || again != first {
		t.Fatalf("got %v, %v; it was %v", again, err, first)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestADamagedIdentityIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "node-id")
	if err := os.WriteFile(path, []byte("not an id"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := identity(dir, idgen.Seeded(1)); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
}
