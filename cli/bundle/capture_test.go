package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"berth/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	upNode   = "00000000-0000-4000-8000-000000000001"
	downNode = "00000000-0000-4000-8000-000000000002"
)

// cluster answers like agents do: a leader, a server that is gone, a node that shows no profiles and one that is down.
type cluster struct {
	mu    sync.Mutex
	asked []string
	ended func() // when a log is followed
}

// RoundTrip implements http.RoundTripper. A log goes on until its follower ends.
func (c *cluster) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	q := r.URL.Query()
	if r.URL.Path != "/v1/agent/monitor" || q.Get("server_id") == "gone.global" {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w.Result(), nil
	}
	lines, to := io.Pipe()
	go func() {
		_, _ = io.WriteString(to, "a line of "+q.Get("server_id")+q.Get("node_id")+"\n")
		if c.ended != nil {
			c.ended()
		}
		<-r.Context().Done()
		_ = to.CloseWithError(r.Context().Err())
	}()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: lines}, nil
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.asked = append(c.asked, r.URL.String())
	c.mu.Unlock()
	q := r.URL.Query()
	p := r.URL.Path
	switch {
	case q.Get("server_id") == "gone.global":
		http.Error(w, "no server \"gone.global\" is known here", http.StatusNotFound)
	case q.Get("node_id") != "" && strings.HasPrefix(p, "/v1/agent/pprof/"):
		http.Error(w, "this agent shows nothing of its inside", http.StatusForbidden)
	case p == "/v1/agent/members":
		_ = json.NewEncoder(w).Encode(api.ServerMembers{ServerRegion: "global", Members: []*api.AgentMember{{Name: "s1.global", Tags: map[string]string{"region": "global"}},
			{Name: "gone.global", Tags: map[string]string{"region": "global"}}, {Name: "s9.other", Tags: map[string]string{"region": "other"}}}})
	case p == "/v1/nodes":
		fmt.Fprintf(w, `[{"ID":%q,"Status":"ready"},{"ID":%q,"Status":"down"}]`, upNode, downNode)
	case p == "/v1/event/stream":
		http.NotFound(w, r)
	case p == "/v1/operator/autopilot/health":
		w.Header().Set(api.HeaderPermission, "operator:read")
		http.Error(w, "Permission denied", http.StatusForbidden)
	default:
		fmt.Fprintf(w, `{"path":%q}`, p)
	}
}

// unpack reads a bundle: its files and its index.
func unpack(t *testing.T, b []byte, root string) (map[string]string, *Index) {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil || !strings.HasPrefix(h.Name, root+"/") || path.Clean(h.Name) != h.Name {
			t.Fatal(h.Name, err)
		}
		name := strings.TrimPrefix(h.Name, root+"/")
		if _, twice := files[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		files[name] = string(text)
	}
	var x Index
	if err := json.Unmarshal([]byte(files["index.json"]), &x); err != nil {
		t.Fatal(err)
	}
	return files, &x
}

