package guard

import (
	"io"
	"net"
	"sync"
	"time"
)

// Limit gives a listener that serves at most perClient connections of one address at a time; more are told 429 and closed. 0 is
// no limit. Plain says that the connections speak HTTP without TLS, so that they can be told.
func Limit(l net.Listener, perClient int, plain bool) net.Listener {
	if perClient <= 0 {
		return l
	}
	return &limited{Listener: l, max: perClient, plain: plain, open: map[string]int{}}
}

type limited struct {
	net.Listener
	max   int
	plain bool

	mu      sync.Mutex     // guards what follows
	open    map[string]int // connections by address
	refused uint64
}

// Connections are those a listener of Limit has: open now, and refused since it began. 0 of a listener without one.
func Connections(l net.Listener) (open int, refused uint64) {
	lim, ok := l.(*limited)
	if !ok {
		return 0, 0
	}
	lim.mu.Lock()
	defer lim.mu.Unlock()
	for _, n := range lim.open {
		open += n
	}
	return open, lim.refused
}

// tooMany is the whole answer to a connection above the limit.
const tooMany = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\nConnection: close\r\n\r\n" +
	"this address holds as many connections as limits { http_max_conns_per_client } allows: close some, or raise it\n"

// Accept gives the next connection that is within the limit.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := hostname(conn.RemoteAddr().String())
		l.mu.Lock()
		ok := l.open[addr] < l.max
		if ok {
			l.open[addr]++
		} else {
			l.refused++
		}
		l.mu.Unlock()
		if ok {
			return &counted{Conn: conn, done: sync.OnceFunc(func() { l.release(addr) })}, nil
		}
		if l.plain {
			_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // it fits the send buffer: nobody waits
			_, _ = io.WriteString(conn, tooMany)
		}
		_ = conn.Close()
	}
}

func (l *limited) release(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[addr]--; l.open[addr] == 0 {
		delete(l.open, addr)
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	done func()
}

// Close closes the connection.
func (c *counted) Close() error {
	c.done()
	return c.Conn.Close()
}
