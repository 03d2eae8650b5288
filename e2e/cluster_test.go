package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"berth/e2e/harness"
)

// town is servers, and perhaps nodes, on machines of their own.
type town struct {
	*testing.T
	ctx    context.Context
	dir    string
	lan    *harness.LAN
	agents []*harness.Agent // by machine
	tokens map[string]string
	// keepDead leaves failed servers in the cluster.
	keepDead bool
	// Of agents that are started for the first time.
	binary string
	env    []string
	server string                   // configuration of servers
	data   func(machine int) string // data directory; nil is one beside the configuration
	extra  string                   // configuration of all
}

// newTown makes machines; nothing runs yet.
func newTown(t *testing.T, machines int) *town {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	dir, err := os.MkdirTemp("/tmp", "e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	lan, err := harness.NewLAN(dir, machines)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lan.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &town{T: t, ctx: ctx, dir: dir, lan: lan, agents: make([]*harness.Agent, machines), tokens: map[string]string{},
		binary: shared.binary}
	t.Cleanup(func() {
		for i, a := range w.agents {
			if a == nil {
				continue
			}
			if t.Failed() {
				t.Logf("the log of machine %d:\n%s", i+1, tail(quiet(a.Log()), 40))
			}
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		}
		saidLast(t)
	})
	return w
}

// quick gives new servers a vote soon.
func (w *town) quick() string {
	return fmt.Sprintf("autopilot {\n  server_stabilization_time = \"1s\"\n  cleanup_dead_servers = %v\n}\n", !w.keepDead)
}

// start starts an agent on a machine: with the roles of a configuration, and the token it joins with.
func (w *town) start(i int, config string) *harness.Agent {
	w.Helper()
	a := w.agents[i-1]
	if a == nil {
		a = shared.fleet.New(harness.Options{Binary: w.binary, Env: w.env, Dir: filepath.Join(w.dir, fmt.Sprintf("h%d", i)), Host: w.lan.Hosts[i-1]})
		if w.data != nil {
			a.Data = w.data(i)
		}
		own := fmt.Sprintf("client {\n  bridge_network_name = %q\n  cgroup_parent = %q\n", a.Bridge, a.Cgroup)
		config += w.extra
		if !strings.Contains(config, "client {\n") {
			config += "client {\n}\n"
		}
		a.Options.Config = fmt.Sprintf("name = \"m%d\"\n%s", i, strings.Replace(config, "client {\n", own, 1))
		w.agents[i-1] = a
	}
	if err := a.Launch(); err != nil {
		w.Fatal(err)
	}
	return a
}

var tokenLine = regexp.MustCompile(`-join-token=(berth-join-(server|client)-\S+)`)

// form starts the first server and reads the lines it prints.
func (w *town) form() {
	w.Helper()
	a := w.start(1, "server {\n  enabled = true\n  bootstrap_expect = 1\n"+w.server+"}\n"+w.quick())
	w.until("the lines to join are printed", func() bool {
		for _, m := range tokenLine.FindAllStringSubmatch(a.Log(), -1) {
			w.tokens[m[2]] = m[1]
		}
		return len(w.tokens) == 2
	})
}

// join starts a server or a node on a machine with the token alone.
func (w *town) join(i int, role string) {
	w.Helper()
	config := fmt.Sprintf("join_token = %q\n%s", w.tokens[role], w.quick())
	if role == "server" && w.server != "" {
		config += "server {\n" + w.server + "}\n"
	}
	w.start(i, config)
}

