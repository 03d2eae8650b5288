package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"berth/e2e/harness"
	"berth/internal/pki"
	"berth/internal/powerloss"
)

// grid is machines whose data directories are on disks that lose what was not synced.
type grid struct {
	*town
	disks []*powerloss.Disk
	r     *rand.Rand
}

// newGrid makes machines; nothing runs yet.
func newGrid(t *testing.T, machines int) *grid {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedEnv); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Logf("%s=%d cuts the power at these moments again", seedEnv, seed)
	g := &grid{town: newTown(t, machines), r: rand.New(rand.NewPCG(seed, 0))}
	g.keepDead = true
	for i := 1; i <= machines; i++ {
		dir := g.mountpoint(i)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		d, err := powerloss.Mount(dir)
		if errors.Is(err, powerloss.ErrNoFUSE) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		g.disks = append(g.disks, d)
		t.Cleanup(func() { // the agents end before what they stand on: theirs was before
			if a := g.agents[i-1]; a != nil && a.Running() {
				g.signal(i, syscall.SIGKILL)
				d.Release()
				if err := a.Wait(context.WithoutCancel(g.ctx)); err != nil { // whether or not the test's time is over
					t.Error(err)
				}
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	g.data = func(i int) string { return filepath.Join(g.mountpoint(i), "data") }
	return g
}

func (g *grid) mountpoint(i int) string { return filepath.Join(g.dir, fmt.Sprintf("h%d", i), "disk") }

// cutAt cuts a machine's power at a step of its disk from now on, and tells when.
func (g *grid) cutAt(i, step int) <-chan struct{} {
	at := make(chan struct{})
	var steps atomic.Int64
	g.disks[i-1].Watch(func(powerloss.Step) powerloss.Verdict {
		if steps.Add(1) != int64(step) {
			return powerloss.Done
		}
		close(at)
		return powerloss.Cut
	})
	return at
}

// out ends machines as a loss of power does, all at the same moment, and gives their disks what it left.
func (g *grid) out(machines ...int) {
	g.Helper()
	for _, i := range machines {
		g.disks[i-1].Cut()
	}
	for _, i := range machines {
		if g.agents[i-1].Running() {
			g.signal(i, syscall.SIGKILL)
		}
		g.disks[i-1].Release()
		if err := g.agents[i-1].Wait(g.ctx); err != nil {
			g.Fatal(err)
		}
		if err := g.disks[i-1].Restart(g.r.Uint64()); err != nil {
			g.Fatal(err)
		}
	}
}

// again starts a machine's agent again.
func (g *grid) again(i int) {
	g.Helper()
	if err := g.agents[i-1].Launch(); err != nil {
		g.Fatal(err)
	}
}

// serves waits until a machine's server takes a change. One that ends instead fails the test.
func (g *grid) serves(i int, name string) {
	g.Helper()
	g.until(name+" is written", func() bool {
		if !g.agents[i-1].Running() {
			g.Fatalf("the server of machine %d ended with %v:\n%s", i, g.agents[i-1].Exit(), tail(quiet(g.agents[i-1].Log()), 5))
		}
		return g.put(i, name) == nil
	})
}

// The only server's power is cut at any moment of its first start. It starts again; a root that a printed token names is still the cluster's.
func TestThePowerGoesInAFirstStart(t *testing.T) {
	g := newGrid(t, 1)
	for n, step := 0, 1; n < 12; n, step = n+1, step+1+g.r.IntN(30) {
		g.data = func(i int) string { return filepath.Join(g.mountpoint(i), fmt.Sprintf("data%d", n), "berth") }
		if a := g.agents[0]; a != nil { // the last round's
			if err := a.Signal(g.ctx, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			a.API.Close()
			g.agents[0] = nil
		}
		if err := os.Remove(filepath.Join(g.dir, "h1", "agent.log")); err != nil && n > 0 {
			t.Fatal(err)
		}
		cut := g.cutAt(1, step)
		a := g.start(1, "server {\n  enabled = true\n  bootstrap_expect = 1\n}\n"+g.quick())
		var before []string
		g.until("the power goes, or it has started", func() bool {
			before = tokenLine.FindStringSubmatch(a.Log())
			select {
			case <-cut:
				return true
			default:
				return before != nil
			}
		})
		before = tokenLine.FindStringSubmatch(a.Log())
		g.out(1)
		g.again(1)
		g.serves(1, "after")
		t.Logf("step %d, printed: %v", step, before != nil)
		if before == nil {
			continue
		}
		r := &rig{T: t, ctx: g.ctx, agent: a}
		after, err := pki.ParseToken(tokenOf(r.ok("operator", "join-token", "create", "-role", "server")))
		if err != nil {
			t.Fatal(err)
		}
		if told, err := pki.ParseToken(before[1]); err != nil || told.CA != after.CA {
			t.Errorf("step %d: the token that was printed names another root: %v", step, err)
		}
	}
}

// load writes to machines from many clients until it is told to stop, and keeps what was acknowledged.
type load struct {
	mu    sync.Mutex
	acked []string
	over  atomic.Bool
	wg    sync.WaitGroup
}

func (g *grid) load(clients int) *load {
	l := &load{}
	for c := range clients {
		l.wg.Go(func() {
			for n := 0; !l.over.Load() && g.ctx.Err() == nil; n++ {
				name := fmt.Sprintf("p%d-%d", c, n)
				if g.put(1+(c+n)%len(g.agents), name) != nil {
					g.rest(5 * time.Millisecond)
					continue
				}
				l.mu.Lock()
				l.acked = append(l.acked, name)
				l.mu.Unlock()
			}
		})
	}
	return l
}

func (l *load) stop() { l.over.Store(true); l.wg.Wait() }

// all are what was acknowledged so far.
func (l *load) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.acked...)
}

// lacks is one of names that a machine's server does not have; "" when it has all.
func (g *grid) lacks(i int, names []string) string {
	have := g.names(i)
	for _, name := range names {
		if !have[name] {
			return name
		}
	}
	return ""
}

// The only server's power is cut at any moment under load, snapshots among them. It starts again and has everything it acknowledged.
func TestThePowerGoesUnderLoad(t *testing.T) {
	binary := crashing(t) // before the test's time begins
	g := newGrid(t, 1)
	g.binary = binary
	g.env = []string{"BERTH_SNAPSHOT_AFTER=16"}
	g.form()
	g.serves(1, "before")
	l := g.load(4)
	defer l.stop()
	for range 8 {
		cut := g.cutAt(1, 20+g.r.IntN(400))
		select {
		case <-cut:
		case <-g.ctx.Done():
			g.Fatal("never: enough steps")
		}
		g.out(1)
		acked := l.all()
		g.again(1)
		g.serves(1, "after")
		if name := g.lacks(1, acked); name != "" {
			t.Fatalf("%s was acknowledged and is gone; %d were", name, len(acked))
		}
	}
	l.stop()
	t.Logf("%d writes were acknowledged", len(l.acked))
}

// The power is cut at any moment of a recovery by command. The command does it when it is given again, and nothing is lost.
func TestThePowerGoesInARecovery(t *testing.T) {
	binary := crashing(t) // before the test's time begins
	g := newGrid(t, 1)
	g.binary = binary
	g.env = []string{"BERTH_SNAPSHOT_AFTER=16"}
	g.form()
	g.serves(1, "before")
	acked := []string{"before"}
	a := g.agents[0]
	recover := func(ctx context.Context) (harness.Outcome, error) {
		return a.Run(ctx, nil, "operator", "recover", "-config", filepath.Join(a.Dir, "agent.hcl"))
	}
	for n := range 5 {
		for k := range 5 {
			name := fmt.Sprintf("r%d-%d", n, k)
			g.serves(1, name)
			acked = append(acked, name)
		}
		g.out(1)
		ctx, stop := context.WithCancel(g.ctx)
		cut := g.cutAt(1, 1+g.r.IntN(30))
		go func() {
			select {
			case <-cut:
			case <-ctx.Done():
			}
			stop()
		}()
		out, err := recover(ctx)
		select {
		case <-cut:
		default:
			if err != nil || out.Code != 0 {
				t.Fatalf("%+v, %v", out, err)
			}
		}
		stop()
		g.out(1)
		if out, err := recover(g.ctx); err != nil || out.Code != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		g.again(1)
		g.serves(1, "after")
		if name := g.lacks(1, acked); name != "" {
			t.Fatalf("%s was acknowledged and is gone", name)
		}
	}
}

// onLog is a watch over the syncs of the cluster's log.
func onLog(f func() powerloss.Verdict) func(powerloss.Step) powerloss.Verdict {
	return func(s powerloss.Step) powerloss.Verdict {
		if s.Op == "sync" && strings.HasSuffix(s.Path, "raft.db") {
			return f()
		}
		return powerloss.Done
	}
}

// Power and disks of three servers fail under load: one loses its power, the leader, two, all at the same moment; the leader's sync fails once,
// the leader's syncs take a second, then for ever. The history is linearizable, and what was acknowledged is on every server in the end.
func TestPowerAndDisksOfThreeServersFail(t *testing.T) {
	binary := crashing(t) // before the test's time begins
	g := newGrid(t, 3)
	g.binary = binary
	g.env = []string{"BERTH_SNAPSHOT_AFTER=16"}
	g.form()
	g.join(2, "server")
	g.join(3, "server")
	g.voters(3)
	h := g.history(3, g.r.Uint64())
	back := func(what string, machines ...int) {
		t.Helper()
		for _, i := range machines {
			g.again(i)
		}
		for _, i := range machines {
			h.has(i, fmt.Sprintf("machine %d has what was acknowledged before it is back: %s", i, what))
		}
		h.flows(what)
	}

	for _, c := range []struct {
		what string
		who  func(lead int) []int
	}{
		{"the leader has no power", func(lead int) []int { return []int{lead} }},
		{"a follower has no power", func(lead int) []int { return []int{lead%3 + 1} }},
		{"the leader and a follower have no power", func(lead int) []int { return []int{lead, lead%3 + 1} }},
		{"nobody has power", func(lead int) []int { return []int{lead, lead%3 + 1, (lead+1)%3 + 1} }},
	} {
		began := time.Since(h.began)
		who := c.who(g.voters(3))
		var steps atomic.Int64
		at := int64(10 + g.r.IntN(100))
		cut := make(chan struct{})
		g.disks[who[0]-1].Watch(func(powerloss.Step) powerloss.Verdict {
			if steps.Add(1) != at {
				return powerloss.Done
			}
			for _, i := range who {
				g.disks[i-1].Cut()
			}
			close(cut)
			return powerloss.Cut
		})
		g.until("enough steps are made", func() bool {
			select {
			case <-cut:
				return true
			default:
				return false
			}
		})
		g.out(who...)
		if len(who) == 1 {
			h.flows(c.what)
		}
		back(c.what, who...)
		t.Logf("%s: %v", c.what, (time.Since(h.began) - began).Round(time.Millisecond))
	}

	lead := g.voters(3)
	var failed atomic.Bool
	g.disks[lead-1].Watch(onLog(func() powerloss.Verdict {
		if failed.CompareAndSwap(false, true) {
			return powerloss.Fail
		}
		return powerloss.Done
	}))
	a := g.agents[lead-1]
	g.until("the server whose disk fails ends", func() bool { return !a.Running() })
	if a.Exit() == nil || !strings.Contains(a.Log(), "the disk is failing") {
		t.Errorf("it ended with %v, and did not say why", a.Exit())
	}
	h.flows("the leader's disk failed")
	g.out(lead)
	back("the disk failed once", lead)
	t.Logf("%v: a sync has failed", time.Since(h.began).Round(time.Millisecond))

	lead = g.voters(3)
	g.disks[lead-1].Watch(onLog(func() powerloss.Verdict { g.rest(time.Second); return powerloss.Done }))
	g.write(lead, "slow")
	g.disks[lead-1].Watch(nil)
	h.flows("the leader's disk was slow")
	t.Logf("%v: a disk was slow", time.Since(h.began).Round(time.Millisecond))

	lead = g.voters(3)
	mended := make(chan struct{})
	mend := sync.OnceFunc(func() { close(mended) })
	defer mend() // nobody who waits for the disk could be ended
	g.disks[lead-1].Watch(onLog(func() powerloss.Verdict { <-mended; return powerloss.Done }))
	g.until("another leads", func() bool { return g.voters(3) != lead })
	h.flows("the leader's disk does not answer")
	g.disks[lead-1].Watch(nil)
	mend()
	h.has(lead, "the server whose disk did not answer has what it missed")
	t.Logf("%v: a disk did not answer", time.Since(h.began).Round(time.Millisecond))
	h.judge()
}
