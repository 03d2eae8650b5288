package guard

import (
	"net"
	"sync"
	"time"
)

// Handshakes gives a listener below TLS whose connections may take so long for the handshake, from when they were accepted; 0 is no limit. It
// goes below tls.NewListener and an http.Server with a ReadHeaderTimeout: that server sets a deadline before the handshake and takes it away
// after, and this one stands in its place.
func Handshakes(l net.Listener, within time.Duration) net.Listener { return handshakes{l, within} }

type handshakes struct {
	net.Listener
	within time.Duration
}

// Accept gives the next connection, with its deadline.
func (h handshakes) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &shaking{Conn: conn}
	if h.within > 0 {
		c.until = time.Now().Add(h.within)
	}
	_ = conn.SetDeadline(c.until) // one that is closed says so to whoever reads it
	return c, nil
}

// shaking is a connection that keeps its own deadline until the first time that one is taken away.
type shaking struct {
	net.Conn
	until time.Time // zero is none

	mu   sync.Mutex // guards over
	over bool       // the handshake is
}

// SetReadDeadline sets the deadline of reads once the handshake is over.
func (s *shaking) SetReadDeadline(at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return s.Conn.SetReadDeadline(at)
	}
	if !at.IsZero() {
		return nil
	}
	s.over = true
	return s.Conn.SetDeadline(time.Time{})
}

// SetWriteDeadline sets the deadline of writes once the handshake is over.
func (s *shaking) SetWriteDeadline(at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		return nil
	}
	return s.Conn.SetWriteDeadline(at)
}
