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

// fresh is how long an answer of the servers is good while they can be asked.
const fresh = time.Second / 2

// Asker asks servers; *remote.Servers is it.
type Asker interface {
	// ACL reports whether the servers have access control on, as far as they were heard.
	ACL() bool
	ResolveToken(context.Context, *structs.ACLResolveRequest) (*structs.ACLResolveResponse, error)
}

// Remote asks servers about tokens. Safe for use by many.
type Remote struct {
	on     bool
	ttl    time.Duration
	server Asker
	now    func() time.Time
	cache  acl.Cache

	mu      sync.Mutex // guards what follows
	kept    map[[sha256.Size]byte]heard
	looking bool
	lookAt  time.Time // not before
}

// heard is what the servers said, and when.
type heard struct {
	who *Identity
	at  time.Time
}

// NewRemote makes one. It is on when it was set to be, or when the servers say that theirs is. ttl is how long it believes what it last heard.
func NewRemote(on bool, ttl time.Duration, server Asker, now func() time.Time) *Remote {
	return &Remote{on: on, ttl: ttl, server: server, now: now, kept: map[[sha256.Size]byte]heard{}}
}

// Enabled implements Resolver. Who was told that access control is off does not believe it for longer than a token's rights: servers may have
// switched it on meanwhile.
func (r *Remote) Enabled() bool {
	if r.on || r.server.ACL() {
		return true
	}
	r.look()
	return r.server.ACL()
}

// Times of a look at whether access control is still off.
const (
	lookTime = 2 * time.Second  // it may take
	lookRest = 10 * time.Second // after one that reached no server
)

// look asks the servers, whose every answer says whether access control is on, unless they were asked a moment ago. While one asks the others go
// on with what is known.
func (r *Remote) look() {
	r.mu.Lock()
	if now := r.now(); r.looking || now.Before(r.lookAt) {
		r.mu.Unlock()
		return
	}
	r.looking = true
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	_, err := r.server.ResolveToken(ctx, &structs.ACLResolveRequest{})
	rest := fresh
	if kind := structs.KindOf(err); err != nil && (kind == structs.KindUnavailable || kind == structs.KindNoLeader || ctx.Err() != nil) {
		rest = lookRest
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looking, r.lookAt = false, r.now().Add(rest)
}

// Resolve implements Resolver.
func (r *Remote) Resolve(ctx context.Context, secret string) (*Identity, error) {
	key, err := hashOf(secret)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	old, known := r.kept[key]
	r.mu.Unlock()
	now := r.now()
	if !known || now.Sub(old.at) > fresh {
		who, err := r.ask(ctx, secret)
		kind := structs.KindOf(err)
		switch {
		case err == nil:
			old = heard{who, now}
			r.keep(key, old)
		case kind != structs.KindUnavailable && kind != structs.KindNoLeader: // the servers' answer
			r.forget(key)
			return nil, err
		case !known || now.Sub(old.at) > r.ttl:
			return nil, errors.Join(cut(r.ttl), err)
		}
	}
	if old.who.Token != nil && old.who.Token.Expired(now) {
		return nil, errExpired
	}
	return old.who, nil
}

func (r *Remote) keep(key [sha256.Size]byte, h heard) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= maxKept {
		r.kept = map[[sha256.Size]byte]heard{}
	}
	r.kept[key] = h
}

func (r *Remote) forget(key [sha256.Size]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.kept, key)
}

func (r *Remote) ask(ctx context.Context, secret string) (*Identity, error) {
	resp, err := r.server.ResolveToken(ctx, &structs.ACLResolveRequest{Secret: secret})
	if err != nil {
		return nil, err
	}
	if resp.Management {
		return &Identity{ACL: acl.Management(), Token: resp.Token}, nil
	}
	sources := make([]acl.Source, 0, len(resp.Policies))
	for _, p := range resp.Policies {
		if p != nil {
			sources = append(sources, acl.Source{Name: p.Name, Rules: p.Rules})
		}
	}
	a, err := r.cache.Compile(sources)
	if err != nil {
		return nil, err
	}
	return &Identity{ACL: a, Token: resp.Token}, nil
}

// Answer is what a server tells another agent of a secret. Without access control everybody is a manager.
func (r *State) Answer(ctx context.Context, secret string) (*structs.ACLResolveResponse, error) {
	if !r.on {
		return &structs.ACLResolveResponse{Management: true}, nil
	}
	if last := r.server.LastContact(); !r.server.IsLeader() && (last < 0 || last > fresh) {
		return nil, &structs.Error{Kind: structs.KindUnavailable, Err: errors.New("this server has not heard of a leader for too long"), Hint: "ask another server"}
	}
	who, err := r.Resolve(ctx, secret)
	if err != nil {
		return nil, err
	}
	out := &structs.ACLResolveResponse{Management: who.ACL.IsManagement()}
	if who.Token != nil {
		out.Token = who.Token.Copy()
		out.Token.SecretID = structs.ID{}
	}
	if !out.Management {
		out.Policies = policies(r.server.State().Snapshot(), who.Token)
	}
	return out, nil
}

func policies(snap *state.Snapshot, t *structs.ACLToken) []*structs.ACLPolicy {
	var out []*structs.ACLPolicy
	for _, s := range Sources(snap, t) {
		out = append(out, &structs.ACLPolicy{Name: s.Name, Rules: s.Rules})
	}
	return out
}
