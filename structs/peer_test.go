package structs

import (
	"strings"
	"testing"
)

func TestAPeerRuleMeans(t *testing.T) {
	for _, c := range []struct {
		peer Peer
		want bool
	}{
		{Peer{Job: "db-1"}, true}, {Peer{Job: "db-*"}, true}, {Peer{Job: "*b*1"}, true}, {Peer{Job: "db"}, false}, {Peer{Job: "*2"}, false},
		{Peer{Group: "main"}, true}, {Peer{Group: "other"}, false}, {Peer{Job: "db-*", Group: "ma*"}, true}, {Peer{Job: "a*a"}, false},
		{Peer{Meta: map[string]string{"tier": "data"}}, true}, {Peer{Meta: map[string]string{"tier": "*"}}, true},
		{Peer{Meta: map[string]string{"team": "x"}}, true}, {Peer{Meta: map[string]string{"tier": "web"}}, false}, {Peer{Meta: map[string]string{"none": "x"}}, false},
	} {
		if got := c.peer.Means("db-1", "main", map[string]string{"team": "x", "tier": "web"}, map[string]string{"tier": "data"}); got != c.want {
			t.Errorf("%s: %v, want %v", c.peer.String(), got, c.want)
		}
	}
}

func TestNumbersOfRulesTogether(t *testing.T) {
	j := &Job{ID: "web", Name: "web", TaskGroups: []*TaskGroup{{
		Name: "g", Tasks: []*Task{{Name: "t", Driver: "docker"}},
		Spreads: []*Spread{{Attribute: "${meta.zone}", MaxSkew: new(0)}},
		Peers:   []*Peer{{Job: "db", Relation: PeerNear, Weight: new(int8(101))}},
	}}}
	j.Canonicalize()
	var all strings.Builder
	for _, f := range j.Validate(DefaultLimits()) {
		all.WriteString(f.Error() + " " + f.Hint + "\n")
	}
	for _, want := range []string{"max_skew is 0; it must be at least 1", "weight is 101; it must be between 1 and 100", "leave it out for a rule that must be kept"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("not told: %s\n%s", want, all.String())
		}
	}
}
