package membership

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// Bounds of the complaints that are logged: whoever reaches the port of gossip makes one with each packet, from any address it likes to name.
const (
	complaintsEach = 10 // of one kind in a time
	complaintsTime = time.Minute
	complaintKinds = 32 // that are told apart
)

// complaints passes on what gossip's library writes; of warnings and errors of one kind only some, and how many were left out with the next
// one. Safe for use by many.
type complaints struct {
	to io.Writer

	mu    sync.Mutex // guards what follows
	kinds map[string]*complaint
}

type complaint struct {
	since time.Time
	n     int
}

// kindOf is a line without what differs between two of its kind: numbers, and whom it is about.
func kindOf(line []byte) string {
	line, _, _ = bytes.Cut(line, []byte(" from="))
	return string(bytes.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, line))
}

// Write implements io.Writer. A call is a line.
func (c *complaints) Write(line []byte) (int, error) {
	if !bytes.Contains(line, []byte("[ERR]")) && !bytes.Contains(line, []byte("[WARN]")) {
		return c.to.Write(line)
	}
	n := len(line)
	if head, _, cut := bytes.Cut(line, []byte(" meta:(")); cut { // what a member says of itself, as numbers, one for each byte
		line = fmt.Appendf(nil, "%s\n", head)
	}
	left, pass := c.count(kindOf(line), time.Now())
	if !pass {
		return n, nil
	}
	if left > 0 {
		line = fmt.Appendf(nil, "%s (%d more like the last one were left out)\n", bytes.TrimRight(line, "\n"), left)
	}
	if _, err := c.to.Write(line); err != nil {
		return 0, err
	}
	return n, nil
}

// count says whether a line of a kind is passed on, and how many were not since the last one that was.
func (c *complaints) count(kind string, now time.Time) (left int, pass bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kinds[kind]
	if k == nil {
		if len(c.kinds) >= complaintKinds {
			kind = "" // all further ones are one kind
		}
		if k = c.kinds[kind]; k == nil {
			k = &complaint{since: now}
			c.kinds[kind] = k
		}
	}
	if now.Sub(k.since) >= complaintsTime {
		left = max(k.n-complaintsEach, 0)
		k.since, k.n = now, 0
	}
	k.n++
	return left, k.n <= complaintsEach
}
