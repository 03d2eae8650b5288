package transport_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"berth/internal/idgen"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/structs"
)

func get(t testing.TB, m *machine, host, path string) (string, error) {
	t.Helper()
	res, err := (&http.Client{Transport: m.RoundTripper()}).Get("http://" + host + path)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}

func TestRequestsGoBothWaysOverOneConnection(t *testing.T) {
	c := newCluster(t)
	server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Handler = who("server") })
	client := c.start(pki.RoleClient, func(cfg *transport.Config) { cfg.Handler = who("client") })

	if _, err := get(t, server, client.id.String(), "/v1/x"); !transport.Unsent(err) {
		t.Errorf("to a client without a session: %v; want an error that says nothing was sent", err)
	}
	p, err := client.Connect(t.Context(), server.Addr())
	if err != nil || p.ID != server.id || p.Role != pki.RoleServer || p.Addr != server.Addr() {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, x := range []struct {
		from       *machine
		host, want string
	}{
		{client, server.Addr(), "server: GET /v1/x from " + client.Identity().String() + " true"},
		{client, server.id.String(), "server: GET /v1/x from " + client.Identity().String() + " true"},
		{server, client.id.String(), "client: GET /v1/x from " + server.Identity().String() + " true"},
	} {
		if got, err := get(t, x.from, x.host, "/v1/x"); err != nil || got != x.want {
			t.Errorf("%s: %q, %v; want %q", x.host, got, err, x.want)
		}
	}
	if n := len(server.Peers()); n != 1 || !server.Connected(client.id) {
		t.Errorf("%d sessions for six requests", n)
	}
}

func TestStreamsWebsocketsAndCancellationPassThrough(t *testing.T) {
	c := newCluster(t)
	cancelled := make(chan struct{})
	server := c.start(pki.RoleServer, nil)
	client := c.start(pki.RoleClient, func(cfg *transport.Config) {
		cfg.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") != "" {
				conn, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
				_ = rw.Flush()
				_, _ = io.Copy(conn, rw)
				return
			}
			fmt.Fprint(w, "first\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(cancelled)
		})
	})
	if _, err := client.Connect(t.Context(), server.Addr()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+client.id.String()+"/", nil)
	res, err := server.RoundTripper().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "first\n" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
	cancel()
	<-cancelled
	res.Body.Close()

	// A person's connection is upgraded through a reverse proxy of the server, down to the client.
	proxy := &httputil.ReverseProxy{Transport: server.RoundTripper(), Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", client.id.String()
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	edge := &http.Server{Handler: proxy}
	done := make(chan error, 1)
	go func() { done <- edge.Serve(l) }()
	defer func() { _ = edge.Close(); <-done }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	r := bufio.NewReader(conn)
	up, err := http.ReadResponse(r, nil)
	if err != nil || up.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", up, err)
	}
	fmt.Fprint(conn, "hello\n")
	if line, err := r.ReadString('\n'); line != "hello\n" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
}

func TestWhoIsRefusedIsToldWhy(t *testing.T) {
	c, other := newCluster(t), newCluster(t)
	server := c.start(pki.RoleServer, func(cfg *transport.Config) {
		cfg.Handler = who("server")
		cfg.Credentials.TrustRegions(map[string]*pki.Bundle{"europe": pki.NewBundle(c.root.Cert)})
	})
	at := time.Now()
	forged := func(cl *cluster, who pki.Identity, issued time.Time, ttl time.Duration) func(*transport.Config) {
		return func(cfg *transport.Config) {
			cfg.ID, cfg.Role, cfg.Region = who.ID, who.Role, who.Region
			creds := cl.credentials(who, issued, ttl)
			creds.Trusted = pki.NewBundle(c.root.Cert) // it trusts the server; the question is whether the server trusts it
			cfg.Credentials = pki.NewSource(creds)
		}
	}
	node := pki.Identity{Role: pki.RoleClient, Region: "global", ID: idgen.Random().NewID()}
	elsewhere := pki.Identity{Role: pki.RoleClient, Region: "europe", ID: node.ID}
	for _, x := range []struct {
		name   string
		change func(*transport.Config)
		want   string
	}{
		{"another cluster's certificate", forged(other, node, at, time.Hour), "which this cluster does not know"},
		{"an expired certificate", forged(c, node, at.Add(-72*time.Hour), 48*time.Hour), "the certificate expired at"},
		{"a certificate of the future", forged(c, node, at.Add(72*time.Hour), time.Hour), "not valid before"},
		{"another region", forged(c, elsewhere, at, time.Hour), `region "europe" is not joined with that`},
		{"a node of a region that is joined", func(cfg *transport.Config) {
			forged(c, elsewhere, at, time.Hour)(cfg)
			cfg.Credentials.TrustRegions(map[string]*pki.Bundle{"global": pki.NewBundle(c.root.Cert)})
		}, `belongs to region "europe" and this server to region "global"`},
		{"another machine's certificate", func(cfg *transport.Config) { cfg.ID = idgen.Random().NewID() }, "its certificate is that of"},
	} {
		m := c.start(pki.RoleClient, x.change)
		_, err := m.Connect(t.Context(), server.Addr())
		if err == nil || !strings.Contains(err.Error(), x.want) || structs.KindOf(err) != structs.KindUnauthorised {
			t.Errorf("%s: %v (%s); want %q", x.name, err, structs.KindOf(err), x.want)
		}
	}
	if n := len(server.Peers()); n != 0 {
		t.Errorf("%d sessions with machines that were refused", n)
	}
}

