package httpapi

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"berth/structs"
)

// TestAPageShowsItsTokenInAFrame: browsers cannot send a header with a websocket.
func TestAPageShowsItsTokenInAFrame(t *testing.T) {
	g := newGuarded(t)
	g.make("reader", `agent { policy = "read" }`)
	g.make("dev", writeDefault)
	g.api.stream("/v1/test", streams{http.MethodGet: agentRead().stream(func(_ http.ResponseWriter, r *request) error {
		if r.flag("fail") {
			return errors.New("it cannot be done")
		}
		return r.socket.Write(r.ctx(), websocket.MessageText, []byte("hello "+r.who.Token.Name))
	})})
	g.as("none")
	for _, c := range []struct{ frame, query, want string }{
		{`{"version":1,"auth_token":"` + g.tokens["reader"] + `"}`, "", "hello reader"},
		{`{"version":1,"auth_token":"` + g.tokens["reader"] + `"}`, "&fail=true", "status = StatusInternalError and reason = \"it cannot be done\""},
		{`{"version":1,"auth_token":"` + g.tokens["dev"] + `"}`, "", "status = StatusPolicyViolation and reason = \"Permission denied\""},
		{`{"version":1,"auth_token":""}`, "", "reason = \"Permission denied\""},
		{`{"version":1,"auth_token":"nonsense"}`, "", "reason = \"ACL token not found\""},
		{`{"version":2}`, "", "reason = \"the first frame must be"},
		{`nonsense`, "", "reason = \"the first frame must be"},
		{strings.Repeat(" ", maxHandshake+1), "", "status = StatusMessageTooBig"},
	} {
		ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(g.url, "http")+"/v1/test?ws_handshake=true"+c.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(c.frame)); err != nil {
			t.Fatal(err)
		}
		_, text, err := ws.Read(t.Context())
		got := string(text)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%.60s: %s, want %s", c.frame, got, c.want)
		}
		_ = ws.CloseNow()
	}
}

// TestAnOpenStreamEndsWithTheRight: a monitor writes nothing for long; still it ends when the policy that allowed it is gone.
func TestAnOpenStreamEndsWithTheRight(t *testing.T) {
	g := newGuarded(t)
	stopped := make(chan struct{})
	g.api.Logs = func(LogOptions) (<-chan []byte, func()) { return make(chan []byte), func() { close(stopped) } }
	g.make("reader", `agent { policy = "read" }`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/v1/agent/monitor?plain=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Nomad-Token", g.tokens["reader"])
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	defer resp.Body.Close()
	g.as("management").want("PUT", "/v1/acl/policy/reader", &structs.ACLPolicy{Rules: writeDefault}, 200, nil)
	if _, err := bufio.NewReader(resp.Body).ReadByte(); err == nil {
		t.Error("something was sent")
	}
	<-stopped
}
