package localstate

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/internal/idgen"
	"berth/structs"
)

func open(t interface{ Fatal(...any) }, dir string) *Store {
	s, err := Open(dir, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestIdentityIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	id, secret, err := s.Identity(idgen.Seeded(1).NewID)
	if err != nil || id.IsZero() || secret.IsZero() || id == secret {
		t.Fatal(id, secret, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	id2, secret2, err := s.Identity(idgen.Seeded(2).NewID)
	if err != nil || id2 != id || secret2 != secret {
		t.Fatal(id2, secret2, err)
	}
}

func TestASecondAgentIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := Open(dir, Options{}); structs.KindOf(err) != structs.KindConflict || !strings.Contains(err.Error(), dir) {
		t.Fatal(err)
	}
}

func TestADamagedFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	if err := os.WriteFile(path, bytes.Repeat([]byte("junk"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move the file away") {
		t.Fatal(err)
	}
}

func TestANewerFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.put([]put{{bucketMeta, keyFormat, []byte("99")}}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(dir, Options{}); structs.KindOf(err) != structs.KindConflict {
		t.Fatal(err)
	}
}

// The file holds what was put and not deleted, whatever the order, and through any number of restarts.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "localstate-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s := open(t, dir)
		defer func() { s.Close() }()
		type saved struct {
			version uint64
			status  string
			tasks   map[string]string
		}
		want := map[structs.ID]saved{}
		id := func(n int) structs.ID { return structs.ID{0: 1, 15: byte(n)} }
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			a := id(rapid.IntRange(0, 4).Draw(t, "alloc"))
			switch rapid.IntRange(0, 4).Draw(t, "op") {
			case 0, 1:
				w := saved{version: uint64(rapid.IntRange(0, 2).Draw(t, "version")), status: rapid.SampledFrom([]string{"run", "stop"}).Draw(t, "status"), tasks: map[string]string{}}
				if old, ok := want[a]; ok {
					w.tasks, w.version = old.tasks, old.version
				}
				alloc := &structs.Allocation{ID: a, Namespace: "default", JobID: "web", JobVersion: w.version, DesiredStatus: w.status,
					Job: &structs.Job{Namespace: "default", ID: "web", Version: w.version}}
				if err := s.PutAlloc(alloc); err != nil {
					t.Fatal(err)
				}
				want[a] = w
			case 2:
				if _, ok := want[a]; !ok {
					continue
				}
				task, text := rapid.SampledFrom([]string{"a", "ab", "b"}).Draw(t, "task"), rapid.String().Draw(t, "text")
				if err := s.PutTask(a, task, text); err != nil {
					t.Fatal(err)
				}
				want[a].tasks[task] = text
			case 3:
				if err := s.DeleteAlloc(a); err != nil {
					t.Fatal(err)
				}
				delete(want, a)
			case 4:
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = open(t, dir)
			}
			got, err := s.Restore()
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) {
				t.Fatalf("%d allocations, want %d", len(got), len(want))
			}
			for _, g := range got {
				w := want[g.Alloc.ID]
				if g.Alloc.DesiredStatus != w.status || g.Alloc.Job == nil || g.Alloc.Job.Version != w.version {
					t.Fatalf("%+v, want %+v", g.Alloc, w)
				}
				if !slices.Equal(slices.Sorted(maps.Keys(g.Tasks)), slices.Sorted(maps.Keys(w.tasks))) {
					t.Fatalf("tasks %v, want %v", g.Tasks, w.tasks)
				}
				for name, raw := range g.Tasks {
					text, _ := json.Marshal(w.tasks[name])
					if !bytes.Equal(raw, text) {
						t.Fatalf("task %s is %s, want %s", name, raw, text)
					}
				}
			}
		}
	})
}
