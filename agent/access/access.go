package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"berth/acl"
	"berth/state"
	"berth/structs"
)

// DefaultTTL is token_ttl: how long an agent that hears of no leader goes on with what it last knew.
const DefaultTTL = 30 * time.Second

// maxKept bounds the identities that are kept.
const maxKept = 4096

// Identity is a caller. It does not change.
type Identity struct {
	ACL *acl.ACL
	// Token is the caller's, without its secret where it was asked of another machine; nil for a caller without one.
	Token *structs.ACLToken
	// policy is that of callers without a token, for the check that it is still the one.
	policy *structs.ACLPolicy
}

// Resolver tells who calls.
type Resolver interface {
	// Enabled reports whether callers are looked at: if not, everybody may do everything.
	Enabled() bool
	// Resolve gives the caller of a secret, "" for one without a token.
	Resolve(ctx context.Context, secret string) (*Identity, error)
}

// The contract's texts.
var (
	errNotFound = structs.NewError(structs.KindUnauthorised, "ACL token not found")
	errExpired  = structs.NewError(structs.KindUnauthorised, "ACL token expired")
	// ErrDenied is the answer to who may not.
	ErrDenied = structs.NewError(structs.KindUnauthorised, "Permission denied")
)

func cut(ttl time.Duration) error {
	return &structs.Error{Kind: structs.KindUnavailable, Err: errors.New("tokens cannot be checked: this agent has heard of no leader for more than " + ttl.String()),
		Hint: "ask another agent, or try again when there is a leader"}
}

// Server is what State asks of a server.
type Server interface {
	State() *state.Store
	IsLeader() bool
	LastContact() time.Duration
}

// State looks tokens up in the state of a server. Safe for use by many.
type State struct {
	on     bool
	ttl    time.Duration
	server Server
	now    func() time.Time
	cache  acl.Cache
	mu     sync.RWMutex // guards what follows
	index  uint64       // of the state the identities are of
	kept   map[[sha256.Size]byte]*Identity
}

// NewState makes one. ttl is how long a server that hears of no leader believes tokens other than those of managers.
func NewState(on bool, ttl time.Duration, server Server, now func() time.Time) *State {
	return &State{on: on, ttl: ttl, server: server, now: now}
}

// Enabled implements Resolver.
func (r *State) Enabled() bool { return r.on }

// Resolve implements Resolver.
func (r *State) Resolve(_ context.Context, secret string) (*Identity, error) {
	key, err := hashOf(secret)
	if err != nil {
		return nil, err
	}
	snap := r.server.State().Snapshot()
	index := snap.ACLIndex()
	var token *structs.ACLToken
	var policy *structs.ACLPolicy
	if secret == "" {
		policy = snap.ACLPolicy(structs.ACLAnonymous)
	} else if token = snap.ACLTokenBySecret(key); token == nil {
		return nil, errNotFound
	}
	r.mu.RLock()
	who := r.kept[key]
	// Why the objects too: a state that was restored from a snapshot may have the same index and others.
	if r.index != index || who != nil && (who.Token != token || who.policy != policy) {
		who = nil
	}
	r.mu.RUnlock()
	if who == nil {
		if who, err = r.look(snap, token, policy); err != nil {
			return nil, err
		}
		r.keep(index, key, who)
	}
	if who.Token != nil && who.Token.Expired(r.now()) {
		return nil, errExpired
	}
	// A manager may look at a server that is cut off, and save what it has.
	if last := r.server.LastContact(); !who.ACL.IsManagement() && !r.server.IsLeader() && (last < 0 || last > r.ttl) {
		return nil, cut(r.ttl)
	}
	return who, nil
}

func (r *State) keep(index uint64, key [sha256.Size]byte, who *Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.kept == nil || index > r.index || len(r.kept) >= maxKept:
		r.kept = map[[sha256.Size]byte]*Identity{}
	case index < r.index: // the state went on meanwhile, or back by a restore: then the next one begins anew
		r.kept, r.index = nil, index
		return
	}
	r.index = index
	r.kept[key] = who
}

// look finds the policies of a token, or of those without one.
func (r *State) look(snap *state.Snapshot, t *structs.ACLToken, policy *structs.ACLPolicy) (*Identity, error) {
	if t != nil && t.Type == structs.TokenManagement {
		return &Identity{ACL: acl.Management(), Token: t}, nil
	}
	a, err := r.cache.Compile(Sources(snap, t))
	if err != nil {
		return nil, err
	}
	return &Identity{ACL: a, Token: t, policy: policy}, nil
}

// Sources are the policies of a token, of its roles as well; those of nobody without a token. A policy that is tied to workloads is none
// of a token's: it is applied to workloads that show who they are, which none does yet.
func Sources(snap *state.Snapshot, t *structs.ACLToken) []acl.Source {
	var out []acl.Source
	seen := map[string]bool{}
	add := func(name string) {
		if p := snap.ACLPolicy(name); p != nil && !seen[name] {
			seen[name] = true
			out = append(out, acl.Source{Name: p.Name, Rules: p.Rules})
		}
	}
	if t == nil {
		add(structs.ACLAnonymous)
		return out
	}
	for _, name := range t.Policies {
		add(name)
	}
	for _, link := range t.Roles {
		if role := snap.ACLRole(link.ID); role != nil {
			for _, p := range role.Policies {
				add(p.Name)
			}
		}
	}
	return out
}

// hashOf is what a secret is found by. Secrets are UUIDs: what is none is no token's.
func hashOf(secret string) ([sha256.Size]byte, error) {
	if secret == "" {
		return [sha256.Size]byte{}, nil
	}
	id, err := structs.ParseID(secret)
	if err != nil {
		return [sha256.Size]byte{}, errNotFound
	}
	return structs.HashSecret(id), nil
}
