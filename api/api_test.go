package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"berth/api"
	"berth/structs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// agent answers every request with h; the client has the configuration and the agent's address.
func agent(t *testing.T, cfg api.Config, h http.HandlerFunc) *api.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg.Address = srv.URL
	c, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestReadsSendWhatTheyAreAskedWith(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  api.Config
		q    *api.QueryOptions
		want url.Values
	}{
		"nothing":  {want: url.Values{}},
		"defaults": {cfg: api.Config{Region: "eu", Namespace: "shop"}, want: url.Values{"region": {"eu"}, "namespace": {"shop"}}},
		"the call wins over the defaults": {cfg: api.Config{Region: "eu", Namespace: "shop"}, q: &api.QueryOptions{Namespace: "*", Region: "us"},
			want: url.Values{"region": {"us"}, "namespace": {"*"}}},
		"blocking": {q: &api.QueryOptions{WaitIndex: 7, WaitTime: 90 * time.Second}, want: url.Values{"index": {"7"}, "wait": {"1m30s"}}},
		"lists": {q: &api.QueryOptions{Prefix: "ab", Filter: `Status == "running"`, PerPage: 5, NextToken: "x", Reverse: true, Stale: true},
			want: url.Values{"prefix": {"ab"}, "filter": {`Status == "running"`}, "per_page": {"5"}, "next_token": {"x"}, "reverse": {"true"}, "stale": {"true"}}},
		"further": {q: (&api.QueryOptions{Prefix: "ab"}).With("all", "true"), want: url.Values{"prefix": {"ab"}, "all": {"true"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got url.Values
			cl := agent(t, c.cfg, func(w http.ResponseWriter, r *http.Request) {
				got = r.URL.Query()
				fmt.Fprint(w, "[]")
			})
			if _, _, err := cl.Jobs().List(t.Context(), c.q); err != nil {
				t.Fatal(err)
			}
			if got.Encode() != c.want.Encode() {
				t.Errorf("asked with %s, want %s", got.Encode(), c.want.Encode())
			}
		})
	}
}

func TestWithLeavesTheOptionsItIsGivenAlone(t *testing.T) {
	q := &api.QueryOptions{Params: map[string]string{"a": "1"}}
	if q.With("b", "2"); len(q.Params) != 1 {
		t.Errorf("params are %v", q.Params)
	}
}

func TestAnswersCarryTheirIndex(t *testing.T) {
	cl := agent(t, api.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Nomad-Index", "42")
		w.Header().Set("X-Nomad-KnownLeader", "true")
		w.Header().Set("X-Nomad-LastContact", "15")
		w.Header().Set("X-Nomad-NextToken", "next")
		fmt.Fprint(w, `[{"ID":"web"}]`)
	})
	jobs, meta, err := cl.Jobs().List(t.Context(), nil)
	if err != nil || len(jobs) != 1 || jobs[0].ID != "web" {
		t.Fatal(jobs, err)
	}
	want := api.QueryMeta{LastIndex: 42, LastContact: 15 * time.Millisecond, KnownLeader: true, NextToken: "next"}
	if *meta != want {
		t.Errorf("meta is %+v, want %+v", *meta, want)
	}
}

func TestTokenAndPasswordAreSent(t *testing.T) {
	var token, user, password string
	cl := agent(t, api.Config{Token: "secret", BasicAuth: "joe:pa:ss"}, func(w http.ResponseWriter, r *http.Request) {
		token = r.Header.Get("X-Nomad-Token")
		user, password, _ = r.BasicAuth()
		fmt.Fprint(w, "[]")
	})
	if _, _, err := cl.Nodes().List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if token != "secret" || user != "joe" || password != "pa:ss" {
		t.Errorf("got %q %q %q", token, user, password)
	}
}

func TestNamesArePathSegments(t *testing.T) {
	var path string
	cl := agent(t, api.Config{}, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		fmt.Fprint(w, "{}")
	})
	if _, _, err := cl.Jobs().Get(t.Context(), "a/b c?d", nil); err != nil {
		t.Fatal(err)
	}
	if want := "/v1/job/a%2Fb%20c%3Fd"; path != want {
		t.Errorf("asked for %s, want %s", path, want)
	}
}

func TestErrorsAreTheAgentsText(t *testing.T) {
	for _, c := range []struct {
		status   int
		body     string
		want     string
		notFound bool
	}{
		{404, "job \"web\" not found\n", `job "web" not found`, true},
		{400, "the job has no groups", "the job has no groups", false},
		{502, "", "the agent answered 502 Bad Gateway", false},
	} {
		cl := agent(t, api.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		})
		_, _, err := cl.Jobs().Get(t.Context(), "web", nil)
		if err == nil || err.Error() != c.want || api.IsNotFound(err) != c.notFound {
			t.Errorf("%d: got %v, want %q", c.status, err, c.want)
		}
	}
}

