package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	goleak.VerifyTestMain(m)
}

// fake is an agent that answers from a table: "METHOD /path" to a value sent as JSON, a function, or a status to fail with.
type fake struct {
	*httptest.Server
	mu     sync.Mutex
	routes map[string]any
	bodies map[string][]byte // the last body by route
	asked  []string
}

// refusal is an answer other than 200.
type refusal struct {
	status int
	text   string
}

func newFake(t *testing.T, routes map[string]any) *fake {
	t.Helper()
	f := &fake{routes: routes, bodies: map[string][]byte{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + r.URL.Path
	var body bytes.Buffer
	_, _ = body.ReadFrom(r.Body)
	f.mu.Lock()
	f.bodies[key] = body.Bytes()
	f.asked = append(f.asked, r.Method+" "+r.URL.RequestURI())
	answer, ok := f.routes[key]
	f.mu.Unlock()
	w.Header().Set("X-Nomad-Index", "10")
	switch v := answer.(type) {
	case func(http.ResponseWriter, *http.Request):
		v(w, r)
		return
	case refusal:
		http.Error(w, v.text, v.status)
		return
	}
	if !ok {
		http.Error(w, "no route "+key, http.StatusNotFound)
		return
	}
	if r.URL.Query().Get("index") != "" {
		<-r.Context().Done() // nothing changes any more
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// requests are all that were made, in order: "GET /v1/jobs?prefix=a".
func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

// last is the latest request.
func (f *fake) last() string {
	all := f.requests()
	return all[len(all)-1]
}

// text is what was sent to a route, as it was.
func (f *fake) text(key string) []byte {
	body, _ := f.sent(key)
	return body
}

// sent is what was sent to a route, and whether it was asked at all.
func (f *fake) sent(key string) (body []byte, asked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, asked = f.bodies[key]
	return body, asked
}

// body is what was sent to a route, decoded.
func (f *fake) body(t *testing.T, key string) map[string]any {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]any{}
	if err := json.Unmarshal(f.bodies[key], &out); err != nil {
		t.Fatalf("body of %s: %v (%q)", key, err, f.bodies[key])
	}
	return out
}

// said is how a command ended.
type said struct {
	code     int
	out, err string
}

// berth runs a command against the fake.
func (f *fake) berth(t *testing.T, args ...string) said {
	t.Helper()
	t.Setenv("NOMAD_ADDR", f.URL)
	return berth(t, "", args...)
}

func berth(t *testing.T, stdin string, args ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	code := Main(args, strings.NewReader(stdin), &out, &errs)
	http.DefaultClient.CloseIdleConnections()
	return said{code, out.String(), errs.String()}
}

var (
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)`)
	since = regexp.MustCompile(`\b(\d+d)?(\d+h)?(\d+m)?(\d+s)? ago\b`)
)

// golden compares a text, times aside, with a file; BERTH_UPDATE=1 writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = since.ReplaceAllString(times.ReplaceAllString(got, "TIME"), "LONG ago")
	path := "testdata/" + name + ".txt"
	if os.Getenv("BERTH_UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n--- got\n%s--- want\n%s", path, got, want)
	}
}