// until looks until it is so: of what several machines do there is no one event to wait for.
func (w *town) until(what string, ok func() bool) {
	w.Helper()
	for !ok() {
		select {
		case <-w.ctx.Done():
			w.Fatalf("never: %s\n%snever: %s", what, w.state(), what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

type peers struct {
	Servers []struct {
		Node, Address string
		Leader, Voter bool
	}
}

// voters waits until a cluster of n voters has a leader, and gives its machine.
func (w *town) voters(n int) (leader int) {
	w.Helper()
	w.until(fmt.Sprintf("%d voters", n), func() bool {
		leader = 0
		for _, a := range w.agents {
			var p peers
			if a == nil || !a.Running() || a.API.Get(w.ctx, "/v1/operator/raft/configuration", &p) != nil {
				continue
			}
			voters := 0
			for _, s := range p.Servers {
				if s.Voter {
					voters++
				}
				if s.Leader {
					_, _ = fmt.Sscanf(s.Node, "m%d.", &leader)
				}
			}
			return voters == n && leader > 0
		}
		return false
	})
	return leader
}

// put writes a namespace through a machine's API.
func (w *town) put(i int, name string) error {
	_, err := w.agents[i-1].API.Call(w.ctx, http.MethodPut, "/v1/namespace", map[string]string{"Name": name}, nil)
	return err
}

// write puts a namespace, however often it takes: while another server begins to lead it may be refused.
func (w *town) write(i int, name string) {
	w.Helper()
	w.until(name+" is written", func() bool { return w.put(i, name) == nil })
}

// names are the namespaces a server has in its own state.
func (w *town) names(i int) map[string]bool {
	var list []struct{ Name string }
	if err := w.agents[i-1].API.Get(w.ctx, "/v1/namespaces?stale", &list); err != nil {
		return nil
	}
	out := map[string]bool{}
	for _, n := range list {
		out[n.Name] = true
	}
	return out
}

// Three servers, formed by the lines the first one prints, keep every write they acknowledged while one leader after the other
// is killed.
func TestAcknowledgedWritesSurviveKilledLeaders(t *testing.T) {
	w := newTown(t, 3)
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.voters(3)

	var mu sync.Mutex
	acked := map[string]bool{}
	var last atomic.Int64 // time of the newest acknowledgement
	var stop atomic.Bool
	var writers sync.WaitGroup
	for c := range 4 {
		writers.Go(func() {
			for n := 0; !stop.Load() && w.ctx.Err() == nil; n++ {
				name := fmt.Sprintf("w%d-%d", c, n)
				if err := w.put(1+(c+n)%3, name); err != nil {
					var refused *harness.StatusError
					if errors.As(err, &refused) && refused.Code != http.StatusServiceUnavailable && refused.Code != http.StatusTooManyRequests {
						t.Errorf("a write was answered %v", err)
					}
					continue
				}
				now := time.Now().UnixNano()
				mu.Lock()
				acked[name] = true
				mu.Unlock()
				last.Store(now)
			}
		})
	}
	var gaps []time.Duration
	for range 4 {
		lead := w.voters(3)
		a := w.agents[lead-1]
		killed := time.Now()
		if err := a.Signal(w.ctx, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		after := time.Now().UnixNano()
		w.until("a write is acknowledged again", func() bool { return last.Load() > after })
		gaps = append(gaps, time.Duration(last.Load()-killed.UnixNano()))
		if err := a.Launch(); err != nil {
			t.Fatal(err)
		}
		w.until("it is back", func() bool { return len(w.names(lead)) > 0 })
	}
	stop.Store(true)
	writers.Wait()
	slices.Sort(gaps)
	t.Logf("%d writes acknowledged; a killed leader's next write after %v", len(acked), gaps)
	for i := 1; i <= 3; i++ {
		missing := ""
		w.until(fmt.Sprintf("machine %d has every acknowledged write; it lacks %s", i, missing), func() bool {
			have := w.names(i)
			for name := range acked {
				if !have[name] {
					missing = name
					return false
				}
			}
			return true
		})
	}
}

// A node on a machine of its own works for servers elsewhere: it runs what they place, any agent reaches it, and neither the
// loss of the leader nor its return touches the task.
func TestANodeOfServersElsewhere(t *testing.T) {
	w := newTown(t, 4)
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.join(4, "client")
	w.voters(3)
	ready := func(i int) bool {
		var nodes []struct{ Status, Name string }
		return w.agents[i-1].API.Get(w.ctx, "/v1/nodes", &nodes) == nil && len(nodes) == 1 && nodes[0].Status == "ready" && nodes[0].Name == "m4"
	}
	w.until("the node is ready, whoever is asked", func() bool { return ready(1) && ready(2) && ready(3) && ready(4) })

	r := &rig{T: t, ctx: w.ctx, agent: w.agents[3]}
	r.load()
	r.agent = w.agents[1]
	r.submit("away", spec{mode: "bridge", command: counter}.text("away"))
	before := r.one("away", "running")
	for i := range 4 {
		r.agent = w.agents[i]
		r.count(before.ID, 1) // its output, from any machine
		if out := r.ok("alloc", "exec", before.ID, "echo", "hello"); out != "hello\n" {
			t.Errorf("machine %d: exec said %q", i+1, out)
		}
	}
	w.collects(4, 3)
	r.agent = w.agents[3]
	started := r.pid(before.ID)
	lead := w.voters(3)
	if err := w.agents[lead-1].Signal(w.ctx, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	other := lead%3 + 1
	w.until("a change is taken again", func() bool { return w.put(other, "after") == nil })
	after := r.one("away", "running")
	if after.ID != before.ID || r.pid(after.ID) != started {
		t.Errorf("the task was touched: %+v, then %+v", before.ID, after.ID)
	}
	r.ok("job", "stop", "-detach", "away")
	r.one("away", "complete")
}

// A server whose cable is out for a while acknowledges nothing, and has everything when it is back.
func TestACutServerComesBack(t *testing.T) {
	w := newTown(t, 3)
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	lead := w.voters(3)
	other := lead%3 + 1
	if err := w.lan.Cut(lead, true); err != nil {
		t.Fatal(err)
	}
	w.until("the others go on", func() bool { return w.put(other, "meanwhile") == nil })
	err := w.put(lead, "lost")
	var refused *harness.StatusError
	if !errors.As(err, &refused) || refused.Code != http.StatusServiceUnavailable {
		t.Errorf("a server without its cluster answered a write with %v", err)
	}
	if err := w.lan.Cut(lead, false); err != nil {
		t.Fatal(err)
	}
	w.until("it has what it missed", func() bool { return w.names(lead)["meanwhile"] })
	if w.names(lead)["lost"] || w.names(other)["lost"] {
		t.Error("what was refused is there")
	}
}

// Two of three servers are lost for good: one command makes the third go on alone, and a new server joins it.
func TestTheLastServerIsRecovered(t *testing.T) {
	w := newTown(t, 4)
	w.form()
	w.join(2, "server")
	w.join(3, "server")
	w.voters(3)
	w.write(1, "kept")
	w.until("the third has it", func() bool { return w.names(3)["kept"] })
	for _, a := range w.agents[:3] {
		if err := a.Signal(w.ctx, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	last := w.agents[2]
	out, err := last.Run(w.ctx, nil, "operator", "recover", "-config", filepath.Join(last.Dir, "agent.hcl"))
	if err != nil || out.Code != 0 || !strings.Contains(out.Stdout, "The cluster had 3 servers") || !strings.Contains(out.Stdout, harness.Addr(3)+":4647") {
		t.Fatalf("%+v, %v", out, err)
	}
	if err := last.Launch(); err != nil {
		t.Fatal(err)
	}
	w.until("it takes changes", func() bool { return w.put(3, "more") == nil })
	w.until("it has both", func() bool { have := w.names(3); return have["kept"] && have["more"] })
	made := last
	r := &rig{T: t, ctx: w.ctx, agent: made}
	w.tokens["server"] = tokenOf(r.ok("operator", "join-token", "create", "-role", "server"))
	w.join(4, "server")
	w.until("the new one has all", func() bool { have := w.names(4); return have["kept"] && have["more"] })
}

// tokenOf finds the token in what a command said.
func tokenOf(text string) string { return regexp.MustCompile(`berth-join-\S+`).FindString(text) }
