package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/pki"
	"berth/structs"
)

// What a connection is opened for, as ALPN names it.
const (
	ProtoRaft = "berth-raft"
	ProtoHTTP = "berth-http"
	ProtoJoin = "berth-join"
)

// Config is what a transport needs to know. Credentials, ID, Role, Region and Logger must be set.
type Config struct {
	// Credentials are shown to peers and decide whom to trust; they may be replaced while connections stand.
	Credentials *pki.Source
	// ID, Role and Region are this machine's own.
	ID     structs.ID
	Role   pki.Role
	Region string
	// Listener is the cluster port; nil on a machine that others cannot dial (a client).
	Listener net.Listener
	// Addr is the address others know this machine by, host:port; empty is the listener's.
	Addr string
	// Dial opens a connection to host:port; nil is TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// Resolve gives the address of a server by its id; nil knows none. It must not block.
	Resolve func(id structs.ID) (addr string, ok bool)
	// Handler answers the requests of peers; PeerOf tells which peer asks. It may be given later with Serve.
	Handler http.Handler
	// Joiner decides about machines that want to join; nil refuses them all.
	Joiner Joiner
	// AnyRole takes certificates of the trusted roots that do not say what their holder is: the tls block without
	// verify_server_hostname. A peer's word then decides.
	AnyRole bool
	Limits  Limits
	// Now is the clock certificates are checked against; nil is time.Now.
	Now    func() time.Time
	Logger hclog.Logger
}

// Limits bound what peers may use. Zero values are the defaults.
type Limits struct {
	// HandshakeTimeout is how long a connection may take until it is what it wants to be; default 5 s. Negative, those that others open may take
	// as long as they want.
	HandshakeTimeout time.Duration
	// HalfOpen is how many connections may be before that point at once, HalfOpenPerAddr how many of one address; defaults 256, 32.
	HalfOpen        int
	HalfOpenPerAddr int
	// Joining is how many machines may be joining at once, JoiningPerAddr how many of one address; defaults 64, 16. Of both kinds half are those
	// of one IPv6 network (/64) at most.
	Joining        int
	JoiningPerAddr int
	// ConnsPerPeer is how many connections a server may have, ConnsPerNode how many a machine that is none; defaults 100, 16. A node needs one;
	// those it lost are counted until they are found dead. What a stream holds unread is bounded by its window, 256 KiB.
	ConnsPerPeer, ConnsPerNode int
	// StreamsPerSession is how many requests of one peer may be under way in one session; default 1024.
	StreamsPerSession int
	// KeepAlive is how often a silent session is asked whether it lives; default 10 s. It is dead after one KeepAlive more. Between servers it
	// is a third and a half of that.
	KeepAlive time.Duration
	// JoinTimeout bounds a join from its request to its answer; default 30 s.
	JoinTimeout time.Duration
}

// handshakeTime is how long a handshake may take by default, and one this machine begins where others may take as long as they want.
const handshakeTime = 5 * time.Second

// outbound is how long a handshake may take that this machine begins.
func (l Limits) outbound() time.Duration {
	if l.HandshakeTimeout < 0 {
		return handshakeTime
	}
	return l.HandshakeTimeout
}

// inbound is until when a handshake may take that another begins now; zero without an end.
func (l Limits) inbound() time.Time {
	if l.HandshakeTimeout < 0 {
		return time.Time{}
	}
	return time.Now().Add(l.HandshakeTimeout)
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	dur := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	if l.HandshakeTimeout == 0 {
		l.HandshakeTimeout = handshakeTime
	}
	dur(&l.KeepAlive, 10*time.Second)
	dur(&l.JoinTimeout, 30*time.Second)
	set(&l.HalfOpen, 256)
	set(&l.HalfOpenPerAddr, 32)
	set(&l.Joining, 64)
	set(&l.JoiningPerAddr, 16)
	set(&l.ConnsPerPeer, 100)
	set(&l.ConnsPerNode, 16)
	set(&l.StreamsPerSession, 1024)
	return l
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Logger == nil:
		return c, errors.New("transport: config without a logger")
	case c.Credentials == nil:
		return c, errors.New("transport: config without credentials")
	case c.ID.IsZero() || !c.Role.Valid() || c.Region == "":
		return c, errors.New("transport: config without id, role or region")
	}
	if c.Addr == "" && c.Listener != nil {
		c.Addr = c.Listener.Addr().String()
	}
	if c.Dial == nil {
		d := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }
	}
	if c.Resolve == nil {
		c.Resolve = func(structs.ID) (string, bool) { return "", false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Limits = c.Limits.withDefaults()
	return c, nil
}
