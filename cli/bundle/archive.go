package bundle

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Entry is one file of the bundle, or what is missing of it.
type Entry struct {
	Path  string
	From  string `json:",omitempty"` // the request it is the answer of
	At    time.Time
	Bytes int
	Error string `json:",omitempty"` // why it is missing or not whole
}

// Index describes a bundle; it is its last file, index.json.
type Index struct {
	Version  string
	Address  string // of the agent that was asked
	Began    time.Time
	Ended    time.Time
	Duration string
	Interval string
	Servers  []string
	Nodes    []string
	Cut      bool `json:",omitempty"` // ended before its time
	Files    []Entry
}

// archive is the tar.gz while it is written. It may be used from several goroutines.
type archive struct {
	root string

	mu    sync.Mutex // guards what follows
	gz    *gzip.Writer
	tar   *tar.Writer
	files []Entry
	err   error // of the disk
}

func newArchive(w io.Writer, root string) *archive {
	gz := gzip.NewWriter(w)
	return &archive{root: root, gz: gz, tar: tar.NewWriter(gz)}
}

// add writes a file. Without content and with an error it only stands in the index.
func (a *archive) add(e Entry, content []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Bytes = len(content)
	a.files = append(a.files, e)
	if content != nil || e.Error == "" {
		a.write(e.Path, e.At, content)
	}
}

func (a *archive) write(name string, at time.Time, content []byte) {
	if a.err != nil {
		return
	}
	h := &tar.Header{Name: path.Join(a.root, name), Mode: 0o600, Size: int64(len(content)), ModTime: at, Typeflag: tar.TypeReg}
	if a.err = a.tar.WriteHeader(h); a.err == nil {
		_, a.err = a.tar.Write(content)
	}
}

// close writes the index and ends the archive. The error is the first of the disk.
func (a *archive) close(x *Index) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortFunc(a.files, func(l, r Entry) int { return strings.Compare(l.Path, r.Path) })
	x.Files = a.files
	text, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return err
	}
	a.write("index.json", x.Ended, append(text, '\n'))
	if a.err != nil {
		return a.err
	}
	if err := a.tar.Close(); err != nil {
		return err
	}
	return a.gz.Close()
}

// failed counts the files that are missing or not whole, and says why: the most frequent reasons first, each with how many it is of.
func (x *Index) failed() (n int, reasons []string) {
	of := map[string]int{}
	for _, f := range x.Files {
		if f.Error != "" {
			n++
			of[f.Error]++
		}
	}
	for why := range of {
		reasons = append(reasons, why)
	}
	slices.SortFunc(reasons, func(a, b string) int { return cmp.Or(cmp.Compare(of[b], of[a]), strings.Compare(a, b)) })
	for i, why := range reasons {
		reasons[i] = fmt.Sprintf("%d: %s", of[why], why)
	}
	return n, reasons
}
