package reap

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"berth/state"
	"berth/structs"
)

// bench is a server that carries a reap out as far as the test asks for it.
type bench struct {
	store *state.Store
	gone  map[string]time.Time
}

func (b *bench) State() *state.Store { return b.store }

func (b *bench) Propose(_ context.Context, _ structs.CommandKind, body msgp.Marshaler) (uint64, any, error) {
	txn := b.store.Begin(b.store.Index() + 1)
	for _, j := range body.(*structs.ReapCommand).Jobs {
		b.gone[j.ID] = time.Now()
		txn.DeleteJob(structs.JobKey(j))
	}
	txn.Commit()
	return 0, nil, nil
}

// Jobs go when the time is over that they say, whenever they end and whoever leads then.
func TestJobsGoWhenTheirTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{store: state.New(), gone: map[string]time.Time{}}
		began := time.Now()
		put := func(id string, ttl time.Duration, change func(*structs.Job)) {
			txn := b.store.Begin(b.store.Index() + 1)
			j := job(id, structs.JobTypeBatch, structs.JobStatusDead, time.Now().UnixNano())
			j.Stop = false
			if ttl >= 0 {
				j.TTLAfterFinished = &ttl
			}
			if change != nil {
				change(j)
			}
			txn.PutJob(j)
			txn.Commit()
		}
		put("early", 10*time.Second, nil) // over before there was a leader
		put("late", time.Hour, nil)
		put("kept", -1, nil)
		lead := func() (end func()) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- New(Config{Host: b, Logger: hclog.NewNullLogger(), Thresholds: Thresholds{Interval: 100 * time.Hour}}).Run(ctx)
			}()
			return func() { cancel(); <-ended }
		}
		end := lead()
		time.Sleep(time.Minute)
		end()
		end = lead() // nobody's time begins anew
		put("next", 20*time.Second, nil)
		put("now", 0, nil)
		put("runs", time.Second, func(j *structs.Job) { j.Status = structs.JobStatusRunning })
		put("aside", time.Second, func(j *structs.Job) { j.Suspended = true })
		time.Sleep(30 * time.Minute)
		end()
		end = lead()
		time.Sleep(90 * time.Minute)
		end()
		for id, want := range map[string]time.Duration{"early": 10 * time.Second, "late": time.Hour, "next": time.Minute + 20*time.Second, "now": time.Minute} {
			if at, ok := b.gone[id]; !ok || at.Sub(began) < want || at.Sub(began) > want+2*finishedPause {
				t.Errorf("%s went after %s, want %s", id, at.Sub(began), want)
			}
		}
		if len(b.gone) != 4 {
			t.Errorf("gone: %v", b.gone)
		}
	})
}
