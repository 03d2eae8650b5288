package archive

import (
	"errors"
	"fmt"
	"io"
	"os"

	"berth/internal/atrest"
)

// Spool is a temporary file that holds a state on its way. It has no name from the start, and what is in it is encrypted with a key that
// is only in memory: nothing of it can be found on the disk, whatever happens. Write, then Done, then any number of Open; Close at the end.
type Spool struct {
	file *os.File
	key  *atrest.Key
	w    *atrest.Writer
	size int64
}

// errSpool is a fault of the disk the state is kept on meanwhile, not of the archive.
var errSpool = errors.New("keep the state on the disk meanwhile")

// NewSpool makes one in a directory; "" is that for temporary files.
func NewSpool(dir string) (*Spool, error) {
	file, err := os.CreateTemp(dir, "berth-spool-*")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSpool, err)
	}
	s := &Spool{file: file}
	if err = os.Remove(file.Name()); err == nil {
		if s.key, err = atrest.NewKey(); err == nil {
			s.w, err = atrest.NewWriter(file, s.key)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errSpool, err), file.Close())
	}
	return s, nil
}

// Write implements io.Writer.
func (s *Spool) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("%w in %s: %w", errSpool, s.file.Name(), err)
	}
	return n, nil
}

// Done ends writing.
func (s *Spool) Done() error {
	if err := s.w.Close(); err != nil {
		return fmt.Errorf("%w in %s: %w", errSpool, s.file.Name(), err)
	}
	return nil
}

// Size is how much was written, in bytes.
func (s *Spool) Size() int64 { return s.size }

// Open reads it from the beginning.
func (s *Spool) Open() (io.Reader, error) {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("%w: %w", errSpool, err)
	}
	return atrest.NewReader(s.file, s.key)
}

// Close gives its space back.
func (s *Spool) Close() error { return s.file.Close() }
