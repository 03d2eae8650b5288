package guard_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"berth/agent/guard"
)

// certificate is one for nobody in particular.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestAHandshakeHasItsTime: a connection that says nothing, and one that stops in the middle, end when the handshake's time is over, whatever
// the server's own bounds are; one that made it lives on past it.
func TestAHandshakeHasItsTime(t *testing.T) {
	const headers = 10 * time.Second // the server's bound, which would end a handshake too
	for name, within := range map[string]time.Duration{"shorter": 2 * time.Second, "longer": time.Minute, "no limit": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := make(pipes, 10)
				srv := &http.Server{ReadHeaderTimeout: headers, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })}
				done := make(chan error, 1)
				conf := &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
				go func() { done <- srv.Serve(tls.NewListener(guard.Handshakes(l, within), conf)) }()
				defer func() {
					_ = srv.Close()
					if err := <-done; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
						t.Error(err)
					}
				}()
				began := time.Now()
				made := tls.Client(dialIn(l), &tls.Config{InsecureSkipVerify: true}) // the test's own server
				defer made.Close()
				if code, text, err := answered(t, made); code != 200 || text != "ok" {
					t.Fatal(code, text, err)
				}
				silent := dialIn(l)
				defer silent.Close()
				half := dialIn(l)
				defer half.Close()
				if _, err := half.Write([]byte{22, 3, 1, 0, 200, 1}); err != nil { // a hello begins
					t.Fatal(err)
				}
				for _, c := range []net.Conn{silent, half} {
					_ = c.SetReadDeadline(began.Add(time.Hour))
					_, err := io.ReadAll(c)
					var late net.Error
					if ended := !errors.As(err, &late); ended != (within > 0) {
						t.Errorf("ended %v: %v", ended, err)
					}
				}
				if took := time.Since(began); within > 0 && took != within {
					t.Errorf("they ended after %s, want %s", took, within)
				}
				if within > 0 && within < headers { // the server's own time for a next request is not over
					if code, text, err := answered(t, made); code != 200 || text != "ok" {
						t.Error("what made its handshake is not served: ", code, text, err)
					}
				}
			})
		})
	}
}
