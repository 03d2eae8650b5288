package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"berth/internal/idgen"
	"berth/structs"
)

// The part a server plays when it dies.
const (
	asLeader   = "leader"
	asFollower = "follower"
)

// roles are the parts in which a server comes to a point.
func roles(p point) []string {
	switch p {
	case atPropose, atReply, atPlan, atPlanned, atTermBegin, atTermRestore, atTermRun, atHandOver:
		return []string{asLeader}
	case atOpened, atForm, atFormed, atMember, atMarked, atTruncate, atTruncated, atVote, atVoted, atRestore, atRestored, atTermEnd, atHandedOver:
		return []string{asFollower}
	}
	return []string{asLeader, asFollower}
}

// A server dies at a point, as if by kill -9; or all of them do at that moment. What was acknowledged is there when they are back,
// nothing is there by half, and all have the same.
func TestNothingIsLostWhereverAServerDies(t *testing.T) {
	for _, p := range points() {
		for _, role := range roles(p) {
			t.Run(string(p)+"/"+role, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { dieAt(t, p, role, false) })
			})
		}
		t.Run(string(p)+"/everyone", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { dieAt(t, p, roles(p)[0], true) })
		})
	}
}

// life is one life of a server: from its start to its stop, or to the moment it dies. What a dead one still does changes no file
// and reaches nobody.
type life struct {
	*fellow
	n      int // 1, 2, 3
	dir    string
	dead   atomic.Bool
	buried atomic.Bool  // nobody hears it any more: it may end in peace
	writes sync.RWMutex // held for reading by every write to its log
	relic  string       // its directory as it was when it died
}

// mortal is the log of a life.
type mortal struct {
	storage
	l *life
}

var errDead = errors.New("the server is dead")

func (m mortal) alive(f func() error) error {
	m.l.writes.RLock()
	defer m.l.writes.RUnlock()
	if m.l.dead.Load() && !m.l.buried.Load() {
		return errDead
	}
	return f()
}

func (m mortal) StoreLogs(l []*raft.Log) error {
	return m.alive(func() error { return m.storage.StoreLogs(l) })
}
func (m mortal) DeleteRange(first, last uint64) error {
	return m.alive(func() error { return m.storage.DeleteRange(first, last) })
}
func (m mortal) Set(k, v []byte) error { return m.alive(func() error { return m.storage.Set(k, v) }) }
func (m mortal) SetUint64(k []byte, v uint64) error {
	return m.alive(func() error { return m.storage.SetUint64(k, v) })
}

// graveyard is a cluster one of whose servers dies at a point.
type graveyard struct {
	*testing.T
	w        *town
	at       point
	role     string
	everyone bool
	when     func() bool // it counts; nil is always
	trailing uint64      // entries kept behind a snapshot; 0 is four
	armed    atomic.Bool
	over     atomic.Bool // the writers end

	mu    sync.Mutex
	now   []*life // the present life of each server
	lives int
	acked []string
	asked int
	tries sync.WaitGroup
}

// start begins a life of a server in a directory.
func (g *graveyard) start(n int, dir string) {
	g.mu.Lock()
	g.lives++
	l := &life{n: n, dir: dir}
	seed := uint64(1000*g.lives + n)
	g.mu.Unlock()
	f := g.w.prepare(g.T, n, 3, dir, func(c *Config) {
		c.IDs = idgen.Seeded(seed)
		c.faulty = func(st storage) storage { return mortal{st, l} }
		c.tune = func(rc *raft.Config) {
			rc.TrailingLogs, rc.SnapshotThreshold = cmp.Or(g.trailing, 4), 1<<20 // snapshots are made when the test asks for them
		}
		c.reached = func(p point) { g.reach(l, p) }
	})
	g.mu.Lock()
	l.fellow = f
	g.now[n-1] = l
	g.mu.Unlock()
	f.run()
}

// reach ends lives when the first server comes to the point in the part asked for.
func (g *graveyard) reach(l *life, p point) {
	if p != g.at || !g.armed.Load() || l.dead.Load() || g.when != nil && !g.when() {
		return
	}
	r := l.fellow.raft.Load()
	if leads := r != nil && r.State() == raft.Leader; leads != (g.role == asLeader) || !g.armed.CompareAndSwap(true, false) {
		return
	}
	g.mu.Lock()
	now := slices.Clone(g.now)
	g.mu.Unlock()
	for _, other := range now {
		if other == l || g.everyone && other != nil {
			g.kill(other)
		}
	}
}