func TestAClientDoesNotTrustAnyServer(t *testing.T) {
	c, other := newCluster(t), newCluster(t)
	stranger := other.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Handler = who("stranger") })
	client := c.start(pki.RoleClient, nil)
	if _, err := client.Connect(t.Context(), stranger.Addr()); err == nil || !strings.Contains(err.Error(), "another cluster") {
		t.Errorf("got %v", err)
	}
	// A client's certificate does not make a server.
	posing := c.start(pki.RoleServer, func(cfg *transport.Config) {
		who := pki.Identity{Role: pki.RoleClient, Region: "global", ID: cfg.ID}
		cfg.Credentials = pki.NewSource(c.credentials(who, time.Now(), time.Hour))
	})
	if _, err := client.Connect(t.Context(), posing.Addr()); err == nil || !strings.Contains(err.Error(), "only servers") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyServersTakePartInRaft(t *testing.T) {
	c := newCluster(t)
	a, b := c.start(pki.RoleServer, nil), c.start(pki.RoleServer, nil)
	client := c.start(pki.RoleClient, nil)
	got := make(chan net.Conn, 1)
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			conn, err := b.Raft().Accept()
			if err != nil {
				return
			}
			got <- conn
		}
	}()
	if _, err := client.Raft().Dial(raft.ServerAddress(b.Addr()), time.Minute); err == nil || !strings.Contains(err.Error(), "only servers take part in Raft") {
		t.Errorf("a client: %v", err)
	}
	out, err := a.Raft().Dial(raft.ServerAddress(b.Addr()), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	in := <-got
	go func() { _, _ = out.Write([]byte("vote")) }()
	buf := make([]byte, 4)
	if _, err := io.ReadFull(in, buf); err != nil || string(buf) != "vote" {
		t.Errorf("%q, %v", buf, err)
	}
	if all, raft := b.Connections(); all != 2 || raft != 1 {
		t.Errorf("%d connections were taken, %d of them for Raft, want 2 and 1", all, raft)
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Error(err)
	}
	b.stop()
	<-accepted
}

func TestRaftRunsOverTheTransport(t *testing.T) {
	c := newCluster(t)
	var cfgs []raft.Server
	var ms []*machine
	for range 3 {
		m := c.start(pki.RoleServer, nil)
		ms = append(ms, m)
		cfgs = append(cfgs, raft.Server{ID: raft.ServerID(m.id.String()), Address: raft.ServerAddress(m.Addr())})
	}
	var rafts []*raft.Raft
	for _, m := range ms {
		rc := raft.DefaultConfig()
		rc.LocalID, rc.Logger = raft.ServerID(m.id.String()), hclog.NewNullLogger()
		rc.HeartbeatTimeout, rc.ElectionTimeout, rc.LeaderLeaseTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
		tr := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{Stream: m.Raft(), MaxPool: 3, Timeout: 5 * time.Second, Logger: hclog.NewNullLogger()})
		store := raft.NewInmemStore()
		if err := raft.BootstrapCluster(rc, store, store, raft.NewInmemSnapshotStore(), tr, raft.Configuration{Servers: cfgs}); err != nil {
			t.Fatal(err)
		}
		r, err := raft.NewRaft(rc, &raft.MockFSM{}, store, store, raft.NewInmemSnapshotStore(), tr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Shutdown().Error(); _ = tr.Close() }()
		rafts = append(rafts, r)
	}
	for end := time.Now().Add(2 * time.Minute); ; {
		var err error
		select {
		case <-rafts[0].LeaderCh():
			err = rafts[0].Apply([]byte("x"), time.Minute).Error()
		case <-rafts[1].LeaderCh():
			err = rafts[1].Apply([]byte("x"), time.Minute).Error()
		case <-rafts[2].LeaderCh():
			err = rafts[2].Apply([]byte("x"), time.Minute).Error()
		}
		if err == nil {
			return
		}
		if time.Now().After(end) { // on a slow machine one that leads may lose it again
			t.Fatal(err)
		}
	}
}

