package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"berth/internal/idgen"
	"berth/server/fsm"
	"berth/structs"
)

func TestTheMajoritySaysWhoIsRight(t *testing.T) {
	voter := func(n byte) raft.Server { return raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(id(n))} }
	three := []raft.Server{voter(1), voter(2), voter(3)}
	copyOnly := raft.Server{Suffrage: raft.Nonvoter, ID: raft.ServerID(id(9))}
	for name, c := range map[string]struct {
		own        byte
		have, lead string
		servers    []raft.Server
		others     map[byte]string
		want       ruling
	}{
		"all agree":                   {1, "a", "a", three, map[byte]string{2: "a", 3: "a"}, ruling{true, false, "a"}},
		"a follower differs":          {2, "b", "a", three, map[byte]string{1: "a", 3: "a"}, ruling{true, true, "a"}},
		"the leader differs":          {1, "b", "b", three, map[byte]string{2: "a", 3: "a"}, ruling{true, true, "a"}},
		"not the leader's fault":      {2, "a", "b", three, map[byte]string{1: "b", 3: "a"}, ruling{true, false, "a"}},
		"one is silent":               {2, "b", "a", three, map[byte]string{1: "a"}, ruling{}},
		"one is silent, two agree":    {2, "a", "a", three, map[byte]string{1: "a"}, ruling{true, false, "a"}},
		"three different":             {2, "b", "a", three, map[byte]string{1: "a", 3: "c"}, ruling{true, true, "a"}},
		"three different, the leader": {1, "a", "a", three, map[byte]string{2: "b", 3: "c"}, ruling{true, false, "a"}},
		"two servers":                 {2, "b", "a", three[:2], map[byte]string{1: "a"}, ruling{true, true, "a"}},
		"two servers, the leader":     {1, "a", "a", three[:2], map[byte]string{2: "b"}, ruling{true, false, "a"}},
		"a copy without a vote":       {9, "b", "a", append([]raft.Server{copyOnly}, three...), map[byte]string{1: "a", 3: "a"}, ruling{true, true, "a"}},
		"alone":                       {1, "a", "a", three[:1], nil, ruling{true, false, "a"}},
	} {
		others := map[raft.ServerID]string{}
		for n, h := range c.others {
			others[raft.ServerID(id(n))] = h
		}
		if got := verdict(structs.ID{15: c.own}, fsm.Check{Index: 5, Own: c.have, Theirs: c.lead}, c.servers, others); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// spoil makes a server's state one that has applied something else.
func spoil(f *fellow) {
	txn := f.store.Begin(f.store.Index())
	c := txn.Chain()
	c.Hash[3] ^= 1
	txn.SetChain(c)
	txn.Commit()
}

// trio is a cluster of three on disks.
func trio(t *testing.T) (w *town, all []*fellow, dirs []string) {
	w = newTown()
	for n := 1; n <= 3; n++ {
		dirs = append(dirs, filepath.Join(swift(t), "server"))
		all = append(all, w.join(t, n, 3, dirs[n-1], nil))
	}
	return w, all, dirs
}

func number(all []*fellow, f *fellow) int {
	for i := range all {
		if all[i] == f {
			return i
		}
	}
	return -1
}

func TestAServerWhoseStateDiffersEndsAndRejoins(t *testing.T) {
	for _, who := range []string{"a follower", "the leader"} {
		t.Run(who, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, all, dirs := trio(t)
				lead := leader(t, all...)
				write(t, lead.Server, "one")
				<-time.After(3 * checkInterval) // the hash has begun, and was compared
				for _, f := range all {
					if c := f.machine.Checks(); f == lead && (len(c) == 0 || !c[len(c)-1].Same()) {
						t.Fatalf("checks %+v", c)
					}
				}
				bad := lead
				if who == "a follower" {
					bad = without(all, lead)[0]
				}
				write(t, lead.Server, "two")
				eventually(t, "all have it", func() bool {
					return has(all[0].Server, "two") && has(all[1].Server, "two") && has(all[2].Server, "two")
				})
				spoil(bad)
				write(t, lead.Server, "three")
				err := <-bad.done
				if err == nil {
					t.Fatal("it ended without a word")
				}
				for _, want := range []string{bad.ID().String(), "differs from the other servers of its cluster at index", "its rolling hash is", "berth operator rejoin"} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q does not say %q", err, want)
					}
				}
				rest := without(all, bad)
				next := leader(t, rest...)
				write(t, next.Server, "four")
				for _, f := range rest {
					select {
					case err := <-f.done:
						t.Fatalf("another server ended: %v", err)
					default:
					}
				}

				// It does not come back with what it has, and does with what the others have.
				n := number(all, bad)
				again := w.join(t, n+1, 3, dirs[n], nil)
				if err := <-again.done; err == nil || !strings.Contains(err.Error(), "berth operator rejoin") {
					t.Fatalf("it started again: %v", err)
				}
				rejoin(t, w, next, n, dirs[n], rest)
			})
		})
	}
}

