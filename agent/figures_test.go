package agent

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"berth/agent/config"
	"berth/agent/telemetry"
	"berth/client"
	"berth/internal/transport"
)

// Each request of another machine is counted once, by whether it reads and whether it was answered with an error; what is said before the answer is
// none.
func TestRequestsAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		answer http.HandlerFunc
		want   telemetry.Requests
	}{
		"a read":                    {"GET", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }, telemetry.Requests{All: 1, Reads: 1}},
		"a change":                  {"PUT", func(http.ResponseWriter, *http.Request) {}, telemetry.Requests{All: 1}},
		"a caller's error":          {"PUT", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) }, telemetry.Requests{All: 1, Failed: 1}},
		"a fault":                   {"HEAD", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, telemetry.Requests{All: 1, Reads: 1, Failed: 1}},
		"an error after the answer": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); w.WriteHeader(500) }, telemetry.Requests{All: 1, Reads: 1}},
		"two errors":                {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); w.WriteHeader(500) }, telemetry.Requests{All: 1, Reads: 1, Failed: 1}},
		"an error after a hint": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(404)
		}, telemetry.Requests{All: 1, Reads: 1, Failed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var f figures
			f.counted(c.answer).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(c.method, "/", nil))
			if got := f.Requests(); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// What becomes of the tasks when an agent ends is said as it is.
func TestFateOfTasks(t *testing.T) {
	drain := &config.Drain{}
	for want, all := range map[string][]*agent{
		"are ended":    {{cfg: &config.Config{Dev: true}, client: &client.Client{}}, {cfg: &config.Config{Dev: true, Client: config.Client{Drain: drain}}, client: &client.Client{}}},
		"leave before": {{cfg: &config.Config{Client: config.Client{Drain: drain}}, client: &client.Client{}}},
		"go on":        {{cfg: &config.Config{}, client: &client.Client{}}, {cfg: &config.Config{Client: config.Client{Drain: drain}}}},
	} {
		for i, a := range all {
			if got := a.fate(); got != want {
				t.Errorf("%d of those that %s: they %s", i, want, got)
			}
		}
	}
}

// The configuration's 0 is no limit of a handshake; the transport's is its default.
func TestLimitsOfTheClusterPort(t *testing.T) {
	for set, want := range map[time.Duration]transport.Limits{0: {HandshakeTimeout: -1}, 3 * time.Second: {HandshakeTimeout: 3 * time.Second}} {
		if got := wireLimits(config.Limits{RPCHandshake: set}); got != want {
			t.Errorf("%s: %+v, want %+v", set, got, want)
		}
	}
}
