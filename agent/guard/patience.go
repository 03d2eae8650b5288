package guard

import (
	"net/http"
	"time"
)

// Patience is how long a caller may take for each piece of an answer: one that takes less has gone away, or wants to hold the connection.
// Answers as a whole have no limit: streams live as long as their readers do.
const (
	Patience = 40 * time.Second
	piece    = 32 << 10 // bytes
)

// Patient gives each piece of an answer its time. A connection that has no deadlines is written to without.
func Patient(w http.ResponseWriter) http.ResponseWriter {
	if _, is := w.(*patient); is {
		return w
	}
	return &patient{ResponseWriter: w, ctl: http.NewResponseController(w)}
}

// patienceStep is by how much the time for a piece may be shorter: a deadline is not set anew for each of several writes within it.
const patienceStep = time.Second

type patient struct {
	http.ResponseWriter
	ctl  *http.ResponseController
	body *rest     // nil where it is somebody else's
	set  time.Time // when the deadline was set
}

// within is when what is written now must have been taken.
func (p *patient) within() {
	if now := time.Now(); now.Sub(p.set) >= patienceStep {
		p.set = now
		_ = p.ctl.SetWriteDeadline(now.Add(Patience)) // of what has none, or is gone: the write tells
	}
}

// Write implements http.ResponseWriter.
func (p *patient) Write(b []byte) (n int, err error) {
	p.body.answered()
	for {
		part := b[n:min(len(b), n+piece)]
		p.within()
		m, err := p.ResponseWriter.Write(part)
		n += m
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// FlushError is for http.ResponseController.
func (p *patient) FlushError() error {
	p.body.answered()
	p.within()
	return p.ctl.Flush()
}

// Unwrap is for http.ResponseController.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// patiently answers with patience. Whoever takes a connection over gets the writer itself.
func patiently(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		next.ServeHTTP(w, r)
		return
	}
	p := &patient{ResponseWriter: w, ctl: http.NewResponseController(w), body: restOf(w, r)}
	p.within() // that of the answer before, on the same connection, may be over
	next.ServeHTTP(p, r)
	p.body.answered()
	p.within() // for what is still held back
}
