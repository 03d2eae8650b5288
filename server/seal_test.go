package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"berth/internal/atrest"
	"berth/internal/idgen"
)

func sealKey(t *testing.T) *atrest.Key {
	t.Helper()
	k, err := atrest.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sealedRun runs a server with a key on a directory, until work is done; it gives why it did not start.
func sealedRun(t *testing.T, dir string, key *atrest.Key, work func(*Server)) error {
	t.Helper()
	s, err := New(Config{Name: "s1", DataDir: dir, Seal: key, Logger: hclog.NewNullLogger(), IDs: idgen.Random()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
		if work != nil {
			work(s)
		}
		cancel()
		return <-done
	case err := <-done:
		cancel()
		return err
	}
}

// secretText has nothing in it that is elsewhere in a job: packed it is written as it is.
const secretText = "Zq7w93vJr28pLm5kXf0h"

func secretJob(t *testing.T) func(*Server) {
	return func(s *Server) {
		j := job(1)
		j.Meta = map[string]string{"password": secretText}
		e := register(t, s, j)
		until(t, s, "evaluation is done", func() bool { return s.State().Snapshot().Eval(e.ID).Terminal() })
	}
}

// snapshotNow makes raft write a snapshot.
func snapshotNow(t *testing.T) func(*Server) {
	return func(s *Server) {
		if err := s.raft.Load().Snapshot().Error(); err != nil {
			t.Error(err)
		}
	}
}

func hasJob(t *testing.T) func(*Server) {
	return func(s *Server) {
		if j := s.State().Snapshot().Job("default", "web"); j == nil || j.Meta["password"] != secretText {
			t.Errorf("the job came back as %+v", j)
		}
	}
}

// readable lists the files that have the secret in clear.
func readable(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		if bytes.Contains(b, []byte(secretText)) || bytes.Contains(b, []byte("BERTH STATE")) {
			out = append(out, filepath.Base(p))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheLogAndSnapshotsAreSealed(t *testing.T) {
	dir, key := t.TempDir(), sealKey(t)
	if err := sealedRun(t, dir, key, secretJob(t)); err != nil {
		t.Fatal(err)
	}
	if got := readable(t, dir); len(got) != 0 {
		t.Errorf("in clear are %v", got)
	}
	if err := sealedRun(t, dir, key, hasJob(t)); err != nil { // from the log
		t.Fatal(err)
	}
	if err := sealedRun(t, dir, key, snapshotNow(t)); err != nil {
		t.Fatal(err)
	}
	if got := readable(t, dir); len(got) != 0 {
		t.Errorf("with a snapshot in clear are %v", got)
	}
	if err := sealedRun(t, dir, key, hasJob(t)); err != nil { // from the snapshot
		t.Fatal(err)
	}
	if err := sealedRun(t, dir, sealKey(t), nil); err == nil || !strings.Contains(err.Error(), "sealed with another key, or is damaged") {
		t.Errorf("with another key: %v", err)
	}
	if err := sealedRun(t, dir, nil, nil); err == nil || !strings.Contains(err.Error(), "has no key") {
		t.Errorf("without a key: %v", err)
	}
	if err := sealedRun(t, dir, key, hasJob(t)); err != nil {
		t.Errorf("the wrong keys did harm: %v", err)
	}
	if _, err := Recover(dir, "127.0.0.1:4647", nil, key, hclog.NewNullLogger()); err != nil {
		t.Errorf("a recovery: %v", err)
	}
	if err := sealedRun(t, dir, key, hasJob(t)); err != nil {
		t.Error(err)
	}
}

func TestAServerThatWroteInClearIsSealedFromThenOn(t *testing.T) {
	dir, key := t.TempDir(), sealKey(t)
	if err := sealedRun(t, dir, nil, secretJob(t)); err != nil {
		t.Fatal(err)
	}
	if got := readable(t, dir); !slices.Contains(got, logName) {
		t.Fatalf("in clear are %v", got)
	}
	if err := sealedRun(t, dir, key, func(s *Server) { hasJob(t)(s); snapshotNow(t)(s) }); err != nil {
		t.Fatal(err)
	}
	if err := sealedRun(t, dir, key, hasJob(t)); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotsTellTheSizeOfWhatIsRead(t *testing.T) {
	dir, key := t.TempDir(), sealKey(t)
	files, err := raft.NewFileSnapshotStoreWithLogger(dir, 2, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	s := sealedSnapshots{files, key}
	for _, n := range []int{0, 1, 100_000, 64 << 10, 128 << 10} {
		_, wire := raft.NewInmemTransport("")
		sink, err := s.Create(raft.SnapshotVersionMax, uint64(n+1), 1, raft.Configuration{}, 1, wire)
		if err != nil {
			t.Fatal(err)
		}
		data := bytes.Repeat([]byte{5}, n)
		if _, err := sink.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
		meta, r, err := s.Open(sink.ID())
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, data) || meta.Size != int64(n) {
			t.Errorf("%d bytes: %d came back, %d were told, %v", n, len(got), meta.Size, err)
		}
	}
}
