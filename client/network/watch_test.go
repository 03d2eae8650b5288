package network

import (
	"context"
	"errors"
	"testing"
)

// TestRepairPutsBackWhatOthersRemove: a node on which nothing is placed any more still heals what living allocations need.
func TestRepairPutsBackWhatOthersRemove(t *testing.T) {
	for name, damage := range map[string][][]string{
		"ruleset flushed":     {{"nft", "flush", "ruleset"}},
		"rules flushed":       {{"nft", "flush", "table", "inet", "berth"}},
		"ports flushed":       {{"nft", "flush", "map", "inet", "berth", mapPortsAny}},
		"bridge deleted":      {{"ip", "link", "del", "berth0"}},
		"bridge down":         {{"ip", "link", "set", "berth0", "down"}},
		"port deleted":        {{"ip", "link", "del", vethName("berth0", "alloc-a")}},
		"bridge and rules":    {{"ip", "link", "del", "berth0"}, {"nft", "flush", "ruleset"}},
		"port off the bridge": {{"ip", "link", "set", vethName("berth0", "alloc-a"), "nomaster"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := testManager(t, func(c *Config) { c.Bridge, c.Table = "berth0", "berth" })
			a := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
			serve(t, a.NetNS, "a", "0.0.0.0", 80)
			wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
			for _, cmd := range damage {
				run(t, cmd[0], cmd[1:]...)
			}
			what, err := m.Repair(context.Background())
			if err != nil || what == "" {
				t.Fatalf("repair = %q, %v", what, err)
			}
			wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
			if what, err := m.Repair(context.Background()); err != nil || what != "" {
				t.Errorf("repair of what is whole = %q, %v", what, err)
			}
		})
	}
}

// TestRepairLeavesOthersAlone: changes of other tables, and our own, lead to no rewriting.
func TestRepairLeavesOthersAlone(t *testing.T) {
	m := testManager(t, nil)
	look := func() {
		t.Helper()
		if what, err := m.Repair(context.Background()); err != nil || what != "" {
			t.Errorf("repair = %q, %v; want nothing to do", what, err)
		}
	}
	look()
	setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
	look()
	setUp(t, m, bridgeRequest("alloc-b", Port{Label: "http", Host: 8081, To: 80}))
	seen, err := nftGeneration()
	if err != nil || m.rules.seen != seen {
		t.Errorf("generation %d is noted as %d, %v: our own transaction counts as foreign", seen, m.rules.seen, err)
	}
	run(t, "nft", "add", "table", "inet", "somebody")
	t.Cleanup(func() { run(t, "nft", "delete", "table", "inet", "somebody") })
	look()
	tearDown(t, m, "alloc-a")
	tearDown(t, m, "alloc-b")
	look()
}

// TestHealTriesAgain: rules that could not be put back are put back by a later look.
func TestHealTriesAgain(t *testing.T) {
	m := testManager(t, nil)
	a := setUp(t, m, bridgeRequest("alloc-a", Port{Label: "http", Host: 8080, To: 80}))
	serve(t, a.NetNS, "a", "0.0.0.0", 80)
	run(t, "nft", "flush", "ruleset")
	works := m.rules.open
	m.rules.open = func() (ruleset, error) { return nil, errors.New("no nft today") }
	for range 2 {
		if _, err := m.Repair(context.Background()); err == nil {
			t.Fatal("repair without nft did not fail")
		}
	}
	m.rules.open = works
	if what, err := m.Repair(context.Background()); err != nil || what != "rules" {
		t.Fatalf("repair = %q, %v", what, err)
	}
	wantAnswer(t, "", "tcp", "127.0.0.1:8080", "a")
}