func TestLimits(t *testing.T) {
	c := newCluster(t)
	t.Run("connections of one machine", func(t *testing.T) {
		server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Limits.ConnsPerPeer = 2 })
		a := c.start(pki.RoleServer, nil)
		accepted := make(chan struct{})
		go func() {
			defer close(accepted)
			for {
				if _, err := server.Raft().Accept(); err != nil {
					return
				}
			}
		}()
		for range 2 {
			if _, err := a.Raft().Dial(raft.ServerAddress(server.Addr()), time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.Raft().Dial(raft.ServerAddress(server.Addr()), time.Minute); err == nil || !strings.Contains(err.Error(), "2 connections") || structs.KindOf(err) != structs.KindLimit {
			t.Errorf("the third: %v", err)
		}
		server.stop()
		<-accepted
	})
	t.Run("connections of one node", func(t *testing.T) {
		server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Limits.ConnsPerNode = 1 })
		id := idgen.Random().NewID()
		same := func(cfg *transport.Config) {
			cfg.ID, cfg.Credentials = id, pki.NewSource(c.credentials(pki.Identity{Role: pki.RoleClient, Region: "global", ID: id}, c.now(), pki.LeafTTL))
		}
		a, b := c.start(pki.RoleClient, same), c.start(pki.RoleClient, same)
		if _, err := a.Connect(t.Context(), server.Addr()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Connect(t.Context(), server.Addr()); err == nil || !strings.Contains(err.Error(), "1 connections") || structs.KindOf(err) != structs.KindLimit {
			t.Errorf("the second: %v", err)
		}
		other := c.start(pki.RoleServer, nil)
		for range 2 { // servers are not nodes
			if _, err := other.Connect(t.Context(), server.Addr()); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("connections that say nothing", func(t *testing.T) {
		server := c.start(pki.RoleServer, func(cfg *transport.Config) {
			cfg.Limits.HalfOpenPerAddr, cfg.Limits.HandshakeTimeout = 3, 300*time.Millisecond
		})
		var silent []net.Conn
		for range 4 {
			conn, err := net.Dial("tcp", server.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			silent = append(silent, conn)
		}
		for i, conn := range silent { // the fourth is closed at once, the others when their time is over
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("connection %d is kept: %v", i, err)
			}
		}
		client := c.start(pki.RoleClient, nil)
		_, err := client.Connect(t.Context(), server.Addr())
		for tries := 0; err != nil && tries < 100; tries++ { // they are counted out after they were closed, and a slow machine takes long to shake hands
			_, err = client.Connect(t.Context(), server.Addr())
		}
		if err != nil {
			t.Errorf("afterwards nobody gets in: %v", err)
		}
	})
	t.Run("machines that join and say nothing", func(t *testing.T) {
		server := c.start(pki.RoleServer, func(cfg *transport.Config) {
			cfg.Limits.HalfOpenPerAddr, cfg.Limits.JoiningPerAddr, cfg.Limits.HandshakeTimeout = 6, 5, time.Minute
		})
		told := make(chan string, 6)
		var readers sync.WaitGroup
		defer readers.Wait()
		for range 6 {
			conn, err := tls.Dial("tcp", server.Addr(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{transport.ProtoJoin}})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			readers.Go(func() {
				text := make([]byte, 4<<10)
				if n, err := conn.Read(text); err == nil {
					told <- string(text[:n])
				}
			})
		}
		if text := <-told; !strings.Contains(text, "too many machines are joining") { // and five are let be
			t.Errorf("the one too many is told %q", text)
		}
		other := c.start(pki.RoleServer, nil)
		if _, err := other.Connect(t.Context(), server.Addr()); err != nil {
			t.Errorf("they keep a server out: %v", err)
		}
	})
	t.Run("requests of one session", func(t *testing.T) {
		release := make(chan struct{})
		server := c.start(pki.RoleServer, func(cfg *transport.Config) {
			cfg.Limits.StreamsPerSession = 2
			cfg.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
				<-release
			})
		})
		client := c.start(pki.RoleClient, nil)
		for range 2 {
			req, _ := http.NewRequest(http.MethodGet, "http://"+server.Addr()+"/", nil)
			res, err := client.RoundTripper().RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
		}
		req, _ := http.NewRequest(http.MethodPost, "http://"+server.Addr()+"/", strings.NewReader("x"))
		if res, err := client.RoundTripper().RoundTrip(req); err == nil {
			res.Body.Close()
			t.Error("a third request was answered")
		}
		close(release)
	})
}

