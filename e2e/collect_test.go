package e2e

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// collects has a machine collect what there is of a cluster with so many servers, and of all that runs a node: every agent tells how it is, and
// shows nothing of its inside, for none was configured to. While another server begins to lead something may be missing.
func (w *town) collects(machine, servers int) {
	w.Helper()
	last := ""
	w.until("all is collected", func() bool {
		wrong := strings.Join(w.collected(machine, servers), "\n")
		if wrong != "" && wrong != last {
			w.Logf("something is not collected:\n%s", wrong)
		}
		last = wrong
		return wrong == ""
	})
}

// collected collects once, and gives what is not as it should be.
func (w *town) collected(machine, servers int) (wrong []string) {
	w.Helper()
	miss := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	file := filepath.Join(w.dir, "debug.tar.gz")
	got, err := w.agents[machine-1].Run(w.ctx, nil, "operator", "debug", "-duration=2s", "-interval=1s", "-pprof-duration=0", "-output="+file)
	if err != nil || got.Code != 0 {
		w.Fatalf("%+v %v", got, err)
	}
	f, err := os.Open(file)
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		w.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			w.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			w.Fatal(err)
		}
		_, name, _ := strings.Cut(h.Name, "/")
		files[name] = string(text)
	}
	var x struct {
		Servers, Nodes []string
		Files          []struct{ Path, Error string }
	}
	if err := json.Unmarshal([]byte(files["index.json"]), &x); err != nil {
		w.Fatal(err)
	}
	if len(x.Servers) != servers || len(x.Nodes) == 0 {
		miss("servers %v, nodes %v", x.Servers, x.Nodes)
	}
	for _, f := range x.Files {
		inside := strings.HasSuffix(f.Path, "/host.json") || strings.HasSuffix(f.Path, ".prof") || strings.HasSuffix(f.Path, "/goroutines.txt") || strings.HasSuffix(f.Path, "/cmdline.txt")
		if inside != strings.Contains(f.Error, "enable_debug") || !inside && f.Error != "" && f.Path != "events.json" {
			miss("%s: %q", f.Path, f.Error)
		}
	}
	leaders := 0
	for _, s := range x.Servers {
		m := files["interval/0000/server/"+s+"/metrics.json"]
		if !strings.Contains(m, "nomad.nomad.state.snapshotIndex") || !strings.Contains(m, "nomad.raft.") {
			miss("%s has no figures of a server: %.500s", s, m)
		}
		if strings.Contains(m, "nomad.nomad.broker.total_ready") {
			leaders++
		}
	}
	if leaders == 0 {
		miss("no server has the figures of a leader")
	}
	for _, n := range x.Nodes {
		if m := files["interval/0000/client/"+n+"/metrics.json"]; !strings.Contains(m, "nomad.client.allocations.running") || strings.Contains(m, "nomad.nomad.state") {
			miss("node %s: %.500s", n, m)
		}
	}
	return wrong
}
