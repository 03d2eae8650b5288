package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/api"
)

func TestProfilesAreShownWhenTheConfigurationAllows(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/v1/agent/pprof/heap", "/v1/agent/pprof/profile", "/v1/agent/pprof/cmdline", "/v1/agent/host"} {
		if got := r.do("GET", path, nil); got.status != 403 || !strings.Contains(got.body, "enable_debug = true") {
			t.Errorf("%s: %+v", path, got)
		}
	}
	r.api.Config.Debug = true
	for path, want := range map[string]string{
		"/v1/agent/pprof/goroutine?debug=2":  "goroutine ",
		"/v1/agent/pprof/heap?debug=1&gc=1":  "heap profile",
		"/v1/agent/pprof/cmdline":            "httpapi.test",
		"/v1/agent/pprof/heap":               "\x1f\x8b",
		"/v1/agent/pprof/profile?seconds=1":  "\x1f\x8b",
		"/v1/agent/pprof/trace?seconds=1":    "go 1.",
		"/v1/agent/pprof/mutex?server_id=s1": "\x1f\x8b",
	} {
		if got := r.do("GET", path, nil); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %.100q", path, got.status, got.body)
		}
	}
	for path, code := range map[string]int{
		"/v1/agent/pprof/none": 404, "/v1/agent/pprof/profile?seconds=0": 400, "/v1/agent/pprof/profile?seconds=301": 400, "/v1/agent/pprof/heap?debug=x": 400,
		"/v1/agent/pprof/heap?node_id=" + r.node.ID.String(): 404, "/v1/agent/pprof/heap?server_id=s2": 404,
	} {
		if got := r.do("GET", path, nil); got.status != code {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

// With access control a token decides, and no setting is needed: by the contract an archive of `operator debug` is whole then.
func TestProfilesAreShownToWhoMayWithAccessControl(t *testing.T) {
	g := newGuarded(t)
	g.api.Config.DataDir = t.TempDir()
	g.make("looks", `agent { policy = "write" }`)
	g.make("reads", `agent { policy = "read" }`)
	for path, write := range map[string]bool{"/v1/agent/pprof/heap": true, "/v1/agent/pprof/cmdline": true, "/v1/agent/host": false} {
		g.as("looks").want("GET", path, nil, 200, nil)
		g.as("reads").want("GET", path, nil, map[bool]int{true: 403, false: 200}[write], nil)
		g.as("none").want("GET", path, nil, 403, nil)
	}
}

func TestTheCommandLineIsShownWithoutSecrets(t *testing.T) {
	got := redactArgs([]string{"berth", "agent", "-join-token=s3cret", "--encrypt", "s3cret", "-data-dir=/d", "-encrypt"})
	if strings.Contains(strings.Join(got, " "), "s3cret") || got[2] != "-join-token=<redacted>" || got[5] != "-data-dir=/d" {
		t.Error(got)
	}
}

func TestTheHostIsDescribedWithoutSecrets(t *testing.T) {
	t.Setenv("SOME_PASSWORD", "s3cret")
	t.Setenv("LANG", "C.UTF-8")
	r := newRig(t)
	r.api.Config.Debug, r.api.Config.DataDir = true, t.TempDir()
	var h api.AgentHost
	got := r.get("/v1/agent/host", &h)
	if strings.Contains(got.body, "s3cret") || h.HostData.Environment["SOME_PASSWORD"] != "<redacted>" || h.HostData.Environment["LANG"] != "C.UTF-8" {
		t.Errorf("%+v", h.HostData.Environment)
	}
	if h.AgentID != r.server.ID().String() || !strings.Contains(h.HostData.OS, "Linux") || len(h.HostData.Network) == 0 {
		t.Errorf("%+v", h)
	}
}

func TestSchedulersOfAServer(t *testing.T) {
	r := newRig(t)
	var list api.AgentSchedulers
	r.get("/v1/agent/schedulers", &list)
	var cfg api.AgentSchedulersConfig
	r.get("/v1/agent/schedulers/config", &cfg)
	if list.ServerID != r.server.ID().String() || !slices.Contains(list.Schedulers, "service") || cfg.NumSchedulers != 1 || !slices.Equal(cfg.EnabledSchedulers, list.Schedulers) {
		t.Errorf("%+v %+v", list, cfg)
	}
	if got := r.do("PUT", "/v1/agent/schedulers/config", cfg); got.status != 200 {
		t.Errorf("%+v", got)
	}
	cfg.NumSchedulers = 4
	if got := r.do("PUT", "/v1/agent/schedulers/config", cfg); got.status != 400 || !strings.Contains(got.body, "one loop") {
		t.Errorf("%+v", got)
	}
	r.api.Config.Server.Enabled = false
	if got := r.do("GET", "/v1/agent/schedulers", nil); got.status != 501 {
		t.Errorf("%+v", got)
	}
}

func TestReload(t *testing.T) {
	r := newRig(t)
	asked := 0
	r.api.Reload = func() error { asked++; return nil }
	if got := r.do("PUT", "/v1/agent/reload", nil); got.status != 200 || asked != 1 {
		t.Errorf("%+v %d", got, asked)
	}
	if got := r.do("GET", "/v1/agent/reload", nil); got.status != 405 {
		t.Errorf("%+v", got)
	}
}

func TestTheLogIsFollowed(t *testing.T) {
	r := newRig(t)
	var asked LogOptions
	r.api.Logs = func(o LogOptions) (<-chan []byte, func()) {
		asked = o
		return noLog(o)
	}
	if got := r.do("GET", "/v1/agent/monitor?log_level=warn&log_json=true&log_include_location&plain=true", nil); got.body != "a line\n" || !asked.JSON || !asked.Location ||
		asked.Level.String() != "warn" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%+v %+v", got, asked)
	}
	var f api.StreamFrame
	if got := r.do("GET", "/v1/agent/monitor", nil); json.Unmarshal([]byte(got.body), &f) != nil || !bytes.Equal(f.Data, []byte("a line\n")) || asked.Level.String() != "info" || asked.JSON {
		t.Errorf("%+v %+v", got, asked)
	}
	for path, code := range map[string]int{"?log_level=loud": 400, "?server_id=s2": 404, "?server_id=leader&log_level=debug": 200} {
		if got := r.do("GET", "/v1/agent/monitor"+path, nil); got.status != code {
			t.Errorf("%s: %+v", path, got)
		}
	}
	// A silent log is begun at once: whoever follows knows that it does.
	silent := make(chan []byte)
	r.api.Logs = func(LogOptions) (<-chan []byte, func()) { return silent, func() { close(silent) } }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/v1/agent/monitor", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.http.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	cancel()
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	<-silent
}
