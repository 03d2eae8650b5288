package server

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/internal/idgen"
	"berth/structs"
)

// rejoined makes the server of a directory a new one that may start.
func rejoined(dir string, ids idgen.Source, now time.Time) (*Rejoined, error) {
	out, err := Rejoin(dir, ids, now)
	if err == nil {
		err = RejoinDone(dir)
	}
	return out, err
}

// treeOf are the files below a directory, and what is in them.
func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A rejoin may end after any of its steps: then no server starts, and the next rejoin leaves what one would have that was not interrupted. Nothing of
// the old server is lost.
func TestARejoinThatIsInterruptedIsNoServer(t *testing.T) {
	old := structs.ID{0xaa}
	now := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	files := map[string]string{"node-id": old.String() + "\n", memberName: "m", divergedName: "d", raftDirName + "/" + logName: "log", raftDirName + "/snapshots/1/state": "s"}
	names := []string{raftDirName, memberName, divergedName, "node-id"}
	const kept = "before-20261128T100000Z"
	for done := range len(names) + 2 { // that many were moved; at last the new id was made too
		dir := t.TempDir()
		put := func(name, text string) {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range files {
			put(name, text)
		}
		if err := os.Mkdir(filepath.Join(dir, kept), 0o700); err != nil {
			t.Fatal(err)
		}
		put(rejoiningName, kept+"\n")
		for _, name := range names[:min(done, len(names))] {
			if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, kept, name)); err != nil {
				t.Fatal(err)
			}
		}
		if done > len(names) {
			put("node-id", structs.ID{0xbb}.String()+"\n")
		}
		before := treeOf(t, dir)
		for what, start := range map[string]func() error{
			"start":    func() error { _, err := Identity(dir, idgen.Seeded(3)); return err },
			"recovery": func() error { _, err := Recover(dir, "127.0.0.1:4647", nil, nil, nil); return err },
		} {
			if err := start(); structs.KindOf(err) != structs.KindConflict && structs.KindOf(err) != structs.KindNotFound || what == "start" && !strings.Contains(err.Error(), "run it again") {
				t.Errorf("%d steps: %s: %v", done, what, err)
			}
		}
		if !maps.Equal(before, treeOf(t, dir)) {
			t.Errorf("%d steps: a start changed the directory", done)
		}
		got, err := rejoined(dir, idgen.Seeded(3), now.Add(time.Hour))
		if err != nil || got.Before != old || got.ID == old || got.Kept != filepath.Join(dir, kept) {
			t.Fatalf("%d steps: %+v, %v", done, got, err)
		}
		want := map[string]string{"node-id": got.ID.String() + "\n", rejoinName: "This server joins a cluster that is there, and forms none.\n"}
		for name, text := range files {
			want[kept+"/"+name] = text
		}
		if after := treeOf(t, dir); !maps.Equal(after, want) {
			t.Errorf("%d steps: left %v", done, slices.Sorted(maps.Keys(after)))
		}
		if id, err := Identity(dir, idgen.Seeded(4)); err != nil || id != got.ID {
			t.Errorf("%d steps: starts as %s, %v", done, id, err)
		}
	}
}

// A rejoin that was begun and does not say, or not any more, where the old server is kept keeps what is left elsewhere: it does not end with the old server
// in its place.
func TestARejoinWhoseMarkerSaysNothing(t *testing.T) {
	old := structs.ID{0xaa}
	now := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	for _, marker := range []string{"", "\n", "..\n", ".\n", "raft\n", "before-gone\n", "before-x/../..\n", "node-id\n", "\x00\x00"} {
		dir := t.TempDir()
		for name, text := range map[string]string{"node-id": old.String() + "\n", raftDirName: "the log", rejoiningName: marker} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Identity(dir, idgen.Seeded(3)); structs.KindOf(err) != structs.KindConflict {
			t.Errorf("%q: it starts: %v", marker, err)
		}
		got, err := rejoined(dir, idgen.Seeded(3), now)
		if err != nil || got.Before != old || got.ID == old || got.Kept != filepath.Join(dir, "before-20261128T100000Z") {
			t.Fatalf("%q: %+v, %v", marker, got, err)
		}
		want := map[string]string{"node-id": got.ID.String() + "\n", rejoinName: "This server joins a cluster that is there, and forms none.\n",
			"before-20261128T100000Z/node-id": old.String() + "\n", "before-20261128T100000Z/" + raftDirName: "the log"}
		if after := treeOf(t, dir); !maps.Equal(after, want) {
			t.Errorf("%q: left %v", marker, after)
		}
	}
}
