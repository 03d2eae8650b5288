package transport

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"berth/structs"
)

// raftLayer is the cluster port as Raft sees it.
type raftLayer struct {
	t      *Transport
	ready  chan net.Conn
	done   chan struct{}
	closer sync.Once
}

func newRaftLayer(t *Transport) *raftLayer {
	return &raftLayer{t: t, ready: make(chan net.Conn), done: make(chan struct{})}
}

// Raft is the stream layer for raft.NewNetworkTransportWithConfig. Only servers of this region are on the other end.
func (t *Transport) Raft() raft.StreamLayer { return t.raft }

// deliver hands a connection to Raft; one that Raft does not take before the end is closed.
func (l *raftLayer) deliver(c net.Conn) {
	select {
	case l.ready <- c:
	case <-l.done:
		_ = c.Close() // the end
	}
}

// Accept waits for a server that dialled.
func (l *raftLayer) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept. Connections that were handed out are Raft's to close; the transport's end closes them too.
func (l *raftLayer) Close() error {
	l.closer.Do(func() { close(l.done) })
	return nil
}

// Addr is the address other servers dial.
func (l *raftLayer) Addr() net.Addr { return raftAddr(l.t.cfg.Addr) }

// Dial opens a stream to a server.
func (l *raftLayer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, peer, err := l.t.dial(ctx, string(address), ProtoRaft, structs.ID{})
	if err != nil {
		return nil, err
	}
	if !l.t.track(conn) {
		_ = conn.Close() // the end
		return nil, net.ErrClosed
	}
	if err := l.t.ofRaft(conn, peer); err != nil {
		l.t.untrack(conn)
		_ = conn.Close() // err tells why
		return nil, err
	}
	return &trackedConn{Conn: conn, onClose: func() { l.t.untrack(conn) }}, nil
}

type raftAddr string

// Network is the name of the network.
func (raftAddr) Network() string { return "tcp" }

// String is host:port.
func (a raftAddr) String() string { return string(a) }
