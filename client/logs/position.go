package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// position is the record beside a spool: log file Index begins at byte Base of the spool.
type position struct {
	Index int
	Base  int64
}

// recordOf is where the position of a spool is kept.
func recordOf(spool string) string {
	return filepath.Join(filepath.Dir(spool), "."+filepath.Base(spool)+".position")
}

// readPosition reads a record. One that cannot be understood (a machine that lost power) is as good as none, but not the same:
// log files may be there.
func readPosition(path string) (p position, damaged bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return position{}, false, nil
	}
	if err != nil {
		return position{}, false, fmt.Errorf("read position: %w", err)
	}
	if err := json.Unmarshal(b, &p); err != nil || p.Index < 0 || p.Base < 0 {
		return position{}, true, nil
	}
	return p, false, nil
}

// save writes a record so that there is always one, the old or the new.
func (p position) save(path string) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write position: %w", err)
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("write position: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write position: %w", err)
	}
	return nil
}
