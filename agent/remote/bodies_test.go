package remote

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berth/internal/pki"
	"berth/internal/transport"
	"berth/structs"
)

func TestBodiesOfAPeerAndOfAllAreBounded(t *testing.T) {
	b := bodies{of: map[structs.ID]int64{}}
	peer := func(n byte) structs.ID { return structs.ID{0: 1, 15: n} }
	first, ok := b.take(peer(1), maxBody)
	second, ok2 := b.take(peer(1), -1) // of unknown length: the longest there may be
	if !ok || !ok2 {
		t.Fatal("a peer may not send what one may")
	}
	if _, ok := b.take(peer(1), 1); ok {
		t.Error("a peer may send more than one may")
	}
	first()
	if again, ok := b.take(peer(1), 1); !ok {
		t.Error("what was read is not given back")
	} else {
		again()
	}
	second()
	small := 0
	for ; ; small++ {
		if _, ok := b.take(peer(2), 0); !ok {
			break
		}
	}
	if small != maxOfPeer/smallBody {
		t.Errorf("a peer sends %d small bodies at a time, not %d", small, maxOfPeer/smallBody)
	}
	var large int64
	for n := byte(10); ; n++ {
		if _, ok := b.take(peer(n), maxBody); !ok {
			break
		}
		large += maxBody
	}
	if large != maxOfAll {
		t.Errorf("all send %d bytes at a time, not %d", large, int64(maxOfAll))
	}
	if _, ok := b.take(peer(200), 10); !ok {
		t.Error("who says little is kept out by those who say much")
	}
}

// hungry is a peer's body of which nothing comes after its first bytes, until the test is over.
type hungry struct {
	io.Reader
	over chan struct{}
}

func (h *hungry) Read(p []byte) (int, error) {
	if n, err := h.Reader.Read(p); err == nil {
		return n, nil
	}
	<-h.over
	return 0, io.ErrUnexpectedEOF
}

// A node that begins long requests by the hundred and ends none has no more of them than it may, and others are answered.
func TestAPeerThatSendsWithoutAnEndDoesNotKeepOthersOut(t *testing.T) {
	n := three()
	f := n.servers["a"]
	for _, s := range n.servers {
		if s.leads {
			f = s
		}
	}
	evil, good := structs.ID{0: 1, 15: 6}, structs.ID{0: 1, 15: 7}
	handler := Handler(f, f)
	server := &http.Server{Handler: handler, ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
		return transport.WithPeer(ctx, transport.Peer{Identity: pki.Identity{Role: pki.RoleClient, Region: "global", ID: evil}})
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	over := make(chan struct{})
	const times = 20
	codes := make(chan int, times)
	client := &http.Client{Transport: &http.Transport{}}
	for range times {
		go func() {
			req, _ := http.NewRequest(http.MethodPost, "http://"+l.Addr().String()+pathUpdate, &hungry{strings.NewReader("x"), over})
			resp, err := client.Do(req)
			if err != nil {
				codes <- 0
				return
			}
			_ = resp.Body.Close()
			codes <- resp.StatusCode
		}()
	}
	for range times - maxOfPeer/maxBody {
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Errorf("a request too many is answered %d", code)
		}
	}
	body, err := (&structs.NodeHeartbeatRequest{NodeID: good}).MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest(http.MethodPost, "http://x"+pathHeartbeat, bytes.NewReader(body))
	req = req.WithContext(transport.WithPeer(context.Background(), transport.Peer{Identity: pki.Identity{Role: pki.RoleClient, Region: "global", ID: good}}))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Errorf("another node is answered %d %s", w.Code, w.Body)
	}
	close(over)
	for range maxOfPeer / maxBody {
		<-codes
	}
	client.CloseIdleConnections()
	_ = server.Close()
	<-served
}
