package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth/server/archive"
	"berth/state"
	"berth/structs"
)

// saved is an archive of a server's state.
func saved(t *testing.T, s *Server) []byte {
	t.Helper()
	a, err := s.SaveSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var b bytes.Buffer
	if err := a.Copy(&b); err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != a.Size {
		t.Fatalf("%d bytes, %d told", b.Len(), a.Size)
	}
	return b.Bytes()
}

// repacked is an archive whose state or description was changed.
func repacked(t *testing.T, data []byte, change func(m *archive.Meta, state []byte) []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	m, err := archive.Read(bytes.NewReader(data), &b)
	if err != nil {
		t.Fatal(err)
	}
	state := change(m, b.Bytes())
	m.Size = int64(len(state))
	var out bytes.Buffer
	if err := archive.Write(&out, *m, bytes.NewReader(state)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sameEverywhere(t *testing.T, all ...*fellow) {
	t.Helper()
	eventually(t, "all have the same state", func() bool {
		for _, f := range all[1:] {
			if f.State().Snapshot().Hash() != all[0].State().Snapshot().Hash() || f.State().Snapshot().Chain() != all[0].State().Snapshot().Chain() {
				return false
			}
		}
		return true
	})
}

func TestARestoreReachesEveryServerAndEveryLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, "", nil))
		}
		lead := leader(t, all...)
		write(t, lead.Server, "before")
		register(t, lead.Server, job(1))
		if _, err := lead.Propose(t.Context(), structs.CmdAuthorityRoot, &structs.AuthorityRootCommand{Root: &structs.AuthorityRoot{ID: "old", Certificate: []byte{1}, SealedKey: []byte{2}}}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it was looked at", func() bool { return lead.State().Snapshot().JobSummary("default", job(1).ID) != nil })
		data := saved(t, lead.Server)
		at := lead.State().Index()

		write(t, lead.Server, "after")
		if _, err := lead.Propose(t.Context(), structs.CmdAuthorityRoot, &structs.AuthorityRootCommand{Root: &structs.AuthorityRoot{ID: "new", Certificate: []byte{3}, SealedKey: []byte{4}},
			Previous: "old", RetireAt: 1e18}); err != nil {
			t.Fatal(err)
		}
		seen := lead.State().Index()
		follower := without(all, lead)[0]
		eventually(t, "a follower has it", func() bool { return has(follower.Server, "after") })
		_, gone := follower.State().Snapshot().NamespaceW("after")

		got, err := lead.RestoreSnapshot(t.Context(), bytes.NewReader(data), false)
		if err != nil {
			t.Fatal(err)
		}
		if got.Meta.Index == 0 || got.Meta.Index > at || got.Index <= seen {
			t.Errorf("%+v, saved at %d, seen %d", got, at, seen)
		}
		eventually(t, "every server has it", func() bool {
			for _, f := range all {
				if !has(f.Server, "before") || has(f.Server, "after") {
					return false
				}
			}
			return true
		})
		sameEverywhere(t, all...)
		select {
		case <-gone:
		default:
			t.Error("a watcher of what is gone was not woken")
		}
		snap := lead.State().Snapshot()
		if r := snap.ActiveRoot(); r == nil || r.ID != "new" {
			t.Errorf("the authority went back to %+v", r)
		}
		for table := range state.TableCount {
			if snap.TableIndex(state.Table(table)) <= seen {
				t.Errorf("the %s are as of index %d, and %d was seen", state.Table(table), snap.TableIndex(state.Table(table)), seen)
			}
		}
		// The loops run again: a job is looked at, changes are taken, another server can lead with it.
		lead = leader(t, all...)
		e := register(t, lead.Server, job(1))
		eventually(t, "the evaluation is done", func() bool {
			x := lead.State().Snapshot().Eval(e.ID)
			return x != nil && x.Status != structs.EvalStatusPending
		})
		lead.end()
		rest := without(all, lead)
		next := leader(t, rest...)
		write(t, next.Server, "later")
		if !has(next.Server, "before") {
			t.Error("the next leader lacks what was restored")
		}
		sameEverywhere(t, rest...)
		finish(rest...)
	})
}

func TestABadSnapshotChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		only := w.join(t, 1, 1, "", nil)
		leader(t, only)
		write(t, only.Server, "kept")
		good := saved(t, only.Server)
		write(t, only.Server, "later")
		flip := func(at int) []byte {
			b := bytes.Clone(good)
			b[at] ^= 0x10
			return b
		}
		before := only.State().Snapshot().Hash()
		for name, c := range map[string]struct {
			data []byte
			want string
		}{
			"empty":            {nil, "the file is empty"},
			"another file":     {[]byte("PK\x03\x04 and more of it"), "not a snapshot archive"},
			"cut":              {good[:len(good)-100], "ends too early"},
			"a bit turned":     {flip(len(good) / 3), ""},
			"foreign state":    {repacked(t, good, func(_ *archive.Meta, _ []byte) []byte { return []byte("what Nomad writes as its state") }), "does not begin as a snapshot"},
			"cut state":        {repacked(t, good, func(_ *archive.Meta, s []byte) []byte { return s[:len(s)-20] }), "restore a snapshot: "},
			"newer state":      {repacked(t, good, func(_ *archive.Meta, s []byte) []byte { s[12] = 9; return s }), "has form 9, this program reads form 1"},
			"a bit of state":   {repacked(t, good, func(_ *archive.Meta, s []byte) []byte { s[len(s)/2] ^= 1; return s }), "restore a snapshot: "},
			"another region":   {repacked(t, good, func(m *archive.Meta, s []byte) []byte { m.Berth.Region = "mars"; return s }), `it is of region "mars", and this is region "global"`},
			"encrypted":        {[]byte("age-encryption.org/v1\n-> X25519 abc"), "encrypted to an age key"},
			"reader that ends": {nil, "the connection broke"},
		} {
			var from io.Reader = bytes.NewReader(c.data)
			if name == "reader that ends" {
				from = io.MultiReader(bytes.NewReader(good[:len(good)/2]), broken{})
			}
			_, err := only.RestoreSnapshot(t.Context(), from, false)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
			if kind := structs.KindOf(err); kind != structs.KindInvalid && kind != structs.KindConflict {
				t.Errorf("%s: kind %v", name, kind)
			}
			if only.State().Snapshot().Hash() != before || !only.IsLeader() {
				t.Errorf("%s: something changed", name)
			}
		}
		if _, err := only.RestoreSnapshot(t.Context(), bytes.NewReader(repacked(t, good, func(m *archive.Meta, s []byte) []byte { m.Berth.Region = "mars"; return s })), true); err != nil {
			t.Error(err)
		}
		if has(only.Server, "later") || !has(only.Server, "kept") {
			t.Error("one of another region was not restored although that was asked for")
		}
		finish(only)
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the connection broke") }

// A snapshot goes into a cluster of its own, whose log is shorter, and survives its restart.
func TestASnapshotMakesANewCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		old := w.join(t, 1, 1, "", nil)
		leader(t, old)
		for n := range 20 {
			write(t, old.Server, fmt.Sprintf("ns-%d", n))
		}
		data := saved(t, old.Server)
		finish(old)

		w, dir := newTown(), t.TempDir()
		fresh := w.join(t, 2, 1, dir, nil)
		leader(t, fresh)
		if _, err := fresh.RestoreSnapshot(t.Context(), bytes.NewReader(data), false); err != nil {
			t.Fatal(err)
		}
		write(t, fresh.Server, "new")
		want := fresh.State().Snapshot().Hash()
		finish(fresh)
		w = newTown()
		again := w.join(t, 2, 1, dir, nil)
		leader(t, again)
		if !has(again.Server, "ns-19") || !has(again.Server, "new") || again.State().Snapshot().Hash() != want {
			t.Error("it lost something")
		}
		finish(again)
	})
}

func TestOnlyTheLeaderRestoresAndOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, "", nil))
		}
		lead := leader(t, all...)
		data := saved(t, lead.Server)
		for _, f := range without(all, lead) {
			if _, err := f.RestoreSnapshot(t.Context(), bytes.NewReader(data), false); structs.KindOf(err) != structs.KindNoLeader {
				t.Errorf("a follower: %v", err)
			}
		}
		slow, end := io.Pipe()
		first := make(chan error, 1)
		go func() {
			_, err := lead.RestoreSnapshot(context.Background(), slow, false)
			first <- err
		}()
		synctest.Wait()
		if _, err := lead.RestoreSnapshot(t.Context(), bytes.NewReader(data), false); structs.KindOf(err) != structs.KindConflict {
			t.Errorf("a second: %v", err)
		}
		_ = end.CloseWithError(errors.New("gone"))
		if err := <-first; err == nil {
			t.Error("one whose sender went away was restored")
		}
		<-time.After(time.Second)
		finish(all...)
	})
}
