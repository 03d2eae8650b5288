package containerd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"berth/drivers"
	"berth/drivers/containerd/taskconfig"
	"berth/internal/beneath"
)

const snapshotter = "overlayfs"

// ensureImage makes the task's image present and unpacked: it is here already, or in an archive, or in a registry.
func (d *Driver) ensureImage(ctx context.Context, c *client.Client, cfg *drivers.TaskConfig, tc *taskconfig.Config) (client.Image, error) {
	ref, registry, err := normalize(tc.Image)
	if err != nil {
		return nil, err
	}
	if tc.Load != "" {
		if err := d.loadFromTaskDir(ctx, cfg, tc, ref); err != nil {
			return nil, err
		}
		return d.present(ctx, c, ref)
	}
	if tc.PullPolicy == taskconfig.PullMissing || tc.PullPolicy == taskconfig.PullNever {
		img, err := d.present(ctx, c, ref)
		if err == nil {
			return img, nil
		}
		if !errdefs.IsNotFound(err) {
			return nil, err
		}
		if tc.PullPolicy == taskconfig.PullNever {
			return nil, &drivers.StartError{Reason: fmt.Sprintf("image %s is not on this node and image_pull_policy is never", ref),
				Hint: "load it with `berth image load`"}
		}
	}
	img, err := d.pull(ctx, c, pullRequest{ref: ref, registry: registry, auth: tc.Auth, softFail: tc.AuthSoftFail,
		timeout: tc.ImagePullTimeout, progress: cfg.Progress})
	if err != nil && tc.PullPolicy == taskconfig.PullNewest && ctx.Err() == nil {
		if here, perr := d.present(ctx, c, ref); perr == nil {
			d.log.Warn("newest image cannot be had, the one on this node is used", "image", ref, "error", err)
			if cfg.Progress != nil {
				cfg.Progress(drivers.Progress{Phase: "pulling", Message: fmt.Sprintf("the newest image %s cannot be had, the one on this node is used", ref)})
			}
			return here, nil
		}
	}
	return img, err
}

// present gives an image that is here and unpacks it if need be. The error is errdefs.ErrNotFound when it is not here.
func (d *Driver) present(ctx context.Context, c *client.Client, ref string) (client.Image, error) {
	img, err := c.GetImage(ctx, ref)
	if err != nil {
		return nil, err
	}
	unpacked, err := img.IsUnpacked(ctx, snapshotter)
	if errdefs.IsNotFound(err) {
		return nil, err // some of its content is gone: as good as absent
	}
	if err != nil {
		return nil, fmt.Errorf("look at image %s: %w", ref, err)
	}
	if !unpacked {
		if err := img.Unpack(ctx, snapshotter); err != nil {
			return nil, fmt.Errorf("unpack image %s: %w", ref, err)
		}
	}
	return img, nil
}

// loadFromTaskDir imports the archive named by `load`.
func (d *Driver) loadFromTaskDir(ctx context.Context, cfg *drivers.TaskConfig, tc *taskconfig.Config, ref string) error {
	bad := func(reason string, err error) error {
		return &drivers.StartError{Reason: reason, Err: err, Hint: "load names an archive in the task directory, such as local/image.tar, fetched by an artifact block"}
	}
	tree, err := beneath.OpenTree(cfg.TaskDir)
	if err != nil {
		return bad("the task directory cannot be read", err)
	}
	defer tree.Close()
	looked, err := tree.Look(tc.Load)
	if err != nil {
		return bad(fmt.Sprintf("the image archive %s cannot be read", tc.Load), err)
	}
	defer looked.Close()
	f, err := beneath.Open(looked, archiveBytesMax)
	if err != nil {
		return bad(fmt.Sprintf("the image archive %s cannot be read", tc.Load), err)
	}
	defer f.Close()
	timeout := tc.ImagePullTimeout
	if timeout == 0 {
		timeout = d.cfg.PullTimeout
	}
	lctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	names, err := d.ImportArchive(lctx, f)
	if err != nil && lctx.Err() != nil && ctx.Err() == nil {
		return bad(fmt.Sprintf("loading the image archive %s took longer than %s (image_pull_timeout)", tc.Load, timeout), err)
	}
	if err != nil {
		return bad(fmt.Sprintf("the image archive %s cannot be loaded", tc.Load), err)
	}
	for _, n := range names {
		if n == ref {
			return nil
		}
	}
	return bad(fmt.Sprintf("the image archive %s holds %s, not image %s", tc.Load, strings.Join(names, ", "), ref), nil)
}

// imageConfig reads the part of the image that says how to run it.
func imageConfig(ctx context.Context, img client.Image) (ocispec.ImageConfig, error) {
	spec, err := img.Spec(ctx)
	if err != nil {
		return ocispec.ImageConfig{}, fmt.Errorf("read the configuration of image %s: %w", img.Name(), err)
	}
	return spec.Config, nil
}

// Limits of an image, against archives and registries that mean harm.
const (
	layersMax        = 127
	layerBytesMax    = 32 << 30
	manifestBytesMax = 4 << 20
	indexesMax       = 32
	archiveBytesMax  = 64 << 30 // of an archive before and after decompression
)

var errImageLimit = errors.New("the image is beyond a limit")

// checkDescriptor refuses a blob before it is fetched.
func checkDescriptor(desc ocispec.Descriptor, kind blobKind) error {
	limit, what := int64(layerBytesMax), "a layer"
	if kind != blobLayer {
		limit, what = manifestBytesMax, "a manifest or configuration"
	}
	if desc.Size < 0 || desc.Size > limit {
		return fmt.Errorf("%w: %s has %d bytes, allowed: %d", errImageLimit, what, desc.Size, limit)
	}
	return nil
}

// ImageInfo describes one image on the node.
type ImageInfo struct {
	Name   string
	Digest string
	Bytes  int64 // compressed, as far as known
}

// Images lists the images on the node.
func (d *Driver) Images(ctx context.Context) ([]ImageInfo, error) {
	c, ctx, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	list, err := c.ListImages(ctx)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	out := make([]ImageInfo, 0, len(list))
	for _, img := range list {
		size, err := img.Size(ctx)
		if err != nil {
			size = 0 // some content is not here; the image is listed all the same
		}
		out = append(out, ImageInfo{Name: img.Name(), Digest: img.Target().Digest.String(), Bytes: size})
	}
	return out, nil
}

// ingested sums what running downloads have so far.
func ingested(ctx context.Context, store content.Store, prefixes map[string]bool) (sum int64) {
	statuses, err := store.ListStatuses(ctx)
	if err != nil {
		return 0
	}
	for _, s := range statuses {
		if prefixes[s.Ref] {
			sum += s.Offset
		}
	}
	return sum
}
