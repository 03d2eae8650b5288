package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/semaphore"
)

// Bounds of what callers send.
const (
	// bodyTime is how long a body may take from its first byte to its last.
	bodyTime = 30 * time.Second
	// bodyWait is how long a request waits for others to be read.
	bodyWait = 10 * time.Second
	// bodiesBytes bounds the bodies that are read at a time, together, in bytes.
	bodiesBytes = 256 << 20
	// smallBody is what a body of unknown length counts until it is read.
	smallBody = 1 << 20
	// idleTime is how long a stream of an archive may stand still.
	idleTime = 60 * time.Second
	// maxDepth bounds the nesting of a body, maxObjects the objects in it: each may become something far larger than its text.
	maxDepth   = 256
	maxObjects = 500_000
	// parsedAtATime are the job texts that are read at a time: each may take some hundred megabytes.
	parsedAtATime = 2
)

// body decodes a JSON body; what it lacks stays as it is. Unknown fields are ignored, as the contract says.
func (r *request) body(v any) error { return r.decode(v, json.Unmarshal) }

// ownBody decodes the body of a route that the contract does not have. An unknown field is an error there: what it was meant to bound or to
// promise would silently not be.
func (r *request) ownBody(v any) error {
	return r.decode(v, func(raw []byte, v any) error {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			return err
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return errors.New("there is more behind the object")
		}
		return nil
	})
}

// decode reads the body and gives it to a decoder.
func (r *request) decode(v any, unmarshal func([]byte, any) error) error {
	raw, done, err := r.text()
	if err != nil {
		return err
	}
	defer done()
	if err := checkDepth(raw); err != nil {
		return err
	}
	if err := unmarshal(raw, v); err != nil {
		return invalid("%v", err)
	}
	return nil
}

// text reads the whole body, within the bounds of size, time and memory; done gives the memory back.
func (r *request) text() (raw []byte, done func(), err error) {
	limit := r.api.Config.Limits.BodyBytes
	if r.ContentLength > limit {
		return nil, nil, status(http.StatusRequestEntityTooLarge, "the request has %d bytes; at most %d are taken (limits.http_max_body_bytes)", r.ContentLength, limit)
	}
	need := min(max(r.ContentLength, smallBody), bodiesBytes)
	if r.ContentLength < 0 {
		need = min(limit, bodiesBytes)
	}
	if !r.waitFor(r.api.bodies, need) {
		r.w.Header().Set("Retry-After", "1")
		return nil, nil, status(http.StatusServiceUnavailable, "too many large requests are read at this moment: try again")
	}
	done = func() { r.api.bodies.Release(need) }
	stop := r.deadline(bodyTime)
	raw, err = readAll(http.MaxBytesReader(r.w, r.Request.Body, limit), r.ContentLength)
	stop()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		err = status(http.StatusRequestEntityTooLarge, "the request has more than %d bytes (limits.http_max_body_bytes)", tooLarge.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = status(http.StatusRequestTimeout, "the request's body did not arrive within %s", bodyTime)
	case err != nil:
		err = invalid("read the request: %v", err)
	case len(bytes.TrimSpace(raw)) == 0:
		err = invalid("Request body is empty")
	default:
		err = r.again() // it took its time
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return raw, done, nil
}

// waitFor takes of what is bounded, as soon as there is enough; false when there was not within bodyWait.
func (r *request) waitFor(of *semaphore.Weighted, n int64) bool {
	if of.TryAcquire(n) { // most of all requests
		return true
	}
	ctx, cancel := context.WithTimeout(r.ctx(), bodyWait)
	defer cancel()
	return of.Acquire(ctx, n) == nil
}

// expected bounds the memory that is taken because of what a caller says of a body, in bytes.
const expected = 64 << 10

// readAll reads a body whose length is told, or is below 0.
func readAll(from io.Reader, length int64) ([]byte, error) {
	if length < 0 || length > expected {
		return io.ReadAll(from)
	}
	raw := make([]byte, length)
	if n, err := io.ReadFull(from, raw); err != nil {
		if errors.Is(err, io.EOF) && length == 0 {
			err = nil
		}
		return raw[:n], err
	}
	return raw, nil
}

// turn waits until a job text may be read, and gives back what ends that.
func (r *request) turn() (done func(), err error) {
	if !r.waitFor(r.api.parses, 1) {
		r.w.Header().Set("Retry-After", "1")
		return nil, status(http.StatusServiceUnavailable, "too many jobs are read at this moment: try again")
	}
	return func() { r.api.parses.Release(1) }, nil
}

// deadline bounds reading from the connection, until stop. Connections that know no deadlines, such as streams between agents,
// end with the sender's own.
func (r *request) deadline(d time.Duration) (stop func()) {
	c := http.NewResponseController(r.w)
	if c.SetReadDeadline(time.Now().Add(d)) != nil {
		return func() {}
	}
	return func() { _ = c.SetReadDeadline(time.Time{}) }
}

// archive is an archive of images.
func (r *request) archive() io.Reader {
	return &moving{r, http.MaxBytesReader(r.w, r.Request.Body, r.api.Config.Limits.ImageBytes), "archive", " (limits.http_max_image_bytes)"}
}

// long is a body that is read piece by piece: it ends when it stands still, or grows too large.
func (r *request) long(limit int64, what string) io.Reader {
	return &moving{r, http.MaxBytesReader(r.w, r.Request.Body, limit), what, ""}
}

type moving struct {
	r           *request
	body        io.Reader
	what, limit string // for errors
}

// Read reads a piece.
func (m *moving) Read(p []byte) (int, error) {
	defer m.r.deadline(idleTime)()
	n, err := m.body.Read(p)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		err = status(http.StatusRequestEntityTooLarge, "the %s has more than %d bytes%s", m.what, tooLarge.Limit, m.limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = status(http.StatusRequestTimeout, "the %s stood still for %s", m.what, idleTime)
	}
	return n, err
}

func checkDepth(raw []byte) error {
	depth, objects, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return invalid("the body nests more than %d levels deep", maxDepth)
			}
			if c == '{' {
				if objects++; objects > maxObjects {
					return invalid("the body holds more than %d objects", maxObjects)
				}
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
