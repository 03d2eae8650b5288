package server

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"berth/server/membership"
	"berth/structs"
)

// A command of a newer kind is written only when every server of the log, and every one that will be in it, knows it.
func TestNewKindsWaitForEveryServer(t *testing.T) {
	const old, now = levelUntold + 1, levelUntold + 3
	id := func(n byte) structs.ID { return structs.ID{15: n} }
	voter := func(n byte) raft.Server {
		return raft.Server{ID: raft.ServerID(id(n).String()), Address: raft.ServerAddress(string('0'+rune(n)) + ":4647")}
	}
	member := func(n byte, status string, level structs.CommandKind, version string) membership.Member {
		return membership.Member{ID: id(n), Name: "s" + string('0'+rune(n)) + ".global", Status: status, Level: level, Version: version}
	}
	alike := []membership.Member{member(1, "alive", now, "2"), member(2, "alive", now, "2"), member(3, "alive", now, "2")}
	with := func(m membership.Member) []membership.Member {
		return append(append([]membership.Member(nil), alike[:2]...), m)
	}
	three := []raft.Server{voter(1), voter(2), voter(3)}
	for name, c := range map[string]struct {
		own     structs.CommandKind
		servers []raft.Server
		members []membership.Member
		kind    structs.CommandKind
		want    string // in the refusal; "" is none
	}{
		"alone":                                 {now, three[:1], nil, now, ""},
		"all know it":                           {now, three, alike, now, ""},
		"one is older":                          {now, three, with(member(3, "alive", old, "1")), now, "server s3.global runs an older version, Berth 1, which does not know this change"},
		"one is older, the kind is old":         {now, three, with(member(3, "alive", old, "1")), old, ""},
		"one that is older has failed":          {now, three, with(member(3, "failed", old, "1")), now, "server s3.global runs an older version, Berth 1"},
		"one tells no level":                    {now, three, with(member(3, "alive", 0, "")), now, "server s3.global runs an older version, which"},
		"one tells no level, the kind is older": {now, three, with(member(3, "alive", 0, "")), levelUntold, ""},
		"one is not heard of":                   {now, three, alike[:2], now, "server " + id(3).String() + " at 3:4647 is not heard of"},
		"one is not heard of, the kind is old":  {now, three, alike[:2], levelUntold, ""},
		"an older one is about to join":         {now, three[:2], with(member(3, "alive", old, "1")), now, "server s3.global"},
		"an older one is gone":                  {now, three[:2], with(member(3, "left", old, "1")), now, ""},
		"this one is older":                     {old, three, with(member(3, "alive", now, "2")), now, "server s1.global runs an older version, Berth 2"},
		"two are as old, the first is named":    {now, three, []membership.Member{alike[0], member(2, "alive", old, "1"), member(3, "alive", old, "1")}, now, "server s2.global"},
		"two are older, the oldest is named":    {now, three, []membership.Member{alike[0], member(2, "alive", old, "1"), member(3, "alive", 0, "0")}, now, "server s3.global"},
	} {
		err := least(id(1), c.own, "2", c.servers, c.members).refuses(c.kind)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || structs.KindOf(err) != structs.KindConflict):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A cluster with a server that is behind refuses a new kind and takes what all know; it takes the new kind once that server tells another
// level.
func TestAClusterRefusesWhatOneOfItDoesNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		var all []*fellow
		for n := 1; n <= 3; n++ {
			all = append(all, w.join(t, n, 3, t.TempDir(), nil))
		}
		defer finish(all...)
		lead := leader(t, all...)
		other := all[0]
		if other == lead {
			other = all[1]
		}
		newest := func() error {
			_, err := lead.Propose(t.Context(), structs.CmdLast, &structs.NameDeleteCommand{})
			return err
		}
		named := other.Name() + ".global"
		w.change(func() { w.members[named].Level = structs.CmdLast - 1 })
		synctest.Wait()
		err := newest()
		if err == nil || !strings.Contains(err.Error(), named+" runs an older version") {
			t.Errorf("the newest kind was answered %v", err)
		}
		if _, err := lead.Propose(t.Context(), structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "n"}}}); err != nil {
			t.Errorf("an old kind was answered %v", err)
		}
		register := func(j *structs.Job) error {
			j.Namespace, j.ID, j.Type, j.NodePool = "default", "load", structs.JobTypeBatch, structs.DefaultNodePool
			_, err := lead.Propose(t.Context(), structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j})
			return err
		}
		fields := map[string]func() *structs.Job{
			"depends_on": func() *structs.Job {
				return &structs.Job{DependsOn: []*structs.Dependency{{Job: "other", Condition: structs.DependStarted}}}
			},
			"ttl_after_finished": func() *structs.Job { return &structs.Job{TTLAfterFinished: new(time.Hour)} },
			"keep_failed": func() *structs.Job {
				return &structs.Job{Periodic: &structs.PeriodicConfig{Specs: []string{"@daily"}, KeepFailed: new(1)}}
			},
			"completion": func() *structs.Job {
				return &structs.Job{TaskGroups: []*structs.TaskGroup{{Name: "a"}, {Name: "b", Completion: &structs.Completion{Retries: new(1)}}}}
			},
		}
		w.change(func() { w.members[named].Level = structs.CmdJobSuspend - 1 })
		synctest.Wait()
		for name, with := range fields {
			if err := register(with()); err == nil || !strings.Contains(err.Error(), named+" runs an older version") {
				t.Errorf("a job with %s was answered %v", name, err)
			}
		}
		if err := register(&structs.Job{TaskGroups: []*structs.TaskGroup{{Name: "a"}}}); err != nil {
			t.Errorf("a job that says nothing new was answered %v", err)
		}
		w.change(func() { w.members[named].Level = Level() })
		synctest.Wait()
		for name, with := range fields {
			if err := register(with()); err != nil {
				t.Errorf("all know %s: %v", name, err)
			}
		}
		synctest.Wait()
		if err := newest(); err != nil && strings.Contains(err.Error(), "older version") {
			t.Errorf("the newest kind was answered %v", err)
		}
	})
}
