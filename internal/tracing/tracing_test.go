package tracing

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"berth/internal/tracing/collector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, c *collector.Collector, change func(*Config)) *Tracer {
	t.Helper()
	cfg := Config{Endpoint: c.URL, Ratio: 1, Headers: map[string]string{"X-Key": "k"}}
	if change != nil {
		change(&cfg)
	}
	tr, err := Open(cfg, Process{Name: "s1", Version: "1.0.0", Region: "global", Datacenter: "dc1"}, func(err error) { t.Log(err) })
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

const (
	traced   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	untraced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

// serve sends requests with a traceparent through a handler.
func serve(h http.Handler, parents ...string) {
	for _, p := range parents {
		r := httptest.NewRequest("PUT", "/v1/job/secret-name?token=x", nil)
		if p != "" {
			r.Header.Set("traceparent", p)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func TestWhichRequestsAreTraced(t *testing.T) {
	for _, c := range []struct {
		name    string
		parent  string
		roots   bool
		ratio   float64
		want    int
		joins   bool
		through string // traceparent of what is sent on; "" none, = the same trace
	}{
		{"of a person", "", true, 1, 1, false, "new"},
		{"of a person who is not chosen", "", true, 0, 0, false, "-00"},
		{"its caller traces it", traced, true, 0, 1, true, "-01"},
		{"its caller does not", untraced, true, 1, 0, false, "-00"},
		{"nonsense begins a trace", "00-xyz", true, 1, 1, false, "new"},
		{"of a machine that is traced", traced, false, 0, 1, true, "-01"},
		{"of a machine that is not", "", false, 1, 0, false, ""},
		{"of a machine whose caller was not chosen", untraced, false, 1, 0, false, ""},
	} {
		col := collector.New(t)
		tr := open(t, col, func(cfg *Config) { cfg.Ratio = c.ratio })
		var sent string
		serve(tr.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := http.Header{}
			tr.Inject(r.Context(), h)
			sent = h.Get("traceparent")
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
		}), c.roots), c.parent)
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		spans := col.Spans()
		if len(spans) != c.want {
			t.Errorf("%s: %d spans, want %d", c.name, len(spans), c.want)
			continue
		}
		if c.want == 1 {
			s := spans[0]
			if joins := s.Trace == "0af7651916cd43dd8448eb211c80319c" && s.Parent == "b7ad6b7169203331"; joins != c.joins || s.Name != "PUT" || s.Of != "s1" ||
				s.Attributes["url.path"] != "/v1/job/secret-name" || s.Attributes["http.response.status_code"] != "418" || s.Failed || s.End < s.Start {
				t.Errorf("%s: %+v", c.name, s)
			}
			if !strings.Contains(sent, s.Trace+"-"+s.ID) {
				t.Errorf("%s: sent on as %q", c.name, sent)
			}
			if col.Headers().Get("X-Key") != "k" {
				t.Errorf("headers %v", col.Headers())
			}
		}
		if c.through == "" && sent != "" || strings.HasPrefix(c.through, "-") && !strings.HasSuffix(sent, c.through) {
			t.Errorf("%s: sent on as %q", c.name, sent)
		}
	}
}

func TestASpanEndsWithWhatFailed(t *testing.T) {
	col := collector.New(t)
	tr := open(t, col, nil)
	serve(tr.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, s := tr.Child(r.Context(), "part")
		s.Set("n", uint64(7))
		s.End(errors.New("no leader"))
		w.WriteHeader(http.StatusServiceUnavailable)
	}), true), "")
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	spans := col.Spans()
	if len(spans) != 2 || !spans[0].Failed || spans[0].Name != "part" || spans[0].Parent != spans[1].ID || spans[0].Attributes["n"] != "7" || !spans[1].Failed {
		t.Errorf("%+v", spans)
	}
}

// A collector that is away or refuses holds nobody up, and is complained of once a minute.
func TestACollectorThatIsAway(t *testing.T) {
	col := collector.New(t)
	col.Refuse(http.StatusServiceUnavailable)
	for _, endpoint := range []string{col.URL, "http://127.0.0.1:1"} {
		var told []error
		tr, err := Open(Config{Endpoint: endpoint, Ratio: 1}, Process{}, func(err error) { told = append(told, err) })
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			serve(tr.Handler(http.NotFoundHandler(), true), "", "", "")
			_ = tr.Flush(t.Context()) // it fails, and is told
		}
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		if len(told) > 1 {
			t.Errorf("%s: told %d times: %v", endpoint, len(told), told)
		}
	}
	if len(col.Spans()) != 0 {
		t.Error("it took some")
	}
}

func TestWhatIsOffCostsNothing(t *testing.T) {
	tr, err := Open(Config{}, Process{}, nil)
	if err != nil || tr != nil {
		t.Fatalf("%v %v", tr, err)
	}
	h := http.NotFoundHandler()
	if _, same := tr.Handler(h, true).(http.HandlerFunc); !same || tr.Close() != nil {
		t.Error("it is not off")
	}
	ctx, head := context.Background(), http.Header{"Traceparent": {traced}}
	if n := testing.AllocsPerRun(100, func() {
		ctx, s := tr.Child(ctx, "x")
		s.Set("a", "b")
		tr.Inject(ctx, head)
		tr.Current(ctx).End(nil)
		s.End(nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	on := open(t, collector.New(t), nil)
	if n := testing.AllocsPerRun(100, func() { _, s := on.Child(ctx, "x"); s.End(nil) }); n != 0 {
		t.Errorf("%v allocations for a request that is not traced", n)
	}
	if err := on.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeUsedIsRefused(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Endpoint: "http://c:4318", Ratio: 0.5}, ""},
		{Config{Endpoint: "c:4318"}, "is not an address such as"},
		{Config{Endpoint: "grpc://c:4317"}, "is not an address such as"},
		{Config{Endpoint: "http://c", Ratio: -1}, "sample_ratio = -1: use 0 to 1"},
	} {
		if err := c.cfg.Check(); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
	if _, err := Open(Config{Endpoint: "https://c", CAFile: "/no/such"}, Process{}, nil); err == nil || !strings.Contains(err.Error(), "read ca_file") {
		t.Error(err)
	}
}
