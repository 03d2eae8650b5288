package localstate

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"
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

func TestWhenTheServersWereHeardIsKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if at, err := s.Heard(); err != nil || !at.IsZero() {
		t.Fatal(at, err)
	}
	want := time.Unix(1790000000, 12345)
	if err := errors.Join(s.PutHeard(want.Add(-time.Hour)), s.PutHeard(want), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	if at, err := s.Heard(); err != nil || !at.Equal(want) {
		t.Fatal(at, err)
	}
	if err := s.commit(func(tx *bbolt.Tx) error { return putAll(tx, []put{{bucketMeta, keyHeard, []byte("late")}}) }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Heard(); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Fatal(err)
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
	err := s.commit(func(tx *bbolt.Tx) error { return putAll(tx, []put{{bucketMeta, keyFormat, []byte("99")}}) })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
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
					w.tasks = old.tasks // an update in place changes the version
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
			versions := map[uint64]bool{}
			for _, w := range want {
				versions[w.version] = true
			}
			if n := count(t, s, bucketJobs); n != len(versions) {
				t.Fatalf("%d job versions, want %d", n, len(versions))
			}
			if n := count(t, s, bucketUses); n != len(want) {
				t.Fatalf("%d uses, want %d", n, len(want))
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

func count(t interface{ Fatal(...any) }, s *Store, bucket []byte) (n int) {
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(_, _ []byte) error {
			n++
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// allocation is one of a job in some version.
func allocation(n byte, version uint64) *structs.Allocation {
	return &structs.Allocation{ID: structs.ID{0: 1, 15: n}, Namespace: "default", JobID: "web", JobVersion: version,
		Job: &structs.Job{Namespace: "default", ID: "web", Version: version}}
}

func TestWhatIsThereAlreadyIsNotWritten(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	write := func() {
		if err := errors.Join(s.PutAlloc(allocation(1, 1)), s.PutTask(structs.ID{0: 1, 15: 1}, "web", map[string]int{"a": 1})); err != nil {
			t.Fatal(err)
		}
	}
	write()
	stats := s.db.Stats()
	before := stats.TxStats.GetWrite()
	for range 10 {
		write()
	}
	stats = s.db.Stats()
	if after := stats.TxStats.GetWrite(); after != before {
		t.Errorf("%d pages written", after-before)
	}
}

func TestWritersShareTransactionsAndAllAreStored(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const writers = 40
	var wg sync.WaitGroup
	// As long as this one is being written all the others wait.
	hold, held := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		if err := s.commit(func(*bbolt.Tx) error { close(held); <-hold; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
	for i := range writers {
		wg.Go(func() {
			if err := s.PutAlloc(allocation(byte(i+1), uint64(i%3))); err != nil {
				t.Error(err)
			}
		})
	}
	bad := errors.New("bad")
	wg.Go(func() {
		if err := s.commit(func(*bbolt.Tx) error { return bad }); !errors.Is(err, bad) {
			t.Errorf("the bad one: %v", err)
		}
	})
	close(hold)
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	if got, err := s.Restore(); err != nil || len(got) != writers {
		t.Errorf("%d allocations, %v", len(got), err)
	}
}

// Whatever happened to the file: it opens, or the error names it. Nothing falls over.
func TestAnyDamageIsSurvived(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 30 {
		a := allocation(byte(i+1), uint64(i))
		if err := errors.Join(s.PutAlloc(a), s.PutTask(a.ID, "web", strings.Repeat("text", 200))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "localstate-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		b := bytes.Clone(whole)
		switch rapid.IntRange(0, 2).Draw(t, "damage") {
		case 0: // cut off
			b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
		case 1: // a page never came to the disk
			page := rapid.IntRange(0, len(b)/4096-1).Draw(t, "page")
			clear(b[page*4096 : (page+1)*4096])
		case 2:
			for range rapid.IntRange(1, 20).Draw(t, "bytes") {
				b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			}
		}
		path := filepath.Join(dir, fileName)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{NoSync: true})
		if err == nil {
			_, err = s.Restore()
			if cerr := s.Close(); cerr != nil {
				t.Fatal(cerr)
			}
		}
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Fatalf("the error names no file: %v", err)
		}
	})
}

func BenchmarkPutTaskByManyWriters(b *testing.B) {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.SetParallelism(32)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			if err := s.PutTask(structs.ID{0: 1, 14: byte(i >> 8), 15: byte(i)}, "web", i); err != nil {
				b.Fatal(err)
			}
		}
	})
}
