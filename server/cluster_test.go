package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"berth/internal/idgen"
	"berth/server/membership"
	"berth/structs"
)

// town is what the servers of a test hear of each other, without a network.
type town struct {
	mu      sync.Mutex
	members map[string]*membership.Member
	watch   map[string]chan struct{}
	wires   map[raft.ServerAddress]*raft.InmemTransport
	all     []*fellow
}

func newTown() *town {
	return &town{members: map[string]*membership.Member{}, watch: map[string]chan struct{}{}, wires: map[raft.ServerAddress]*raft.InmemTransport{}}
}

func (w *town) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	for _, c := range w.watch {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// set changes what is heard of a member.
func (w *town) set(name, status string) {
	w.change(func() { w.members[name].Status = status })
}

// cut separates servers from all others.
func (w *town) cut(addr raft.ServerAddress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wires[addr] == nil {
		return // it died
	}
	for a, t := range w.wires {
		t.Disconnect(addr)
		w.wires[addr].Disconnect(a)
	}
}

func (w *town) mend(addr raft.ServerAddress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wires[addr] == nil {
		return // it died
	}
	for a, t := range w.wires {
		t.Connect(addr, w.wires[addr])
		w.wires[addr].Connect(a, t)
	}
}

// gossip is one server's part in a town.
type gossip struct {
	w    *town
	name string
	self func() membership.Member
	wake chan struct{}
	mute atomic.Bool // nobody hears it any more
}

func (g *gossip) Run(ctx context.Context) error {
	g.w.change(func() {
		m := g.self()
		if old := g.w.members[g.name]; old != nil {
			m.Formed = old.Formed
		}
		g.w.members[g.name] = &m
		g.w.watch[g.name] = g.wake
	})
	<-ctx.Done()
	return ctx.Err()
}

func (g *gossip) Members() []membership.Member {
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	var out []membership.Member
	for _, m := range g.w.members {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b membership.Member) int { return a.ID.Compare(b.ID) })
	return out
}
func (g *gossip) Changed() <-chan struct{}   { return g.wake }
func (g *gossip) Join([]string) (int, error) { return 0, errors.New("not in this test") }
func (g *gossip) Leave() error               { g.w.set(g.name, membership.StatusLeft); return nil }
func (g *gossip) ForceLeave(name string, _ bool) error {
	g.w.set(name, membership.StatusLeft)
	return nil
}
func (g *gossip) SetFormed() error {
	if g.mute.Load() {
		return errors.New("nobody hears it")
	}
	g.w.change(func() {
		if m := g.w.members[g.name]; m != nil {
			m.Formed = true
		}
	})
	return nil
}