func TestStrangersOnThePort(t *testing.T) {
	c := newCluster(t)
	server := c.start(pki.RoleServer, func(cfg *transport.Config) {
		cfg.Handler = who("server")
		cfg.Limits.HandshakeTimeout = time.Minute // nobody is closed for being slow
	})
	talk := func(say string) {
		conn, err := net.Dial("tcp", server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte(say))
		_, _ = io.Copy(io.Discard, conn) // until the server closes
	}
	talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	talk("\x16\x03\x01\xff\xff" + strings.Repeat("\x00", 70000))
	for _, proto := range []string{"", "h2", transport.ProtoHTTP, transport.ProtoRaft} { // no certificate
		conn, err := tls.Dial("tcp", server.Addr(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{proto}})
		if err == nil {
			_, err = conn.Read(make([]byte, 1))
			conn.Close()
		}
		if err == nil {
			t.Errorf("%q without a certificate was answered", proto)
		}
	}
	if _, err := tls.Dial("tcp", server.Addr(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, NextProtos: []string{transport.ProtoJoin}}); err == nil {
		t.Error("TLS 1.2 was accepted")
	}
	client := c.start(pki.RoleClient, nil)
	if got, err := get(t, client, server.Addr(), "/"); err != nil || !strings.HasPrefix(got, "server:") {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

func TestCertificatesAreReplacedWhileConnectionsStand(t *testing.T) {
	c := newCluster(t)
	server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Handler = who("server") })
	client := c.start(pki.RoleClient, nil)
	if _, err := get(t, client, server.Addr(), "/"); err != nil {
		t.Fatal(err)
	}
	old := c.root
	second, err := pki.NewRoot("global", time.Now(), old)
	if err != nil {
		t.Fatal(err)
	}
	c.root = second
	fresh := c.credentials(server.Identity(), time.Now(), time.Hour) // its chain has the cross certificate
	fresh.Trusted = pki.NewBundle(second.Cert, old.Cert)
	server.source.Replace(fresh)
	if _, err := get(t, client, server.Addr(), "/"); err != nil {
		t.Errorf("on the connection that stood: %v", err)
	}
	server.Disconnect(client.id)
	if _, err := get(t, client, server.Addr(), "/"); err != nil { // the client knows the old root alone
		t.Errorf("on a new connection: %v", err)
	}
	news := c.start(pki.RoleClient, nil) // of the new root
	if _, err := get(t, news, server.Addr(), "/"); err != nil {
		t.Errorf("a machine of the new root: %v", err)
	}
}

