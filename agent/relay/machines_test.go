package relay

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A caller without a certificate would else get what is the server's that passes its request on: the next certificate of a server, for a key
// of its own, or a node's place.
func TestWhatMachinesAskEachOtherIsNeverPassedOn(t *testing.T) {
	for _, path := range []string{"/v1/internal/certificate", "/v1/internal/node/register", "/v1/internal", "/v1/internal/", "//v1/internal/certificate",
		"/v1/./internal/certificate", "/v1/jobs/../internal/certificate", "/v1//internal//certificate", "/v1%2Finternal/certificate",
		"/v1/%69nternal/certificate", "/v1/internal/certificate?region=other", "/v1/internal/certificate?stale", "/v1/internal/x?server_id=leader"} {
		for _, from := range []int{1, 2, 9} {
			_, agents := newWorld()
			if code, _ := request(agents[from], http.MethodPut, path, "{}"); code != http.StatusNotFound {
				t.Errorf("agent %d, %s: answered %d", from, path, code)
			}
			for n, a := range agents {
				if len(a.asked) > 0 {
					t.Errorf("agent %d, %s: agent %d was asked %v", from, path, n, a.asked)
				}
			}
		}
	}
}

func TestMachinesAskForThemselves(t *testing.T) {
	answers := Direct(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, c := range []struct {
		path, header string
		code         int
	}{
		{"/v1/internal/certificate", "", 200},
		{"/v1/internal/certificate", headerHops, 403},
		{"/v1/internal/node/register", headerFrom, 403},
		{"/v1/jobs/../internal/certificate", headerHops, 403},
		{"/v1/jobs", headerHops, 200},
		{"/v1/internals", headerHops, 200},
	} {
		r := httptest.NewRequest(http.MethodPut, c.path, nil)
		if c.header != "" {
			r.Header.Set(c.header, "1")
		}
		w := httptest.NewRecorder()
		answers.ServeHTTP(w, r)
		if w.Code != c.code {
			t.Errorf("%s with %q: %d", c.path, c.header, w.Code)
		}
	}
}
