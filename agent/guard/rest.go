package guard

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// restTime is how long what is left of a body may take once its request is being answered: net/http reads it before it sends the answer, and
// who is refused, and sends no more, would hold his connection for ever.
const restTime = 5 * time.Second

// rest is the body of a request, and how its connection is told that the rest must come soon. It is nil without a body.
type rest struct {
	io.ReadCloser
	ctl        *http.ResponseController
	over, told atomic.Bool
}

// restOf takes the place of a request's body.
func restOf(w http.ResponseWriter, r *http.Request) *rest {
	if r.ContentLength == 0 || r.Body == nil {
		return nil
	}
	b := &rest{ReadCloser: r.Body, ctl: http.NewResponseController(w)}
	r.Body = b
	return b
}

// Read notes the end of the body.
func (b *rest) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.over.Store(true)
	}
	return n, err
}

// answered bounds the time of what is left of the body, if anything is. It is called before a piece of the answer is sent.
func (b *rest) answered() {
	if b != nil && !b.over.Load() && !b.told.Swap(true) {
		_ = b.ctl.SetReadDeadline(time.Now().Add(restTime)) // of what has none, or is gone: the read tells
	}
}

// Rest is for what other machines ask: what is left of the body of an answered request is not waited for long.
func Rest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := restOf(w, r)
		if b == nil {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(&answer{w, http.NewResponseController(w), b}, r)
		b.answered()
	})
}

// answer is what is written to who may still be sending.
type answer struct {
	http.ResponseWriter
	ctl  *http.ResponseController
	body *rest
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.body.answered()
	return a.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController.
func (a *answer) FlushError() error {
	a.body.answered()
	return a.ctl.Flush()
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
