package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"berth/structs"
)

// dialing lets one caller dial an address while others wait for what comes of it.
type dialing struct {
	turn sync.Mutex
}

// dial opens a connection to a server for a protocol and says hello. expect, when not zero, is whom the caller wants there.
func (t *Transport) dial(ctx context.Context, addr, proto string, expect structs.ID) (*tls.Conn, Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Limits.outbound())
	defer cancel()
	fail := func(err error) (*tls.Conn, Peer, error) {
		kind := structs.KindOf(err)
		if kind == structs.KindInternal {
			kind = structs.KindUnavailable
		}
		return nil, Peer{}, &structs.Error{Op: "connect to server", Subject: addr, Kind: kind, Err: err}
	}
	cfg, err := t.clientTLS(proto)
	if err != nil {
		return fail(err)
	}
	raw, err := t.cfg.Dial(ctx, addr)
	if err != nil {
		return fail(err)
	}
	if !t.track(raw) {
		return fail(errors.Join(net.ErrClosed, raw.Close()))
	}
	defer t.untrack(raw)
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) }) // whatever waits on it ends
	defer stop()
	conn := tls.Client(raw, cfg)
	peer, err := t.introduce(ctx, conn, expect)
	if err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = raw.SetDeadline(time.Time{})
	}
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %s: %w", t.cfg.Limits.outbound(), ctx.Err())
		}
		return fail(errors.Join(err, closeQuietly(raw)))
	}
	return conn, peer, nil
}

// closeQuietly closes what is given up; what that says does not matter.
func closeQuietly(c net.Conn) error {
	_ = c.Close() // the caller has an error already
	return nil
}

// introduce makes the handshake, says hello and hears the greeting.
func (t *Transport) introduce(ctx context.Context, conn *tls.Conn, expect structs.ID) (Peer, error) {
	if err := conn.HandshakeContext(ctx); err != nil {
		return Peer{}, fmt.Errorf("handshake: %w", err)
	}
	if err := writeFrame(conn, hello{ID: t.cfg.ID, Role: t.cfg.Role, Region: t.cfg.Region, Addr: t.cfg.Addr}, maxFrame); err != nil {
		return Peer{}, err
	}
	var g greeting
	if err := readFrame(conn, &g, maxFrame); err != nil {
		return Peer{}, fmt.Errorf("read the greeting: %w", err)
	}
	if err := g.refusal(); err != nil {
		return Peer{}, err
	}
	state := conn.ConnectionState()
	id, err := t.judge(state)
	if err != nil {
		return Peer{}, err
	}
	if id.ID.IsZero() {
		id.ID = g.ID
	}
	if t.cfg.AnyRole && id.Role == "" {
		id.Role, id.Region = "server", cmp.Or(g.Region, t.cfg.Region)
	}
	switch {
	case id.ID != g.ID:
		return Peer{}, fmt.Errorf("it calls itself %s and its certificate is that of %s", g.ID, id.ID)
	case !expect.IsZero() && id.ID != expect:
		return Peer{}, fmt.Errorf("it is server %s, not %s", id.ID, expect)
	case state.NegotiatedProtocol == ProtoRaft && id.Region != t.cfg.Region:
		return Peer{}, fmt.Errorf("it belongs to region %q and this server to region %q", id.Region, t.cfg.Region)
	}
	return Peer{Identity: id, Addr: g.Addr, Remote: conn.RemoteAddr().String(), Certificate: state.PeerCertificates[0], Since: t.cfg.Now()}, nil
}

// Connect makes sure that a session to the server at addr stands, and tells who it is. Clients call it for the servers they
// want to be reachable by.
func (t *Transport) Connect(ctx context.Context, addr string) (Peer, error) {
	s, err := t.sessionTo(ctx, addr, structs.ID{})
	if err != nil {
		return Peer{}, err
	}
	return s.peer, nil
}

// sessionTo gives the session to an address, dialling if there is none or if it is about to end.
func (t *Transport) sessionTo(ctx context.Context, addr string, expect structs.ID) (*session, error) {
	if s := t.standing(addr, expect); s != nil {
		return s, nil
	}
	v, _ := t.dials.LoadOrStore(addr, &dialing{})
	d := v.(*dialing)
	d.turn.Lock()
	defer d.turn.Unlock()
	if s := t.standing(addr, expect); s != nil {
		return s, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	conn, peer, err := t.dial(ctx, addr, ProtoHTTP, expect)
	if err != nil {
		return nil, err
	}
	s, err := t.newSession(conn, peer, true)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if !t.hold() {
		return nil, errors.Join(net.ErrClosed, s.mux.Close())
	}
	if _, err := s.mux.Ping(); err != nil { // the other side has it listed, and can use it
		t.forget(s)
		t.running.Done()
		return nil, errors.Join(err, s.mux.Close())
	}
	t.mu.Lock()
	s.dialed = addr
	t.byAddr[addr] = s
	t.mu.Unlock()
	go func() {
		defer t.running.Done()
		t.answer(s)
	}()
	return s, nil
}

// standing gives the session that was dialled at addr, nil if it is over, about to be, or with somebody else.
func (t *Transport) standing(addr string, expect structs.ID) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.byAddr[addr]
	if s == nil || !s.live() || t.cfg.Now().After(s.stale) || (!expect.IsZero() && s.peer.ID != expect) {
		return nil
	}
	return s
}

// sessionWith gives a session with a machine: the newest that stands, or one dialled at its address.
func (t *Transport) sessionWith(ctx context.Context, id structs.ID) (*session, error) {
	t.mu.Lock()
	var found *session
	for _, s := range t.byID[id] {
		if s.live() {
			found = s
		}
	}
	t.mu.Unlock()
	if found != nil && t.cfg.Now().Before(found.stale) {
		return found, nil
	}
	if addr, ok := t.cfg.Resolve(id); ok {
		s, err := t.sessionTo(ctx, addr, id)
		if err == nil || found == nil {
			return s, err
		}
	}
	if found != nil {
		return found, nil // about to end, but there is no other
	}
	return nil, &structs.Error{Op: "reach machine", Subject: id.Short(), Kind: structs.KindUnavailable,
		Err: errors.New("it has no session with this server, and its address is not known")}
}
