package beneath

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrOutside is a path that leads out of its tree: by "..", by a link, or by being absolute.
var ErrOutside = errors.New("leads out of its directory")

// ErrNotRegular is a fifo, device, socket or directory where a file was to be read.
var ErrNotRegular = errors.New("is not a regular file")

// ErrTooBig is a file beyond the limit it was to be read with.
var ErrTooBig = errors.New("is too big")

// depthMax bounds the components of a path, so that walking one stays cheap.
const depthMax = 64

// tries bounds how often the kernel is asked again when the tree changed under its eyes.
const tries = 128

// Tree is an open directory. Close it.
type Tree struct{ dir *os.File }

// OpenTree opens a directory as the top of a tree. The path to it must be beyond the reach of those who write in it; that the
// last component is no link is checked.
func OpenTree(dir string) (*Tree, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return &Tree{dir: os.NewFile(uintptr(fd), dir)}, nil
}

// Close gives the directory up; files from it stay open.
func (t *Tree) Close() { _ = t.dir.Close() } // a path descriptor has nothing to write

// Look opens what a path names without touching it (O_PATH): it may be anything, and nothing of it is read.
func (t *Tree) Look(name string) (*os.File, error) {
	parts, err := split(name)
	if err != nil {
		return nil, err
	}
	return t.look(path.Join(parts...))
}

// LookAsRoot is Look as a process sees it whose root directory is the tree: absolute links and ".." stay within.
func (t *Tree) LookAsRoot(name string) (*os.File, error) {
	return openat(t.dir, name, unix.O_PATH, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
}

// Make is Look for a path of which the last components may be missing: those are made, as directories with that mode.
// When it fails it removes what it made.
func (t *Tree) Make(name string, mode os.FileMode) (*os.File, error) {
	parts, err := split(name)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return t.look(".")
	}
	way, made := []*os.File{t.dir}, []bool{false} // what the components so far are, and whether they were missing
	for i, part := range parts {
		next, err := t.look(path.Join(parts[:i+1]...))
		missing := errors.Is(err, unix.ENOENT)
		if missing {
			next, err = makeIn(way[i], part, mode)
			if errors.Is(err, unix.EEXIST) { // somebody made it just now, or it is a link to nothing
				missing = false
				if next, err = t.look(path.Join(parts[:i+1]...)); errors.Is(err, unix.ENOENT) {
					err = fmt.Errorf("%s is a link to nothing: %w", part, ErrOutside)
				}
			}
		}
		if err != nil {
			for j := i; j > 0; j-- {
				if made[j] {
					_ = unix.Unlinkat(int(way[j-1].Fd()), parts[j-1], unix.AT_REMOVEDIR)
				}
			}
			closeAll(way[1:])
			return nil, &os.PathError{Op: "make", Path: name, Err: bare(err)}
		}
		way, made = append(way, next), append(made, missing)
	}
	last := len(way) - 1
	closeAll(way[1:last])
	return way[last], nil
}

// makeIn makes one directory.
func makeIn(parent *os.File, name string, mode os.FileMode) (*os.File, error) {
	if err := unix.Mkdirat(int(parent.Fd()), name, uint32(mode.Perm())); err != nil {
		return nil, err
	}
	f, err := openat(parent, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_MAGICLINKS)
	if err != nil {
		_ = unix.Unlinkat(int(parent.Fd()), name, unix.AT_REMOVEDIR)
	}
	return f, err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// ReadFile reads a regular file of at most that many bytes.
func (t *Tree) ReadFile(name string, most int64) ([]byte, error) {
	f, err := t.Look(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f, most)
}

// Open opens what Look found for reading, if it is a regular file of at most that many bytes (it may grow later).
func Open(looked *os.File, most int64) (*os.File, error) {
	st, err := looked.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, &os.PathError{Op: "read", Path: looked.Name(), Err: ErrNotRegular}
	}
	if st.Size() > most {
		return nil, &os.PathError{Op: "read", Path: looked.Name(), Err: fmt.Errorf("%w: %d bytes, allowed: %d", ErrTooBig, st.Size(), most)}
	}
	return os.OpenFile(ProcPath(looked), os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}

// Read reads what Look found, if it is a regular file of at most that many bytes.
func Read(looked *os.File, most int64) ([]byte, error) {
	f, err := Open(looked, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1)) // it may have grown
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, &os.PathError{Op: "read", Path: looked.Name(), Err: fmt.Errorf("%w: allowed are %d bytes", ErrTooBig, most)}
	}
	return b, nil
}

// ProcPath is a path to what is open, wherever it is named now. It holds in this process, as long as the file is open.
func ProcPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// Where tells the path at which the kernel knows the open file now, links resolved.
func Where(f *os.File) (string, error) { return os.Readlink(ProcPath(f)) }

func (t *Tree) look(name string) (*os.File, error) {
	return openat(t.dir, name, unix.O_PATH, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_MAGICLINKS)
}

func openat(dir *os.File, name string, flags int, resolve uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: resolve}
	for i := 0; ; i++ {
		fd, err := unix.Openat2(int(dir.Fd()), name, &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), path.Join(dir.Name(), name)), nil
		case (errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)) && i < tries: // renamed under the kernel's eyes
		case errors.Is(err, unix.EXDEV), errors.Is(err, unix.ELOOP), errors.Is(err, unix.EAGAIN):
			return nil, &os.PathError{Op: "open", Path: name, Err: ErrOutside}
		default:
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

// split checks a relative path and cleans it; the tree's top is no component.
func split(name string) ([]string, error) {
	clean := path.Clean(name)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return nil, &os.PathError{Op: "open", Path: name, Err: ErrOutside}
	}
	if clean == "." {
		return nil, nil
	}
	parts := strings.Split(clean, "/")
	if len(parts) > depthMax {
		return nil, &os.PathError{Op: "open", Path: name, Err: fmt.Errorf("has %d components, allowed: %d", len(parts), depthMax)}
	}
	return parts, nil
}

// bare takes the path off an error that gets another one.
func bare(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
