package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Kinds of output.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// position is the record beside a spool: log file Index begins at byte Base of the spool.
type position struct {
	Index int
	Base  int64
}

// punchBytes is how much of a spool is freed at once.
const punchBytes = 256 << 10

// stream copies one spool into its log files. It belongs to who holds the collector's lock.
type stream struct {
	spool    string // the driver's file
	record   string // the position, beside it
	dir      string // of the log files
	name     string // "<task>.<kind>."
	maxBytes int64  // of one log file
	maxFiles int

	pos     position
	loaded  bool
	out     *os.File // newest log file; nil before the first byte
	size    int64    // of out
	freed   int64    // of the spool
	atSpool int64    // how much of the spool is copied
}

func (s *stream) logName(index int) string { return s.name + strconv.Itoa(index) }

// load finds where an earlier life stopped.
func (s *stream) load() error {
	if s.loaded {
		return nil
	}
	b, err := os.ReadFile(s.record)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &s.pos); err != nil || s.pos.Index < 0 || s.pos.Base < 0 {
			return fmt.Errorf("read position %s: damaged", s.record)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read position: %w", err)
	}
	s.loaded = true
	s.atSpool = s.pos.Base
	if err := s.open(false); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.atSpool += s.size
	if st, err := os.Stat(s.spool); err == nil && s.atSpool > st.Size() {
		s.atSpool = st.Size() // the task wrote into its own log files: never wait for bytes that do not come
	}
	s.freed = s.pos.Base - s.pos.Base%punchBytes
	return nil
}

// open opens the newest log file for appending.
func (s *stream) open(create bool) error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	flags := os.O_WRONLY | os.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK
	if create {
		flags |= os.O_CREATE
	}
	f, err := root.OpenFile(s.logName(s.pos.Index), flags, 0o644)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("log file %s is not a regular file", s.logName(s.pos.Index))
	}
	if err != nil {
		f.Close()
		return err
	}
	s.out, s.size = f, st.Size()
	return nil
}

// copy brings over what the spool has.
func (s *stream) copy(buf []byte) error {
	if err := s.load(); err != nil {
		return err
	}
	in, err := os.Open(s.spool)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open output of task: %w", err)
	}
	defer in.Close()
	for {
		n, err := in.ReadAt(buf, s.atSpool)
		if n > 0 {
			if err := s.write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			s.free()
			return nil
		}
		if err != nil {
			return fmt.Errorf("read output of task: %w", err)
		}
	}
}

// write appends to the log files, beginning new ones as they fill up.
func (s *stream) write(b []byte) error {
	for len(b) > 0 {
		if s.out == nil {
			if err := s.open(true); err != nil {
				return fmt.Errorf("open log file: %w", err)
			}
		}
		if s.size >= s.maxBytes {
			if err := s.rotate(); err != nil {
				return err
			}
			continue
		}
		n, err := s.out.Write(b[:min(int64(len(b)), s.maxBytes-s.size)])
		s.size += int64(n)
		s.atSpool += int64(n)
		b = b[n:]
		if err != nil {
			return fmt.Errorf("write log file: %w", err)
		}
	}
	return nil
}

// rotate begins the next log file and removes the oldest. The record comes first: without it the new file's bytes would be
// counted from the wrong place.
func (s *stream) rotate() error {
	next := position{Index: s.pos.Index + 1, Base: s.atSpool}
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.record+".new", b, 0o600); err != nil {
		return fmt.Errorf("write position: %w", err)
	}
	if err := os.Rename(s.record+".new", s.record); err != nil {
		return fmt.Errorf("write position: %w", err)
	}
	err = s.out.Close()
	s.out, s.size, s.pos = nil, 0, next
	return errors.Join(err, s.prune())
}

// prune removes log files beyond the number that is kept.
func (s *stream) prune() error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	have, err := indexes(root, s.name)
	if err != nil {
		return err
	}
	for _, i := range have {
		if i <= s.pos.Index-s.maxFiles {
			if err := root.Remove(s.logName(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// free gives the disk back what is copied (fallocate(2)). A file system that cannot keeps it until the task is gone.
func (s *stream) free() {
	end := s.atSpool - s.atSpool%punchBytes
	if end <= s.freed {
		return
	}
	w, err := os.OpenFile(s.spool, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer w.Close()
	if unix.Fallocate(int(w.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, s.freed, end-s.freed) == nil {
		s.freed = end
	}
}

func (s *stream) close() error {
	if s.out == nil {
		return nil
	}
	err := s.out.Close()
	s.out, s.loaded = nil, false
	return err
}

// indexes are the numbers of the log files of that name, in order.
func indexes(root *os.Root, name string) ([]int, error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var out []int
	for _, f := range names {
		if text, ok := strings.CutPrefix(f, name); ok {
			if i, err := strconv.Atoi(text); err == nil && i >= 0 && strconv.Itoa(i) == text {
				out = append(out, i)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// recordOf is where the position of a spool is kept.
func recordOf(spool string) string {
	return filepath.Join(filepath.Dir(spool), "."+filepath.Base(spool)+".position")
}
