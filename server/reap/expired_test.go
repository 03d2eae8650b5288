package reap

import (
	"iter"
	"slices"
	"testing"
	"time"

	"berth/structs"
)

type tokens struct {
	of      []*structs.ACLToken
	oneTime []*structs.OneTimeToken
}

func (t tokens) ACLTokens() iter.Seq[*structs.ACLToken]         { return slices.Values(t.of) }
func (t tokens) OneTimeTokens() iter.Seq[*structs.OneTimeToken] { return slices.Values(t.oneTime) }

func TestTokensGoWhenTheyAreExpiredForLongEnough(t *testing.T) {
	token := func(n byte, ago time.Duration) *structs.ACLToken {
		return &structs.ACLToken{AccessorID: structs.ID{n}, ExpirationTime: new(now.Add(-ago))}
	}
	have := tokens{of: []*structs.ACLToken{{AccessorID: structs.ID{1}}, token(2, 2*time.Hour), token(3, time.Minute), token(4, -time.Hour)},
		oneTime: []*structs.OneTimeToken{{AccessorID: structs.ID{5}, ExpiresAt: now}, {AccessorID: structs.ID{6}, ExpiresAt: now.Add(1)}}}
	got := Expired(have, now, Thresholds{}, false)
	if len(got) != 1 || !slices.Equal(got[0].Tokens, []structs.ID{{2}}) || !slices.Equal(got[0].OneTime, []structs.ID{{5}}) {
		t.Errorf("goes: %+v", got)
	}
	if got := Expired(have, now, Thresholds{}, true); len(got) != 1 || !slices.Equal(got[0].Tokens, []structs.ID{{2}, {3}}) {
		t.Errorf("with force: %+v", got)
	}
	if got := Expired(tokens{}, now, Thresholds{}, true); got != nil {
		t.Errorf("of nothing: %+v", got)
	}
	var many tokens
	for i := range maxCommand + 1 {
		k := token(0, 2*time.Hour)
		k.AccessorID = structs.ID{1, byte(i >> 8), byte(i)}
		many.of = append(many.of, k)
	}
	if got := Expired(many, now, Thresholds{}, false); len(got) != 2 || len(got[0].Tokens) != maxCommand || len(got[1].Tokens) != 1 {
		t.Errorf("%d commands", len(got))
	}
}
