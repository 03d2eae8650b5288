package shim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// AnnotationRecord is the annotation of a container that names the file its exit is written to.
const AnnotationRecord = "berth.exit-record"

// Record tells how a container's first process ended.
type Record struct {
	Pid       int
	Status    int // exit code, or 128 and the signal
	ExitedAt  time.Time
	OOMKilled bool // the kernel killed a process of the container for want of memory
}

// ReadRecord reads a record; os.ErrNotExist means that the exit was not seen (yet).
func ReadRecord(path string) (*Record, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("read exit record %s: %w", path, err)
	}
	return &r, nil
}

// write makes the record appear whole. The first record of a container stays.
func (r Record) write(path string) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".exit-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}
