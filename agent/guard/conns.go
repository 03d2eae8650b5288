package guard

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Limit gives a listener that serves at most perClient connections of one address at a time. As many more wait for a while for one of
// these to end: who closes a connection and opens the next is not refused because the end of the first was not seen yet. What gets no
// place is told 429 and closed. Those of an IPv6 network (/64), whose addresses are one machine's to choose, have ofNetwork times as many places
// together, with those to wait in. 0 is no limit. Plain says that the connections speak HTTP without TLS, so that they can be told.
func Limit(l net.Listener, perClient int, plain bool) net.Listener {
	if perClient <= 0 {
		return l
	}
	return &limited{Listener: l, max: perClient, plain: plain, of: map[string]*address{}, in: map[netip.Prefix]int{}}
}

const (
	ownBits   = 64 // of the prefix that a machine with IPv6 is given
	ofNetwork = 10
)

// network is the network whose addresses a machine may choose from, not valid where it has but one.
func network(addr string) netip.Prefix {
	ip, err := netip.ParseAddr(addr)
	if err != nil || ip.Unmap().Is4() {
		return netip.Prefix{} // it is counted by its address
	}
	return netip.PrefixFrom(ip.WithZone(""), ownBits).Masked()
}

// Times of connections above the limit.
const (
	placeWait = time.Second            // for one of the address to end
	tellTime  = 100 * time.Millisecond // to send the refusal: it fits the send buffer, nobody waits
	partTime  = time.Second            // to read what the caller sends meanwhile, so that it reads the refusal and no reset
	partBytes = 64 << 10               // at most
)

type limited struct {
	net.Listener
	max   int
	plain bool

	mu      sync.Mutex // guards what follows
	of      map[string]*address
	in      map[netip.Prefix]int // connections by IPv6 network, those that wait too
	refused uint64
}

// address is the connections of one.
type address struct {
	name    string
	open    int
	waiting []*counted // for a place, in turn
}

// Connections are those a listener of Limit has: served now, and refused since it began. 0 of a listener without one.
func Connections(l net.Listener) (open int, refused uint64) {
	lim, ok := l.(*limited)
	if !ok {
		return 0, 0
	}
	lim.mu.Lock()
	defer lim.mu.Unlock()
	for _, a := range lim.of {
		open += a.open
	}
	return open, lim.refused
}

// tooMany is the whole answer to a connection above the limit.
const tooMany = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\nConnection: close\r\n\r\n" +
	"this address holds as many connections as limits { http_max_conns_per_client } allows: close some, or raise it\n"

// Accept gives the next connection that has a place, or waits for one with its first read.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.admit(conn, hostname(conn.RemoteAddr().String())); c != nil {
			return c, nil
		}
		l.tell(conn)
		_ = conn.Close()
	}
}

// admit gives a connection its place, or one among those that wait; nil when there is neither.
func (l *limited) admit(conn net.Conn, addr string) *counted {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := network(addr)
	if from.IsValid() && l.in[from] >= l.max*ofNetwork {
		l.refused++
		return nil
	}
	a := l.of[addr]
	if a == nil {
		a = &address{name: addr}
		l.of[addr] = a
	}
	c := &counted{Conn: conn, of: l, at: a, net: from}
	switch {
	case a.open < l.max:
		a.open++
	case len(a.waiting) < l.max:
		c.turn, c.closed = make(chan struct{}), make(chan struct{})
		a.waiting = append(a.waiting, c)
	default:
		l.refused++
		return nil
	}
	l.count(c, 1)
	return c
}

// count counts a connection in its network (1), or no more (-1).
func (l *limited) count(c *counted, by int) {
	if !c.net.IsValid() {
		return
	}
	if l.in[c.net] += by; l.in[c.net] == 0 {
		delete(l.in, c.net)
	}
}

// tell sends the refusal to who can read it.
func (l *limited) tell(conn net.Conn) {
	if l.plain {
		_ = conn.SetWriteDeadline(time.Now().Add(tellTime))
		_, _ = io.WriteString(conn, tooMany)
	}
}

// release ends a connection. Its place is that of the first that waits.
func (l *limited) release(c *counted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.refused {
		return
	}
	l.count(c, -1)
	a := c.at
	if i := slices.Index(a.waiting, c); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
	} else if a.open--; len(a.waiting) > 0 {
		a.open++
		close(a.waiting[0].turn)
		a.waiting = slices.Delete(a.waiting, 0, 1)
	}
	if a.open == 0 && len(a.waiting) == 0 {
		delete(l.of, a.name)
	}
}

// refuse gives up waiting; false when the turn came after all.
func (l *limited) refuse(c *counted) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := c.at
	i := slices.Index(a.waiting, c)
	if i < 0 {
		return false
	}
	a.waiting = slices.Delete(a.waiting, i, i+1)
	c.refused = true
	l.count(c, -1)
	l.refused++
	return true
}

// counted is a connection that has a place, or waits for one, until it is closed.
type counted struct {
	net.Conn
	of      *limited
	at      *address
	net     netip.Prefix // its network, see network
	once    sync.Once
	refused bool // guarded by of.mu: it has no place and will have none

	// turn is closed when there is a place for what had none, closed when the connection was; nil of what had a place. The reader alone
	// looks at it.
	turn   chan struct{}
	closed chan struct{}
}

// Read reads once there is a place.
func (c *counted) Read(p []byte) (int, error) {
	if c.turn != nil {
		if !c.placed() {
			return 0, io.EOF // and it is closed
		}
		c.turn = nil
	}
	return c.Conn.Read(p)
}

// placed waits for a place. One that gets none is told so.
func (c *counted) placed() bool {
	late := time.NewTimer(placeWait)
	defer late.Stop()
	select {
	case <-c.turn:
		return true
	case <-c.closed:
		return false
	case <-late.C:
	}
	if !c.of.refuse(c) {
		return c.isTurn()
	}
	c.of.tell(c.Conn)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(partTime))
		_, _ = io.CopyN(io.Discard, c.Conn, partBytes) // whatever it is
	}
	return false
}

// isTurn reports that the turn came before the connection was closed.
func (c *counted) isTurn() bool {
	select {
	case <-c.turn:
		return true
	default:
		return false
	}
}

// Close closes the connection.
func (c *counted) Close() error {
	c.once.Do(func() {
		if c.closed != nil {
			close(c.closed)
		}
		c.of.release(c)
	})
	return c.Conn.Close()
}
