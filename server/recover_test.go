package server

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/structs"
)

// Two of three servers are lost for good: the third goes on alone, with everything that was acknowledged, and others join it.
func TestTheLastServerOfThreeGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		var dirs []string
		for n := 1; n <= 3; n++ {
			dirs = append(dirs, filepath.Join(t.TempDir(), "server"))
			all = append(all, w.join(t, n, 3, dirs[n-1], nil))
		}
		lead := leader(t, all...)
		write(t, lead.Server, "kept")
		eventually(t, "all have it", func() bool {
			return has(all[0].Server, "kept") && has(all[1].Server, "kept") && has(all[2].Server, "kept")
		})
		id := all[2].ID()
		finish(all...)

		got, err := Recover(dirs[2], "10.0.0.33:4647", nil, nil, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != id || len(got.Before) != 3 || len(got.After) != 1 || got.After[0].Addr != "10.0.0.33:4647" || got.Index == 0 {
			t.Errorf("%+v", got)
		}
		w = newTown()
		last := w.join(t, 33, 0, dirs[2], nil)
		began := time.Now()
		leader(t, last)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it leads after %v", took)
		}
		if last.ID() != id || !has(last.Server, "kept") {
			t.Error("it is not what it was")
		}
		write(t, last.Server, "more")
		fresh := w.join(t, 34, 0, "", nil)
		<-fresh.Ready()
		if !has(fresh.Server, "kept") || !has(fresh.Server, "more") {
			t.Error("a server that joined lacks something")
		}
		finish(fresh, last)
	})
}

// Every server comes back with another address, and nobody finds anybody: each is told the new addresses.
func TestAllServersComeBackWithNewAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		var dirs []string
		var peers []RecoverPeer
		for n := 1; n <= 3; n++ {
			dirs = append(dirs, filepath.Join(t.TempDir(), "server"))
			all = append(all, w.join(t, n, 3, dirs[n-1], nil))
		}
		lead := leader(t, all...)
		write(t, lead.Server, "kept")
		for i, f := range all {
			peers = append(peers, RecoverPeer{ID: f.ID(), Addr: []string{"10.0.0.11:4647", "10.0.0.12:4647", "10.0.0.13:4647"}[i]})
		}
		finish(all...)
		w = newTown()
		for i, dir := range dirs {
			if _, err := Recover(dir, peers[i].Addr, peers, nil, hclog.NewNullLogger()); err != nil {
				t.Fatal(err)
			}
		}
		all = nil
		for i, dir := range dirs {
			all = append(all, w.join(t, 11+i, 3, dir, nil))
		}
		lead = leader(t, all...)
		write(t, lead.Server, "more")
		for _, f := range all {
			eventually(t, "it has all", func() bool { return has(f.Server, "kept") && has(f.Server, "more") })
		}
		finish(all...)
	})
}

func TestRecoveryRefusesWhatCannotBe(t *testing.T) {
	dir := used(t)
	text, err := os.ReadFile(filepath.Join(dir, "node-id"))
	if err != nil {
		t.Fatal(err)
	}
	own := structs.MustID(strings.TrimSpace(string(text)))
	other := structs.ID{15: 9}
	for name, c := range map[string]struct {
		dir   string
		peers []RecoverPeer
		want  string
	}{
		"no log":        {t.TempDir(), nil, "does not exist"},
		"not itself":    {dir, []RecoverPeer{{ID: other, Addr: "a:1"}}, "is not among the peers"},
		"twice":         {dir, []RecoverPeer{{ID: own, Addr: "a:1"}, {ID: own, Addr: "b:1"}}, "named twice"},
		"one address":   {dir, []RecoverPeer{{ID: own, Addr: "a:1"}, {ID: other, Addr: "a:1"}}, "named twice"},
		"no voter":      {dir, []RecoverPeer{{ID: own, Addr: "a:1", NonVoter: true}}, "no voter"},
		"no address":    {dir, []RecoverPeer{{ID: own}}, "no address"},
		"already works": {dir, []RecoverPeer{{ID: own, Addr: "a:1"}, {ID: other, Addr: "b:1"}}, ""},
	} {
		_, err := Recover(c.dir, "a:1", c.peers, nil, hclog.NewNullLogger())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, _ := start(t, dir+"-running")
	_ = s
	if _, err := Recover(dir+"-running", "a:1", nil, nil, hclog.NewNullLogger()); structs.KindOf(err) != structs.KindConflict || errors.Is(err, os.ErrNotExist) {
		t.Errorf("a server that runs: %v", err)
	}
	_ = os.RemoveAll(dir + "-running")
}

// A recovery that is killed at any moment is begun again, and makes of the server what it should.
func TestARecoveryThatDiesIsBegunAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "server")
	if err := copyTree(used(t), dir); err != nil {
		t.Fatal(err)
	}
	for _, at := range []point{atApply, atApplied, atCapture, atCreate, atPersist, atKeep, atKept, atTruncate, atTruncated} {
		t.Run(string(at), func(t *testing.T) {
			mine, relic := filepath.Join(t.TempDir(), "mine"), filepath.Join(t.TempDir(), "relic")
			if err := copyTree(dir, mine); err != nil {
				t.Fatal(err)
			}
			reached := false
			cfg := Config{DataDir: mine, Addr: "127.0.0.1:1", Logger: hclog.NewNullLogger(), reached: func(p point) {
				if p == at && !reached {
					reached = true
					if err := copyTree(mine, relic); err != nil {
						t.Error(err)
					}
				}
			}}
			want, err := recoverServer(cfg, nil)
			if err != nil || !reached {
				t.Fatal(want, err, reached)
			}
			for range 2 { // and once more for nothing
				got, err := Recover(relic, "127.0.0.1:1", nil, nil, hclog.NewNullLogger())
				if err != nil || got.ID != want.ID || got.Index == 0 || got.Index != want.Index {
					t.Fatalf("%+v, %v; want %+v", got, err, want)
				}
			}
			s, stop := start(t, relic)
			defer stop()
			if n := len(slices.Collect(s.State().Snapshot().Evals())); n < 20 {
				t.Errorf("%d evaluations are left", n)
			}
		})
	}
}
