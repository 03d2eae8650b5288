package daemon

import (
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"berth/internal/boltfile"
)

// compact makes containerd's database small again before it is opened.
func compact(path string, log hclog.Logger) error {
	res, err := boltfile.Compact(path)
	switch {
	case errors.Is(err, boltfile.ErrLocked):
		return fmt.Errorf("containerd's database %s is in use (is another agent using this data directory?)", path)
	case err != nil:
		return fmt.Errorf("compact containerd's database: %w", err)
	case res.BytesBefore > 0:
		log.Info("containerd's database was compacted", "bytes_before", res.BytesBefore, "bytes_after", res.BytesAfter)
	}
	return nil
}
