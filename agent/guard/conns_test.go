package guard_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth/agent/guard"
)

// limited serves connections of one address, at most max of them.
func limited(t *testing.T, l net.Listener, max int) (stats func() (open int, refused uint64), end func()) {
	t.Helper()
	l = guard.Limit(l, max, true)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	return func() (int, uint64) { return guard.Connections(l) }, func() {
		_ = srv.Close() // and the listener
		if err := <-done; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

// answered asks on a connection and gives what is answered; 0 when nothing is.
func answered(t *testing.T, conn net.Conn) (code int, text string, err error) {
	t.Helper()
	ask(t, conn)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, "", err
	}
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw), err
}

func dialIn(l pipes) net.Conn {
	ours, theirs := net.Pipe()
	l <- theirs
	return ours
}

func TestConnectionsOfOneAddressAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := make(pipes, 10)
		stats, end := limited(t, l, 2)
		defer end()
		first, second := dialIn(l), dialIn(l)
		defer first.Close()
		defer second.Close()
		for _, c := range []net.Conn{first, second, first} {
			if code, _, err := answered(t, c); code != 200 {
				t.Fatal("two connections are not served", code, err)
			}
		}
		third, fourth, fifth := dialIn(l), dialIn(l), dialIn(l)
		defer fourth.Close()
		began := time.Now()
		for _, c := range []net.Conn{fifth, third} { // one too many to wait, and one that waits in vain
			text, err := io.ReadAll(c)
			if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 429 ") || !strings.Contains(string(text), "http_max_conns_per_client") {
				t.Fatalf("told %q, %v", text, err)
			}
			c.Close()
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("they are told after %s", took)
		}
		synctest.Wait()
		if open, refused := stats(); open != 2 || refused != 3 {
			t.Errorf("%d open, %d refused", open, refused)
		}
		second.Close()
		synctest.Wait()
		sixth := dialIn(l)
		defer sixth.Close()
		if code, _, err := answered(t, sixth); code != 200 {
			t.Error("the place of one that ended is not given away", code, err)
		}
		if open, _ := stats(); open != 2 {
			t.Errorf("%d open", open)
		}
	})
}

// TestAConnectionWaitsForThePlaceOfOneThatEnds: in turn, and who goes away while it waits takes no place.
func TestAConnectionWaitsForThePlaceOfOneThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := make(pipes, 10)
		stats, end := limited(t, l, 2)
		defer end()
		first, second := dialIn(l), dialIn(l)
		for _, c := range []net.Conn{first, second} {
			if code, _, err := answered(t, c); code != 200 {
				t.Fatal(code, err)
			}
		}
		gone, third := dialIn(l), dialIn(l)
		synctest.Wait()
		gone.Close()
		go func() {
			<-time.After(900 * time.Millisecond)
			first.Close()
		}()
		code, text, err := answered(t, third)
		if code != 200 || text != "ok" {
			t.Errorf("answered %d %q, %v", code, text, err)
		}
		<-time.After(time.Minute)
		if open, refused := stats(); open > 2 || refused > 1 {
			t.Errorf("%d open, %d refused", open, refused)
		}
		third.Close()
		second.Close()
		synctest.Wait()
		if open, _ := stats(); open != 0 {
			t.Errorf("%d open when all are closed", open)
		}
	})
}

// TestNobodyIsResetWhoClosedBeforeOpening: kept connections that are closed all at once, and as many opened at once, as a pool of a
// program does that starts anew.
func TestNobodyIsResetWhoClosedBeforeOpening(t *testing.T) {
	const max = 16
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stats, end := limited(t, raw, max)
	defer end()
	for range 20 {
		conns := make([]net.Conn, max)
		for i := range conns {
			if conns[i], err = net.Dial("tcp", raw.Addr().String()); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range conns {
			if code, text, err := answered(t, c); code != 200 || text != "ok" {
				t.Fatalf("answered %d %q, %v", code, text, err)
			}
		}
		for _, c := range conns {
			c.Close()
		}
	}
	if _, refused := stats(); refused > 0 {
		t.Errorf("%d refused", refused)
	}
}

// TestTheRefusedReadWhy: a connection that has asked is told 429 to its end, and not reset.
func TestTheRefusedReadWhy(t *testing.T) {
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, end := limited(t, raw, 1)
	defer end()
	first, err := net.Dial("tcp", raw.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if code, _, err := answered(t, first); code != 200 {
		t.Fatal(code, err)
	}
	second, err := net.Dial("tcp", raw.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	code, text, err := answered(t, second)
	if code != http.StatusTooManyRequests || !strings.Contains(text, "http_max_conns_per_client") || err != nil {
		t.Errorf("answered %d %q, %v", code, text, err)
	}
}