// swift is a directory of a test, in memory where there is room: for logs that meet no power failure, and would wait for a slow disk for
// minutes, thousands of times.
func swift(t *testing.T) string {
	t.Helper()
	const memory, magic, room = "/dev/shm", 0x01021994, 256 << 20 // tmpfs
	var st syscall.Statfs_t
	if err := syscall.Statfs(memory, &st); err != nil || st.Type != magic || int64(st.Bavail)*st.Bsize < room {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "berth-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fellow is one server of a test's cluster.
type fellow struct {
	*Server
	t    *testing.T
	w    *town
	addr raft.ServerAddress
	wire *raft.InmemTransport
	talk *gossip
	stop context.CancelFunc
	done chan error
}

// join starts a server in a town. change may alter its configuration.
func (w *town) join(t *testing.T, n, expect int, dir string, change func(*Config)) *fellow {
	t.Helper()
	f := w.prepare(t, n, expect, dir, change)
	f.run()
	return f
}

// run starts a server that was prepared.
func (f *fellow) run() {
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	go func() { f.done <- f.Server.Run(ctx) }()
}

// forget makes the others ask it no more.
func (w *town) forget(f *fellow) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = slices.DeleteFunc(w.all, func(o *fellow) bool { return o == f })
}

// prepare makes a server that does not run yet.
func (w *town) prepare(t *testing.T, n, expect int, dir string, change func(*Config)) *fellow {
	t.Helper()
	addr, wire := raft.NewInmemTransportWithTimeout(raft.ServerAddress(fmt.Sprintf("10.0.0.%d:4647", n)), 500*time.Millisecond)
	w.mu.Lock()
	w.wires[addr] = wire
	w.mu.Unlock()
	w.mend(addr)
	name := fmt.Sprintf("s%d.global", n)
	f := &fellow{t: t, w: w, addr: addr, wire: wire, done: make(chan error, 1)}
	g := &gossip{w: w, name: name, wake: make(chan struct{}, 1)}
	f.talk = g
	cfg := Config{Name: fmt.Sprintf("s%d", n), Addr: string(addr), DataDir: dir, Expect: expect, Logger: hclog.NewNullLogger(), IDs: idgen.Seeded(uint64(n)),
		transport: wire, Gossip: g, PeerStats: func(_ context.Context, id structs.ID) (PeerStats, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, p := range w.all {
				if p.ID() == id {
					return p.OwnStats(), nil
				}
			}
			return PeerStats{}, errors.New("not there")
		}}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Server = s
	g.self = func() membership.Member {
		return membership.Member{Name: name, ID: s.ID(), Region: "global", RPCAddr: string(addr), Status: membership.StatusAlive, Expect: expect, NonVoter: cfg.NonVoter,
			Level: Level()}
	}
	w.mu.Lock()
	w.all = append(w.all, f)
	w.mu.Unlock()
	return f
}

// end stops a server and waits for it.
func (f *fellow) end() {
	f.t.Helper()
	f.stop()
	if err := <-f.done; err != nil {
		f.t.Error(err)
	}
}

// finish ends servers, and waits for what raft leaves behind: messages on their way to servers that are gone.
func finish(all ...*fellow) {
	for _, f := range all {
		f.end()
	}
	<-time.After(time.Minute)
}

// leader waits for one that leads.
func leader(t *testing.T, among ...*fellow) *fellow {
	t.Helper()
	began := time.Now()
	for {
		for _, f := range among {
			if f.IsLeader() {
				return f
			}
		}
		if time.Since(began) > time.Minute {
			t.Fatal("nobody leads after a minute")
		}
		<-time.After(10 * time.Millisecond)
	}
}

// eventually waits, in virtual time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > 2*time.Minute {
			t.Fatalf("never: %s", what)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func write(t *testing.T, s *Server, name string) {
	t.Helper()
	if _, err := s.Propose(t.Context(), structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: name}}}); err != nil {
		t.Fatal(err)
	}
}

func has(s *Server, name string) bool { return s.State().Snapshot().Namespace(name) != nil }

func without(all []*fellow, gone *fellow) []*fellow {
	return slices.DeleteFunc(slices.Clone(all), func(f *fellow) bool { return f == gone })
}

func TestThreeServersFormOneClusterAndKeepWhatWasAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, "", nil))
		}
		first := leader(t, all...)
		for _, f := range all {
			<-f.Ready()
			if _, addr, ok := f.Leader(); !ok || addr != string(first.addr) {
				t.Errorf("%s takes %q for the leader", f.addr, addr)
			}
		}
		write(t, first.Server, "one")
		peers, _, err := first.Peers()
		if err != nil || len(peers) != 3 {
			t.Fatalf("peers %v, %v", peers, err)
		}
		for _, f := range without(all, first) {
			if _, err := f.Propose(t.Context(), structs.CmdNamespaceDelete, body()); structs.KindOf(err) != structs.KindNoLeader {
				t.Errorf("a follower took a change: %v", err)
			}
		}

		// The leader is cut off: another leads, and the old one acknowledges nothing.
		w.cut(first.addr)
		rest := without(all, first)
		began := time.Now()
		second := leader(t, rest...)
		write(t, second.Server, "two")
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("a new leader after %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if _, err := first.Propose(ctx, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "lost"}}}); err == nil {
			t.Error("a leader without followers acknowledged")
		}
		cancel()
		w.mend(first.addr)
		eventually(t, "the old leader has what it missed", func() bool { return has(first.Server, "two") })
		if has(first.Server, "lost") || !has(second.Server, "one") {
			t.Error("something is lost, or there that never was acknowledged")
		}
		sameEverywhere(t, all...)
		finish(all...)
	})
}

func TestAPlannedStopHandsLeadershipOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, "", nil))
		}
		first := leader(t, all...)
		write(t, first.Server, "one")
		began := time.Now()
		first.end()
		rest := without(all, first)
		second := leader(t, rest...)
		write(t, second.Server, "two")
		if took := time.Since(began); took > 300*time.Millisecond {
			t.Errorf("the next write after %v", took)
		}
		finish(rest...)
	})
}

func TestServersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, "", nil))
		}
		lead := leader(t, all...)
		write(t, lead.Server, "one")
		voters := func() (n, others int) {
			peers, _, err := lead.Peers()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range peers {
				if p.Voter {
					n++
				} else {
					others++
				}
			}
			return n, others
		}
		// One that comes has no vote until it was healthy for a while; one that wants none gets none.
		<-time.After(20 * time.Second)
		fourth := w.join(t, 4, 0, "", nil)
		copyOnly := w.join(t, 5, 0, "", func(c *Config) { c.NonVoter = true })
		eventually(t, "both are there", func() bool { _, o := voters(); return o == 2 })
		<-fourth.Ready()
		<-copyOnly.Ready()
		if !has(fourth.Server, "one") || !has(copyOnly.Server, "one") {
			t.Error("a server is ready without the state")
		}
		came := time.Now()
		eventually(t, "one has a vote", func() bool { n, o := voters(); return n == 4 && o == 1 })
		if took := time.Since(came); took < 8*time.Second {
			t.Errorf("it had a vote after %v", took)
		}
		// One that leaves is out at once; one that fails when the autopilot removes it.
		leaver := without(all, lead)[0]
		leaver.cfg.LeaveOnStop = true
		leaver.end()
		eventually(t, "the one that left is out", func() bool { n, _ := voters(); return n == 3 })
		failed := without(without(all, lead), leaver)[0]
		w.cut(failed.addr)
		name := failed.cfg.Name + ".global"
		w.set(name, membership.StatusFailed)
		eventually(t, "the dead one is out", func() bool { n, _ := voters(); return n == 2 })
		write(t, lead.Server, "two")
		finish(failed, fourth, copyOnly, lead)
	})
}

// A server that got everything by a snapshot, and nothing in its log, has a vote when it was healthy for a while: nobody need write anything.
func TestAServerMadeOfASnapshotGetsAVote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		keepOne := func(c *Config) { c.tune = func(rc *raft.Config) { rc.TrailingLogs, rc.SnapshotThreshold = 1, 1<<20 } }
		lead := leader(t, w.join(t, 1, 1, "", keepOne))
		write(t, lead.Server, "one")
		next := w.prepare(t, 2, 0, "", keepOne)
		w.cut(next.addr)
		next.run()
		peers := func() []Peer {
			all, _, err := lead.Peers()
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		eventually(t, "the new one is in the log", func() bool { return len(peers()) == 2 })
		if err := lead.raft.Load().Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
		w.mend(next.addr)
		<-time.After(30 * time.Second)
		if p := peers(); !p[0].Voter || !p[1].Voter {
			t.Errorf("no vote after %v: the leader is at %+v, it is at %+v", 30*time.Second, lead.OwnStats(), next.OwnStats())
		}
		if !has(next.Server, "one") {
			t.Error("it has a vote without the state")
		}
		finish(next, lead)
	})
}

func TestAServerWithANewAddressIsFoundAgain(t *testing.T) {
	lead := raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(id(1)), Address: "10.0.0.1:4647"}
	other := raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(id(2)), Address: "10.0.0.2:4647"}
	member := func(n byte, addr, status string) membership.Member {
		return membership.Member{ID: structs.ID{15: n}, RPCAddr: addr, Status: status}
	}
	for name, c := range map[string]struct {
		members []membership.Member
		want    string
	}{
		"as it is":             {[]membership.Member{member(1, "10.0.0.1:4647", "alive"), member(2, "10.0.0.2:4647", "alive")}, "[]"},
		"moved":                {[]membership.Member{member(2, "10.0.0.9:4647", "alive")}, "[moved " + id(2) + " 10.0.0.9:4647 Voter]"},
		"itself moved":         {[]membership.Member{member(1, "10.0.0.9:4647", "alive")}, "[moved " + id(1) + " 10.0.0.9:4647 Voter]"},
		"came":                 {[]membership.Member{member(3, "10.0.0.3:4647", "alive")}, "[added " + id(3) + " 10.0.0.3:4647 Nonvoter]"},
		"left":                 {[]membership.Member{member(2, "10.0.0.2:4647", "left")}, "[removed " + id(2) + " 10.0.0.2:4647 Voter]"},
		"failed":               {[]membership.Member{member(2, "10.0.0.2:4647", "failed")}, "[]"},
		"itself said to leave": {[]membership.Member{member(1, "10.0.0.1:4647", "left")}, "[]"},
		"replaced": {[]membership.Member{member(3, "10.0.0.2:4647", "alive")},
			"[removed, another has its address " + id(2) + " 10.0.0.2:4647 Voter added " + id(3) + " 10.0.0.2:4647 Nonvoter]"},
		"came, revoked":  {[]membership.Member{member(66, "10.0.0.6:4647", "alive")}, "[]"},
		"moved, revoked": {[]membership.Member{member(67, "10.0.0.9:4647", "alive")}, "[removed, its certificates are revoked " + id(67) + " 10.0.0.7:4647 Voter]"},
		"itself revoked": {[]membership.Member{member(1, "10.0.0.1:4647", "alive")}, "[]"},
	} {
		var got []string
		servers := []raft.Server{lead, other}
		if name == "moved, revoked" {
			servers = append(servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(id(67)), Address: "10.0.0.7:4647"})
		}
		revoked := func(who structs.ID) bool { return who[15] > 65 || name == "itself revoked" && who[15] == 1 }
		for _, ch := range changes(structs.ID{15: 1}, servers, c.members, revoked) {
			got = append(got, fmt.Sprintf("%s %s %s %s", ch.what, ch.server.ID, ch.server.Address, ch.server.Suffrage))
		}
		if s := fmt.Sprint(got); s != c.want {
			t.Errorf("%s: got %s, want %s", name, s, c.want)
		}
	}
}

