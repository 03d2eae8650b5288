package testimage

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// WriteOCIArchive writes the image as a tar of an OCI layout, named so that an import gives it that name.
func WriteOCIArchive(w io.Writer, imageName string, img v1.Image) error {
	dir, err := os.MkdirTemp("", "berth-testimage-")
	if err != nil {
		return fmt.Errorf("make a directory for the layout: %w", err)
	}
	defer os.RemoveAll(dir)
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("write the layout: %w", err)
	}
	named := layout.WithAnnotations(map[string]string{
		"io.containerd.image.name":          imageName,
		"org.opencontainers.image.ref.name": imageName,
	})
	if err := p.AppendImage(img, named); err != nil {
		return fmt.Errorf("write image %s: %w", imageName, err)
	}
	tw := tar.NewWriter(w)
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := tw.WriteHeader(&tar.Header{Name: rel, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err = tw.Write(content)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the archive of %s: %w", imageName, err)
	}
	return tw.Close()
}

// WriteDockerArchive writes the image as `docker save` would.
func WriteDockerArchive(w io.Writer, imageName string, img v1.Image) error {
	tag, err := name.NewTag(imageName)
	if err != nil {
		return fmt.Errorf("image name %s: %w", imageName, err)
	}
	return tarball.Write(tag, img, w)
}
