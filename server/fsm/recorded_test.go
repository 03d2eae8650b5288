package fsm

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/state"
)

// recordedEntries is how long a recorded log is.
const recordedEntries = 160

// TestRecordedLogsAndSnapshots replays what earlier builds wrote: logs give the state of the snapshot taken behind them, and the rolling hash
// that was noted then. BERTH_RECORD=NAME writes testdata/recorded/NAME of this build: one for each release, and none is ever changed.
func TestRecordedLogsAndSnapshots(t *testing.T) {
	if name := os.Getenv("BERTH_RECORD"); name != "" {
		record(t, filepath.Join("testdata", "recorded", name))
	}
	dirs, err := filepath.Glob(filepath.Join("testdata", "recorded", "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("nothing is recorded: %v", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			replayed, restored := state.New(), state.New()
			machine := New(replayed)
			for i, data := range readLog(t, filepath.Join(dir, "log.gz")) {
				if results := applyTo(machine, i+1, data); len(results) == 0 {
					t.Fatalf("entry %d has no command", i+1)
				}
			}
			snap, err := os.ReadFile(filepath.Join(dir, "state.bin"))
			if err != nil {
				t.Fatal(err)
			}
			if err := ReadSnapshot(bytes.NewReader(snap), restored); err != nil {
				t.Fatal(err)
			}
			if replayed.Snapshot().Hash() != restored.Snapshot().Hash() {
				t.Error("the replayed log gives another state than the snapshot")
			}
			want, err := os.ReadFile(filepath.Join(dir, "chain"))
			if err != nil {
				t.Fatal(err)
			}
			for what, s := range map[string]*state.Store{"replayed": replayed, "restored": restored} {
				if got := chainText(s.Snapshot()); got != strings.TrimSpace(string(want)) {
					t.Errorf("%s: %s, recorded %s", what, got, want)
				}
			}
		})
	}
}

func chainText(s *state.Snapshot) string {
	return fmt.Sprintf("%d %d %s", s.Index(), s.Chain().Origin, s.Chain().Text())
}

func record(t *testing.T, dir string) {
	w := rapid.Custom(func(r *rapid.T) *world {
		w := newWorld()
		g := &generator{T: r, w: w}
		w.entry(w.check())
		for range recordedEntries {
			cmds, _ := g.commands()
			w.entry(cmds...)
		}
		return w
	}).Example(1)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for _, data := range w.log {
		if _, err := z.Write(append(binary.AppendUvarint(nil, uint64(len(data))), data...)); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(z.Close(), os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "log.gz"), packed.Bytes(), 0o644),
		os.WriteFile(filepath.Join(dir, "state.bin"), snapshotOf(t, w.store), 0o644), os.WriteFile(filepath.Join(dir, "chain"), []byte(chainText(w.snap())+"\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

func readLog(t *testing.T, path string) (log [][]byte) {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(z)
	for {
		n, err := binary.ReadUvarint(in)
		if errors.Is(err, io.EOF) {
			return log
		}
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(in, data); err != nil {
			t.Fatal(err)
		}
		log = append(log, data)
	}
}
