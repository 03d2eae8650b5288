package guard_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"berth/agent/guard"
)

// Who is refused before his body was read, and sends no more of it, is answered and let go.
func TestARefusedCallerIsNotWaitedFor(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler) http.Handler{
		"people": func(h http.Handler) http.Handler { return guard.Handler(guard.Config{}, h) }, "machines": guard.Rest} {
		for _, flush := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				conn, end := serve(t, wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					http.Error(w, "no", http.StatusForbidden)
					if flush {
						_ = http.NewResponseController(w).Flush()
					}
				})))
				defer end()
				began := time.Now()
				fmt.Fprintf(conn, "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{")
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || resp.StatusCode != http.StatusForbidden || time.Since(began) > 10*time.Second {
					t.Errorf("%s, flushed %t: %v after %s", name, flush, err, time.Since(began))
				}
			})
		}
	}
}

// A body that was read leaves the connection as it was: the next request on it, and the answer, may take their time.
func TestABodyThatWasReadIsNotHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, end := serve(t, guard.Rest(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for range 3 {
				fmt.Fprint(w, "x")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(time.Minute):
				case <-r.Context().Done():
					t.Error("the caller is taken for gone")
				}
			}
		})))
		defer end()
		r := bufio.NewReader(conn)
		for range 2 {
			fmt.Fprintf(conn, "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(resp.Body); string(text) != "xxx" || err != nil {
				t.Errorf("%q %v", text, err)
			}
		}
	})
}
