package server

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// The leader of three dies in the middle of a restore, before any other has the restored state. The others go on with what they had; it comes back
// and has what they have, with every write that was acknowledged before and since.
func TestALeaderOfThreeDiesInARestore(t *testing.T) {
	for _, at := range []point{atCreate, atPersist, atKeep, atKept, atRestore, atRestored} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := &graveyard{T: t, w: newTown(), at: at, role: asLeader, now: make([]*life, 3)}
				defer func() {
					for _, l := range g.now {
						if l != nil {
							l.bury()
						}
					}
					<-time.After(time.Minute) // messages on their way to servers that are gone
				}()
				for n := 1; n <= 3; n++ {
					g.start(n, filepath.Join(t.TempDir(), "server"))
				}
				g.leader()
				g.heal()
				g.writes(3)
				lead := g.leader()
				data := saved(t, lead.Server)
				g.writes(30)
				lead = g.leader()
				g.armed.Store(true)
				answered := make(chan error, 1)
				go func() {
					_, err := lead.RestoreSnapshot(context.Background(), bytes.NewReader(data), false)
					answered <- err
				}()
				for !lead.dead.Load() {
					<-time.After(time.Millisecond)
				}
				g.writes(10) // it is back meanwhile
				g.heal()
				g.writes(5)
				g.same()
				if err := <-answered; err == nil {
					t.Error("who asked for the restore was told that it is done")
				}
			})
		})
	}
}
