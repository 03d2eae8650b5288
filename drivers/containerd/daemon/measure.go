package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/diff"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// ErrTooBig is a layer, or an archive, that is more than may be unpacked here.
var ErrTooBig = errors.New("it is too big to be unpacked")

// unpackedMax bounds one unpacked layer, bytes.
const unpackedMax = 32 << 30

// gzipRatioMax is the most that gzip can have compressed anything: a smaller layer needs no look inside.
const gzipRatioMax = 1032

// magicBytes are enough to tell what a layer is compressed with.
const magicBytes = 16

// measured looks how big a layer is before it is unpacked. Why before: what is unpacked half has filled the disk for everybody.
type measured struct {
	client.DiffService
	store content.Store
	room  func() int64
}

// Apply is part of diff.Applier.
func (m measured) Apply(ctx context.Context, desc ocispec.Descriptor, mounts []mount.Mount, opts ...diff.ApplyOpt) (ocispec.Descriptor, error) {
	if err := m.measure(ctx, desc); err != nil {
		return ocispec.Descriptor{}, err
	}
	return m.DiffService.Apply(ctx, desc, mounts, opts...)
}

func (m measured) measure(ctx context.Context, desc ocispec.Descriptor) error {
	room := m.room()
	ra, err := m.store.ReaderAt(ctx, desc)
	if err != nil {
		return err
	}
	defer ra.Close()
	// What it is called does not count: it is unpacked as what it is.
	magic := make([]byte, magicBytes)
	n, err := ra.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read layer %s: %w", desc.Digest, err)
	}
	switch compression.DetectCompression(magic[:n]) {
	case compression.Gzip:
		if ra.Size() < room/gzipRatioMax {
			return nil
		}
	case compression.Uncompressed:
		if ra.Size() <= room {
			return nil
		}
	}
	s, err := compression.DecompressStream(content.NewReader(ra))
	if err != nil {
		return fmt.Errorf("open layer %s: %w", desc.Digest, err)
	}
	defer s.Close()
	// Nothing is kept of what is read; the limit also ends what would never end.
	if _, err := io.Copy(io.Discard, Bounded(ctx, s, room)); err != nil {
		return fmt.Errorf("layer %s with %d bytes: %w", desc.Digest, desc.Size, err)
	}
	return nil
}

// Bounded is r, failing with ErrTooBig after that many bytes, and when ctx is done.
func Bounded(ctx context.Context, r io.Reader, most int64) io.Reader {
	return &bounded{ctx: ctx, r: r, left: most, most: most}
}

type bounded struct {
	ctx        context.Context
	r          io.Reader
	left, most int64
}

// Read is part of io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%w: more than %d MB (the node's limit, or what its disk has left)", ErrTooBig, b.most>>20)
	}
	return n, err
}

// Room is how much one layer or archive may hold, bytes: a bound for all, and never the last twentieth of our disk.
func (d *Daemon) Room() int64 {
	room := int64(unpackedMax)
	if d.cfg.LayerBytesMax > 0 {
		room = d.cfg.LayerBytesMax
	}
	var fs unix.Statfs_t
	if d.Embedded() && unix.Statfs(d.cfg.DataDir, &fs) == nil {
		block := uint64(fs.Bsize)
		if spare := fs.Blocks / 20; fs.Bavail > spare {
			room = min(room, int64((fs.Bavail-spare)*block))
		} else {
			room = 0
		}
	}
	return room
}
