package guard_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth/agent/guard"
)

// pipes is a listener whose connections hold nothing back: what is not read is not written.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// call serves one connection and asks for a path on it.
func call(t *testing.T, h http.HandlerFunc) (conn net.Conn, end func()) {
	t.Helper()
	return serve(t, guard.Handler(guard.Config{}, h))
}

func serve(t *testing.T, h http.Handler) (conn net.Conn, end func()) {
	t.Helper()
	l := make(pipes, 1)
	srv := &http.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	ours, theirs := net.Pipe()
	l <- theirs
	return ours, func() {
		_ = ours.Close()
		_ = srv.Close() // and the listener
		if err := <-done; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

func ask(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET /v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

// TestASlowReaderThatIsAliveIsWaitedFor: a large answer in one write, read for an hour.
func TestASlowReaderThatIsAliveIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 3 << 20
		failed := make(chan error, 1)
		conn, end := call(t, func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write([]byte(strings.Repeat("x", size)))
			failed <- err
		})
		defer end()
		ask(t, conn)
		began := time.Now()
		resp, err := http.ReadResponse(bufio.NewReaderSize(slow{conn}, 4096), nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil || n != size || <-failed != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if took := time.Since(began); took < 30*time.Minute {
			t.Errorf("it was read within %s: the reader is not slow", took)
		}
	})
}

// slow reads at most 4 KiB every 4 s.
type slow struct{ io.Reader }

func (s slow) Read(p []byte) (int, error) {
	<-time.After(4 * time.Second)
	return s.Reader.Read(p[:min(len(p), 4096)])
}

// TestAReaderThatTakesNothingIsCutOff: a stream whose reader stops ends within the time of one piece, and its request's context with it.
func TestAReaderThatTakesNothingIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type ended struct {
			err   error
			after time.Duration
		}
		over := make(chan ended, 1)
		conn, end := call(t, func(w http.ResponseWriter, r *http.Request) {
			ctl := http.NewResponseController(w)
			w.WriteHeader(http.StatusOK)
			for {
				began := time.Now()
				_, err := fmt.Fprintln(w, "{}")
				if err == nil {
					err = ctl.Flush()
				}
				if err != nil {
					<-r.Context().Done()
					over <- ended{err, time.Since(began)}
					return
				}
				<-time.After(30 * time.Second)
			}
		})
		defer end()
		ask(t, conn)
		r := bufio.NewReader(conn)
		for range 40 { // a quarter of an hour of signs of life
			if _, err := r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		for line := ""; line != "{}\n"; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		got := <-over
		if !errors.Is(got.err, os.ErrDeadlineExceeded) || got.after > guard.Patience+time.Second {
			t.Errorf("ended after %s: %v", got.after, got.err)
		}
	})
}

// TestTheTimeOfAnAnswerIsItsOwn: an answer that is long in coming, on a connection whose last one is long ago, is not late.
func TestTheTimeOfAnAnswerIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, end := call(t, func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(5 * time.Minute):
			case <-r.Context().Done():
			}
			w.WriteHeader(http.StatusNoContent)
		})
		defer end()
		r := bufio.NewReader(conn)
		for range 3 {
			ask(t, conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil || resp.StatusCode != http.StatusNoContent {
				t.Fatal(resp, err)
			}
			<-time.After(time.Minute)
		}
	})
}
