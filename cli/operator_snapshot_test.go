package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/server/archive"
	"berth/server/fsm"
	"berth/state"
)

// An age key of this test alone.
const (
	testKey       = "AGE-SECRET-KEY-1RN9ZUL8H6DNCK4GZSQSDNA6F32PQRECDNX5QWJ5JT6T9N960N74SEQEGKN"
	testRecipient = "age12xr957ntcyq50q84f4388cp2p9zcu5n46986w5edcvlqlm388sjszvld7c"
)

// anArchive is that of an empty cluster.
func anArchive(t *testing.T) []byte {
	t.Helper()
	var s, out bytes.Buffer
	if err := fsm.WriteSnapshot(&s, state.New().Snapshot()); err != nil {
		t.Fatal(err)
	}
	m := archive.Meta{ID: "2-7-1", Index: 7, Term: 2, Size: int64(s.Len()), Berth: &archive.About{Version: "1.2.3", Region: "global", Server: "s1",
		CreatedAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}}
	if err := archive.Write(&out, m, &s); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSnapshots(t *testing.T) {
	data := anArchive(t)
	sum := sha256.Sum256(data)
	digest := "sha-256=" + base64.StdEncoding.EncodeToString(sum[:])
	f := newFake(t, map[string]any{
		"GET /v1/operator/snapshot": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Digest", digest)
			_, _ = w.Write(data)
		},
		"PUT /v1/operator/snapshot": func(http.ResponseWriter, *http.Request) {},
	})
	dir := t.TempDir()
	plain, sealed, key := filepath.Join(dir, "a.snap"), filepath.Join(dir, "b.snap"), filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(testKey), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"save", "-stale", plain}, {"save", "-encrypt-to", testRecipient, sealed}} {
		if got := f.berth(t, append([]string{"operator", "snapshot"}, args...)...); got.code != 0 || !strings.Contains(got.out, "State file written to") {
			t.Fatalf("%v: %+v", args, got)
		}
	}
	if !strings.Contains(f.requests()[0], "stale") || strings.Contains(f.last(), "stale") {
		t.Errorf("asked %v", f.requests())
	}
	if st, err := os.Stat(plain); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a file that is there": {[]string{"save", plain}, "exists already"},
		"no directory":         {[]string{"save", "/nonexistent/x.snap"}, "there is no directory /nonexistent: make it"},
		"no key":               {[]string{"inspect", sealed}, "encrypted to an age key (give the file of the key: -identity=FILE)"},
		"no file":              {[]string{"inspect", plain + ".gone"}, "there is no file"},
		"no archive":           {[]string{"restore", key}, "key: "},
		"a bad recipient":      {[]string{"save", "-encrypt-to", "ssh-rsa", filepath.Join(dir, "c")}, "is not the public key of an age key"},
	} {
		if got := f.berth(t, append([]string{"operator", "snapshot"}, c.args...)...); got.code != 1 || !strings.Contains(got.err, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	golden(t, "snapshot-inspect", f.berth(t, "operator", "snapshot", "inspect", "-identity", key, sealed).out)
	if got := f.berth(t, "operator", "snapshot", "state", plain); got.code != 0 || !strings.Contains(got.out, `"Namespaces": [`) {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "operator", "snapshot", "restore", "-identity", key, sealed); got.code != 0 || !strings.Contains(got.out, "restored, as of index 10") {
		t.Errorf("%+v", got)
	}
	if !bytes.Equal(f.text("PUT /v1/operator/snapshot"), data) {
		t.Error("what was sent is not the archive in clear")
	}
	digest = "sha-256=" + base64.StdEncoding.EncodeToString(make([]byte, sha256.Size))
	bad := filepath.Join(dir, "bad")
	if got := f.berth(t, "operator", "snapshot", "save", bad); got.code != 1 || !strings.Contains(got.err, "changed on its way") {
		t.Errorf("%+v", got)
	}
	if files, err := filepath.Glob(bad + "*"); err != nil || len(files) != 0 {
		t.Errorf("it left %v", files)
	}
}
