package fsm

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"berth/state"
	"berth/structs"
)

// filled is a world with something in every table.
func filled(t testing.TB) *world {
	w := running(t, 1)
	w.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: job("db", 1), Submission: &structs.JobSubmission{Source: "s"}})
	w.do(t, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "team"}}})
	w.do(t, structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: "gpu"}}})
	w.do(t, structs.CmdSchedulerConfig, &structs.SchedulerConfigCommand{Config: &structs.SchedulerConfiguration{SchedulerAlgorithm: "spread"}})
	g := group("web", 0, resources(10, 10), 10, 1, 1, 2)
	g.Items[0].Ports = []structs.AllocatedPortMapping{{Label: "http", Value: 20000}}
	w.apply(t, planOf(g))
	w.do(t, structs.CmdAllocClientUpdate, healthReport(1, 1, true))
	return w
}

func snapshotOf(t testing.TB, s *state.Store) []byte {
	var buf bytes.Buffer
	if err := WriteSnapshot(&buf, s.Snapshot()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestARestoredStateIsTheSameAndSharesTheSame(t *testing.T) {
	w := filled(t)
	other := cluster(t, 5) // what was there before goes away
	_, gone := other.snap().NodeW(nodeID(5))
	follower := other.store.Follow(state.TableNodes, state.TableAllocs)
	defer follower.Close()
	follower.Poll()
	if err := New(other.store).Restore(io.NopCloser(bytes.NewReader(snapshotOf(t, w.store)))); err != nil {
		t.Fatal(err)
	}
	got, want := other.snap(), w.snap()
	if got.Hash() != want.Hash() || got.Index() != want.Index() || got.TableIndex(state.TableNamespaces) != want.TableIndex(state.TableNamespaces) {
		t.Fatal("the restored state differs")
	}
	a, b, c := got.Alloc(allocID(1)), got.Alloc(allocID(2)), got.Alloc(allocID(10))
	if a.AllocatedResources != b.AllocatedResources || a.Metrics != b.Metrics || a.Job != c.Job || a.Job == nil {
		t.Error("allocations alike must share")
	}
	d := got.Alloc(allocID(11))
	if c.AllocatedResources.Tasks["app"] != d.AllocatedResources.Tasks["app"] || len(c.AllocatedResources.Shared.Ports) != 1 {
		t.Error("allocations that differ in ports must share their tasks")
	}
	select {
	case <-gone:
	default:
		t.Error("a watcher of what is gone was not woken")
	}
	ch, _ := follower.Poll()
	deleted := 0
	for _, n := range ch.Nodes {
		if n.Deleted {
			deleted++
		}
	}
	if deleted != 3 || len(ch.Allocs) != 5 {
		t.Errorf("the follower saw %d nodes go and %d allocations", deleted, len(ch.Allocs))
	}
}

// A restored state does not know what became of its allocations meanwhile. Those that had not ended change at the index it begins with: their
// nodes look at them again and say how they stand.
func TestWhatHadNotEndedChangesWithARestore(t *testing.T) {
	w := filled(t)
	w.do(t, structs.CmdAllocClientUpdate, report(1, 1, structs.AllocClientComplete))
	const index = 9000
	var moved bytes.Buffer
	if err := Rebase(&moved, bytes.NewReader(snapshotOf(t, w.store)), index, w.snap()); err != nil {
		t.Fatal(err)
	}
	other := cluster(t, 0)
	if err := New(other.store).Restore(io.NopCloser(&moved)); err != nil {
		t.Fatal(err)
	}
	was, got := w.snap(), other.snap()
	seen := map[bool]int{}
	for a := range was.Allocs() {
		over := a.ClientTerminal()
		seen[over]++
		b := *got.Alloc(a.ID)
		if at := b.AllocModifyIndex; over && at != a.AllocModifyIndex || !over && at != index {
			t.Errorf("%s, over %v, changed at %d", a.ID, over, at)
		}
		b.AllocModifyIndex, b.ModifyIndex = a.AllocModifyIndex, a.ModifyIndex
		if diff := cmp.Diff(a, &b); diff != "" {
			t.Errorf("more of it differs:\n%s", diff)
		}
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("allocations that are over: %v", seen)
	}
}

// sink is a raft.SnapshotSink in memory.
type sink struct {
	bytes.Buffer
	limit             int
	closed, cancelled bool
}

func (s *sink) Write(p []byte) (int, error) {
	if s.limit > 0 && s.Len()+len(p) > s.limit {
		return 0, errors.New("disk full")
	}
	return s.Buffer.Write(p)
}
func (s *sink) ID() string    { return "1" }
func (s *sink) Cancel() error { s.cancelled = true; return nil }
func (s *sink) Close() error  { s.closed = true; return nil }

func TestPersistIsOfTheMomentOfTheSnapshot(t *testing.T) {
	w := filled(t)
	snap, err := w.fsm.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	want := w.snap().Hash()
	w.do(t, structs.CmdJobRegister, register(job("later", 1)))
	var s sink
	if err := snap.Persist(&s); err != nil || !s.closed || s.cancelled {
		t.Fatalf("%v, closed %v, cancelled %v", err, s.closed, s.cancelled)
	}
	snap.Release()
	restored := state.New()
	if err := ReadSnapshot(&s, restored); err != nil || restored.Snapshot().Hash() != want {
		t.Fatalf("restored: %v", err)
	}
	full := sink{limit: 100}
	snap, _ = w.fsm.Snapshot()
	if err := snap.Persist(&full); err == nil || !full.cancelled || full.closed {
		t.Errorf("a full disk: %v, cancelled %v", err, full.cancelled)
	}
}

func TestDamagedSnapshotsAreRefusedAndChangeNothing(t *testing.T) {
	good := snapshotOf(t, filled(t).store)
	recompress := func(change func([]byte) []byte) []byte {
		body, err := func() ([]byte, error) {
			z, err := zstd.NewReader(nil)
			if err != nil {
				return nil, err
			}
			defer z.Close()
			return z.DecodeAll(good[len(snapshotMagic)+1:], nil)
		}()
		if err != nil {
			t.Fatal(err)
		}
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return append(append([]byte(nil), good[:len(snapshotMagic)+1]...), z.EncodeAll(change(body), nil)...)
	}
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"empty", "does not begin", nil},
		{"other file", "does not begin", []byte("PK\x03\x04 something else altogether")},
		{"newer form", "has form 2", append([]byte(snapshotMagic+"\x02"), good[len(snapshotMagic)+1:]...)},
		{"only the head", "too early", good[:len(snapshotMagic)+1]},
		{"cut in the stream", "", good[:len(good)/2]},
		{"cut at a record", "too early", recompress(func(b []byte) []byte { return b[:len(b)-34] })},
		{"a byte changed", "", recompress(func(b []byte) []byte { b[len(b)/2] ^= 1; return b })},
		{"wrong checksum", "checksum", recompress(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })},
		{"more behind", "follows its end", recompress(func(b []byte) []byte { return append(b, 1, 0) })},
		{"no header", "header", recompress(func(b []byte) []byte { return b[2+int(b[1]):] })},
		{"endless record", "longer than any", recompress(func([]byte) []byte { return []byte{1, 255, 255, 255, 255, 255, 255, 1} })},
	} {
		w := cluster(t, 1)
		before := w.snap().Hash()
		err := ReadSnapshot(bytes.NewReader(c.data), w.store)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "restore snapshot: ") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if w.snap().Hash() != before {
			t.Errorf("%s: the state was changed", c.name)
		}
		w.do(t, structs.CmdJobRegister, register(job("next", 1))) // it still works
	}
}

