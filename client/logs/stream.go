package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Kinds of output.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// longLine is the length up to which a line is never split over two log files, in bytes.
const longLine = 32 << 10

// stream copies one spool into its log files. It belongs to who holds the collector's lock.
type stream struct {
	spool     string // the driver's file
	record    string // the position, beside it
	dir       string // of the log files
	name      string // "<task>.<kind>."
	maxBytes  int64  // of one log file; a line that is begun may go beyond by lineBytes
	lineBytes int64
	maxFiles  int
	// killed is asked in tests between any two lasting steps; nil otherwise.
	killed func()

	pos     position
	known   bool     // pos is
	loaded  bool     // all of the following is
	out     *os.File // newest log file; nil before the first byte
	size    int64    // of out
	midLine bool     // out does not end with a line's end
	freed   int64    // of the spool
	atSpool int64    // how much of the spool is copied
	dropped int64    // bytes that nobody will read, since it was asked
}

func (s *stream) logName(index int) string { return s.name + strconv.Itoa(index) }

func (s *stream) step() {
	if s.killed != nil {
		s.killed()
	}
}

// load finds where an earlier life stopped.
func (s *stream) load(in *os.File, size int64) error {
	if s.loaded {
		return nil
	}
	pos, damaged, err := readPosition(s.record)
	if err != nil {
		return err
	}
	if damaged {
		if pos, err = s.guess(in, size); err != nil {
			return err
		}
		if err := pos.save(s.record); err != nil {
			return err
		}
	}
	s.pos, s.atSpool, s.size, s.midLine = pos, pos.Base, 0, false
	s.known, s.freed = true, pos.Base-pos.Base%punchBytes
	if err := s.prune(pos.Index - s.maxFiles + 1); err != nil { // the earlier life may have ended before it could
		return err
	}
	if err := s.open(false); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// The task wrote into its own log files when they hold more than it put out: never wait for bytes that do not come.
	s.atSpool = min(s.atSpool+s.size, size)
	s.loaded = true
	return nil
}

// guess finds a position without a record: behind all log files, at what is left of the spool. It may repeat, not lose.
func (s *stream) guess(in *os.File, size int64) (position, error) {
	root, err := makeDir(s.dir)
	if err != nil {
		return position{}, err
	}
	defer root.Close()
	have, err := indexes(root, s.name)
	if err != nil {
		return position{}, err
	}
	pos := position{Base: nextData(in, 0, size)}
	if len(have) > 0 {
		pos.Index = have[len(have)-1] + 1
	}
	return pos, nil
}

// open opens the newest log file for appending.
func (s *stream) open(create bool) error {
	root, err := makeDir(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	flags := os.O_RDWR | os.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK
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
	last := []byte{'\n'}
	if err == nil && st.Size() > 0 {
		if _, err = f.ReadAt(last, st.Size()-1); err == io.EOF {
			err = nil
		}
	}
	if err != nil {
		f.Close()
		return err
	}
	s.out, s.size, s.midLine = f, st.Size(), last[0] != '\n'
	return nil
}

// copy brings over what the spool has. When that is not possible it keeps no more of it than one log file would hold: the
// task goes on, and its disk does not fill up.
func (s *stream) copy(buf []byte) error {
	in, err := os.OpenFile(s.spool, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open output of task: %w", err)
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return fmt.Errorf("look at output of task: %w", err)
	}
	if err = s.copyFrom(in, st.Size(), buf); err != nil && s.known {
		err = errors.Join(err, s.giveUp(st.Size(), errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)))
	}
	return err
}

func (s *stream) copyFrom(in *os.File, size int64, buf []byte) error {
	if err := s.load(in, size); err != nil {
		return err
	}
	if size < s.atSpool { // the task emptied it: what is there now is new
		s.freed = 0
		if err := s.jump(0); err != nil {
			return err
		}
	}
	if next := nextData(in, s.atSpool, size); next > s.atSpool {
		if err := s.jump(next); err != nil {
			return err
		}
	}
	if keep := s.maxBytes * int64(s.maxFiles); size-s.atSpool > keep+s.maxBytes {
		// What comes first, and all that was before, would be removed again by what comes last.
		if err := s.prune(s.pos.Index + 1); err != nil {
			return err
		}
		if err := s.jump(size - keep); err != nil {
			return err
		}
	}
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
		s.free()
	}
}

// write appends to the log files, beginning new ones as they fill up.
func (s *stream) write(b []byte) error {
	for len(b) > 0 {
		if s.size >= s.maxBytes && (!s.midLine || s.size >= s.maxBytes+s.lineBytes) {
			if err := s.rotate(s.atSpool); err != nil {
				return err
			}
		}
		if s.out == nil {
			if err := s.open(true); err != nil {
				return fmt.Errorf("open log file: %w", err)
			}
			s.step()
			continue // it may be full
		}
		n, err := s.out.Write(b[:s.portion(b)])
		if n > 0 {
			s.midLine = b[n-1] != '\n'
		}
		s.size += int64(n)
		s.atSpool += int64(n)
		b = b[n:]
		s.step()
		if err != nil {
			return fmt.Errorf("write log file: %w", err)
		}
	}
	return nil
}

// portion is how much of b goes into the open log file: all that fits, and the rest of the line that crosses the limit.
func (s *stream) portion(b []byte) int64 {
	all := int64(len(b))
	if s.size+all <= s.maxBytes {
		return all
	}
	room := max(s.maxBytes-s.size, 0)
	most := min(all, s.maxBytes+s.lineBytes-s.size)
	// The byte before the limit may end a line itself.
	from := max(room-1, 0)
	if room > 0 || s.midLine {
		if i := bytes.IndexByte(b[from:most], '\n'); i >= 0 {
			return from + int64(i) + 1
		}
	}
	return most
}

// rotate begins the next log file at an offset of the spool, and removes the oldest. The record comes first: without it the
// new file's bytes would be counted from the wrong place.
func (s *stream) rotate(base int64) error {
	next := position{Index: s.pos.Index + 1, Base: base}
	if err := next.save(s.record); err != nil {
		return err
	}
	s.step()
	var err error
	if s.out != nil {
		err = s.out.Close()
	}
	s.out, s.size, s.midLine, s.pos, s.atSpool, s.loaded = nil, 0, false, next, base, true
	return errors.Join(err, s.prune(next.Index-s.maxFiles+1))
}

// jump goes on at another offset of the spool, in a log file of its own. What is left out is freed first: on a full disk that
// makes the room for the record, and without the record it is seen to be freed.
func (s *stream) jump(to int64) error {
	if to > s.freed {
		if freed, err := punch(s.spool, s.freed, to); err == nil {
			s.freed = freed
		}
		s.step()
	}
	return s.rotate(to)
}

func (s *stream) close() error {
	s.loaded, s.known = false, false
	if s.out == nil {
		return nil
	}
	err := s.out.Close()
	s.out = nil
	return err
}
