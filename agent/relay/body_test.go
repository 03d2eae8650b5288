package relay

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// one is a listener of one connection.
type one struct {
	conns chan net.Conn
	done  chan struct{}
}

func (o *one) Accept() (net.Conn, error) {
	select {
	case c := <-o.conns:
		return c, nil
	case <-o.done:
		return nil, net.ErrClosed
	}
}
func (o *one) Close() error   { close(o.done); return nil }
func (o *one) Addr() net.Addr { return &net.TCPAddr{} }

func TestABodyThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		length int // as told
		sends  []int
		pause  time.Duration // before each piece
		status int
	}{
		"short and whole":             {10, []int{4, 6}, 10 * time.Second, 200},
		"short and stuck":             {10, []int{4}, 0, http.StatusRequestTimeout},
		"short, a byte now and then":  {10, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 5 * time.Second, http.StatusRequestTimeout},
		"long and slow":               {maxKept + 10, []int{maxKept, 4, 6}, 50 * time.Second, 200},
		"long and stuck":              {maxKept + 10, []int{maxKept, 4}, 0, http.StatusBadGateway},
		"of unknown length and stuck": {-1, []int{4}, 0, http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &one{make(chan net.Conn, 1), make(chan struct{})}
				s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					again, err := keepBody(w, r)
					if err != nil {
						return
					}
					if again != (c.length >= 0 && c.length <= maxKept) {
						t.Errorf("can be sent again: %t", again)
					}
					if n, err := io.Copy(io.Discard, r.Body); err != nil {
						w.WriteHeader(http.StatusBadGateway)
					} else if c.length >= 0 && n != int64(c.length) {
						t.Errorf("%d bytes", n)
					}
					select { // the answer takes its time
					case <-time.After(2 * time.Minute):
					case <-r.Context().Done():
						if c.status == http.StatusOK {
							t.Error("the caller is taken for gone")
						}
					}
				})}
				var running sync.WaitGroup
				running.Go(func() { _ = s.Serve(l) })
				mine, theirs := net.Pipe()
				l.conns <- theirs
				running.Go(func() {
					head := fmt.Sprintf("Content-Length: %d", c.length)
					if c.length < 0 {
						head = "Transfer-Encoding: chunked"
					}
					fmt.Fprintf(mine, "PUT / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", head)
					for _, n := range c.sends {
						time.Sleep(c.pause)
						piece := bytes.Repeat([]byte{'x'}, n)
						if c.length < 0 {
							piece = fmt.Appendf(nil, "%x\r\n%s\r\n", n, piece)
						}
						if _, err := mine.Write(piece); err != nil {
							return // it was given up
						}
					}
				})
				began := time.Now()
				resp, err := http.ReadResponse(bufio.NewReader(mine), nil)
				if err != nil || resp.StatusCode != c.status {
					t.Errorf("%v %v after %s", resp, err, time.Since(began))
				}
				_, _ = mine.Close(), s.Close()
				running.Wait()
			})
		})
	}
}