// kill ends a life at this moment: its directory is kept as it is now.
func (g *graveyard) kill(l *life) {
	l.writes.Lock()
	defer l.writes.Unlock()
	if l.dead.Swap(true) {
		return
	}
	l.relic = filepath.Join(swift(g.T), "relic")
	if err := copyTree(l.dir, l.relic); err != nil {
		g.Error(err)
	}
	l.talk.mute.Store(true)
	g.w.mu.Lock()
	present := g.w.wires[l.addr] == l.wire
	g.w.mu.Unlock()
	if !present {
		return // it was stopped meanwhile, and its next life began
	}
	g.w.cut(l.addr)
	g.w.mu.Lock()
	delete(g.w.wires, l.addr) // nothing connects it again
	g.w.mu.Unlock()
}

// copyTree copies what is there now; what goes meanwhile is left out.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		dst := filepath.Join(to, path[len(from):])
		if d.IsDir() {
			return os.MkdirAll(dst, 0o700)
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(dst, data, 0o600)
	})
}

// heal starts the dead again from what they left, until all are ready.
func (g *graveyard) heal() {
	g.Helper()
	began := time.Now()
	for {
		g.healSome()
		ready := 0
		for _, l := range g.living() {
			g.w.mend(l.addr) // a server that came back may have been cut off in the place of the one that died
			select {
			case <-l.Ready():
				ready++
			case err := <-l.done:
				l.done <- err
				if !l.dead.Load() {
					g.Fatalf("server %d ended: %v", l.n, err)
				}
			default:
			}
		}
		if ready == len(g.now) {
			return
		}
		if time.Since(began) > 2*time.Minute {
			for _, l := range g.living() {
				g.Logf("server %d: %v", l.n, l.Stats())
			}
			g.Fatal("not all servers are ready after two minutes")
		}
		<-time.After(10 * time.Millisecond)
	}
}

// bury waits until a dead server's goroutines are gone, whatever they say.
func (l *life) bury() {
	l.w.forget(l.fellow)
	<-time.After(10 * time.Second) // messages on their way when it died are given up
	l.buried.Store(true)
	l.stop()
	<-l.done
}

func (g *graveyard) living() []*life {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(g.now), func(l *life) bool { return l == nil || l.dead.Load() })
}

// leader waits for one that leads; the dead come back meanwhile.
func (g *graveyard) leader() *life {
	g.Helper()
	for range 6000 {
		for _, l := range g.living() {
			if l.IsLeader() {
				return l
			}
		}
		<-time.After(10 * time.Millisecond)
		g.healSome()
	}
	g.Fatal("nobody leads after a minute")
	return nil
}

// healSome starts the dead again without waiting for them.
func (g *graveyard) healSome() {
	g.mu.Lock()
	now := slices.Clone(g.now)
	g.mu.Unlock()
	for _, l := range now {
		if l != nil && l.dead.Load() {
			l.writes.Lock()
			l.writes.Unlock()
			l.bury()
			g.start(l.n, l.relic)
		}
	}
}

// write asks one server for one change of two namespaces, and notes it when that server acknowledged it in its life.
func (g *graveyard) write(l *life) bool {
	g.mu.Lock()
	g.asked++
	name := fmt.Sprintf("n%d", g.asked)
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := l.Propose(ctx, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: name + "a"}, {Name: name + "b"}}})
	if err != nil || l.dead.Load() {
		return false
	}
	g.mu.Lock()
	g.acked = append(g.acked, name)
	g.mu.Unlock()
	return true
}

// writes waits for some acknowledgements.
func (g *graveyard) writes(n int) {
	g.Helper()
	for n > 0 {
		if g.write(g.leader()) {
			n--
		}
	}
}

// background is a writer that asks whoever takes itself for the leader.
func (g *graveyard) background() {
	for !g.over.Load() {
		for _, l := range g.living() {
			if l.IsLeader() {
				g.write(l)
			}
		}
		<-time.After(20 * time.Millisecond)
	}
}

// snapshot makes every server keep a snapshot.
func (g *graveyard) snapshot() {
	for _, l := range g.living() {
		if r := l.fellow.raft.Load(); r != nil {
			_ = r.Snapshot().Error() // one that dies in it says so
		}
	}
}

// stop ends a server as a planned restart does, and starts it again.
func (g *graveyard) restart(l *life) {
	if l.dead.Load() {
		return
	}
	g.w.forget(l.fellow)
	l.stop()
	err := <-l.done
	l.done <- err
	if l.dead.Load() {
		g.heal()
		return
	}
	if err != nil {
		g.Fatalf("server %d ended: %v", l.n, err)
	}
	g.start(l.n, l.dir)
}

