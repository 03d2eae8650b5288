package atrest_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"berth/internal/atrest"
)

func newKey(t testing.TB) *atrest.Key {
	t.Helper()
	k, err := atrest.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealer(t testing.TB, k *atrest.Key) *atrest.Sealer {
	t.Helper()
	s, err := atrest.NewSealer(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestARecordOpensWithItsKeyInItsPlaceAlone(t *testing.T) {
	k := newKey(t)
	s := sealer(t, k)
	data, place := []byte("a secret of the cluster"), []byte("entry 7")
	r := s.Seal(data, place)
	if len(r) != len(data)+atrest.Overhead || !atrest.Sealed(r) || bytes.Contains(r, data) || bytes.Equal(r, s.Seal(data, place)) {
		t.Errorf("sealed as %x", r)
	}
	later := sealer(t, k) // after a restart
	if got, err := later.Open(r, place); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := s.Open(r, []byte("entry 8")); !errors.Is(err, atrest.ErrSealed) {
		t.Errorf("in another place: %v", err)
	}
	if _, err := sealer(t, newKey(t)).Open(r, place); !errors.Is(err, atrest.ErrSealed) {
		t.Errorf("with another key: %v", err)
	}
	for i := range r {
		bad := bytes.Clone(r)
		bad[i] ^= 1
		if got, err := s.Open(bad, place); err == nil {
			t.Fatalf("byte %d was changed, and %q was given out", i, got)
		}
		if _, err := s.Open(r[:i], place); err == nil {
			t.Fatalf("cut at %d it was opened", i)
		}
	}
}

func sealed(t testing.TB, k *atrest.Key, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := atrest.NewWriter(&out, k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, iotest.HalfReader(bytes.NewReader(data))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(k *atrest.Key, stream []byte) ([]byte, error) {
	r, err := atrest.NewReader(bytes.NewReader(stream), k)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestStreamsComeBackWhole(t *testing.T) {
	k := newKey(t)
	rapid.Check(t, func(r *rapid.T) {
		const chunk = 64 << 10
		n := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(chunk-2, chunk+2), rapid.IntRange(2*chunk-2, 2*chunk+2)).Draw(r, "length")
		data := bytes.Repeat([]byte{7, 9, 11}, n/3+1)[:n]
		s := sealed(t, k, data)
		if got, err := open(k, s); err != nil || !bytes.Equal(got, data) {
			r.Fatalf("%d bytes came back as %d, %v", n, len(got), err)
		}
		if size, ok := atrest.PlainSize(int64(len(s))); !ok || size != int64(n) {
			r.Fatalf("a stream of %d bytes is said to hold %d, %v; want %d", len(s), size, ok, n)
		}
		is, rest, err := atrest.IsStream(bytes.NewReader(s))
		if all, _ := io.ReadAll(rest); !is || err != nil || !bytes.Equal(all, s) {
			r.Fatalf("not known as a stream: %v", err)
		}
	})
}

func TestStreamsThatWereChanged(t *testing.T) {
	k := newKey(t)
	const chunk = 64<<10 + 16
	s := sealed(t, k, bytes.Repeat([]byte("x"), 200_000))
	head := len(s) - 3*chunk - (200_000 - 3*(64<<10)) - 16
	for name, bad := range map[string][]byte{
		"cut at a chunk's end":    s[:head+chunk],
		"cut within a chunk":      s[:head+chunk+100],
		"two chunks exchanged":    append(append(append(append([]byte(nil), s[:head]...), s[head+chunk:head+2*chunk]...), s[head:head+chunk]...), s[head+2*chunk:]...),
		"a chunk left out":        append(append([]byte(nil), s[:head]...), s[head+chunk:]...),
		"a bit":                   append(append(append([]byte(nil), s[:50_000]...), s[50_000]^1), s[50_001:]...),
		"something after its end": append(append([]byte(nil), s...), 1),
		"its head alone":          s[:head],
		"nothing":                 nil,
	} {
		if got, err := open(k, bad); !errors.Is(err, atrest.ErrSealed) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := open(newKey(t), s); !errors.Is(err, atrest.ErrSealed) {
		t.Errorf("another key: %v", err)
	}
}

func TestWhereKeysComeFrom(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	given := newKey(t)
	for name, s := range map[string]atrest.Source{
		"a file that is made": {KeyFile: filepath.Join(dir, "made.key")},
		"a file":              {KeyFile: file("given.key", given.Text()+"\n")},
		"a passphrase":        {PassphraseFile: file("words", "correct horse\n")},
		"a command":           {Command: []string{"echo", given.Text()}},
	} {
		s.Dir = filepath.Join(dir, "data "+name)
		first, err := s.Open(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := s.Open(t.Context())
		if err != nil || again.ID() != first.ID() {
			t.Errorf("%s, again: %v", name, err)
		}
		other := atrest.Source{KeyFile: file("other.key", newKey(t).Text()), Dir: s.Dir}
		if _, err := other.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "was sealed with key "+first.ID()) {
			t.Errorf("%s, another key: %v", name, err)
		}
	}
	lost := atrest.Source{KeyFile: filepath.Join(dir, "made.key"), Dir: filepath.Join(dir, "data a file that is made")}
	if err := os.Remove(lost.KeyFile); err != nil {
		t.Fatal(err)
	}
	if _, err := lost.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "bring it back") {
		t.Errorf("a lost key: %v", err)
	}
	if _, err := os.Stat(lost.KeyFile); err == nil {
		t.Error("a new key was made for data sealed with another")
	}
	for name, s := range map[string]atrest.Source{
		"nothing":             {},
		"no key in the file":  {KeyFile: file("short.key", "abc")},
		"a failing command":   {Command: []string{"sh", "-c", "echo no such key >&2; exit 3"}},
		"an empty passphrase": {PassphraseFile: file("empty", "\n")},
	} {
		s.Dir = filepath.Join(dir, "bad "+name)
		if _, err := s.Open(t.Context()); err == nil {
			t.Errorf("%s gave a key", name)
		} else if name == "a failing command" && !strings.Contains(err.Error(), "no such key") {
			t.Errorf("%s: %v", name, err)
		}
	}
	open := file("open.key", given.Text())
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := (atrest.Source{KeyFile: open, Dir: filepath.Join(dir, "x")}).Open(t.Context()); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key everybody reads: %v", err)
	}
	if shown := given.String(); strings.Contains(shown, given.Text()) {
		t.Errorf("a key is printed: %s", shown)
	}
}

func FuzzStream(f *testing.F) {
	k, err := atrest.ParseKey(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed(f, k, []byte("hello")))
	f.Add([]byte("\xc1BSS1"))
	s := sealer(f, k)
	f.Add(s.Seal([]byte("x"), nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := open(k, data); err == nil {
			if size, ok := atrest.PlainSize(int64(len(data))); !ok || size != int64(len(got)) {
				t.Errorf("%d bytes hold %d, and are said to hold %d, %v", len(data), len(got), size, ok)
			}
		}
		_, _ = s.Open(data, nil)
		_, _ = atrest.ParseKey(data)
	})
}

func BenchmarkSealRecord(b *testing.B) {
	s := sealer(b, newKey(b))
	data := make([]byte, 1024)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s.Seal(data, data[:17])
	}
}

func BenchmarkStream(b *testing.B) {
	k := newKey(b)
	w, err := atrest.NewWriter(io.Discard, k)
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := w.Write(data); err != nil {
			b.Fatal(err)
		}
	}
}
