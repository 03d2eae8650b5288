package membership

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"log"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestComplaintsOfOneKindAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := log.New(&complaints{to: &out, kinds: map[string]*complaint{}}, "", 0)
		lines := func() (n int, last string) {
			text := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			out.Reset()
			return len(text), text[len(text)-1]
		}
		for i := range 10_000 {
			l.Printf("[ERR] memberlist: Decrypt packet failed: unsupported encryption version %d from=192.0.2.%d:%d", i%256, i%250, i)
			l.Printf("[WARN] memberlist: too many from=x%d", i)
		}
		if n, _ := lines(); n != 2*complaintsEach {
			t.Errorf("%d lines of two kinds", n)
		}
		for range 3 * complaintsEach {
			l.Print("[INFO] serf: EventMemberFailed: s2")
		}
		if n, _ := lines(); n != 3*complaintsEach {
			t.Errorf("%d lines that are no complaints", n)
		}
		time.Sleep(complaintsTime)
		l.Print("[WARN] memberlist: too many from=y")
		if n, last := lines(); n != 1 || last != fmt.Sprintf("[WARN] memberlist: too many from=y (%d more like the last one were left out)", 10_000-complaintsEach) {
			t.Errorf("%d lines, %q", n, last)
		}
		l.Print("[WARN] memberlist: too many from=z")
		if _, last := lines(); strings.Contains(last, "left out") {
			t.Errorf("told twice: %q", last)
		}
		l.Printf("[WARN] memberlist: Refuting an alive message for 's1' (192.0.2.1:4648) meta:(%v VS %v), vsn:([1 5] VS [1 5])", []byte("ab"), []byte("cd"))
		if n, last := lines(); n != 1 || last != "[WARN] memberlist: Refuting an alive message for 's1' (192.0.2.1:4648)" {
			t.Errorf("%d lines, %q", n, last)
		}
		// Who makes kinds of his own has those of one.
		for i := range 10_000 {
			l.Print("[ERR] memberlist: " + strings.Repeat("x", i%1000))
		}
		if n, _ := lines(); n > (complaintKinds+1)*complaintsEach {
			t.Errorf("%d lines of many kinds", n)
		}
	})
}

// Whatever comes from strangers over both sockets of gossip, a member stays, and its log stays short.
func TestAFloodOfGossip(t *testing.T) {
	var log lockedBuffer
	m := run(t, 40, func(c *Config) {
		c.Key, c.Logger = make([]byte, 32), hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Info}) // who debugs is told of every connection
	})
	addr := net.JoinHostPort(m.addr, strconv.Itoa(DefaultPort))
	udp, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	junk := make([]byte, 1400)
	for i := range 3000 {
		_, _ = rand.Read(junk)
		if _, err := udp.Write(junk[:1+i%len(junk)]); err != nil {
			t.Fatal(err)
		}
		if i%10 > 0 {
			continue
		}
		tcp, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = tcp.Write(append([]byte{byte(i), 0xff, 0xff, 0xff, 0xff}, junk[:100]...))
		_ = tcp.Close()
	}
	if members := m.Members(); len(members) != 1 || members[0].Status != StatusAlive {
		t.Errorf("members %+v", members)
	}
	if n := log.lines(); n > (complaintKinds+1)*complaintsEach {
		t.Errorf("the log has %d lines", n)
	}
}

// lockedBuffer is a log of many.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) lines() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Count(b.buf.Bytes(), []byte("\n"))
}
