package replicate

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/structs"
)

// Source is the API of the region that is followed, with the replication token. It is only read: the method is GET or HEAD.
type Source interface {
	// Do asks for a path with its query and gives the answer's body, of limit bytes at most, and its index. Errors: KindUnauthorised when the
	// token may not, KindNotFound, KindUnavailable when no server answers, KindInvalid for any other refusal and for an answer that is longer.
	Do(ctx context.Context, method, path string, limit int64) (body []byte, index uint64, err error)
}

// Paths of the source.
const (
	pathStatus     = "/v1/operator/replication"
	pathTokens     = "/v1/acl/tokens"
	pathRoles      = "/v1/acl/roles"
	pathPolicies   = "/v1/acl/policies"
	pathNamespaces = "/v1/namespaces"
	pathPools      = "/v1/node/pools"
)

// waited are the paths whose index is waited for; that of policies moves with roles and tokens too.
var waited = [...]string{pathPolicies, pathNamespaces, pathPools}

// Times and numbers of questions.
const (
	// readTime bounds one answer.
	readTime = time.Minute
	// waitTime is how long the source is asked to wait for a change. It answers at most a sixteenth later; waitGrace is what else it may take.
	waitTime  = 30 * time.Second
	waitGrace = 15 * time.Second
	// atOnce is how many policies or tokens are read at a time.
	atOnce = 8
)

// reading is what was read of a source, and the indexes it had then.
type reading struct {
	world World
	at    map[string]uint64 // by path
}

// read reads what the source has. What names others is read before what it names, so that what was made meanwhile is whole.
func (r *Replicator) read(ctx context.Context) (*reading, error) {
	if err := r.checkAuthority(ctx); err != nil {
		return nil, err
	}
	out := &reading{at: map[string]uint64{}}
	_, first, err := r.ask(ctx, http.MethodHead, pathPolicies+"?consistent", maxOne, readTime) // before the first of what it is the index of
	if err != nil {
		return nil, err
	}
	w := &out.world
	for _, f := range []struct {
		path, query string
		take        func(text []byte) error
	}{
		{pathTokens, "?global=true&consistent", func(b []byte) (err error) {
			w.Tokens, err = decodeList("tokens", b, func(t *structs.ACLToken) string { return t.AccessorID.String() }, checkStub)
			return err
		}},
		{pathRoles, "?consistent", func(b []byte) (err error) {
			w.Roles, err = decodeList("roles", b, func(r *structs.ACLRole) string { return r.ID.String() }, checkRole)
			if err == nil {
				err = uniqueNames(w.Roles)
			}
			return err
		}},
		{pathPolicies, "?consistent", func(b []byte) (err error) {
			w.Policies, err = decodeList("policies", b, func(p *structs.ACLPolicy) string { return p.Name }, checkPolicyStub)
			return err
		}},
		{pathNamespaces, "?consistent", func(b []byte) (err error) {
			w.Namespaces, err = decodeList("namespaces", b, func(n *structs.Namespace) string { return n.Name }, (*structs.Namespace).Validate)
			return err
		}},
		{pathPools, "?consistent", func(b []byte) (err error) {
			w.Pools, err = decodeList("node pools", b, func(p *structs.NodePool) string { return p.Name }, checkPool)
			return err
		}},
	} {
		body, index, err := r.ask(ctx, http.MethodGet, f.path+f.query, maxList, readTime)
		if err != nil {
			return nil, err
		}
		out.at[f.path] = index
		if err := f.take(body); err != nil {
			return nil, err
		}
	}
	out.at[pathPolicies] = first
	// A token that is no manager's any more is shown lists of what it may see, and no refusal: what is not in them would be deleted here.
	if _, _, err := r.ask(ctx, http.MethodHead, pathTokens+"?per_page=1", maxOne, readTime); err != nil {
		return nil, err
	}
	return out, nil
}

// ask asks the source one thing, for a limited time.
func (r *Replicator) ask(ctx context.Context, method, path string, limit int64, within time.Duration) ([]byte, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return r.cfg.Source.Do(ctx, method, path, limit)
}

// checkAuthority sees that the source follows nobody itself: two that followed each other would take away what the other has.
func (r *Replicator) checkAuthority(ctx context.Context) error {
	body, _, err := r.ask(ctx, http.MethodGet, pathStatus, maxOne, readTime)
	if structs.KindOf(err) == structs.KindNotFound {
		return &structs.Error{Kind: structs.KindInvalid, Err: errNoReplication, Hint: "upgrade its servers first"}
	}
	if err != nil {
		return err
	}
	var is struct{ Region, AuthoritativeRegion string }
	if err := json.Unmarshal(body, &is); err != nil {
		return broken("its status cannot be read: %v", err)
	}
	if is.Region != r.cfg.From || is.AuthoritativeRegion != r.cfg.From {
		return &structs.Error{Kind: structs.KindInvalid, Err: notAuthoritative(is.Region, is.AuthoritativeRegion),
			Hint: "set server { authoritative_region } to the same region everywhere"}
	}
	return nil
}

