package containerd

import (
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/pkg/archive/compression"
)

// decompress opens a gzipped (or zstd) archive, and passes a plain one through.
func decompress(r io.Reader) (io.Reader, func(), error) {
	s, err := compression.DecompressStream(r)
	if err != nil {
		return nil, nil, fmt.Errorf("open image archive: %w", err)
	}
	return s, func() { s.Close() }, nil
}
