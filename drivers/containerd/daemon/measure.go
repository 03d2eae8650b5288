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
	room  func() Room
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
		if ra.Size() < room.bytes/gzipRatioMax {
			return nil
		}
	case compression.Uncompressed:
		if ra.Size() <= room.bytes {
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

// Bounded is r, failing when there is no room for more, and when ctx is done.
func Bounded(ctx context.Context, r io.Reader, room Room) io.Reader {
	return &bounded{ctx: ctx, r: r, left: room.bytes, room: room}
}

type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
	room Room
}

// Read is part of io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, b.room.exceeded()
	}
	return n, err
}

// Room is how much one layer or archive may hold.
type Room struct {
	bytes int64
	disk  bool // it is the disk that is small
}

// exceeded is ErrTooBig, or ENOSPC, after which trying again may help.
func (r Room) exceeded() error {
	if r.disk {
		return fmt.Errorf("it is more than the %d MB the disk has left for images: %w", r.bytes>>20, unix.ENOSPC)
	}
	return fmt.Errorf("%w: more than %d MB", ErrTooBig, r.bytes>>20)
}

// Room looks how much there is now: a bound for all, and never the last twentieth of our disk.
func (d *Daemon) Room() Room {
	room := Room{bytes: unpackedMax}
	if d.cfg.LayerBytesMax > 0 {
		room.bytes = d.cfg.LayerBytesMax
	}
	var fs unix.Statfs_t
	if d.Embedded() && unix.Statfs(d.cfg.DataDir, &fs) == nil {
		block := uint64(fs.Bsize)
		free := int64((fs.Bavail - min(fs.Bavail, fs.Blocks/20)) * block)
		if free < room.bytes {
			room = Room{bytes: free, disk: true}
		}
	}
	return room
}
