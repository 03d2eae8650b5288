package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/structs"
)

// Bounds of HTTP inside a session.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	idlePerPeer       = 64
)

func (t *Transport) newServer() *http.Server {
	return &http.Server{
		Handler:           http.HandlerFunc(t.serveHTTP),
		ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if s, ok := c.(*stream); ok {
				return WithPeer(ctx, s.peer)
			}
			return ctx
		},
		ErrorLog: t.log.Named("http").StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}

func (t *Transport) serveHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	h := t.handler
	t.mu.Unlock()
	if h == nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "this agent is still starting", http.StatusServiceUnavailable)
		return
	}
	h.ServeHTTP(w, r)
}

func (t *Transport) newRoundTripper() *http.Transport {
	return &http.Transport{
		DialContext: t.dialStream, DisableCompression: true, MaxIdleConnsPerHost: idlePerPeer, IdleConnTimeout: time.Minute,
		MaxResponseHeaderBytes: maxHeaderBytes, ExpectContinueTimeout: time.Second, ForceAttemptHTTP2: false,
	}
}

// RoundTripper sends requests to peers. The host of a request's URL is a machine's id (http://<id>/v1/…: a session that stands, also one the
// machine made, or the address Config.Resolve gives), a server's address (http://<host:port>/v1/…), or one of the two InRegion. An error for which Unsent is true
// means that nothing of the request left this machine.
func (t *Transport) RoundTripper() http.RoundTripper { return t.out }

// idPort is what net/http adds to a host without a port.
const idPort = ":80"

// dialStream opens a stream to the host of a URL.
func (t *Transport) dialStream(ctx context.Context, _, addr string) (net.Conn, error) {
	region := ""
	if host, ok := strings.CutSuffix(addr, idPort); ok {
		if machine, in := ofRegion(host); in != "" {
			addr, region = machine, in
		} else if isID(host) {
			addr = host
		}
	}
	var s *session
	var err error
	if isID(addr) {
		s, err = t.sessionWith(ctx, structs.MustID(addr))
	} else {
		s, err = t.sessionTo(ctx, addr, structs.ID{})
	}
	if err == nil && region != "" && s.peer.Region != region {
		err = &structs.Error{Op: "reach machine", Subject: addr, Kind: structs.KindUnauthorised, Err: fmt.Errorf("its certificate is of region %q, not %q", s.peer.Region, region)}
	}
	if err != nil {
		return nil, &UnsentError{Err: err}
	}
	c, err := s.mux.OpenStream()
	if err != nil {
		return nil, &UnsentError{Err: fmt.Errorf("open a stream to %s: %w", s.peer.Identity, err)}
	}
	return c, nil
}

func isID(s string) bool {
	_, err := structs.ParseID(s)
	return err == nil
}

// UnsentError is the error of a request of which nothing was sent: it may be made again, whatever it does.
type UnsentError struct{ Err error }

// Error tells why.
func (e *UnsentError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UnsentError) Unwrap() error { return e.Err }

// Unsent reports whether an error of RoundTripper means that nothing of the request was sent.
func Unsent(err error) bool {
	var u *UnsentError
	return errors.As(err, &u)
}
