package containerd_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"berth/drivers/containerd/daemon"
	"berth/internal/testimage"
)

// layout is an OCI image layout made by hand, so that it can lie.
type layout struct {
	t     *testing.T
	files map[string][]byte
	order []string
}

func newLayout(t *testing.T) *layout {
	l := &layout{t: t, files: map[string][]byte{}}
	l.file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return l
}

func (l *layout) file(name string, b []byte) {
	if _, ok := l.files[name]; !ok {
		l.order = append(l.order, name)
	}
	l.files[name] = b
}

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

// blob adds a blob and gives its descriptor.
func (l *layout) blob(mediaType string, b []byte) values {
	l.file("blobs/sha256/"+strings.TrimPrefix(digestOf(b), "sha256:"), b)
	return values{"mediaType": mediaType, "digest": digestOf(b), "size": len(b)}
}

func (l *layout) json(mediaType string, v any) values {
	l.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.blob(mediaType, b)
}

const (
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar"
)

// image adds a manifest of layers, whose uncompressed digests are given.
func (l *layout) image(layers []values, diffIDs []string) values {
	config := l.json(typeConfig, values{"architecture": runtime.GOARCH, "os": "linux", "config": values{"Cmd": []string{"/bin/sh"}},
		"rootfs": values{"type": "layers", "diff_ids": diffIDs}})
	return l.json(typeManifest, values{"schemaVersion": 2, "mediaType": typeManifest, "config": config, "layers": layers})
}

func (l *layout) name(desc values, name string) {
	l.t.Helper()
	desc["annotations"] = values{"io.containerd.image.name": name}
	b, err := json.Marshal(values{"schemaVersion": 2, "manifests": []any{desc}})
	if err != nil {
		l.t.Fatal(err)
	}
	l.file("index.json", b)
}

func (l *layout) archive() *bytes.Buffer {
	l.t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, name := range l.order {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(l.files[name]))}); err != nil {
			l.t.Fatal(err)
		}
		if _, err := tw.Write(l.files[name]); err != nil {
			l.t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		l.t.Fatal(err)
	}
	return &buf
}