func (g *graveyard) follower(lead *life) *life {
	for _, l := range g.living() {
		if l != lead {
			return l
		}
	}
	return lead
}

// register registers a job that is placed.
func (g *graveyard) register(l *life) {
	j := job(2)
	now := time.Now().UnixNano()
	e := &structs.Evaluation{ID: l.NewID(), Namespace: j.Namespace, JobID: j.ID, Type: j.Type, Priority: j.Priority,
		TriggeredBy: structs.EvalTriggerJobRegister, Status: structs.EvalStatusPending, CreateTime: now, ModifyTime: now}
	_, _ = l.Propose(g.Context(), structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j, Eval: e}) // one that dies says so
}

func dieAt(t *testing.T, at point, role string, everyone bool) {
	g := &graveyard{T: t, w: newTown(), at: at, role: role, everyone: everyone, now: make([]*life, 3), acked: nil}
	g.armed.Store(true)
	var writer sync.WaitGroup
	defer func() {
		g.over.Store(true)
		writer.Wait()
		g.mu.Lock()
		now := slices.Clone(g.now)
		g.mu.Unlock()
		for _, l := range now {
			if l != nil {
				l.bury()
			}
		}
		<-time.After(time.Minute) // messages on their way to servers that are gone
	}()
	for n := 1; n <= 3; n++ {
		g.start(n, filepath.Join(swift(t), "server"))
	}
	g.leader()
	g.heal()
	writer.Go(g.background)
	lead := g.leader()
	if n := node(lead.Server); lead.beginsAs(n) {
		g.register(lead)
	}
	g.writes(5)
	g.snapshot()
	g.heal()
	g.writes(5)

	// A follower misses more than the leader's log keeps: it gets a snapshot.
	lead = g.leader()
	cut := g.follower(lead)
	g.w.cut(cut.addr)
	g.writes(12)
	g.snapshot()
	if !cut.dead.Load() {
		g.w.mend(cut.addr)
	}
	g.heal()
	g.writes(5)

	// A leader alone has entries nobody else will ever have.
	lead = g.leader()
	g.w.cut(lead.addr)
	<-time.After(3 * time.Second)
	if !lead.dead.Load() {
		g.w.mend(lead.addr)
	}
	g.heal()
	g.writes(5)

	// Leaders are stopped and started again.
	for range 2 {
		g.restart(g.leader())
		g.heal()
		g.register(g.leader())
		g.writes(5)
		g.snapshot()
	}
	g.heal()
	g.over.Store(true)
	writer.Wait()
	if g.armed.Load() {
		t.Fatalf("no server came to %s as a %s: the test does not lead there", at, role)
	}
	g.writes(1)
	g.same()
}

// beginsAs registers a node.
func (l *life) beginsAs(n *structs.Node) bool {
	_, err := l.Register(context.Background(), &structs.NodeRegisterRequest{Node: n})
	return err == nil
}

// same looks at every server: what was acknowledged is there, nothing by half, and all are equal.
func (g *graveyard) same() {
	g.Helper()
	lead := g.leader()
	eventually(g.T, "all have the same index", func() bool {
		for _, l := range g.living() {
			if l.State().Index() != lead.State().Index() {
				return false
			}
		}
		return true
	})
	for _, l := range g.living() {
		snap := l.State().Snapshot()
		for i := range g.asked {
			name := fmt.Sprintf("n%d", i+1)
			a, b := snap.Namespace(name+"a") != nil, snap.Namespace(name+"b") != nil
			if a != b {
				g.Errorf("server %d has half of %s", l.n, name)
			}
			if !a && slices.Contains(g.acked, name) {
				g.Errorf("server %d lost %s, which was acknowledged", l.n, name)
			}
		}
		if j := snap.Job("default", "web"); j != nil {
			if placed := len(collect(snap.AllocsByJob("default", "web"))); len(collect(snap.EvalsByJob("default", "web"))) == 0 {
				g.Errorf("server %d has a job without its evaluation, and %d allocations", l.n, placed)
			}
		}
		eventually(g.T, fmt.Sprintf("server %d has the leader's state", l.n), func() bool { return l.State().Snapshot().Hash() == lead.State().Snapshot().Hash() })
	}
	if len(g.acked) < 40 {
		g.Errorf("only %d writes were acknowledged", len(g.acked))
	}
}
