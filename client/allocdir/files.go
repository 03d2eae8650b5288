package allocdir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

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

// clean makes a path relative to the root, and refuses what is hidden.
func clean(p string) (string, error) {
	c := strings.TrimPrefix(path.Clean("/"+p), "/")
	if c == "" {
		return ".", nil
	}
	parts := strings.Split(c, "/")
	if len(parts) > 1 && parts[0] != SharedName && (parts[1] == secretsName || parts[1] == spoolName) {
		return "", &structs.Error{Kind: structs.KindUnauthorised, Subject: fmt.Sprintf("path %q", p),
			Err: errors.New("is not shown: it is the task's private directory")}
	}
	return c, nil
}

// within opens the root and gives the path to use in it.
func (d *Dir) within(p string) (*os.Root, string, error) {
	c, err := clean(p)
	if err != nil {
		return nil, "", err
	}
	root, err := os.OpenRoot(d.root)
	if err != nil {
		return nil, "", pathError(p, err)
	}
	return root, c, nil
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
	root, c, err := d.within(p)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(c)
	if err != nil {
		return nil, pathError(p, err)
	}
	defer f.Close()
	entries, err := f.ReadDir(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, pathError(p, err)
	}
	if len(entries) > maxEntries {
		return nil, &structs.Error{Kind: structs.KindLimit, Subject: fmt.Sprintf("path %q", p),
			Err: fmt.Errorf("has more than %d entries", maxEntries)}
	}
	out := make([]*FileInfo, 0, len(entries))
	for _, e := range entries {
		if _, err := clean(path.Join(c, e.Name())); err != nil {
			continue
		}
		if st, err := e.Info(); err == nil { // gone meanwhile otherwise
			out = append(out, info(e.Name(), st))
		}
	}
	slices.SortFunc(out, func(a, b *FileInfo) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Stat describes a file or directory.
func (d *Dir) Stat(p string) (*FileInfo, error) {
	root, c, err := d.within(p)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	st, err := root.Stat(c)
	if err != nil {
		return nil, pathError(p, err)
	}
	return info(path.Base("/"+c), st), nil
}

// Open opens a regular file for reading. Anything else (a fifo would block for ever) is refused.
func (d *Dir) Open(p string) (*os.File, error) {
	root, c, err := d.within(p)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	st, err := root.Stat(c)
	if err != nil {
		return nil, pathError(p, err)
	}
	if !st.Mode().IsRegular() {
		what := "is not a regular file"
		if st.IsDir() {
			what = "is a directory"
		}
		return nil, pathError(p, errors.New(what))
	}
	f, err := root.Open(c)
	if err != nil {
		return nil, pathError(p, err)
	}
	// The file may have been exchanged between the two looks.
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, pathError(p, errors.New("is not a regular file"))
	}
	return f, nil
}
