package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"berth/internal/pki"
)

// inbound takes care of a connection that was accepted; it does not block.
func (t *Transport) inbound(raw net.Conn) {
	leave, ok := t.gate.enter(raw.RemoteAddr())
	if !ok {
		t.log.Debug("connection closed: too many that have not said yet who they are", "remote", raw.RemoteAddr())
		_ = raw.Close() // nothing was said on it
		return
	}
	if !t.hold() {
		leave()
		_ = raw.Close() // the end
		return
	}
	go func() {
		defer t.running.Done()
		defer leave()
		if err := t.receive(raw, leave); err != nil {
			t.log.Debug("connection refused", "remote", raw.RemoteAddr(), "error", err)
		}
	}()
}

// receive finds out who dials and why, and hands the connection on. It closes the connection unless it was handed on.
func (t *Transport) receive(raw net.Conn, identified func()) (err error) {
	if !t.track(raw) {
		return raw.Close()
	}
	handed := false
	defer func() {
		if !handed {
			t.untrack(raw)
			_ = raw.Close() // err tells why
		}
	}()
	if err := raw.SetDeadline(t.cfg.Limits.inbound()); err != nil {
		return err
	}
	conn := tls.Server(raw, t.serverTLS())
	if err := conn.HandshakeContext(context.Background()); err != nil { // Why: the deadline bounds it
		return fmt.Errorf("handshake: %w", err)
	}
	state := conn.ConnectionState()
	switch state.NegotiatedProtocol {
	case ProtoJoin:
		identified() // its place is one of those that join: none of them keeps a server out
		return t.answerJoin(conn)
	case ProtoRaft, ProtoHTTP:
	default:
		return fmt.Errorf("no protocol of the cluster port was asked for (%s, %s or %s)", ProtoRaft, ProtoHTTP, ProtoJoin)
	}
	peer, err := t.greet(conn, state)
	if err != nil {
		return err
	}
	identified()
	if err := t.enter(peer.Identity); err != nil {
		return errors.Join(err, writeFrame(conn, refuse(err), maxFrame))
	}
	if err := errors.Join(writeFrame(conn, greeting{ID: t.cfg.ID, Region: t.cfg.Region, Addr: t.cfg.Addr}, maxFrame), raw.SetDeadline(time.Time{})); err != nil {
		t.leave(peer.ID)
		return err
	}
	if state.NegotiatedProtocol == ProtoRaft {
		if err := t.ofRaft(raw, peer); err != nil {
			t.leave(peer.ID)
			return err
		}
	}
	handed = true
	if state.NegotiatedProtocol == ProtoRaft {
		t.handed.Add(1)
		t.raft.deliver(&trackedConn{Conn: conn, onClose: func() { t.untrack(raw); t.leave(peer.ID) }})
		return nil
	}
	t.untrack(raw)
	defer t.leave(peer.ID)
	s, err := t.newSession(conn, peer, false)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	t.answer(s)
	return nil
}

// greet reads the hello and decides about it; a machine that is refused is told why.
func (t *Transport) greet(conn *tls.Conn, state tls.ConnectionState) (Peer, error) {
	var h hello
	if err := readFrame(conn, &h, maxFrame); err != nil {
		return Peer{}, fmt.Errorf("read the hello: %w", err)
	}
	id, err := t.judge(state)
	if err == nil {
		id, err = t.admit(state.NegotiatedProtocol, id, h)
	}
	if err != nil {
		return Peer{}, errors.Join(err, writeFrame(conn, refuse(err), maxFrame), lingerClose(conn))
	}
	p := Peer{Identity: id, Remote: conn.RemoteAddr().String(), Certificate: state.PeerCertificates[0], Since: t.cfg.Now(), Inbound: true}
	if id.Role == pki.RoleServer {
		p.Addr = h.Addr
	}
	return p, nil
}

// lingerClose ends a connection so that what was written last arrives: it waits, within the deadline, for the other side to close.
func lingerClose(conn *tls.Conn) error {
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(conn, maxFrame)) // the other side's end, or the deadline
	return conn.Close()
}

// trackedConn tells when it is closed.
type trackedConn struct {
	net.Conn
	onClose func()
	once    onceFlag
}

// Close closes the connection and tells so once.
func (c *trackedConn) Close() error {
	if c.once.first() {
		c.onClose()
	}
	return c.Conn.Close()
}
