package server

import (
	"testing"
	"testing/synctest"
	"time"
)

// A link that comes and goes costs at most an election for each time it went, none when it is a follower's, and soon after its end there is one
// leader and all have the same.
func TestAFlappingLinkSettles(t *testing.T) {
	for name, c := range map[string]struct {
		leads  bool
		period time.Duration
		most   uint64 // elections
	}{
		"a follower's, fast": {false, 100 * time.Millisecond, 0},
		"a follower's, slow": {false, 3 * time.Second, 0},
		"the leader's, fast": {true, 100 * time.Millisecond, 20},
		"the leader's, slow": {true, 5 * time.Second, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown()
				var all []*fellow
				for n := 1; n <= 3; n++ {
					all = append(all, w.join(t, n, 3, "", nil))
				}
				lead := leader(t, all...)
				for _, f := range all {
					<-f.Ready()
				}
				write(t, lead.Server, "before")
				term := lead.raft.Load().CurrentTerm()
				flaps := lead
				if !c.leads {
					flaps = without(all, lead)[0]
				}
				for range 20 {
					w.cut(flaps.addr)
					<-time.After(c.period)
					w.mend(flaps.addr)
					<-time.After(c.period)
				}
				began := time.Now()
				lead = leader(t, all...)
				write(t, lead.Server, "after")
				eventually(t, "all have it", func() bool {
					return has(all[0].Server, "after") && has(all[1].Server, "after") && has(all[2].Server, "after")
				})
				if took := time.Since(began); took > 10*electionTimeout {
					t.Errorf("settled after %v", took)
				}
				if grew := lead.raft.Load().CurrentTerm() - term; grew > c.most {
					t.Errorf("%d elections for 20 times the link went", grew)
				}
				finish(all...)
			})
		})
	}
}
