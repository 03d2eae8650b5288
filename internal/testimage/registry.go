package testimage

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is an image registry on a loopback port, in plain HTTP.
type Registry struct {
	// Addr is "127.0.0.1:port", the first part of the names of its images.
	Addr string

	server             *httptest.Server
	username, password string
	requests           atomic.Int64
	intercept          atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

// NewRegistry starts a registry; with a username it asks for basic authentication. The caller closes it.
func NewRegistry(username, password string) *Registry {
	r := &Registry{username: username, password: password}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.requests.Add(1)
		if !r.allowed(req) {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		if f := r.intercept.Load(); f != nil && (*f)(w, req) {
			return
		}
		inner.ServeHTTP(w, req)
	}))
	r.Addr = strings.TrimPrefix(r.server.URL, "http://")
	return r
}

// Close ends the server and its goroutines.
func (r *Registry) Close() { r.server.Close() }

// Requests counts every request so far, refused ones too.
func (r *Registry) Requests() int64 { return r.requests.Load() }

// Intercept lets f answer a request instead of the registry, when f returns true; nil stops that.
func (r *Registry) Intercept(f func(http.ResponseWriter, *http.Request) bool) {
	if f == nil {
		r.intercept.Store(nil)
		return
	}
	r.intercept.Store(&f)
}

// Push stores the image as "repository:tag" and returns its full name with the registry's address.
func (r *Registry) Push(repository string, img v1.Image) (string, error) {
	full := r.Addr + "/" + repository
	ref, err := name.ParseReference(full, name.Insecure)
	if err != nil {
		return "", fmt.Errorf("image name %s: %w", full, err)
	}
	opts := []remote.Option{}
	if r.username != "" {
		opts = append(opts, remote.WithAuth(&authn.Basic{Username: r.username, Password: r.password}))
	}
	if err := remote.Write(ref, img, opts...); err != nil {
		return "", fmt.Errorf("push %s: %w", full, err)
	}
	return full, nil
}

func (r *Registry) allowed(req *http.Request) bool {
	if r.username == "" {
		return true
	}
	user, pass, ok := req.BasicAuth()
	return ok && subtle.ConstantTimeCompare([]byte(user+"\x00"+pass), []byte(r.username+"\x00"+r.password)) == 1
}