// rejoined makes the server of a directory a new one and sees that it has what the others have.
func rejoin(t *testing.T, w *town, lead *fellow, n int, dir string, rest []*fellow) {
	t.Helper()
	before, err := os.ReadFile(filepath.Join(dir, "node-id"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := rejoined(dir, idgen.Seeded(uint64(100+n)), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got.Before.String() != strings.TrimSpace(string(before)) || got.ID == got.Before || got.ID.IsZero() {
		t.Errorf("%+v", got)
	}
	back := w.join(t, n+1, 1, dir, nil) // one that would form a cluster of its own
	eventually(t, "it is back", func() bool { return has(back.Server, "four") && back.State().Index() == lead.State().Index() })
	sameEverywhere(t, back, lead)
	eventually(t, "it has a vote, and the old one is gone", func() bool {
		peers, _, err := lead.Peers()
		votes := 0
		for _, p := range peers {
			if p.Voter {
				votes++
			}
		}
		return err == nil && len(peers) == 3 && votes == 3
	})
	eventually(t, "it is a member like any other", func() bool { return !rejoins(dir) })
	finish(append(rest, back)...)
}

// One of three servers finds its files damaged: it says which and does not start, the others go on, and it comes back with what they have.
func TestADamagedServerOfThreeRejoins(t *testing.T) {
	flip := func(t *testing.T, p string) {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		overwrite(t, p, b)
	}
	zero := func(t *testing.T, p string) {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		at := len(b) / 8192 * 4096
		clear(b[at:min(at+4096, len(b))])
		overwrite(t, p, b)
	}
	for name, c := range map[string]struct {
		file   string // below raft/; "*" is the snapshot
		damage func(t *testing.T, path string)
	}{
		"log, half":              {"raft.db", func(t *testing.T, p string) { truncate(t, p, size(t, p)/2) }},
		"log, empty":             {"raft.db", func(t *testing.T, p string) { truncate(t, p, 0) }},
		"log, wrong version":     {"raft.db", func(t *testing.T, p string) { spoilVersion(t, p) }},
		"snapshot, a bit":        {"snapshots/*/state.bin", flip},
		"snapshot, half":         {"snapshots/*/state.bin", func(t *testing.T, p string) { truncate(t, p, size(t, p)/2) }},
		"snapshot, a zero page":  {"snapshots/*/state.bin", zero},
		"snapshot, empty":        {"snapshots/*/state.bin", func(t *testing.T, p string) { truncate(t, p, 0) }},
		"snapshot, its own file": {"snapshots/*/state.bin", func(t *testing.T, p string) { remove(t, p) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, all, dirs := trio(t)
				lead := leader(t, all...)
				write(t, lead.Server, "one")
				bad := without(all, lead)[0]
				n := number(all, bad)
				eventually(t, "it has it", func() bool { return has(bad.Server, "one") })
				eventually(t, "its directory is that of a member", func() bool {
					_, err := os.Stat(filepath.Join(dirs[n], memberName))
					return err == nil
				})
				if err := bad.raft.Load().Snapshot().Error(); err != nil {
					t.Fatal(err)
				}
				bad.end()
				paths, err := filepath.Glob(filepath.Join(dirs[n], "raft", c.file))
				if err != nil || len(paths) != 1 {
					t.Fatalf("files %v, %v", paths, err)
				}
				c.damage(t, paths[0])
				rest := without(all, bad)
				write(t, leader(t, rest...).Server, "four")
				again := w.join(t, n+1, 3, dirs[n], nil)
				select {
				case err = <-again.done:
				case <-again.Ready():
					again.end()
				}
				if err == nil || !strings.Contains(err.Error(), paths[0]) || !strings.Contains(err.Error(), "berth operator rejoin") {
					t.Fatalf("it started with a damaged %s: %v", paths[0], err)
				}
				rejoin(t, w, leader(t, rest...), n, dirs[n], rest)
			})
		})
	}
}

// spoilVersion makes both meta pages of a bolt file those of another version of the form.
func spoilVersion(t *testing.T, p string) {
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []int{0, 4096} {
		b[page+16+4] ^= 0x40
	}
	overwrite(t, p, b)
}

// An entry of a newer program ends a server of an older one; nothing of it is applied.
func TestAServerEndsAtAnEntryItDoesNotUnderstand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		only := w.join(t, 1, 1, "", nil)
		leader(t, only)
		entry := structs.LogEntry{Commands: []structs.Command{{Kind: structs.CmdLast + 1}}, Writer: "9.8.7"}
		data, err := entry.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		only.raft.Load().Apply(data, 0)
		if err := <-only.done; err == nil || !strings.Contains(err.Error(), "start this server with Berth 9.8.7") {
			t.Errorf("it ended with %v", err)
		}
		<-time.After(time.Minute)
	})
}

func TestOnlyAServersDirectoryRejoins(t *testing.T) {
	if _, err := Rejoin(t.TempDir(), idgen.Random(), time.Now()); structs.KindOf(err) != structs.KindNotFound {
		t.Error(err)
	}
}

// A server may be damaged again at once: what it had each time is kept, also within one second.
func TestAServerRejoinsTwiceInASecond(t *testing.T) {
	dir, now, ids := t.TempDir(), time.Unix(1_700_000_000, 0), idgen.Seeded(1)
	kept := map[string]bool{}
	for _, had := range []string{"first", "second", "third"} {
		if err := os.Mkdir(filepath.Join(dir, raftDirName), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, raftDirName, "log"), []byte(had), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := rejoined(dir, ids, now)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(got.Kept, raftDirName, "log"))
		if err != nil || string(text) != had {
			t.Errorf("%s keeps %q: %v; want %q", got.Kept, text, err, had)
		}
		kept[got.Kept] = true
	}
	if len(kept) != 3 {
		t.Errorf("kept in %d directories", len(kept))
	}
}
