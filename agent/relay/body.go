package relay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Bounds of a body that is passed on.
const (
	// maxKept is the longest body that is kept to be sent again, in bytes.
	maxKept = 1 << 20
	// keptTime is how long such a body may take from its first byte to its last.
	keptTime = 30 * time.Second
	// stillTime is how long a longer one may stand still.
	stillTime = 60 * time.Second
)

// keepBody makes a request's body one that can be sent again; again is false when it is too long for that. One that does not come in time
// is an error, and the caller is told. A caller that sends no more would be waited for as long as it likes otherwise.
func keepBody(w http.ResponseWriter, r *http.Request) (again bool, err error) {
	ctl := http.NewResponseController(w)
	switch {
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
		r.Body = http.NoBody
		return true, nil
	case r.ContentLength < 0 || r.ContentLength > maxKept:
		r.Body = &moving{r.Body, ctl}
		return false, nil
	}
	_ = ctl.SetReadDeadline(time.Now().Add(keptTime)) // of what has none: the sender's own ends it
	b, err := io.ReadAll(io.LimitReader(r.Body, maxKept))
	if err == nil {
		_ = ctl.SetReadDeadline(time.Time{}) // the same; after an error nothing of the rest is waited for
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		http.Error(w, fmt.Sprintf("the request's body did not arrive within %s", keptTime), http.StatusRequestTimeout)
		return false, err
	}
	r.Body = &kept{bytes.NewReader(b), b}
	return err == nil && int64(len(b)) == r.ContentLength, nil
}

// kept is a body that can be sent again.
type kept struct {
	*bytes.Reader
	all []byte
}

// Close implements io.Closer.
func (*kept) Close() error { return nil }

// moving is a body that must not stand still.
type moving struct {
	io.ReadCloser
	ctl *http.ResponseController
}

// Read implements io.Reader.
func (m *moving) Read(p []byte) (int, error) {
	_ = m.ctl.SetReadDeadline(time.Now().Add(stillTime)) // of what has none: the sender's own ends it
	n, err := m.ReadCloser.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		_ = m.ctl.SetReadDeadline(time.Time{}) // the same; after an error nothing of the rest is waited for
	}
	return n, err
}
