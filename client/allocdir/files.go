package allocdir

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"berth/structs"
)

// FileInfo is a file as the API shows it.
type FileInfo struct {
	Name        string
	IsDir       bool
	Size        int64 // bytes
	FileMode    string
	ModTime     time.Time
	ContentType string `json:",omitempty"`
}

// maxEntries bounds a listing.
const maxEntries = 10_000

// hidden reports that a cleaned path is in a directory that nobody is shown. The case is ignored, as some file systems do.
func hidden(c string) bool {
	parts := strings.Split(c, "/")
	if len(parts) < 2 || parts[0] == SharedName {
		return false
	}
	return strings.EqualFold(parts[1], secretsName) || strings.EqualFold(parts[1], privateName) || strings.EqualFold(parts[1], spoolName)
}

func hiddenError(p string) error {
	return &structs.Error{Kind: structs.KindUnauthorised, Subject: fmt.Sprintf("path %q", p),
		Err: errors.New("is not shown: it is the task's private directory")}
}

// maxLinks bounds how many links one path may lead over.
const maxLinks = 40

// look opens what a path names beneath the directory, without touching it (O_PATH), and tells where it is in truth: a task may
// have made links, and one within the directory may lead to what is hidden.
func (d *Dir) look(p string) (f *os.File, truly string, err error) {
	root, err := os.OpenRoot(d.root)
	if err != nil {
		return nil, "", pathError(p, err)
	}
	defer root.Close()
	top, err := root.Open(".")
	if err != nil {
		return nil, "", pathError(p, err)
	}
	defer top.Close()
	c := strings.TrimPrefix(path.Clean("/"+p), "/")
	for range maxLinks {
		if hidden(c) {
			return nil, "", hiddenError(p)
		}
		if f, err = root.OpenFile(cmp.Or(c, "."), unix.O_PATH, 0); err != nil {
			return nil, "", pathError(p, err)
		}
		truly, link, err := resolve(top, f)
		switch {
		case err != nil:
			f.Close()
			return nil, "", pathError(p, err)
		case hidden(truly):
			f.Close()
			return nil, "", hiddenError(p)
		case link == "":
			return f, truly, nil
		}
		f.Close()
		// The root refuses what leads out of it.
		if c = link; !path.IsAbs(link) {
			c = path.Join(path.Dir(truly), link)
		}
	}
	return nil, "", pathError(p, errors.New("leads over too many links"))
}

// resolve tells where an open file is below top, and where it leads to if it is a link.
func resolve(top, f *os.File) (truly, link string, err error) {
	if truly, err = below(top, f); err != nil {
		return "", "", err
	}
	st, err := f.Stat()
	if err != nil || st.Mode().Type() != fs.ModeSymlink {
		return truly, "", err
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(f.Fd()), "", buf)
	return truly, string(buf[:n]), err
}

// reopen opens for reading exactly what was looked at.
func reopen(f *os.File, name string) (*os.File, error) {
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// below tells the path of an open file relative to an open directory, "" for the directory itself (proc_pid_fd(5)).
func below(top, f *os.File) (string, error) {
	from, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", top.Fd()))
	if err != nil {
		return "", err
	}
	to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return "", err
	}
	if to == from {
		return "", nil
	}
	rel, ok := strings.CutPrefix(to, strings.TrimSuffix(from, "/")+"/")
	if !ok {
		return "", errors.New("is not in the allocation's directory any more")
	}
	return rel, nil
}

// pathError tells a person which path it was, not where the node keeps it.
func pathError(p string, err error) error {
	kind := structs.KindInvalid
	text := err
	var pe *fs.PathError
	if errors.As(err, &pe) {
		text = pe.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		kind, text = structs.KindNotFound, errors.New("does not exist")
	}
	return &structs.Error{Kind: kind, Subject: fmt.Sprintf("path %q", p), Err: text}
}

func info(name string, st fs.FileInfo) *FileInfo {
	return &FileInfo{Name: name, IsDir: st.IsDir(), Size: st.Size(), FileMode: st.Mode().String(), ModTime: st.ModTime()}
}

// List gives the entries of a directory by name; private ones are left out.
func (d *Dir) List(p string) ([]*FileInfo, error) {
	seen, truly, err := d.look(p)
	if err != nil {
		return nil, err
	}
	defer seen.Close()
	if st, err := seen.Stat(); err != nil || !st.IsDir() {
		return nil, pathError(p, cmp.Or(err, errors.New("is not a directory")))
	}
	f, err := reopen(seen, truly)
	if err != nil {
		return nil, pathError(p, err)
	}
	defer f.Close()
	names, err := f.Readdirnames(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, pathError(p, err)
	}
	if len(names) > maxEntries {
		return nil, &structs.Error{Kind: structs.KindLimit, Subject: fmt.Sprintf("path %q", p),
			Err: fmt.Errorf("has more than %d entries", maxEntries)}
	}
	dir, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return nil, pathError(p, err)
	}
	defer dir.Close()
	out := make([]*FileInfo, 0, len(names))
	for _, name := range names {
		if hidden(path.Join(truly, name)) {
			continue
		}
		if st, err := dir.Lstat(name); err == nil { // gone meanwhile otherwise
			out = append(out, info(name, st))
		}
	}
	slices.SortFunc(out, func(a, b *FileInfo) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Stat describes a file or directory.
func (d *Dir) Stat(p string) (*FileInfo, error) {
	f, _, err := d.look(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, pathError(p, err)
	}
	i := info(path.Base(path.Clean("/"+p)), st)
	if st.Mode().IsRegular() {
		i.ContentType = contentType(f)
	}
	return i, nil
}

// sniffBytes are what a content type is told from.
const sniffBytes = 512

// contentType looks at the beginning of a file; "" when that is not possible.
func contentType(seen *os.File) string {
	f, err := reopen(seen, "")
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, sniffBytes))
	if err != nil {
		return ""
	}
	return http.DetectContentType(b)
}

// Open opens a regular file for reading. Anything else is refused, and not touched: opening a device may do something.
func (d *Dir) Open(p string) (*os.File, error) {
	seen, truly, err := d.look(p)
	if err != nil {
		return nil, err
	}
	defer seen.Close()
	switch st, err := seen.Stat(); {
	case err != nil:
		return nil, pathError(p, err)
	case st.IsDir():
		return nil, pathError(p, errors.New("is a directory"))
	case !st.Mode().IsRegular():
		return nil, pathError(p, errors.New("is not a regular file"))
	}
	f, err := reopen(seen, truly)
	if err != nil {
		return nil, pathError(p, err)
	}
	return f, nil
}