func (c *cluster) capture(ctx context.Context, t *testing.T, o Options) (map[string]string, *Index, string) {
	t.Helper()
	client, err := api.New(api.Config{HTTPClient: &http.Client{Transport: c}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var mu sync.Mutex
	var told strings.Builder
	o.Tell = func(f string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&told, f+"\n", args...)
	}
	var b bytes.Buffer
	if _, err := Capture(ctx, client, o, "root", &b); err != nil {
		t.Fatal(err)
	}
	files, x := unpack(t, b.Bytes(), "root")
	return files, x, told.String()
}

func TestABundleHasWhatThereIsAndSaysWhatIsMissing(t *testing.T) {
	synctest.Test(t, bundleOfACluster)
}

func bundleOfACluster(t *testing.T) {
	c := &cluster{}
	files, x, told := c.capture(t.Context(), t, Options{Duration: 80 * time.Second, Interval: 30 * time.Second, Profile: time.Second, LogLevel: "TRACE", Topics: []string{"Node:*"}, Stale: true, Version: "1"})
	if !slices.Equal(x.Servers, []string{"s1.global", "gone.global"}) || !slices.Equal(x.Nodes, []string{upNode}) {
		t.Errorf("%v %v", x.Servers, x.Nodes)
	}
	for _, want := range []string{"cluster/raft-configuration.json", "cluster/members.json", "server/s1.global/self.json", "server/s1.global/heap.prof",
		"server/s1.global/goroutines.txt", "server/s1.global/profile.prof", "server/s1.global/host.json", "client/" + upNode + "/self.json", "interval/0000/jobs.json",
		"interval/0002/allocations.json", "interval/0000/evaluations.json", "interval/0000/deployments.json", "interval/0000/nodes.json", "interval/0000/queues.json", "cluster/priority-classes.json", "cluster/disruption-budgets.json",
		"interval/0000/server/s1.global/metrics.json", "interval/0000/client/" + upNode + "/metrics.json"} {
		if files[want] == "" {
			t.Errorf("%s is missing", want)
		}
	}
	if got := files["server/s1.global/monitor.log"]; got != "a line of s1.global\n" {
		t.Errorf("log: %q", got)
	}
	failed := map[string]string{}
	for _, f := range x.Files {
		if f.Error != "" {
			failed[f.Path] = f.Error
		} else if len(files[f.Path]) != f.Bytes {
			t.Errorf("%s has %d bytes, not %d", f.Path, len(files[f.Path]), f.Bytes)
		}
	}
	for name, want := range map[string]string{"server/gone.global/self.json": "no server", "server/gone.global/heap.prof": "no server", "server/gone.global/monitor.log": "no server",
		"client/" + upNode + "/heap.prof": "shows nothing", "events.json": "404", "cluster/autopilot-health.json": "Permission denied: it needs operator:read", "interval/0000/server/gone.global/metrics.json": "no server"} {
		if !strings.Contains(failed[name], want) {
			t.Errorf("%s: %q", name, failed[name])
		}
	}
	if !strings.Contains(told, "missing") || !strings.Contains(told, "gone.global does not answer") {
		t.Error(told)
	}
	if _, why, _ := strings.Cut(told, "tells why of each\n"); !strings.Contains(why, "  4: Permission denied: it needs operator:read\n") {
		t.Errorf("the reasons are not said:\n%s", told)
	}
	n := 0
	for _, asked := range c.asked {
		if strings.Contains(asked, "server_id=gone.global") && strings.HasPrefix(asked, "/v1/agent/pprof/") {
			n++
		}
		if strings.HasPrefix(asked, "/v1/event/stream") && !strings.Contains(asked, "topic=Node%3A%2A") {
			t.Errorf("%s follows more than was asked for", asked)
		}
		if strings.HasPrefix(asked, "/v1/jobs") && !strings.Contains(asked, "stale=true") {
			t.Errorf("%s is not stale", asked)
		}
		if strings.Contains(asked, downNode) || strings.Contains(asked, "s9.other") {
			t.Errorf("%s was asked", asked)
		}
	}
	if n > 0 {
		t.Errorf("an agent that is gone was asked for %d profiles", n)
	}
}

func TestABundleThatIsCutIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := &cluster{ended: cancel}
		_, x, _ := c.capture(ctx, t, Options{Duration: time.Hour, Interval: time.Hour, LogLevel: "INFO", Servers: []string{"s1.global"}, Nodes: []string{}})
		if !x.Cut || len(x.Files) == 0 || len(x.Nodes) != 0 || x.Ended.Sub(x.Began) > time.Minute {
			t.Errorf("%+v", x)
		}
	})
}

func TestNamesStayInTheBundle(t *testing.T) {
	for in, want := range map[string]string{"../../x": ".._.._x", "..": "_", "": "_", "a.b": "a.b", "a\nb": "a_b"} {
		if got := fileName(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	var b bytes.Buffer
	if err := copyBounded(&b, strings.NewReader("12345"), 4); err == nil || b.String() != "1234" {
		t.Error(b.String(), err)
	}
	if b.Reset(); copyBounded(&b, strings.NewReader("1234"), 4) != nil || b.String() != "1234" {
		t.Error(b.String())
	}
}
