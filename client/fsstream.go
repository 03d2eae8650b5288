package client

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"berth/client/logs"
	"berth/structs"
)

// StreamRequest says which file of an allocation to read, and from where.
type StreamRequest struct {
	AllocID structs.ID
	Path    string
	Offset  int64
	Origin  string // "start" (default) or "end"
	Follow  bool
}

// followEvery is how often a followed file is looked at: it may be written by anybody, in any way.
const followEvery = 250 * time.Millisecond

// streamBytes is the largest piece of a frame.
const streamBytes = 64 << 10

// FSStream emits a file of an allocation in pieces, and with Follow goes on with what is added, until ctx is done or emit
// returns an error. A file that became shorter is read from its start again.
func (c *Client) FSStream(ctx context.Context, req StreamRequest, emit func(logs.Frame) error) error {
	if req.Origin != "" && req.Origin != "start" && req.Origin != "end" {
		return &structs.Error{Kind: structs.KindInvalid, Err: errors.New("origin must be start or end")}
	}
	d, err := c.dir(req.AllocID)
	if err != nil {
		return err
	}
	f, err := d.Open(req.Path)
	if err != nil {
		return err
	}
	defer func() { f.Close() }()
	at := req.Offset
	if st, err := f.Stat(); err == nil && req.Origin == "end" {
		at = max(st.Size()-req.Offset, 0)
	}
	buf := make([]byte, streamBytes)
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		if at, err = streamFile(f, req.Path, at, buf, emit); err != nil || !req.Follow {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		// The name may stand for another file by now.
		again, err := d.Open(req.Path)
		if structs.KindOf(err) == structs.KindNotFound {
			return emit(logs.Frame{File: req.Path, FileEvent: "file deleted"})
		}
		if err != nil {
			return err
		}
		if !sameFile(f, again) {
			at = 0
		}
		f.Close()
		f = again
	}
}

func sameFile(a, b *os.File) bool {
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func streamFile(f *os.File, name string, at int64, buf []byte, emit func(logs.Frame) error) (int64, error) {
	if st, err := f.Stat(); err == nil && st.Size() < at {
		if err := emit(logs.Frame{File: name, FileEvent: "file truncated"}); err != nil {
			return at, err
		}
		at = 0
	}
	for {
		n, err := f.ReadAt(buf, at)
		if n > 0 {
			at += int64(n)
			if err := emit(logs.Frame{File: name, Offset: at, Data: append([]byte(nil), buf[:n]...)}); err != nil {
				return at, err
			}
		}
		if errors.Is(err, io.EOF) {
			return at, nil
		}
		if err != nil {
			return at, err
		}
	}
}