func FuzzReadSnapshot(f *testing.F) {
	good := snapshotOf(f, filled(f).store)
	f.Add(good)
	f.Add(good[:len(good)-5])
	f.Add([]byte(snapshotMagic + "\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		store := state.New()
		if err := ReadSnapshot(bytes.NewReader(data), store); err != nil {
			if store.Index() != 0 {
				t.Fatal("a refused snapshot changed the state")
			}
			return
		}
		again := state.New()
		if err := ReadSnapshot(bytes.NewReader(snapshotOf(t, store)), again); err != nil || again.Snapshot().Hash() != store.Snapshot().Hash() {
			t.Fatalf("what was restored cannot be: %v", err)
		}
	})
}

func readCloser(data []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }

// FuzzSnapshotRecords is behind the compression and the checksum: what if records that arrived whole make no sense?
func FuzzSnapshotRecords(f *testing.F) {
	z, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	body, err := z.DecodeAll(snapshotOf(f, filled(f).store)[len(snapshotMagic)+1:], nil)
	if err != nil {
		f.Fatal(err)
	}
	z.Close()
	f.Add(body[:len(body)-34])
	f.Fuzz(func(t *testing.T, records []byte) {
		sum := sha256.Sum256(records)
		whole := append(append(append([]byte(nil), records...), recordEnd, sha256.Size), sum[:]...)
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		data := append([]byte(snapshotMagic+"\x01"), z.EncodeAll(whole, nil)...)
		store := state.New()
		if err := ReadSnapshot(bytes.NewReader(data), store); err != nil {
			if store.Index() != 0 {
				t.Fatal("a refused snapshot changed the state")
			}
			return
		}
		again := state.New()
		if err := ReadSnapshot(bytes.NewReader(snapshotOf(t, store)), again); err != nil || again.Snapshot().Hash() != store.Snapshot().Hash() {
			t.Fatalf("what was restored cannot be: %v", err)
		}
	})
}
