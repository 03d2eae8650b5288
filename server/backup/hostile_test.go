package backup

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A directory that others write to: what only looks like a snapshot, or like one that was not finished, is left alone and stops nothing.
func TestADirectoryOfHostileNames(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "berth-global-19990101T000000Z.snap.1.part", "theirs"), 0o700),
		os.MkdirAll(filepath.Join(dir, "berth-global-19990102T000000Z.snap.2.part"), 0o700),
		os.MkdirAll(filepath.Join(dir, "berth-global-19990103T000000Z.snap"), 0o700),
		os.Symlink(secret, filepath.Join(dir, "berth-global-19990104T000000Z.snap")),
		os.Symlink(secret, filepath.Join(dir, "berth-global-19990105T000000Z.snap.5.part")),
		os.Symlink("nowhere", filepath.Join(dir, "berth-global-19990106T000000Z.snap")),
		unix.Mkfifo(filepath.Join(dir, "berth-global-19990107T000000Z.snap"), 0o600),
		unix.Mkfifo(filepath.Join(dir, "berth-global-19990108T000000Z.snap.8.part"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir, "berth-global-19990109T000000Z.snap.9.part") // left by a server that ended
	put(t, dir, "berth-global-19990110T000000Z.snap")
	before := strings.Fields(names(t, dir))
	r := newRig(Directory{dir}, Plan{Keep: Keep{Last: 1}})
	if _, err := r.saver.once(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := names(t, dir)
	for _, name := range before {
		gone := strings.Contains(name, "0109T") || strings.Contains(name, "0110T")
		if strings.Contains(after, name) == gone {
			t.Errorf("%s: gone is to be %v; there are %s", name, gone, after)
		}
	}
	if text, err := os.ReadFile(secret); err != nil || string(text) != "theirs" {
		t.Errorf("what a link leads to is %q, %v", text, err)
	}
}

// stubborn keeps one snapshot whatever is asked.
type stubborn struct {
	Directory
	name string
}

func (s stubborn) Remove(ctx context.Context, name string) error {
	if name == s.name {
		return os.ErrPermission
	}
	return s.Directory.Remove(ctx, name)
}

// One snapshot that cannot be removed is told, and the others go.
func TestOneThatCannotBeRemovedKeepsNoOther(t *testing.T) {
	dir := t.TempDir()
	for day := range 9 {
		put(t, dir, fmt.Sprintf("berth-global-1999010%dT000000Z.snap", day+1))
	}
	r := newRig(stubborn{Directory{dir}, "berth-global-19990105T000000Z.snap"}, Plan{Keep: Keep{Last: 1}})
	_, err := r.saver.once(t.Context())
	if err == nil || !strings.Contains(err.Error(), "remove berth-global-19990105T000000Z.snap: ") {
		t.Errorf("got %v", err)
	}
	if left := strings.Fields(names(t, dir)); len(left) != 2 || r.saved != 1 {
		t.Errorf("stored %s", left)
	}
}

// endless repeats a text until nobody reads it.
type endless struct{ head, again string }

func (e endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, err := io.WriteString(w, e.head)
	for again := strings.Repeat(e.again, 4096/max(len(e.again), 1)+1); err == nil && e.again != "" && r.Context().Err() == nil; {
		_, err = io.WriteString(w, again)
	}
}

// A store that answers without end, elsewhere or with nonsense is told, within bounded memory and time.
func TestHostileStores(t *testing.T) {
	page := "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>" +
		strings.Repeat("<Contents><Key>berth/berth-global-19990105T000000Z.snap</Key><Size>-5</Size></Contents>", 1000) + "</ListBucketResult>"
	for _, c := range []struct {
		name, says string
		answer     http.Handler
	}{
		{"a list that is one long name", "http: request body too large", endless{"<ListBucketResult><Contents><Key>", "x"}},
		{"a list of one page without end", "http: request body too large", endless{"<ListBucketResult>", "<Contents><Key>berth/x</Key></Contents>"}},
		{"a list as deep as it is long", "", endless{"<ListBucketResult>", "<a>"}},
		{"pages without end", "the store lists more than 3500 names", endless{page, ""}},
		{"no list", "", endless{"{}", ""}},
		{"somewhere else", "", http.RedirectHandler("http://192.0.2.1/", http.StatusTemporaryRedirect)},
		{"an error without end", "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			endless{"<Error><Code>", "x"}.ServeHTTP(w, r)
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(c.answer)
			defer srv.Close()
			target, err := NewS3(S3Config{Endpoint: srv.URL, Bucket: "backups", Prefix: "berth/", PathStyle: true, AccessKey: accessKey, SecretKey: secretKey})
			if err != nil {
				t.Fatal(err)
			}
			defer target.Rest()
			target.answer.most, target.listed = 256<<10, 3500
			r := newRig(target, Plan{Keep: Keep{Last: 1}})
			_, err = r.saver.once(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "list the snapshots: ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %.300v", err)
			}
			if r.saved != 0 || len(err.Error()) > 4096 {
				t.Errorf("%d saved, the error has %d bytes", r.saved, len(err.Error()))
			}
		})
	}
}

// A store whose object has no end is found out as soon as it is longer than what was written.
func TestAnObjectWithoutEnd(t *testing.T) {
	r := newRig(liarWithoutEnd{Directory{t.TempDir()}}, Plan{Keep: Keep{Last: 1}})
	if _, err := r.saver.once(t.Context()); err == nil || !strings.Contains(err.Error(), "it is not what was written: 1048583 bytes") {
		t.Errorf("got %v", err)
	}
}

type liarWithoutEnd struct{ Directory }

func (l liarWithoutEnd) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(zeros{}), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
