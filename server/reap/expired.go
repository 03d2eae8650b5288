package reap

import (
	"iter"
	"time"

	"berth/structs"
)

// Tokens is what Expired reads.
type Tokens interface {
	ACLTokens() iter.Seq[*structs.ACLToken]
	OneTimeTokens() iter.Seq[*structs.OneTimeToken]
}

// Expired names the tokens that stopped working long enough ago, in commands of bounded size. They worked for nobody since they expired: this
// only makes room.
func Expired(st Tokens, now time.Time, t Thresholds, force bool) []*structs.ACLExpireCommand {
	t = t.withDefaults()
	age := t.ACLToken
	if force {
		age = 0
	}
	var out []*structs.ACLExpireCommand
	room := func() *structs.ACLExpireCommand {
		if n := len(out); n > 0 && len(out[n-1].Tokens)+len(out[n-1].OneTime) < maxCommand {
			return out[n-1]
		}
		out = append(out, &structs.ACLExpireCommand{})
		return out[len(out)-1]
	}
	for k := range st.ACLTokens() {
		if k.Expired(now.Add(-age)) {
			c := room()
			c.Tokens = append(c.Tokens, k.AccessorID)
		}
	}
	for o := range st.OneTimeTokens() {
		if !now.Before(o.ExpiresAt) {
			c := room()
			c.OneTime = append(c.OneTime, o.AccessorID)
		}
	}
	return out
}