func checkRole(r *structs.ACLRole) error {
	if r.ID.IsZero() {
		return structs.NewError(structs.KindInvalid, "a role has no id")
	}
	return r.Check()
}

func checkPolicyStub(p *structs.ACLPolicy) error {
	own := *p
	own.Rules = "-"
	return own.Check()
}

// checkPool lets the pool pass that stands for all nodes: every region has it, and Diff leaves it alone.
func checkPool(p *structs.NodePool) error {
	if p.Name == structs.NodePoolAll {
		return nil
	}
	return p.Validate()
}

func uniqueNames(roles []*structs.ACLRole) error {
	seen := map[string]bool{}
	for _, r := range roles {
		if seen[r.Name] {
			return broken("two of its roles are named %s", r.Name)
		}
		seen[r.Name] = true
	}
	return nil
}

// fetch reads the rules of policies and the secrets of tokens that changes need. What was deleted meanwhile is left out: it is a change that
// the next look sees.
func (r *Replicator) fetch(ctx context.Context, c *Changes) ([]*structs.ACLPolicy, []*structs.ACLToken, error) {
	policies := make([]*structs.ACLPolicy, len(c.Policies))
	tokens := make([]*structs.ACLToken, len(c.Tokens))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, name := range c.Policies {
		g.Go(func() (err error) {
			policies[i], err = r.policy(ctx, name)
			return err
		})
	}
	for i, t := range c.Tokens {
		if !t.SecretID.IsZero() {
			tokens[i] = t
			continue
		}
		g.Go(func() (err error) {
			tokens[i], err = r.token(ctx, t)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	return there(policies), there(tokens), nil
}

// there are those that are not nil.
func there[T any](all []*T) []*T { return slices.DeleteFunc(all, func(x *T) bool { return x == nil }) }

// policy reads a policy, nil when it is gone.
func (r *Replicator) policy(ctx context.Context, name string) (*structs.ACLPolicy, error) {
	body, _, err := r.ask(ctx, http.MethodGet, "/v1/acl/policy/"+url.PathEscape(name)+"?consistent", maxOne, readTime)
	if structs.KindOf(err) == structs.KindNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &structs.ACLPolicy{}
	if err := json.Unmarshal(body, p); err != nil {
		return nil, broken("policy %s cannot be read: %v", name, err)
	}
	if p.Name != name {
		return nil, broken("asked for policy %s it gives %s", name, p.Name)
	}
	if err := p.Check(); err != nil {
		return nil, broken("%v", err)
	}
	p.SetHash() // what is compared next time is of what is here
	return p, nil
}

// token reads the secret of a token, nil when it is gone or is another by now.
func (r *Replicator) token(ctx context.Context, stub *structs.ACLToken) (*structs.ACLToken, error) {
	id := stub.AccessorID.String()
	body, _, err := r.ask(ctx, http.MethodGet, "/v1/acl/token/"+id+"?consistent", maxOne, readTime)
	if structs.KindOf(err) == structs.KindNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var full tokenInFull
	if err := json.Unmarshal(body, &full); err != nil {
		return nil, broken("token %s cannot be read", id) // the error might hold a part of its secret
	}
	if full.AccessorID != stub.AccessorID || full.SecretID.IsZero() {
		return nil, broken("asked for token %s it gives another, or no secret", id)
	}
	if !full.Global || !sameBirth(stub, &full.ACLToken) {
		return nil, nil
	}
	out := stub.Copy() // what it may do is what was compared
	out.SecretID = full.SecretID
	out.SetHash()
	return out, nil
}

// wait waits until something of what was read changed there, or a while; changed says which. It asks for no bodies.
func (r *Replicator) wait(ctx context.Context, at map[string]uint64) (changed bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type heard struct {
		changed bool
		err     error
	}
	answers := make(chan heard, len(waited))
	var g errgroup.Group
	for _, path := range waited {
		query := "?index=" + strconv.FormatUint(at[path], 10) + "&wait=" + waitTime.String()
		g.Go(func() error {
			_, index, err := r.ask(ctx, http.MethodHead, path+query, maxOne, waitTime+waitTime/16+waitGrace)
			answers <- heard{index != at[path], err}
			return nil
		})
	}
	for range waited {
		if a := <-answers; a.err != nil || a.changed {
			changed, err = a.changed, a.err
			break
		}
	}
	cancel()
	_ = g.Wait() // they give no errors
	return changed, err
}
