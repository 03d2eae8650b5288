package transport

import (
	"context"
	"crypto/x509"
	"time"

	"berth/internal/pki"
)

// Peer is the machine at the other end of a connection.
type Peer struct {
	pki.Identity
	// Addr is where it says others can dial it, empty for a client; Remote is where this connection comes from.
	Addr   string
	Remote string
	// Certificate is the one it showed.
	Certificate *x509.Certificate
	// Since is when the connection was made; Inbound tells who made it.
	Since   time.Time
	Inbound bool
}

type peerKey struct{}

// PeerOf tells which peer sent the request a handler of Config.Handler is answering.
func PeerOf(ctx context.Context) (Peer, bool) {
	p, ok := ctx.Value(peerKey{}).(Peer)
	return p, ok
}

// WithPeer marks a context as that of a peer's request; for tests of handlers.
func WithPeer(ctx context.Context, p Peer) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}
