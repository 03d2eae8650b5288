package tracing

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berth/internal/tracing/collector"
)

// Whatever a request holds, its span is small, can be sent, and takes no other with it.
func TestSpansOfHostileRequests(t *testing.T) {
	long := strings.Repeat("x", 60<<10)
	members := make([]string, 32)
	for i := range members {
		members[i] = fmt.Sprintf("k%d=%s", i, strings.Repeat("v", 250))
	}
	col := collector.New(t)
	tr := open(t, col, nil)
	h := tr.Handler(http.NotFoundHandler(), true)
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.URL.Path = "/v1/job/" + long },
		func(r *http.Request) { r.URL.Path = "/v1/job/\xff\xfe\x00" },
		func(r *http.Request) { r.URL.Path = "/" + strings.Repeat("ü", maxPath) },
		func(r *http.Request) { r.Method = long },
		func(r *http.Request) { r.Header.Set("tracestate", strings.Join(members, ",")) },
		func(r *http.Request) { r.Header.Set("tracestate", "a=b"+strings.Repeat(" ", 60<<10)) },
		func(r *http.Request) { r.Header.Set("traceparent", long) },
		func(*http.Request) {},
	} {
		r := httptest.NewRequest("GET", "/v1/jobs", nil)
		r.Header.Set("traceparent", traced)
		change(r)
		var sent string
		tr.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			out := http.Header{}
			tr.Inject(r.Context(), out)
			sent = out.Get("tracestate")
		}), true).ServeHTTP(httptest.NewRecorder(), r)
		if len(sent) > maxTracestate {
			t.Errorf("%d bytes of tracestate are kept", len(sent))
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	spans := col.Spans()
	if len(spans) != 16 {
		t.Errorf("%d of 16 spans came", len(spans))
	}
	for _, s := range spans {
		if len(s.Name)+len(s.Attributes["url.path"])+len(s.Attributes["http.request.method"]) > 4*maxPath {
			t.Errorf("a span of %.40q... has %d bytes of path", s.Name, len(s.Attributes["url.path"]))
		}
	}
}
