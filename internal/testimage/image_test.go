package testimage

import (
	"archive/tar"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := New(Options{Env: []string{"A=b"}, User: "web"})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func digest(t *testing.T, img v1.Image) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

func TestTheSameOptionsGiveTheSameDigest(t *testing.T) {
	if a, b := digest(t, mustImage(t)), digest(t, mustImage(t)); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

func TestWebImageRunsAsAUser(t *testing.T) {
	img, err := Web()
	if err != nil {
		t.Fatal(err)
	}
	cf, err := img.ConfigFile()
	if err != nil || cf.Config.User != "web" || len(cf.Config.Entrypoint) != 1 || cf.OS != "linux" {
		t.Errorf("%+v, %v", cf, err)
	}
}

func TestDockerArchiveReadsBack(t *testing.T) {
	img := mustImage(t)
	var buf bytes.Buffer
	if err := WriteDockerArchive(&buf, "example.test/a:1", img); err != nil {
		t.Fatal(err)
	}
	back, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := img.ConfigName()
	if b, err := back.ConfigName(); err != nil || a != b {
		t.Errorf("%s, %s, %v", a, b, err)
	}
}

func TestOCIArchiveReadsBack(t *testing.T) {
	img := mustImage(t)
	var buf bytes.Buffer
	if err := WriteOCIArchive(&buf, "example.test/a:1", img); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for tr := tar.NewReader(&buf); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		p := filepath.Join(dir, h.Name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil || len(m.Manifests) != 1 || m.Manifests[0].Digest.String() != digest(t, img) {
		t.Fatalf("%+v, %v", m, err)
	}
	if got := m.Manifests[0].Annotations["io.containerd.image.name"]; got != "example.test/a:1" {
		t.Errorf("name %q", got)
	}
}

func TestRegistryServesAndAsksForThePassword(t *testing.T) {
	r := NewRegistry("ann", "secret")
	defer r.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	defer remote.DefaultTransport.(*http.Transport).CloseIdleConnections()
	img := mustImage(t)
	full, err := r.Push("a:1", img)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(full, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Image(ref); err == nil {
		t.Error("no password was asked for")
	}
	got, err := remote.Image(ref, remote.WithAuth(&authn.Basic{Username: "ann", Password: "secret"}))
	if err != nil || digest(t, got) != digest(t, img) {
		t.Errorf("pull: %v", err)
	}
	if r.Requests() == 0 {
		t.Error("no request was counted")
	}
	r.Intercept(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusTeapot); return true })
	if _, err := remote.Image(ref, remote.WithAuth(&authn.Basic{Username: "ann", Password: "secret"})); err == nil {
		t.Error("the interception was not asked")
	}
}
