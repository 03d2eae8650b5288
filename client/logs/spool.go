package logs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// punchBytes is how much of a spool is freed at once.
const punchBytes = 256 << 10

// punch gives the disk back what a spool holds from one offset to another; the writer goes on at the same offset (fallocate(2)).
// It returns up to where. A file system that cannot do it keeps everything until the task is gone.
func punch(spool string, from, to int64) (int64, error) {
	from, to = from-from%punchBytes, to-to%punchBytes
	if to <= from {
		return from, nil
	}
	w, err := os.OpenFile(spool, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return from, err
	}
	defer w.Close()
	if err := unix.Fallocate(int(w.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, to-from); err != nil {
		return from, err
	}
	return to, nil
}

// nextData is the first offset not before at that was not freed; size when there is none (lseek(2), SEEK_DATA). What an
// earlier life freed without writing it down is found so.
func nextData(spool *os.File, at, size int64) int64 {
	if at >= size {
		return at
	}
	next, err := unix.Seek(int(spool.Fd()), at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		next = size
	case err != nil: // the file system does not know: nothing was freed there
		return at
	}
	// File systems were seen to take fresh data for a hole. What is freed reads as zero.
	var first [1]byte
	if n, err := spool.ReadAt(first[:], at); err == nil && n == 1 && first[0] != 0 {
		return at
	}
	return next
}
