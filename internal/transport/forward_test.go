package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"berth/internal/idgen"
	"berth/internal/pki"
	"berth/internal/transport"
	"berth/structs"
)

// net1 is servers that reach each other in memory, as servers.
type net1 struct {
	mu       sync.Mutex // guards what follows
	handlers map[string]http.Handler
	dead     map[string]bool
	sent     []string
}

func (n *net1) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	h, dead := n.handlers[r.URL.Host], n.dead[r.URL.Host]
	n.sent = append(n.sent, r.URL.Host)
	n.mu.Unlock()
	if h == nil {
		return nil, &transport.UnsentError{Err: errors.New("no route")}
	}
	if dead {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		return nil, errors.New("connection reset")
	}
	w := httptest.NewRecorder()
	in := r.Clone(transport.WithPeer(r.Context(), transport.Peer{Identity: pki.Identity{Role: pki.RoleServer}}))
	if in.Body == nil {
		in.Body = http.NoBody
	}
	h.ServeHTTP(w, in)
	return w.Result(), nil
}

// member is a server and whom it takes for the leader.
type member struct {
	id     structs.ID
	leader atomic.Pointer[structs.ID]
	done   atomic.Int32
	http.Handler
}

func members(n int) (*net1, []*member) {
	net := &net1{handlers: map[string]http.Handler{}, dead: map[string]bool{}}
	var out []*member
	for range n {
		m := &member{id: idgen.Random().NewID()}
		f := transport.NewForwarder(transport.ForwardConfig{Peers: net, Self: m.id, Leader: func() (structs.ID, bool, bool) {
			l := m.leader.Load()
			if l == nil {
				return structs.ID{}, false, false
			}
			return *l, *l == m.id, true
		}})
		m.Handler = f.Leader(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m.done.Add(1)
			b, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s?%s %s by %s", r.Method, r.URL.Path, r.URL.RawQuery, b, m.id)
		}))
		net.handlers[m.id.String()] = m.Handler
		out = append(out, m)
	}
	return net, out
}

func lead(who *member, by ...*member) {
	for _, m := range by {
		m.leader.Store(&who.id)
	}
}

func ask(m *member, method, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(method, "/v1/jobs?x=1", strings.NewReader(body)))
	return w
}

func TestRequestsReachTheLeader(t *testing.T) {
	net, ms := members(3)
	lead(ms[0], ms...)
	for _, m := range ms {
		w := ask(m, http.MethodPut, "body")
		if want := "PUT /v1/jobs?x=1 body by " + ms[0].id.String(); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%d %q, want %q", w.Code, w.Body, want)
		}
	}
	if len(net.sent) != 2 {
		t.Errorf("sent %v", net.sent)
	}
	// A person cannot make a request look as if it had been passed on.
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set(transport.HopHeader, "leader:"+ms[1].id.String())
	w := httptest.NewRecorder()
	if ms[1].ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("with a mark of its own: %d %s", w.Code, w.Body)
	}
}

func TestServersThatDisagreePassARequestOnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, ms := members(2)
		lead(ms[1], ms[0])
		lead(ms[0], ms[1])
		began := time.Now()
		w := ask(ms[0], http.MethodPut, "body")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get(transport.MovedHeader) != "" {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("answered after %s", took)
		}
		if ms[0].done.Load()+ms[1].done.Load() != 0 || len(net.sent) > 80 {
			t.Errorf("done %d %d, sent %d times", ms[0].done.Load(), ms[1].done.Load(), len(net.sent))
		}
	})
}

