package backup

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"berth/internal/durable"
)

// Directory stores snapshots in a directory, such as one all servers share.
type Directory struct{ Path string }

// String implements Target.
func (d Directory) String() string { return d.Path }

// partial is the end of names of files that are being written.
const partial = ".part"

// List implements Target. The directory is made if it is missing.
func (d Directory) List(_ context.Context, region string) ([]Stored, error) {
	if err := durable.MkdirAll(d.Path, 0o700); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(d.Path)
	if err != nil {
		return nil, err
	}
	var out []Stored
	for _, f := range files {
		at, ok := takenAt(region, f.Name())
		if !ok || !f.Type().IsRegular() {
			continue
		}
		st, err := f.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Stored{Name: f.Name(), Taken: at, Size: st.Size()})
	}
	return out, nil
}

// Put implements Target.
func (d Directory) Put(_ context.Context, name string, write func(io.Writer) error) error {
	if err := d.sweep(name); err != nil {
		return err
	}
	file, err := os.CreateTemp(d.Path, name+".*"+partial)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already when the rename succeeded
	out := bufio.NewWriterSize(file, 256<<10)
	if err = write(out); err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), filepath.Join(d.Path, name)); err != nil {
		return err
	}
	return durable.SyncDir(d.Path)
}

// sweep removes what this region's servers left half written when they ended in the middle, long before the snapshot name. What is
// somebody else's, though it has such a name, stays and keeps no snapshot from being written.
func (d Directory) sweep(name string) error {
	head, now, ok := cutTime(name)
	if !ok {
		return nil
	}
	files, err := os.ReadDir(d.Path)
	if err != nil {
		return err
	}
	for _, f := range files {
		h, at, ok := cutTime(f.Name())
		if !ok || h != head || !f.Type().IsRegular() || !strings.HasSuffix(f.Name(), partial) || now.Sub(at) < abandoned {
			continue
		}
		if err := os.Remove(filepath.Join(d.Path, f.Name())); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
			return err
		}
	}
	return nil
}

// Open implements Target.
func (d Directory) Open(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(d.Path, name))
}

// Remove implements Target.
func (d Directory) Remove(_ context.Context, name string) error {
	err := os.Remove(filepath.Join(d.Path, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