func TestManyAskAtOnceAndOneConnectionIsMade(t *testing.T) {
	c := newCluster(t)
	server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Handler = who("server") })
	client := c.start(pki.RoleClient, nil)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := get(t, client, server.Addr(), "/"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(server.Peers()); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestAServerThatCameBackIsDialledAgain(t *testing.T) {
	c := newCluster(t)
	server := c.start(pki.RoleServer, func(cfg *transport.Config) {
		_ = cfg.Listener.Close()
		l, err := net.Listen("tcp", "127.77.0.1:0") // where nobody else takes a port while it is free
		if err != nil {
			t.Fatal(err)
		}
		cfg.Listener, cfg.Handler = l, who("first")
	})
	client := c.start(pki.RoleClient, nil)
	if _, err := get(t, client, server.Addr(), "/"); err != nil {
		t.Fatal(err)
	}
	addr := server.Addr()
	server.stop()
	post := func() error {
		req, _ := http.NewRequest(http.MethodPost, "http://"+addr+"/", strings.NewReader("body"))
		res, err := client.RoundTripper().RoundTrip(req)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	for err := post(); !transport.Unsent(err); err = post() { // the end may not have been noticed yet
		if err == nil {
			t.Fatal("a server that ended answers")
		}
	}
	c.start(pki.RoleServer, func(cfg *transport.Config) {
		_ = cfg.Listener.Close() // it takes the first one's port
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Listener, cfg.Handler = l, who("second")
	})
	if got, err := get(t, client, addr, "/"); err != nil || !strings.HasPrefix(got, "second") {
		t.Errorf("%q, %v", got, err)
	}
}

// Certificates that are revoked, by machine or by serial number, are refused from then on, and what stands with them ends: sessions both
// ways, and connections of Raft both ways. Others are not touched, and a revocation that was taken back counts no more.
func TestRevokedCertificatesShutTheirMachinesOut(t *testing.T) {
	c := newCluster(t)
	server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Handler = who("server") })
	stolen := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Handler = who("stolen") })
	byID, bySerial, other := c.start(pki.RoleClient, nil), c.start(pki.RoleClient, nil), c.start(pki.RoleClient, nil)
	for _, m := range []*machine{byID, bySerial, other, stolen} {
		if _, err := m.Connect(t.Context(), server.Addr()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := server.Connect(t.Context(), stolen.Addr()); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 2)
	var accepting sync.WaitGroup
	for _, m := range []*machine{server, stolen} {
		accepting.Go(func() {
			conn, err := m.Raft().Accept()
			if err == nil {
				accepted <- conn
			}
		})
	}
	in, err := stolen.Raft().Dial(raft.ServerAddress(server.Addr()), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.Raft().Dial(raft.ServerAddress(stolen.Addr()), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	accepting.Wait()

	creds, err := bySerial.source.Current()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC)
	server.source.Revoke(pki.Revoked{byID.id.String(): {At: at, Reason: "stolen"}, pki.Serial(creds.Leaf()): {At: at}, stolen.id.String(): {At: at}})
	want := []structs.ID{byID.id, bySerial.id, stolen.id}
	slices.SortFunc(want, structs.ID.Compare)
	if got := server.CloseRevoked(); !slices.Equal(got, want) {
		t.Errorf("shut out %v, want %v", got, want)
	}
	for _, conn := range []net.Conn{in, out} { // both were Raft's
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a connection of Raft stands")
		}
		_ = conn.Close() // the other side did
	}
	close(accepted)
	for conn := range accepted {
		_ = conn.Close()
	}
	for m, reason := range map[*machine]string{byID: "was revoked at 2026-11-28 04:00:00 UTC: stolen", bySerial: "was revoked at 2026-11-28 04:00:00 UTC"} {
		for { // until it has noticed
			_, err := m.Connect(t.Context(), server.Addr())
			if err != nil && strings.Contains(err.Error(), reason) && structs.KindOf(err) == structs.KindUnauthorised {
				break
			}
			runtime.Gosched()
		}
	}
	if _, err := server.Raft().Dial(raft.ServerAddress(stolen.Addr()), time.Minute); err == nil || !strings.Contains(err.Error(), "was revoked at") {
		t.Errorf("a server whose certificate is revoked was dialled: %v", err)
	}
	if !server.Connected(other.id) {
		t.Error("another machine was shut out too")
	}
	server.source.Revoke(pki.Revoked{})
	if _, err := byID.Connect(t.Context(), server.Addr()); err != nil {
		t.Errorf("a revocation that was taken back counts: %v", err)
	}
}

func TestASessionEndsWithItsCertificate(t *testing.T) {
	c := newCluster(t)
	server := c.start(pki.RoleServer, func(cfg *transport.Config) { cfg.Handler = who("server") })
	var short *machine
	var res *http.Response
	for ttl := 2 * time.Second; res == nil; ttl *= 2 { // until the machine is quick enough to use it before it ends
		short = c.start(pki.RoleClient, func(cfg *transport.Config) {
			cfg.Credentials = pki.NewSource(c.credentials(pki.Identity{Role: pki.RoleClient, Region: "global", ID: cfg.ID}, time.Now(), ttl))
			cfg.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})
		})
		_, err := short.Connect(t.Context(), server.Addr())
		if err == nil {
			req, _ := http.NewRequest(http.MethodGet, "http://"+short.id.String()+"/", nil)
			res, err = server.RoundTripper().RoundTrip(req)
		}
		if err != nil && ttl > time.Minute {
			t.Fatal(err)
		}
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil { // until the session is cut
		t.Error("the request ended by itself")
	}
	if _, err := short.Connect(t.Context(), server.Addr()); err == nil || !strings.Contains(err.Error(), "expired at") {
		t.Errorf("with a certificate that has ended: %v", err)
	}
}