func TestARequestThatComesBackIsALoop(t *testing.T) {
	_, ms := members(2)
	lead(ms[1], ms[0])
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = r.WithContext(transport.WithPeer(r.Context(), transport.Peer{Identity: pki.Identity{Role: pki.RoleServer}}))
	r.Header.Set(transport.HopHeader, "leader:"+ms[0].id.String())
	w := httptest.NewRecorder()
	if ms[0].ServeHTTP(w, r); w.Code != http.StatusLoopDetected {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestARequestWaitsForALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ms := members(3)
		go func() {
			time.Sleep(800 * time.Millisecond)
			lead(ms[1], ms...)
		}()
		if w := ask(ms[0], http.MethodPut, "body"); w.Code != 200 || ms[1].done.Load() != 1 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it leads itself in the end
		_, ms := members(1)
		go func() {
			time.Sleep(time.Second)
			lead(ms[0], ms[0])
		}()
		if w := ask(ms[0], http.MethodPut, "body"); w.Code != 200 || !strings.Contains(w.Body.String(), "jobs?x=1 body by") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	synctest.Test(t, func(t *testing.T) { // nobody ever does
		_, ms := members(1)
		w := ask(ms[0], http.MethodPut, "body")
		if w.Code != 503 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "no leader at present; nothing was done") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
	})
	synctest.Test(t, func(t *testing.T) { // the caller goes away
		_, ms := members(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		ms[0].ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it went on for %s", took)
		}
	})
}

func TestWhatMayHaveBeenDoneIsNotDoneAgain(t *testing.T) {
	for _, x := range []struct {
		method string
		size   int
		moved  bool // the leader is gone before it gets anything, else while it works
		want   int
		text   string
	}{
		{http.MethodPut, 10, false, 503, "may have been done"},
		{http.MethodGet, 0, false, 200, ""},
		{http.MethodPut, 10, true, 200, ""},
		{http.MethodPut, 3 << 20, true, 200, ""},
		{http.MethodPut, 3 << 20, false, 503, "may have been done"},
	} {
		synctest.Test(t, func(t *testing.T) {
			net, ms := members(3)
			lead(ms[1], ms[0])
			if x.moved {
				delete(net.handlers, ms[1].id.String())
			} else {
				net.dead[ms[1].id.String()] = true
			}
			go func() {
				time.Sleep(time.Second)
				lead(ms[2], ms...)
			}()
			w := httptest.NewRecorder()
			ms[0].ServeHTTP(w, httptest.NewRequest(x.method, "/", bytes.NewReader(make([]byte, x.size))))
			if w.Code != x.want || !strings.Contains(w.Body.String(), x.text) {
				t.Errorf("%+v: %d %.100s", x, w.Code, w.Body)
			}
			if done := ms[2].done.Load(); (done == 1) != (x.want == 200) {
				t.Errorf("%+v: done %d times", x, done)
			}
			time.Sleep(time.Minute)
		})
	}
}

func TestRequestsToNodesGoByTheServerThatHasThem(t *testing.T) {
	c := newCluster(t)
	node := c.start(pki.RoleClient, func(cfg *transport.Config) { cfg.Handler = who("node") })
	serve := func(m **machine, via func(context.Context) (structs.ID, bool)) func(*transport.Config) {
		return func(cfg *transport.Config) {
			cfg.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				f := transport.NewForwarder(transport.ForwardConfig{Peers: (*m).RoundTripper(), Self: (*m).id})
				f.Node(w, r, node.id, (*m).Connected, via)
			})
		}
	}
	var a, b *machine
	b = c.start(pki.RoleServer, serve(&b, nil))
	a = c.start(pki.RoleServer, serve(&a, func(context.Context) (structs.ID, bool) { return b.id, true }))
	client := c.start(pki.RoleClient, nil)
	if got, err := get(t, client, a.Addr(), "/v1/client/fs"); err != nil || !strings.Contains(got, "no connection") && !strings.Contains(got, "moved") {
		t.Errorf("before it is connected: %q, %v", got, err)
	}
	if _, err := node.Connect(t.Context(), b.Addr()); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*machine{a, b} {
		if got, err := get(t, client, m.Addr(), "/v1/client/fs"); err != nil || !strings.HasPrefix(got, "node: GET /v1/client/fs from "+b.Identity().String()) {
			t.Errorf("%q, %v", got, err)
		}
	}
}