func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, h := range headers {
		content := []byte(nil)
		if h.Typeflag == tar.TypeReg {
			content = []byte("escaped")
			h.Size = int64(len(content))
		}
		h.Mode = 0o755
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// zeros is a compressed tar with one file of that many zeros.
func zeros(t *testing.T, size int64, compress func(io.Writer) io.WriteCloser) (packed []byte, diffID string) {
	t.Helper()
	var buf bytes.Buffer
	sum := sha256.New()
	z := compress(&buf)
	tw := tar.NewWriter(io.MultiWriter(z, sum))
	if err := tw.WriteHeader(&tar.Header{Name: "zeros", Mode: 0o644, Size: size}); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for range size >> 20 {
		if _, err := tw.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), fmt.Sprintf("sha256:%x", sum.Sum(nil))
}

func gzipped(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func zstandard(w io.Writer) io.WriteCloser {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return z
}

// small restarts the node's daemon with a limit that is reached soon.
func (n *node) small(most int64) {
	n.t.Helper()
	n.down()
	n.layerMax = most
	n.up()
}

func TestLayersLeadNowhere(t *testing.T) {
	n := newNode(t)
	outside := mkdir(t, t.TempDir(), "outside")
	if err := os.WriteFile(filepath.Join(outside, "file"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	up := strings.Repeat("../", 40)
	for name, layer := range map[string][]byte{
		"dots":      tarOf(t, tar.Header{Name: up + outside + "/made", Typeflag: tar.TypeReg}),
		"absolute":  tarOf(t, tar.Header{Name: outside + "/made", Typeflag: tar.TypeReg}),
		"link":      tarOf(t, tar.Header{Name: "out", Typeflag: tar.TypeSymlink, Linkname: outside}, tar.Header{Name: "out/made", Typeflag: tar.TypeReg}),
		"file-link": tarOf(t, tar.Header{Name: "out", Typeflag: tar.TypeSymlink, Linkname: outside + "/file"}, tar.Header{Name: "out", Typeflag: tar.TypeReg}),
		"hard-link": tarOf(t, tar.Header{Name: "out", Typeflag: tar.TypeLink, Linkname: up + outside + "/file"}, tar.Header{Name: "out", Typeflag: tar.TypeReg}),
		"whiteout":  tarOf(t, tar.Header{Name: "out", Typeflag: tar.TypeSymlink, Linkname: outside}, tar.Header{Name: "out/.wh.file", Typeflag: tar.TypeReg}),
		"opaque":    tarOf(t, tar.Header{Name: up + outside + "/.wh..wh..opq", Typeflag: tar.TypeReg}),
		"chain":     tarOf(t, tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "b/../.."}, tar.Header{Name: "b", Typeflag: tar.TypeSymlink, Linkname: "/"}, tar.Header{Name: "a/" + outside + "/made", Typeflag: tar.TypeReg}),
	} {
		l := newLayout(t)
		l.name(l.image([]values{l.blob(typeLayer, layer)}, []string{digestOf(layer)}), "berth.local/"+name+":1")
		_, err := n.driver.ImportArchive(context.Background(), l.archive())
		t.Logf("%s: %v", name, err)
		entries, rerr := os.ReadDir(outside)
		if b, err := os.ReadFile(filepath.Join(outside, "file")); rerr != nil || err != nil || string(b) != "mine" || len(entries) != 1 {
			t.Fatalf("%s reached the host: %q, %v, %v, %v", name, b, entries, err, rerr)
		}
	}
}

func TestAnArchiveThatLiesIsRefusedByName(t *testing.T) {
	n := newNode(t)
	for name, c := range map[string]struct {
		make func(l *layout, layer []byte) values
		word string
	}{
		"digest": {func(l *layout, layer []byte) values {
			d := l.blob(typeLayer, layer)
			l.file("blobs/sha256/"+strings.TrimPrefix(digestOf(layer), "sha256:"), append([]byte("x"), layer...))
			return l.image([]values{d}, []string{digestOf(layer)})
		}, "digest"},
		"size": {func(l *layout, layer []byte) values {
			d := l.blob(typeLayer, layer)
			d["size"] = len(layer) + 1000
			return l.image([]values{d}, []string{digestOf(layer)})
		}, "size"},
		"huge": {func(l *layout, layer []byte) values {
			d := l.blob(typeLayer, layer)
			d["size"] = int64(1) << 60
			return l.image([]values{d}, []string{digestOf(layer)})
		}, "beyond a limit"},
		"negative": {func(l *layout, layer []byte) values {
			d := l.blob(typeLayer, layer)
			d["size"] = -1
			return l.image([]values{d}, []string{digestOf(layer)})
		}, "beyond a limit"},
		"content": {func(l *layout, layer []byte) values {
			return l.image([]values{l.blob(typeLayer, layer)}, []string{digestOf([]byte("other"))})
		}, "diff"},
		"missing": {func(l *layout, layer []byte) values {
			d := l.blob(typeLayer, layer)
			delete(l.files, "blobs/sha256/"+strings.TrimPrefix(digestOf(layer), "sha256:"))
			l.order = l.order[:len(l.order)-1]
			return l.image([]values{d}, []string{digestOf(layer)})
		}, "not in the archive"},
		"many layers": {func(l *layout, layer []byte) values {
			d := l.blob(typeLayer, layer)
			var layers []values
			var ids []string
			for range 200 {
				layers, ids = append(layers, d), append(ids, digestOf(layer))
			}
			return l.image(layers, ids)
		}, "beyond a limit"},
		"indexes in indexes": {func(l *layout, layer []byte) values {
			d := l.image([]values{l.blob(typeLayer, layer)}, []string{digestOf(layer)})
			for range 60 {
				d = l.json(typeIndex, values{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []any{d}})
			}
			return d
		}, "beyond a limit"},
		"no manifest": {func(l *layout, layer []byte) values { return l.blob(typeManifest, []byte("{")) }, "unexpected end"},
		"no tar": {func(l *layout, layer []byte) values {
			b := noise(4096)
			return l.image([]values{l.blob(typeLayer, b)}, []string{digestOf(b)})
		}, "tar"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLayout(t)
			image := "berth.local/" + strings.ReplaceAll(name, " ", "-") + ":1"
			l.name(c.make(l, tarOf(t, tar.Header{Name: name, Typeflag: tar.TypeReg})), image)
			names, err := n.driver.ImportArchive(context.Background(), l.archive())
			if err == nil || !strings.Contains(err.Error(), c.word) {
				t.Errorf("%v, %v", names, err)
			}
			cfg := n.config("lies-"+digestOf([]byte(name))[7:17], "true")
			cfg.Config["image"], cfg.Config["image_pull_policy"] = image, "never"
			if _, err := n.driver.Start(context.Background(), cfg); err == nil {
				t.Error("it runs all the same")
				_ = n.driver.Destroy(context.Background(), cfg.ID)
			}
		})
	}
}

func TestBombsAreRefusedBeforeTheyAreUnpacked(t *testing.T) {
	n := newNode(t)
	n.small(8 << 20)
	gz, gzID := zeros(t, 256<<20, gzipped)
	zst, zstID := zeros(t, 256<<20, zstandard)
	for name, c := range map[string]struct {
		layer         []byte
		id, mediaType string
	}{
		"gzip": {gz, gzID, typeLayer + "+gzip"}, "zstd": {zst, zstID, typeLayer + "+zstd"},
		"zstd called gzip": {zst, zstID, typeLayer + "+gzip"},
	} {
		l := newLayout(t)
		l.name(l.image([]values{l.blob(c.mediaType, c.layer)}, []string{c.id}), "berth.local/bomb:1")
		before := n.held()
		if _, err := n.driver.ImportArchive(context.Background(), l.archive()); err == nil || !strings.Contains(err.Error(), daemon.ErrTooBig.Error()) {
			t.Errorf("%s: %v", name, err)
		}
		if more := n.held() - before; more > 4<<20 {
			t.Errorf("%s: %d bytes were unpacked", name, more)
		}
	}
	archive, _ := zeros(t, 256<<20, gzipped)
	if _, err := n.driver.ImportArchive(context.Background(), bytes.NewReader(archive)); err == nil || !strings.Contains(err.Error(), daemon.ErrTooBig.Error()) {
		t.Errorf("an archive of zeros: %v", err)
	}
	if r, out := n.run(n.config("after", "echo fine")); !r.Successful() || out != "fine\n" {
		t.Errorf("%+v %q", r, out)
	}
}

// held is the size of all layers that are unpacked.
func (n *node) held() (sum int64) {
	_ = filepath.WalkDir(filepath.Join(n.dataDir, "root", "io.containerd.snapshotter.v1.overlayfs"), func(_ string, d os.DirEntry, err error) error {
		if err == nil {
			if st, err := d.Info(); err == nil && st.Mode().IsRegular() {
				sum += st.Size()
			}
		}
		return nil
	})
	return sum
}

func TestARegistryThatLiesIsRefusedByName(t *testing.T) {
	n := newNode(t)
	reg := testimage.NewRegistry("", "")
	defer reg.Close()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request) bool
		word   string
	}{
		"other bytes": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/blobs/") || r.Method != http.MethodGet {
				return false
			}
			_, _ = w.Write(noise(3000))
			return true
		}, ""},
		"an endless manifest": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			w.Header().Set("Content-Type", typeManifest)
			w.Header().Set("Docker-Content-Digest", digestOf([]byte("x")))
			w.Header().Set("Content-Length", "1099511627776")
			w.WriteHeader(http.StatusOK)
			return true
		}, ""},
		"pages instead": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>please log in</html>")
			return true
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			img, err := testimage.New(testimage.Options{Files: map[string]testimage.File{"/" + name: {Content: []byte("never seen")}}})
			if err != nil {
				t.Fatal(err)
			}
			full, err := reg.Push("lies/"+strings.ReplaceAll(name, " ", "-")+":1", img)
			if err != nil {
				t.Fatal(err)
			}
			reg.Intercept(c.answer)
			defer reg.Intercept(nil)
			cfg := n.config("pull-"+digestOf([]byte(name))[7:17], "true")
			cfg.Config["image"], cfg.Config["image_pull_timeout"] = full, "20s"
			_, err = n.driver.Start(context.Background(), cfg)
			if err == nil || !strings.Contains(err.Error(), full) || !strings.Contains(err.Error(), c.word) || strings.Contains(err.Error(), "took too long") {
				t.Errorf("%v", err)
			}
		})
	}
}
