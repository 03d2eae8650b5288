package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"berth/structs"
)

// Frame is a piece of a file, or something that happened to it, as the contract streams it.
type Frame struct {
	File      string `json:",omitempty"`
	Offset    int64  `json:",omitempty"` // of the data's end in the file
	Data      []byte `json:",omitempty"`
	FileEvent string `json:",omitempty"` // "file truncated", "file deleted"
}

// Request says what to read of a task's logs.
type Request struct {
	Dir  string // of the log files
	Task string
	Kind string // Stdout or Stderr
	// Offset counts bytes from the Origin: "start" forward from the oldest that is kept, "end" back from the newest.
	Offset int64
	Origin string
	Follow bool
	// Done, when closed, tells that nothing will be added any more: following ends with what is there. May be nil.
	Done <-chan struct{}
	// Notifier tells of new output; without one it is looked for every few seconds.
	Notifier *Notifier
}

// frameBytes is the largest piece of a frame.
const frameBytes = 64 << 10

// Read emits a task's logs in order, and with Follow goes on until ctx is done, Done is closed or emit returns an error.
func Read(ctx context.Context, req Request, emit func(Frame) error) error {
	if req.Kind != Stdout && req.Kind != Stderr {
		return &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf("log type %q is not known", req.Kind), Hint: "use stdout or stderr"}
	}
	if req.Origin != "" && req.Origin != "start" && req.Origin != "end" {
		return &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf("origin %q is not known", req.Origin), Hint: "use start or end"}
	}
	if req.Offset < 0 {
		return &structs.Error{Kind: structs.KindInvalid, Err: errors.New("the offset is negative"), Hint: "use origin=end to count from the end"}
	}
	root, err := openDir(req.Dir)
	if err != nil {
		return &structs.Error{Kind: structs.KindNotFound, Err: errors.New("there are no logs of the allocation any more")}
	}
	defer root.Close()
	r := &reader{root: root, name: req.Task + "." + req.Kind + ".", emit: emit, buf: make([]byte, frameBytes)}
	var changed <-chan struct{}
	if req.Follow && req.Notifier != nil {
		ch, stop, err := req.Notifier.Watch(filepath.Clean(req.Dir))
		if err != nil {
			return err
		}
		defer stop()
		changed = ch
	}
	if err := r.seek(req.Origin, req.Offset); err != nil {
		return err
	}
	slow := time.NewTicker(followFallback)
	defer slow.Stop()
	last := !req.Follow
	for {
		if err := r.drain(ctx); err != nil {
			return err
		}
		if last {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-req.Done:
			last = true
		case <-changed:
		case <-slow.C:
		}
	}
}

// followFallback is how often a reader looks although it was not told of a change.
const followFallback = 5 * time.Second

// reader reads through log files in the order of their numbers.
type reader struct {
	root *os.Root
	name string
	emit func(Frame) error
	buf  []byte

	index int // of the file that is read
	at    int64
	begun bool // there was a file
}

func (r *reader) file(index int) string { return fmt.Sprintf("%s%d", r.name, index) }

// shown is the file that is read, as the API names it.
func (r *reader) shown() string { return shownAs + r.file(r.index) }

// open opens a log file; nil when it is not there.
func (r *reader) open(index int) (*os.File, int64, error) {
	f, err := r.root.OpenFile(r.file(index), os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open log: %w", err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("log %s is not a regular file", r.file(index))
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// seek finds the file and place to begin at.
func (r *reader) seek(origin string, offset int64) error {
	have, err := indexes(r.root, r.name)
	if err != nil || len(have) == 0 {
		return err
	}
	r.begun = true
	sizes := make([]int64, len(have))
	var total int64
	for i, index := range have {
		f, size, err := r.open(index)
		if err != nil {
			return err
		}
		if f != nil {
			f.Close()
		}
		sizes[i], total = size, total+size
	}
	if origin == "end" {
		offset = max(total-offset, 0)
	}
	for i, index := range have {
		if offset <= sizes[i] || i == len(have)-1 {
			r.index, r.at = index, min(offset, sizes[i])
			return nil
		}
		offset -= sizes[i]
	}
	return nil
}

// drain emits everything there is now.
func (r *reader) drain(ctx context.Context) error {
	for {
		have, err := indexes(r.root, r.name)
		if err != nil || len(have) == 0 {
			return err
		}
		if r.begun && r.index < have[0] { // rotation was faster than who reads
			if err := r.emit(Frame{File: r.shown(), FileEvent: "file deleted"}); err != nil {
				return err
			}
		}
		if !r.begun || r.index < have[0] {
			r.index, r.at, r.begun = have[0], 0, true
		}
		if err := r.drainFile(ctx); err != nil {
			return err
		}
		last := have[len(have)-1]
		if r.index >= last {
			return nil
		}
		// A newer file exists, so this one is complete: what came while it was read is read now.
		if err := r.drainFile(ctx); err != nil {
			return err
		}
		r.index, r.at = r.index+1, 0
	}
}

func (r *reader) drainFile(ctx context.Context) error {
	f, size, err := r.open(r.index)
	if err != nil || f == nil {
		return err
	}
	defer f.Close()
	if size < r.at { // the task wrote into its own logs
		r.at = 0
		if err := r.emit(Frame{File: r.shown(), FileEvent: "file truncated"}); err != nil {
			return err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.ReadAt(r.buf, r.at)
		if n > 0 {
			r.at += int64(n)
			if err := r.emit(Frame{File: r.shown(), Offset: r.at, Data: append([]byte(nil), r.buf[:n]...)}); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
	}
}
