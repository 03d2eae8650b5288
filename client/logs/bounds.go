package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// giveUp lets go of what cannot be collected: of a full disk everything but a little, and the oldest log file too.
func (s *stream) giveUp(size int64, full bool) error {
	keep := s.maxBytes
	if full {
		keep = min(keep, punchBytes)
	}
	from, to := s.atSpool, size-keep/2
	if size-from <= keep {
		return nil
	}
	err := s.jump(to)
	if s.atSpool == to {
		s.dropped += to - from
	}
	if full {
		err = errors.Join(err, s.pruneOldest())
	}
	return err
}

// prune removes the log files before one.
func (s *stream) prune(first int) error {
	return s.remove(func(have []int) []int {
		i, _ := slices.BinarySearch(have, first)
		return have[:i]
	})
}

// pruneOldest removes the oldest log file but the one that is written.
func (s *stream) pruneOldest() error {
	return s.remove(func(have []int) []int {
		if len(have) > 0 && have[0] < s.pos.Index {
			return have[:1]
		}
		return nil
	})
}

func (s *stream) remove(which func(have []int) []int) error {
	root, err := makeDir(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	have, err := indexes(root, s.name)
	if err != nil {
		return err
	}
	for _, i := range which(have) {
		// The task may have put something else in the place of its old log file.
		if err := root.RemoveAll(s.logName(i)); err != nil {
			return err
		}
		s.step()
	}
	return nil
}

// free gives the disk back what is copied.
func (s *stream) free() {
	if s.atSpool-s.freed < punchBytes {
		return
	}
	if freed, err := punch(s.spool, s.freed, s.atSpool); err == nil {
		s.freed = freed
		s.step()
	}
}

// discard frees everything that was written, for output nobody wants.
func (s *stream) discard() error {
	st, err := os.Lstat(s.spool)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at output of task: %w", err)
	}
	if st.Size() < s.freed {
		s.freed = 0
	}
	s.freed, err = punch(s.spool, s.freed, st.Size())
	if err != nil {
		return fmt.Errorf("free output of task: %w", err)
	}
	return nil
}
