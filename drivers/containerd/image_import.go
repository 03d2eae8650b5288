package containerd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"berth/drivers/containerd/daemon"
)

// ImportArchive loads the images of an OCI or docker archive (plain or gzipped tar) and returns their full names. Images of
// the same names are replaced; running tasks keep what they have.
func (d *Driver) ImportArchive(ctx context.Context, r io.Reader) ([]string, error) {
	names, err := d.importArchive(ctx, r)
	if noSpace(err) {
		return nil, full("the image archive", err)
	}
	return names, err
}

func (d *Driver) importArchive(ctx context.Context, r io.Reader) ([]string, error) {
	c, ctx, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	plain, done, err := decompress(r)
	if err != nil {
		return nil, err
	}
	defer done()
	imgs, err := c.Import(ctx, daemon.Bounded(ctx, plain, d.cfg.Daemon.Room()), client.WithImageRefTranslator(translateName), client.WithImportPlatform(platforms.Default()))
	if err != nil {
		return nil, fmt.Errorf("import image archive: %w", err)
	}
	var names []string
	for _, img := range imgs {
		if err := d.checkImported(ctx, c, img); err != nil {
			_ = c.ImageService().Delete(ctx, img.Name)
			return nil, fmt.Errorf("import image %s: %w", img.Name, err)
		}
		if err := client.NewImage(c, img).Unpack(ctx, snapshotter); err != nil {
			return nil, fmt.Errorf("unpack image %s: %w", img.Name, err)
		}
		if !slices.Contains(names, img.Name) {
			names = append(names, img.Name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("import image archive: it names no image (save it with a name, such as `docker save name:tag`)")
	}
	return names, nil
}

// translateName makes full names of the archive's; what is no image name is left out.
func translateName(name string) string {
	if full := archive.FilterRefPrefix("")(name); full != "" {
		name = full
	}
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return ""
	}
	return named.String()
}

// checkImported holds an imported image to the limits of a pulled one.
func (d *Driver) checkImported(ctx context.Context, c *client.Client, img images.Image) error {
	store := c.ContentStore()
	children := images.ChildrenHandler(store)
	// A name of an archive's is only a claim: what is stored under the digest must be there, and be as long as it was said to be.
	held := images.HandlerFunc(func(ctx context.Context, desc ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		info, err := store.Info(ctx, desc.Digest)
		if err != nil {
			return nil, fmt.Errorf("%s is not in the archive: %w", desc.Digest, err)
		}
		if info.Size != desc.Size {
			return nil, fmt.Errorf("%s has %d bytes, and its manifest says %d: the size is wrong", desc.Digest, info.Size, desc.Size)
		}
		return children.Handle(ctx, desc)
	})
	return images.Walk(ctx, images.FilterPlatforms((&imageLimits{}).wrap(held), platforms.Default()), img.Target)
}

type blobKind int

const (
	blobManifest blobKind = iota
	blobConfig
	blobLayer
)

func kindOf(desc ocispec.Descriptor) blobKind {
	switch {
	case images.IsLayerType(desc.MediaType):
		return blobLayer
	case images.IsConfigType(desc.MediaType):
		return blobConfig
	}
	return blobManifest
}

// imageLimits holds every image to the same bounds, wherever it comes from. One is for one image.
type imageLimits struct{ indexes atomic.Int64 }

// wrap refuses what is too big before h looks at it, and a manifest with too many layers after.
func (l *imageLimits) wrap(h images.Handler) images.HandlerFunc {
	return func(ctx context.Context, desc ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		if err := checkDescriptor(desc, kindOf(desc)); err != nil {
			return nil, err
		}
		if images.IsIndexType(desc.MediaType) && l.indexes.Add(1) > indexesMax {
			return nil, fmt.Errorf("%w: indexes that list indexes, more than %d", errImageLimit, indexesMax)
		}
		children, err := h.Handle(ctx, desc)
		if err != nil {
			return nil, err
		}
		layers := 0
		for _, c := range children {
			if kindOf(c) == blobLayer {
				layers++
			}
		}
		if layers > layersMax {
			return nil, fmt.Errorf("%w: %d layers, allowed: %d", errImageLimit, layers, layersMax)
		}
		return children, nil
	}
}
