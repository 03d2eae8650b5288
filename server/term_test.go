package server

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/raft"
)

// gate holds those that come to it while it is shut.
type gate struct{ shut atomic.Pointer[chan struct{}] }

func (g *gate) close() {
	c := make(chan struct{})
	g.shut.Store(&c)
}

func (g *gate) open() {
	if c := g.shut.Swap(nil); c != nil {
		close(*c)
	}
}

func (g *gate) pass() {
	if c := g.shut.Load(); c != nil {
		<-*c
	}
}

// give makes another server raft's leader.
func give(t *testing.T, from, to *fellow) {
	t.Helper()
	if err := from.TransferLeadership(to.ID().String(), ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "raft leads there", func() bool { return to.raft.Load().State() == raft.Leader })
}

// A server that lost leadership and has it again while the loops of its last term are still ending, or only begin, does not take
// itself for the leader: what another leader committed in between may not be applied here.
func TestATermThatIsOverVouchesForNothing(t *testing.T) {
	for name, late := range map[string]struct{ first, then point }{
		"its loops are ending": {atTermEnd, ""},
		"its loops only begin": {atTermRestore, atTermRun},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown()
				var all []*fellow
				var watched atomic.Pointer[fellow]
				var applies, first, then gate
				for n := 1; n <= 3; n++ {
					var own atomic.Pointer[fellow]
					f := w.prepare(t, n, 3, filepath.Join(t.TempDir(), "server"), func(c *Config) {
						c.reached = func(p point) {
							switch f := own.Load(); {
							case f == nil || f != watched.Load():
							case p == atApply:
								applies.pass()
							case p == late.first:
								first.pass()
							case p == late.then:
								then.pass()
							}
						}
					})
					own.Store(f)
					f.run()
					all = append(all, f)
				}
				old := leader(t, all...)
				write(t, old.Server, "before")
				first.close()
				if late.then != "" { // the term that begins late is that of another
					next := without(all, old)[0]
					watched.Store(next)
					give(t, old, next)
					synctest.Wait()
					old = next
				}
				watched.Store(old)
				w.cut(old.addr)
				eventually(t, "it is not the leader", func() bool { return old.raft.Load().State() != raft.Leader })
				other := leader(t, without(all, old)...)
				write(t, other.Server, "meanwhile")
				applies.close()
				w.mend(old.addr)
				eventually(t, "it has all entries", func() bool { return old.raft.Load().LastIndex() == other.raft.Load().LastIndex() })
				give(t, other, old)
				if late.then != "" {
					then.close()
					first.open()
					synctest.Wait()
				}
				if old.IsLeader() {
					t.Error("it takes itself for the leader")
				}
				if err := old.VerifyLeader(); err == nil {
					t.Errorf("it says that it leads; that it has what was committed: %v", has(old.Server, "meanwhile"))
				}
				applies.open()
				first.open()
				then.open()
				eventually(t, "it leads", func() bool { return old.VerifyLeader() == nil })
				if !has(old.Server, "meanwhile") {
					t.Error("it leads without what was committed before")
				}
				finish(all...)
			})
		})
	}
}
