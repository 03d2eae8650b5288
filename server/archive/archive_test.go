package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"berth/structs"
)

var state = bytes.Repeat([]byte("the state of a cluster. "), 9000)

func meta() Meta {
	return Meta{ID: "2-7-1", Index: 7, Term: 2, Size: int64(len(state)), Configuration: Configuration{Servers: []Server{{ID: "a", Address: "10.0.0.1:4647"}}},
		Berth: &About{Version: "1.2.3", Region: "global", Server: "s1", CreatedAt: time.Date(2026, 11, 28, 1, 2, 3, 4, time.UTC)}}
}

func packed(t testing.TB, m Meta) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, m, bytes.NewReader(state)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnArchiveComesBackWhole(t *testing.T) {
	b := packed(t, meta())
	if !bytes.Equal(b, packed(t, meta())) {
		t.Error("the same archive has other bytes")
	}
	var got bytes.Buffer
	m, err := Read(bytes.NewReader(b), &got)
	if err != nil || !bytes.Equal(got.Bytes(), state) || m.Index != 7 || m.Term != 2 || m.Berth.Region != "global" || m.Configuration.Servers[0].Address != "10.0.0.1:4647" {
		t.Fatalf("%+v, %v", m, err)
	}
	// Anybody's tools open it.
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r, names := tar.NewReader(z), []string{}
	for h, err := r.Next(); err == nil; h, err = r.Next() {
		names = append(names, h.Name)
	}
	if strings.Join(names, " ") != "meta.json state.bin SHA256SUMS" {
		t.Errorf("names %v", names)
	}
}

