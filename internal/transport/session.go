package transport

import (
	"crypto/x509"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/yamux"

	"berth/internal/pki"
)

// session is a connection that carries HTTP both ways.
type session struct {
	mux    *yamux.Session
	peer   Peer
	dialed string    // the address it was dialled at, empty for one that came in
	expiry time.Time // when the first of the two certificates ends: the session ends then too
	stale  time.Time // from when a new session is made for new requests
}

// muxConfig is that of a session with a machine. Why servers are asked more often: requests of people wait for the answer of another
// server, and there are few of them.
func (t *Transport) muxConfig(role pki.Role) *yamux.Config {
	c := yamux.DefaultConfig()
	c.EnableKeepAlive, c.KeepAliveInterval = true, t.cfg.Limits.KeepAlive
	c.ConnectionWriteTimeout = t.cfg.Limits.KeepAlive
	if role == pki.RoleServer && t.cfg.Role == pki.RoleServer {
		c.KeepAliveInterval /= 3
		c.ConnectionWriteTimeout /= 2
	}
	c.StreamOpenTimeout = 0 // Why: a peer that is slow to take a stream is not dead; keep-alive finds the dead
	c.StreamCloseTimeout = time.Minute
	c.LogOutput, c.Logger = nil, t.log.Named("session").StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Trace})
	return c
}

// newSession makes a session of a connection that is past its greeting and lists it.
func (t *Transport) newSession(conn net.Conn, peer Peer, client bool) (*session, error) {
	open := yamux.Server
	if client {
		open = yamux.Client
	}
	s := &session{peer: peer}
	s.expiry, s.stale = t.lifetime(peer.Certificate)
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil, net.ErrClosed
	}
	var err error
	if s.mux, err = open(conn, t.muxConfig(peer.Role)); err != nil { // Why under the lock: who sees it answer finds it listed
		t.mu.Unlock()
		return nil, err
	}
	t.byID[peer.ID] = append(t.byID[peer.ID], s)
	t.mu.Unlock()
	if err := t.cfg.Credentials.CheckRevoked(peer.Certificate, peer.ID); err != nil { // since it was judged
		t.forget(s)
		_ = s.mux.Close() // err tells why
		return nil, err
	}
	return s, nil
}

// lifetime tells when a session with the holder of a certificate ends, and from when on new requests should not begin on it:
// when three quarters of what is left of the shorter-lived certificate are over.
func (t *Transport) lifetime(theirs *x509.Certificate) (expiry, stale time.Time) {
	now := t.cfg.Now()
	expiry = theirs.NotAfter
	if creds, err := t.cfg.Credentials.Current(); err == nil && creds.Leaf().NotAfter.Before(expiry) {
		expiry = creds.Leaf().NotAfter
	}
	return expiry, now.Add(expiry.Sub(now) * 3 / 4)
}

func (s *session) live() bool { return !s.mux.IsClosed() }

// forget takes an ended session from the lists.
func (t *Transport) forget(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := slices.DeleteFunc(t.byID[s.peer.ID], func(o *session) bool { return o == s })
	if len(list) == 0 {
		delete(t.byID, s.peer.ID)
	} else {
		t.byID[s.peer.ID] = list
	}
	if s.dialed != "" && t.byAddr[s.dialed] == s {
		delete(t.byAddr, s.dialed)
	}
}

// answer serves the peer's requests until the session ends, at the latest with the certificates.
func (t *Transport) answer(s *session) {
	end := time.AfterFunc(s.expiry.Sub(t.cfg.Now()), func() {
		t.log.Info("session ends with its certificate", "peer", s.peer.Identity.String())
		_ = s.mux.Close() // it may have ended already
	})
	defer end.Stop()
	_ = t.http.Serve(&streams{s: s, max: int64(t.cfg.Limits.StreamsPerSession)}) // ends with the session, which is all it can tell
	_ = s.mux.Close()                                                            // the same
	t.forget(s)
}

// streams is a session as a listener: each stream is a connection.
type streams struct {
	s    *session
	max  int64
	open atomic.Int64
}

// Accept takes the next stream; those over the limit are closed at once.
func (l *streams) Accept() (net.Conn, error) {
	for {
		c, err := l.s.mux.AcceptStream()
		if err != nil {
			return nil, io.EOF
		}
		if l.open.Add(1) > l.max {
			l.open.Add(-1)
			_ = c.Close() // the peer asked for more than it may have
			continue
		}
		return &stream{Stream: c, peer: l.s.peer, closed: func() { l.open.Add(-1) }}, nil
	}
}

// Close ends the session.
func (l *streams) Close() error { return l.s.mux.Close() }

// Addr is this side's address.
func (l *streams) Addr() net.Addr { return l.s.mux.Addr() }

// stream is one request's connection, and who it is from.
type stream struct {
	*yamux.Stream
	peer   Peer
	closed func()
	once   onceFlag
}

// Close ends the stream.
func (c *stream) Close() error {
	if c.once.first() {
		c.closed()
	}
	return c.Stream.Close()
}
