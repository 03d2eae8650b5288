package server

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"berth/server/backup"
)

// TestTheLeaderSavesWhatAnotherClusterRestores: one snapshot a slot whoever leads, also over a change of leaders, and a new cluster takes it.
func TestTheLeaderSavesWhatAnotherClusterRestores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "backups")
		files := func() []string {
			names, err := filepath.Glob(dir + "/*")
			if err != nil {
				t.Fatal(err)
			}
			return names
		}
		w := newTown()
		var all []*fellow
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, "", func(c *Config) {
				c.Backup = &backup.Plan{Every: 15 * time.Minute, Keep: backup.Keep{Last: 2}, Target: backup.Directory{Path: dir}}
			}))
		}
		lead := leader(t, all...)
		write(t, lead.Server, "before")
		eventually(t, "one is saved", func() bool { return len(files()) == 1 })
		w.set(lead.Name()+".global", "failed")
		lead.end()
		w.forget(lead)
		left := without(all, lead)
		next := leader(t, left...)
		<-time.After(5 * time.Minute)
		if got := files(); len(got) != 1 {
			t.Errorf("another leads in the same slot, and there are %v", got)
		}
		if st, set := next.Backup(); !set || !st.Leads || len(st.Stored) != 1 || st.Failures != 0 {
			t.Errorf("%+v", st)
		}
		for _, f := range without(left, next) {
			if st, set := f.Backup(); !set || st.Leads {
				t.Errorf("%s does not lead: %+v", f.Name(), st)
			}
		}
		write(t, next.Server, "after")
		<-time.After(15 * time.Minute)
		got := files()
		if len(got) != 2 {
			t.Fatalf("a slot later there are %v", got)
		}
		data, err := os.ReadFile(got[1])
		if err != nil {
			t.Fatal(err)
		}
		finish(left...)

		other := newTown()
		fresh := other.join(t, 9, 1, "", nil)
		if _, err := leader(t, fresh).RestoreSnapshot(t.Context(), bytes.NewReader(data), false); err != nil {
			t.Fatal(err)
		}
		if !has(fresh.Server, "before") || !has(fresh.Server, "after") || fresh.raft.Load().State() != raft.Leader {
			t.Error("the new cluster does not have what was saved")
		}
		finish(fresh)
	})
}
