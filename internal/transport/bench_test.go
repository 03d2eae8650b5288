package transport_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"berth/internal/pki"
	"berth/internal/transport"
)

const answerBytes = 256

func small(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, strings.Repeat("x", answerBytes))
}

func request(b *testing.B, rt http.RoundTripper, host string) {
	req, err := http.NewRequest(http.MethodGet, "http://"+host+"/v1/x", nil)
	if err != nil {
		b.Fatal(err)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
}

// BenchmarkDial is a connection from nothing to its greeting: TCP, TLS 1.3 with certificates on both sides, hello.
func BenchmarkDial(b *testing.B) {
	c := newCluster(b)
	server, client := c.start(pki.RoleServer, nil), c.start(pki.RoleServer, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := server.Raft().Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	for b.Loop() {
		conn, err := client.Raft().Dial(raft.ServerAddress(server.Addr()), 5*time.Second)
		if err != nil {
			b.Fatal(err)
		}
		_ = conn.Close()
	}
	b.StopTimer()
	server.stop()
	<-done
}

func BenchmarkRequestOverSession(b *testing.B) {
	c := newCluster(b)
	server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Handler = http.HandlerFunc(small) })
	client := c.start(pki.RoleClient, nil)
	b.Run("one after the other", func(b *testing.B) {
		for b.Loop() {
			request(b, client.RoundTripper(), server.Addr())
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				request(b, client.RoundTripper(), server.Addr())
			}
		})
	})
	b.Run("a stream for each", func(b *testing.B) { // no stream is used twice
		rt := client.RoundTripper().(*http.Transport).Clone()
		rt.DisableKeepAlives = true
		for b.Loop() {
			request(b, rt, server.Addr())
		}
	})
}

// BenchmarkRequestPlain is the same over HTTP without TLS and sessions, to compare.
func BenchmarkRequestPlain(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(small)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	rt := &http.Transport{MaxIdleConnsPerHost: 64}
	b.Cleanup(func() { rt.CloseIdleConnections(); _ = s.Close(); <-done })
	b.Run("one after the other", func(b *testing.B) {
		for b.Loop() {
			request(b, rt, l.Addr().String())
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				request(b, rt, l.Addr().String())
			}
		})
	})
}
