package agent

import (
	"strings"
	"testing"

	"berth/agent/config"
	"berth/structs"
)

func TestPeersOfARecovery(t *testing.T) {
	id := structs.ID{15: 3}
	p, err := parsePeer(id.String() + "=10.0.0.1:4647,nonvoter")
	if err != nil || p.ID != id || p.Addr != "10.0.0.1:4647" || !p.NonVoter {
		t.Errorf("%+v, %v", p, err)
	}
	for _, text := range []string{"", "x", "x=10.0.0.1:4647", id.String(), id.String() + "="} {
		if _, err := parsePeer(text); err == nil || !strings.Contains(err.Error(), "ID=HOST:PORT") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestARecoveryNeedsALog(t *testing.T) {
	var out strings.Builder
	o := Options{Flags: config.Flags{DataDir: t.TempDir(), BindAddr: "127.0.0.1"}, Stdout: &out, Stderr: &out}
	if _, err := Recover(o, nil); structs.KindOf(err) != structs.KindNotFound || !strings.Contains(err.Error(), "raft.db") {
		t.Errorf("got %v", err)
	}
}