// repack makes an archive of other files.
func repack(t *testing.T, files ...[2]string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: f[0], Size: int64(len(f[1])), Mode: 0o600, Typeflag: tar.TypeReg}), func() error {
			_, err := w.Write([]byte(f[1]))
			return err
		}()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchivesThatCannotBeUsedAreNamed(t *testing.T) {
	good := packed(t, meta())
	flip := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	about := `"Berth":{"Version":"9.9.9"}`
	newer := `{"Version":2,"Index":3,"Size":1,` + about + `}`
	fine := `{"Version":1,"Index":3,"Size":1,` + about + `}`
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty": {nil, "the file is empty"},
		"text":  {[]byte("hello, this is no archive"), "does not begin as a gzip file"},
		"gzip of text": {func() []byte {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			z.Write([]byte("hi"))
			z.Close()
			return b.Bytes()
		}(), "ends too early"},
		"half":             {good[:len(good)/2], "ends too early"},
		"without its end":  {good[:len(good)-4], "ends too early"},
		"more behind":      {append(bytes.Clone(good), 0), "something follows its end"},
		"two behind":       {append(bytes.Clone(good), good...), "something follows its end"},
		"a bit of state":   {flip(len(good) / 2), ""},
		"a bit of the sum": {flip(len(good) - 6), "damaged"},
		"another tar":      {repack(t, [2]string{"readme", "x"}), `it has "readme" where meta.json belongs`},
		"of Nomad":         {repack(t, [2]string{"meta.json", `{"Version":1,"ID":"2-3","Index":3,"Term":2,"Size":1}`}), "another program, such as Nomad or Consul"},
		"too new":          {repack(t, [2]string{"meta.json", newer}), "has form 2, written by Berth 9.9.9, and this program reads form 1"},
		"no JSON":          {repack(t, [2]string{"meta.json", "{"}), "meta.json is not JSON"},
		"no state":         {repack(t, [2]string{"meta.json", fine}), "state.bin is missing"},
		"other size":       {repack(t, [2]string{"meta.json", fine}, [2]string{"state.bin", "xy"}), "has 2 bytes, and meta.json says 1"},
		"no sums":          {repack(t, [2]string{"meta.json", fine}, [2]string{"state.bin", "x"}), "SHA256SUMS is missing"},
		"wrong sums":       {repack(t, [2]string{"meta.json", fine}, [2]string{"state.bin", "x"}, [2]string{"SHA256SUMS", "abc  state.bin\n"}), "was changed"},
		"a bomb":           {repack(t, [2]string{"meta.json", `{"Version":1,"Index":3,"Size":67108864,` + about + `}`}, [2]string{"state.bin", strings.Repeat("\x00", 64<<20)}), "grows to more than 64 times"},
		"no index":         {repack(t, [2]string{"meta.json", `{"Version":1,` + about + `}`}), "makes no sense"},
	} {
		var got bytes.Buffer
		_, err := Read(bytes.NewReader(c.data), &got)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "read the snapshot: ") || structs.KindOf(err) != structs.KindInvalid {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// No bit of an archive can be turned unnoticed but those that say nothing.
func TestEveryBitCounts(t *testing.T) {
	m := meta()
	m.Size = 3
	var small bytes.Buffer
	if err := Write(&small, m, strings.NewReader("abc")); err != nil {
		t.Fatal(err)
	}
	good := small.Bytes()
	for at := range good {
		b := bytes.Clone(good)
		b[at] ^= 4
		var got bytes.Buffer
		m, err := Read(bytes.NewReader(b), &got)
		if err == nil && (got.String() != "abc" || m.Index != 7) {
			t.Fatalf("byte %d turned, and %q came out", at, got.String())
		}
		if _, err := Read(bytes.NewReader(good[:at]), io.Discard); err == nil {
			t.Fatalf("cut at %d, and nobody noticed", at)
		}
	}
}

func TestEncryptedArchives(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key, wrong, none := filepath.Join(dir, "key"), filepath.Join(dir, "wrong"), filepath.Join(dir, "none")
	for path, text := range map[string]string{key: "# a key\n" + id.String() + "\n", wrong: other.String(), none: "hello"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	to, err := ParseRecipients([]string{id.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := to.Encrypt(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Write(w, meta(), bytes.NewReader(state)), w.Close()); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b.Bytes(), []byte("state of a cluster")) {
		t.Error("the state is readable")
	}
	if _, err := Read(bytes.NewReader(b.Bytes()), io.Discard); !errors.Is(err, ErrEncrypted) {
		t.Errorf("read without the key: %v", err)
	}
	for identity, want := range map[string]string{"": "encrypted to an age key", wrong: "decrypt the snapshot with", none: "read the key", filepath.Join(dir, "gone"): "no such file"} {
		if _, err := Decrypt(bytes.NewReader(b.Bytes()), identity); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with %q: %v, want %q", identity, err, want)
		}
	}
	plain, err := Decrypt(bytes.NewReader(b.Bytes()), key)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := Read(plain, &got); err != nil || !bytes.Equal(got.Bytes(), state) {
		t.Errorf("with the key: %v", err)
	}
	plain, err = Decrypt(bytes.NewReader(packed(t, meta())), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(plain, io.Discard); err != nil {
		t.Errorf("one in clear: %v", err)
	}
	if _, err := ParseRecipients([]string{"age1nonsense"}); err == nil || !strings.Contains(err.Error(), `"age1nonsense"`) {
		t.Error(err)
	}
}

// What is on the disk meanwhile has no name and cannot be read.
func TestASpoolLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s, err := NewSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(state); err != nil {
		t.Fatal(err)
	}
	if err := s.Done(); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("files %v, %v", files, err)
	}
	raw := make([]byte, 64<<10)
	if _, err := s.file.ReadAt(raw, 0); err != nil || bytes.Contains(raw, []byte("cluster")) {
		t.Errorf("it is readable: %v", err)
	}
	for range 2 {
		r, err := s.Open()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, state) || s.Size() != int64(len(state)) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := NewSpool(filepath.Join(dir, "none")); err == nil || !errors.Is(err, errSpool) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(packed(f, meta()))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got bytes.Buffer
		if m, err := Read(bytes.NewReader(data), &got); err == nil && m.Size != int64(got.Len()) {
			t.Fatal("its size is another one")
		}
	})
}
