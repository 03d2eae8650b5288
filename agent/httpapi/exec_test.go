package httpapi

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"berth/drivers"
)

// heard is what of a caller's frames reached a command.
type heard struct {
	input string
	sizes []drivers.TermSize
	err   error // what ended the reading
}

// hear sends frames as a caller does, leaves, and gives what reached the command.
func hear(t *testing.T, frames []string, kind websocket.MessageType) heard {
	t.Helper()
	got := make(chan heard, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		ws.SetReadLimit(maxExecFrame)
		stdin, feed := io.Pipe()
		sizes := make(chan drivers.TermSize, 1)
		var h heard
		taken := make(chan struct{})
		go func() {
			defer close(taken)
			text, _ := io.ReadAll(stdin)
			h.input = string(text)
		}()
		err = readExec(context.WithoutCancel(r.Context()), ws, feed, &atomic.Bool{}, sizes)
		_ = feed.CloseWithError(err)
		<-taken
		close(sizes)
		for s := range sizes {
			h.sizes = append(h.sizes, s)
		}
		h.err = err
		got <- h
	}))
	defer srv.Close()
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	for _, f := range frames {
		if ws.Write(t.Context(), kind, []byte(f)) != nil {
			break // it was hung up on
		}
	}
	_ = ws.Close(websocket.StatusNormalClosure, "")
	return <-got
}

// Whatever a caller sends as frames of an exec, what came before reaches the command, and what cannot be ends it.
func TestFramesOfAnExec(t *testing.T) {
	data := func(s string) string {
		return `{"stdin":{"data":"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"}}`
	}
	left := func(err error) bool { return websocket.CloseStatus(err) == websocket.StatusNormalClosure }
	refused := func(err error) bool { return err != nil && !left(err) }
	for name, c := range map[string]struct {
		frames []string
		input  string
		sizes  []drivers.TermSize
		ends   func(error) bool
	}{
		"input":                  {[]string{data("a"), data("b"), `{"stdin":{"close":true}}`}, "ab", nil, left},
		"input behind the end":   {[]string{data("a"), `{"stdin":{"close":true}}`, data("b"), `{"stdin":{"close":true}}`}, "a", nil, left},
		"nothing in it":          {[]string{`{}`, `null`, `{"stdin":null}`, `{"stdin":{}}`, data("a")}, "a", nil, left},
		"the last size":          {[]string{`{"tty_size":{"height":1,"width":2}}`, `{"tty_size":{"height":3,"width":4}}`}, "", []drivers.TermSize{{Height: 3, Width: 4}}, left},
		"a size below nothing":   {[]string{data("a"), `{"tty_size":{"height":-1,"width":2}}`, data("b")}, "a", nil, refused},
		"a size beyond all":      {[]string{`{"tty_size":{"height":1,"width":65536}}`}, "", nil, refused},
		"a size that is no size": {[]string{`{"tty_size":{"height":1e99,"width":1}}`}, "", nil, refused},
		"no JSON":                {[]string{data("a"), `nonsense`, data("b")}, "a", nil, refused},
		"no object":              {[]string{`[1]`}, "", nil, refused},
		"no base64":              {[]string{`{"stdin":{"data":"$$$"}}`}, "", nil, refused},
		"nested":                 {[]string{strings.Repeat("[", 20_000)}, "", nil, refused},
		"a frame too large":      {[]string{data("a"), strings.Repeat(" ", maxExecFrame+1)}, "a", nil, refused},
	} {
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			got := hear(t, c.frames, kind)
			if got.input != c.input || len(got.sizes) != len(c.sizes) || len(c.sizes) > 0 && got.sizes[0] != c.sizes[0] || !c.ends(got.err) {
				t.Errorf("%s: %q, sizes %v, ended by %v", name, got.input, got.sizes, got.err)
			}
		}
	}
	if got := hear(t, nil, websocket.MessageText); got.err == nil || errors.Is(got.err, io.EOF) {
		t.Errorf("a caller that only leaves: %v", got.err)
	}
}
