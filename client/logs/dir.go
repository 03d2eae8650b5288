package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// shownAs is where log files are in the allocation's directory, as the contract's frames name them.
const shownAs = "alloc/logs/"

// openDir opens a directory of log files. Tasks may write beside it and put a link in its place: that is not followed. The
// way to it is not theirs.
func openDir(dir string) (*os.Root, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open log directory", Path: dir, Err: err}
	}
	defer unix.Close(fd)
	return os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", fd))
}

// makeDir is openDir for who writes: a directory that a task removed comes back.
func makeDir(dir string) (*os.Root, error) {
	root, err := openDir(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return openDir(dir)
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
