package testimage

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// BusyboxPath is where Debian's busybox-static puts the program.
const BusyboxPath = "/bin/busybox"

// Options describe an image on top of busybox. The zero value is an image that runs a shell as root.
type Options struct {
	// Entrypoint and Cmd are the image's own; with both empty Cmd is a shell.
	Entrypoint, Cmd []string
	Env             []string // KEY=value
	User            string
	WorkDir         string
	StopSignal      string
	ExposedPorts    []string // "8080/tcp"
	Labels          map[string]string
	// Files are added in a second layer, by absolute path.
	Files map[string]File
}

// File is one file of an image.
type File struct {
	Content  []byte
	Mode     os.FileMode // permission bits, 0 means 0644; os.ModeNamedPipe makes a fifo
	UID, GID int
	Dir      bool
	Link     string // of a symbolic link, where it leads
}

// passwd and group hold the names tests resolve. Constant.
const (
	passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000:web:/home/web:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
	group  = "root:x:0:\nweb:x:1000:\nmedia:x:2000:web\nnogroup:x:65534:\n"
)

// New makes an image for this machine's architecture.
func New(o Options) (v1.Image, error) {
	base, err := busyboxFiles()
	if err != nil {
		return nil, err
	}
	layers := []v1.Layer{}
	for _, files := range []map[string]entry{base, asEntries(o.Files)} {
		if len(files) == 0 {
			continue
		}
		l, err := layer(files)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	if img, err = mutate.AppendLayers(img, layers...); err != nil {
		return nil, fmt.Errorf("add layers: %w", err)
	}
	cf, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read the image's configuration: %w", err)
	}
	cf = cf.DeepCopy()
	cf.OS, cf.Architecture = "linux", runtime.GOARCH
	cf.Config = v1.Config{
		Entrypoint: o.Entrypoint, Cmd: o.Cmd, User: o.User, WorkingDir: o.WorkDir, StopSignal: o.StopSignal, Labels: o.Labels,
		Env: append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, o.Env...),
	}
	if len(o.Entrypoint) == 0 && len(o.Cmd) == 0 {
		cf.Config.Cmd = []string{"/bin/sh"}
	}
	for _, p := range o.ExposedPorts {
		if cf.Config.ExposedPorts == nil {
			cf.Config.ExposedPorts = map[string]struct{}{}
		}
		cf.Config.ExposedPorts[p] = struct{}{}
	}
	if img, err = mutate.ConfigFile(img, cf); err != nil {
		return nil, fmt.Errorf("set the image's configuration: %w", err)
	}
	return img, nil
}

// webScript serves one page. Why a shell stays in front: the first process of a container ignores signals it has no handler
// for, and httpd has none for SIGTERM.
const webScript = `#!/bin/sh
port="${PORT:-8080}"
echo "<!doctype html><title>Berth</title><h1>It works</h1><p>Served by $(hostname), port $port.</p>" > /www/index.html
echo "listening on port $port"
httpd -f -v -p "$port" -h /www &
trap 'kill $!; echo "stopping"; exit 0' TERM INT
wait $!
`

// Web makes an image that serves a page at $PORT, or 8080. It runs as the user "web" and ends at once on SIGTERM.
func Web() (v1.Image, error) {
	return New(Options{
		Entrypoint: []string{"/bin/serve"}, User: "web", WorkDir: "/www", ExposedPorts: []string{"8080/tcp"},
		Files: map[string]File{
			"/www":       {Dir: true, Mode: 0o755, UID: 1000, GID: 1000},
			"/bin/serve": {Content: []byte(webScript), Mode: 0o755},
		},
	})
}

type entry struct {
	File
	link string
}

func asEntries(files map[string]File) map[string]entry {
	out := make(map[string]entry, len(files))
	for name, f := range files {
		out[name] = entry{File: f, link: f.Link}
	}
	return out
}

func busyboxFiles() (map[string]entry, error) {
	program, err := os.ReadFile(BusyboxPath)
	if err != nil {
		return nil, fmt.Errorf("read busybox: %w (install it with: apt-get install busybox-static)", err)
	}
	list, err := exec.Command(BusyboxPath, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("list the applets of %s: %w", BusyboxPath, err)
	}
	files := map[string]entry{
		"/bin/busybox": {File: File{Content: program, Mode: 0o755}},
		"/etc/passwd":  {File: File{Content: []byte(passwd)}},
		"/etc/group":   {File: File{Content: []byte(group)}},
		"/tmp":         {File: File{Dir: true, Mode: 0o777 | os.ModeSticky}},
		"/home/web":    {File: File{Dir: true, Mode: 0o755, UID: 1000, GID: 1000}},
	}
	for _, d := range []string{"/bin", "/dev", "/etc", "/home", "/proc", "/root", "/sys", "/usr", "/usr/bin", "/var"} {
		files[d] = entry{File: File{Dir: true, Mode: 0o755}}
	}
	for _, applet := range strings.Fields(string(list)) {
		if p := path.Join("/bin", applet); applet != "busybox" {
			files[p] = entry{link: "busybox"}
		}
	}
	return files, nil
}

func layer(files map[string]entry) (v1.Layer, error) {
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		f := files[n]
		h := &tar.Header{Name: strings.TrimPrefix(n, "/"), Uid: f.UID, Gid: f.GID, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
		mode := f.Mode
		if mode == 0 {
			mode = 0o644
		}
		h.Mode = int64(mode.Perm())
		if mode&os.ModeSticky != 0 {
			h.Mode |= 0o1000
		}
		if mode&os.ModeSetuid != 0 {
			h.Mode |= 0o4000
		}
		switch {
		case f.link != "":
			h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.link, 0o777
		case mode&os.ModeNamedPipe != 0:
			h.Typeflag = tar.TypeFifo
		case f.Dir:
			h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		default:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(f.Content))
		}
		if err := tw.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("write %s: %w", n, err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := tw.Write(f.Content); err != nil {
				return nil, fmt.Errorf("write %s: %w", n, err)
			}
		}
	}
	if err := tw.Close(); err != nil {
		return nil, fmt.Errorf("end the layer: %w", err)
	}
	raw := buf.Bytes()
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil },
		tarball.WithCompressedCaching, tarball.WithMediaType(types.OCILayer))
}
