package guard_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"berth/agent/guard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What programs and pages send.
var (
	curl    = http.Header{"User-Agent": {"curl/7.88.1"}}
	goHTTP  = http.Header{"User-Agent": {"Go-http-client/1.1"}, "Accept-Encoding": {"gzip"}}
	scraper = http.Header{"User-Agent": {"Prometheus/3.0"}, "Accept-Encoding": {"gzip"}}
	firefox = http.Header{"User-Agent": {"Mozilla/5.0 (X11) Firefox/140.0"}, "Accept-Language": {"en"}, "Accept-Encoding": {"gzip, deflate"}}
	// A script may change the name of a browser, not what it unpacks.
	disguised = http.Header{"User-Agent": {"curl/8"}, "Accept-Language": {"en"}, "Accept-Encoding": {"gzip, deflate"}}
)

func with(h http.Header, pairs ...string) http.Header {
	h = h.Clone()
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestWhoIsAnswered(t *testing.T) {
	open := guard.Config{Names: []string{"node1", "berth.corp.example"}, Origins: []string{"https://ops.example"}}
	local := open
	local.Loopback = true
	for name, c := range map[string]struct {
		cfg    guard.Config
		method string
		host   string
		header http.Header
		want   bool
	}{
		"curl by address":                {open, "PUT", "10.0.0.1:4646", curl, true},
		"curl by any name":               {open, "PUT", "berth.service.consul:4646", curl, true},
		"a client library by any name":   {open, "GET", "lb.example", goHTTP, true},
		"a scraper by any name":          {open, "GET", "lb.example", scraper, true},
		"loopback by address":            {local, "PUT", "127.0.0.1:4646", curl, true},
		"loopback by IPv6":               {local, "PUT", "[::1]:4646", curl, true},
		"loopback as localhost":          {local, "PUT", "localhost:4646", curl, true},
		"loopback below localhost":       {local, "GET", "berth.localhost:4646", firefox, true},
		"loopback by its own name":       {local, "GET", "NODE1:4646", firefox, true},
		"loopback by a foreign name":     {local, "GET", "evil.example:4646", curl, false},
		"HTTP/1.0 without a name":        {local, "GET", "", curl, true},
		"a browser by address":           {open, "GET", "10.0.0.1:4646", firefox, true},
		"a browser by a known name":      {open, "GET", "berth.corp.example.", firefox, true},
		"a browser by a rebound name":    {open, "GET", "evil.example:4646", firefox, false},
		"one in disguise":                {open, "GET", "evil.example:4646", disguised, false},
		"one whose origin fits its name": {open, "PUT", "evil.example:4646", with(firefox, "Origin", "http://evil.example:4646"), false},
		"its own page":                   {open, "PUT", "10.0.0.1:4646", with(firefox, "Origin", "http://10.0.0.1:4646", "Sec-Fetch-Site", "same-origin"), true},
		"a foreign page":                 {open, "POST", "10.0.0.1:4646", with(firefox, "Origin", "http://evil.example"), false},
		"another port's page":            {open, "POST", "127.0.0.1:4646", with(firefox, "Origin", "http://127.0.0.1:8080"), false},
		"a page without an origin":       {open, "POST", "127.0.0.1:4646", with(firefox, "Origin", "null"), false},
		"a foreign page's image":         {open, "GET", "127.0.0.1:4646", with(firefox, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"), false},
		"a link on a foreign page":       {open, "GET", "127.0.0.1:4646", with(firefox, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"), true},
		"a page that was allowed":        {open, "PUT", "10.0.0.1:4646", with(firefox, "Origin", "https://ops.example", "Sec-Fetch-Site", "cross-site"), true},
		"every page, when all are":       {guard.Config{Origins: []string{"*"}}, "PUT", "10.0.0.1:4646", with(firefox, "Origin", "https://x.example"), true},
	} {
		t.Run(name, func(t *testing.T) {
			reached := false
			h := guard.Handler(c.cfg, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
			r := httptest.NewRequest(c.method, "/v1/jobs", nil)
			r.Host, r.Header = c.host, c.header
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if reached != c.want || reached != (w.Code == http.StatusOK) {
				t.Errorf("answered %v with %d %s", reached, w.Code, w.Body)
			}
			if !c.want && (w.Code != http.StatusForbidden || len(w.Body.String()) < 30) {
				t.Errorf("refused with %d %q", w.Code, w.Body)
			}
		})
	}
}

func TestNoLimitIsTheListenerItself(t *testing.T) {
	var l net.Listener = &net.TCPListener{}
	if guard.Limit(l, 0, true) != l {
		t.Error("0 is not no limit")
	}
}