func id(n byte) string { return structs.ID{15: n}.String() }

func TestWhoFormsTheCluster(t *testing.T) {
	m := func(n byte, f func(*membership.Member)) membership.Member {
		x := membership.Member{Name: fmt.Sprintf("s%d", n), ID: structs.ID{15: n}, Status: "alive", Expect: 3, RPCAddr: fmt.Sprintf("10.0.0.%d:4647", n)}
		if f != nil {
			f(&x)
		}
		return x
	}
	for name, c := range map[string]struct {
		own     byte
		members []membership.Member
		want    int
		why     string
	}{
		"two of three":    {1, []membership.Member{m(1, nil), m(2, nil)}, 0, "2 of 3 servers are there"},
		"the least":       {1, []membership.Member{m(1, nil), m(2, nil), m(3, nil)}, 3, ""},
		"not the least":   {2, []membership.Member{m(1, nil), m(2, nil), m(3, nil)}, 0, "another server forms it"},
		"one has one":     {1, []membership.Member{m(1, nil), m(2, nil), m(3, func(x *membership.Member) { x.Formed = true })}, 0, "s3 has a cluster: its leader will add this server"},
		"one failed":      {1, []membership.Member{m(1, nil), m(2, nil), m(3, func(x *membership.Member) { x.Status = "failed" })}, 0, "2 of 3 servers are there"},
		"one disagrees":   {1, []membership.Member{m(1, nil), m(2, func(x *membership.Member) { x.Expect = 5 })}, 0, "s2 expects 5 servers, this one 3: set bootstrap_expect alike"},
		"one has no vote": {1, []membership.Member{m(1, nil), m(2, nil), m(3, func(x *membership.Member) { x.NonVoter = true })}, 0, "2 of 3 servers are there"},
	} {
		got, why := formation(structs.ID{15: c.own}, 3, c.members)
		if len(got) != c.want || why != c.why {
			t.Errorf("%s: %d servers, %q; want %d, %q", name, len(got), why, c.want, c.why)
		}
	}
}

// A leader whose disk does not answer any more is silent, so that another is elected.
func TestALeaderWhoseDiskStallsIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		hang := map[int]*hanging{}
		var all []*fellow
		for n := 1; n <= 3; n++ {
			h := &hanging{release: make(chan struct{})}
			hang[n] = h
			all = append(all, w.join(t, n, 3, t.TempDir(), func(c *Config) {
				c.faulty = func(s storage) storage { h.storage = s; return h }
			}))
		}
		first := leader(t, all...)
		write(t, first.Server, "one")
		at := slices.Index(all, first) + 1
		hang[at].stall()
		go func() {
			_, _ = first.Propose(context.Background(), structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "slow"}}})
		}()
		began := time.Now()
		second := leader(t, without(all, first)...)
		write(t, second.Server, "two")
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("replaced after %v", took)
		}
		close(hang[at].release)
		eventually(t, "the first follows", func() bool { return has(first.Server, "two") && !first.IsLeader() })
		finish(all...)
	})
}

// hanging is a disk whose writes wait.
type hanging struct {
	storage
	mu      sync.Mutex
	on      bool
	release chan struct{}
}

func (h *hanging) stall() {
	h.mu.Lock()
	h.on = true
	h.mu.Unlock()
}

func (h *hanging) StoreLogs(l []*raft.Log) error {
	h.mu.Lock()
	on := h.on
	h.mu.Unlock()
	if on {
		<-h.release
	}
	return h.storage.StoreLogs(l)
}