func TestAnErrorWithoutEndIsCut(t *testing.T) {
	cl := agent(t, api.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		line := []byte(strings.Repeat("x", 64<<10))
		for range 64 { // 4 MB
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	_, _, err := cl.Jobs().List(t.Context(), nil)
	var answer *api.Error
	if !errors.As(err, &answer) || len(answer.Message) != 256<<10 {
		t.Fatalf("got an error of %d bytes, want %d", len(answer.Message), 256<<10)
	}
}

func TestAnAnswerThatIsNotJSONNamesTheRoute(t *testing.T) {
	cl := agent(t, api.Config{}, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	_, _, err := cl.Jobs().List(t.Context(), nil)
	if err == nil || !strings.HasPrefix(err.Error(), "read answer of /v1/jobs: ") {
		t.Errorf("got %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	ln, err := net.Listen("tcp", "127.77.0.2:0") // where nobody else takes the port once it is free
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + ln.Addr().String()
	ln.Close()
	for _, a := range []string{address, "unix://" + filepath.Join(t.TempDir(), "none.sock")} {
		cl, err := api.New(api.Config{Address: a})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = cl.Jobs().List(t.Context(), nil)
		want := "no agent answers at " + a + " (start one with `berth agent -dev`, or name another with -address or BERTH_ADDR)"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestASocketIsSpokenTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: ln, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"ID":"web"}]`)
	})}}
	srv.Start()
	defer srv.Close()
	cl, err := api.New(api.Config{Address: "unix://" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if jobs, _, err := cl.Jobs().List(t.Context(), nil); err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for address, want := range map[string]string{
		"unix://":      `address "unix://" names no socket, want unix:///path/to.sock`,
		"ftp://host":   `address "ftp://host" must start with http://, https:// or unix://`,
		"file:///sock": `address "file:///sock" must start with http://, https:// or unix://`,
	} {
		if _, err := api.New(api.Config{Address: address}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
}

func TestOwnVariablesWinOverTheContracts(t *testing.T) {
	vars := map[string]string{"BERTH_ADDR": "http://a", "NOMAD_ADDR": "http://b", "NOMAD_NAMESPACE": "shop", "NOMAD_TOKEN": "t", "NOMAD_SKIP_VERIFY": "1"}
	cfg := api.ConfigFromEnv(func(name string) string { return vars[name] })
	if cfg.Address != "http://a" || cfg.Namespace != "shop" || cfg.Token != "t" || !cfg.TLS.Insecure {
		t.Errorf("got %+v", cfg)
	}
}

// TestReadsWaitForALeader runs in a bubble: the pauses between tries take no time.
func TestReadsWaitForALeader(t *testing.T) {
	for name, c := range map[string]struct {
		leaderless int32
		write      bool
		tries      int32
		fails      bool
	}{
		"a read is tried again":        {leaderless: 3, tries: 4},
		"a write is not":               {leaderless: 1, write: true, tries: 1, fails: true},
		"a read is given up some time": {leaderless: 1 << 30, tries: 10, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tries atomic.Int32
				cl, err := api.New(api.Config{HTTPClient: &http.Client{Transport: answers(func(*http.Request) *http.Response {
					if tries.Add(1) <= c.leaderless {
						return answer(http.StatusServiceUnavailable, "no leader", http.Header{"Retry-After": {"1"}})
					}
					return answer(http.StatusOK, "[]", nil)
				})}})
				if err != nil {
					t.Fatal(err)
				}
				if c.write {
					err = cl.SystemGC(t.Context())
				} else {
					_, _, err = cl.Jobs().List(t.Context(), nil)
				}
				if (err != nil) != c.fails {
					t.Errorf("error is %v", err)
				}
				if got := tries.Load(); got < c.tries || got > c.tries+1 {
					t.Errorf("tried %d times, want about %d", got, c.tries)
				}
			})
		})
	}
}

func TestABlockingReadEndsWithItsContext(t *testing.T) {
	asked := make(chan struct{})
	cl := agent(t, api.Config{}, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, _, err := cl.Jobs().List(ctx, &api.QueryOptions{WaitIndex: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRegisterSendsTheJobAndItsIndex(t *testing.T) {
	var method, path, body string
	cl := agent(t, api.Config{}, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		method, path, body = r.Method, r.URL.Path, string(text)
		w.Header().Set("X-Nomad-Index", "9")
		fmt.Fprint(w, `{"EvalID":"5f0f1a2b-0000-4000-8000-000000000001","JobModifyIndex":9}`)
	})
	job := &structs.Job{ID: "web", Name: "web"}
	resp, meta, err := cl.Jobs().Register(t.Context(), &structs.JobRegisterRequest{Job: job, EnforceIndex: true, JobModifyIndex: 8}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.EvalID.Short() != "5f0f1a2b" || meta.LastIndex != 9 {
		t.Errorf("got %+v %+v", resp, meta)
	}
	if method != http.MethodPut || path != "/v1/jobs" || !strings.Contains(body, `"ID":"web"`) || !strings.Contains(body, `"JobModifyIndex":8`) {
		t.Errorf("sent %s %s %s", method, path, body)
	}
}

// answers is a transport without a network.
type answers func(*http.Request) *http.Response

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func answer(status int, body string, h http.Header) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}
