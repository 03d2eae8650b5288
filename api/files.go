package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"berth/structs"
)

// FileInfo is one file of an allocation.
type FileInfo struct {
	Name        string
	IsDir       bool
	Size        int64
	FileMode    string
	ModTime     time.Time
	ContentType string `json:",omitempty"`
}

// StreamFrame is a piece of a followed file. A frame without data is a sign of life.
type StreamFrame struct {
	Offset    int64  `json:",omitempty"`
	Data      []byte `json:",omitempty"`
	File      string `json:",omitempty"`
	FileEvent string `json:",omitempty"` // file deleted | file truncated
}

// Heartbeat reports a frame without content.
func (f *StreamFrame) Heartbeat() bool { return len(f.Data) == 0 && f.FileEvent == "" }

// Files are the calls about an allocation's files and logs.
type Files struct{ c *Client }

// Files are the calls about an allocation's files and logs.
func (c *Client) Files() Files { return Files{c} }

// List lists a directory of an allocation.
func (f Files) List(ctx context.Context, alloc, path string, q *QueryOptions) ([]*FileInfo, error) {
	out, _, err := get[[]*FileInfo](ctx, f.c, "/v1/client/fs/ls/"+escape(alloc), q.With("path", path))
	return out, err
}

// Stat describes a file of an allocation.
func (f Files) Stat(ctx context.Context, alloc, path string, q *QueryOptions) (*FileInfo, error) {
	out, _, err := get[*FileInfo](ctx, f.c, "/v1/client/fs/stat/"+escape(alloc), q.With("path", path))
	return out, err
}

// Cat reads a whole file. The caller closes it.
func (f Files) Cat(ctx context.Context, alloc, path string, q *QueryOptions) (io.ReadCloser, error) {
	return f.open(ctx, "/v1/client/fs/cat/"+escape(alloc), q.With("path", path).values())
}

// ReadAt reads a part of a file; limit 0 reads to its end. The caller closes it.
func (f Files) ReadAt(ctx context.Context, alloc, path string, offset, limit int64, q *QueryOptions) (io.ReadCloser, error) {
	v := q.With("path", path).values()
	v.Set("offset", strconv.FormatInt(offset, 10))
	v.Set("limit", strconv.FormatInt(limit, 10))
	return f.open(ctx, "/v1/client/fs/readat/"+escape(alloc), v)
}

func (f Files) open(ctx context.Context, path string, v url.Values) (io.ReadCloser, error) {
	resp, err := f.c.send(ctx, request{method: http.MethodGet, path: path, query: v})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// LogsRequest says which output of which task to read.
type LogsRequest struct {
	Alloc, Task string
	Type        string // stdout | stderr
	// Origin is "start" or "end"; Offset counts bytes from there.
	Origin string
	Offset int64
	Follow bool
}

// Logs calls each for every frame until the end, or, following, until ctx is done or each fails.
func (f Files) Logs(ctx context.Context, r LogsRequest, q *QueryOptions, each func(StreamFrame) error) error {
	v := q.values()
	for key, value := range map[string]string{"task": r.Task, "type": r.Type, "origin": r.Origin} {
		if value != "" {
			v.Set(key, value)
		}
	}
	v.Set("offset", strconv.FormatInt(r.Offset, 10))
	v.Set("follow", strconv.FormatBool(r.Follow))
	return f.frames(ctx, "/v1/client/fs/logs/"+escape(r.Alloc), v, each)
}

// Stream follows any file of an allocation.
func (f Files) Stream(ctx context.Context, alloc, path, origin string, offset int64, follow bool, q *QueryOptions, each func(StreamFrame) error) error {
	v := q.With("path", path).values()
	v.Set("origin", origin)
	v.Set("offset", strconv.FormatInt(offset, 10))
	v.Set("follow", strconv.FormatBool(follow))
	return f.frames(ctx, "/v1/client/fs/stream/"+escape(alloc), v, each)
}

func (f Files) frames(ctx context.Context, path string, v url.Values, each func(StreamFrame) error) error {
	body, err := f.open(ctx, path, v)
	if err != nil {
		return err
	}
	defer body.Close()
	dec := json.NewDecoder(body)
	for {
		var frame StreamFrame
		if err := dec.Decode(&frame); err != nil {
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case ctx.Err() != nil:
				return ctx.Err()
			}
			return err
		}
		if frame.Heartbeat() {
			continue
		}
		if err := each(frame); err != nil {
			return err
		}
	}
}

// LoadImage sends an OCI or docker archive into the image store of a node; node "" means the agent's own.
func (c *Client) LoadImage(ctx context.Context, archive io.Reader, node structs.ID) (*ImageLoadResponse, error) {
	v := url.Values{}
	if !node.IsZero() {
		v.Set("node_id", node.String())
	}
	resp, err := c.send(ctx, request{method: http.MethodPut, path: "/v1/client/image", query: v, stream: archive, contentType: "application/x-tar"})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := new(ImageLoadResponse)
	return out, json.NewDecoder(resp.Body).Decode(out)
}
