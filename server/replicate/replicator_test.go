package replicate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"berth/structs"
)

// follows runs a replicator of b that follows a, in a bubble, while f does.
func follows(t *testing.T, f func(t *testing.T, a, b *region, r *Replicator, log *lines)) {
	synctest.Test(t, func(t *testing.T) {
		a, b, log := newRegion("a"), newRegion("b"), &lines{}
		r := follower(b, a, "a", log)
		defer run(r)()
		f(t, a, b, r, log)
	})
}

func run(r *Replicator) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() { cancel(); <-done }
}

// within waits until both have the same, for a time of the bubble at most, and gives how long it took.
func within(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		synctest.Wait()
		if ok() {
			return
		}
		if time.Since(began) > d {
			t.Fatalf("%s: not within %s", what, d)
		}
	}
}

func same(a, b *region) func() bool { return func() bool { return maps.Equal(picture(a), picture(b)) } }

// Each change follows within a fraction of a second, and nothing is asked for while nothing changes but whether it did.
func TestChangesFollowAtOnce(t *testing.T) {
	follows(t, func(t *testing.T, a, b *region, r *Replicator, log *lines) {
		within(t, time.Second, "the first look", func() bool { return r.Status().Applied == 0 && !r.Status().Heard.IsZero() })
		for _, c := range []struct {
			kind structs.CommandKind
			body any
		}{
			{structs.CmdACLPolicyUpsert, policy("p", "1")}, {structs.CmdACLRoleUpsert, role(1, "x", "p")}, {structs.CmdACLTokenUpsert, token(1, 1, true, nil, 1)},
			{structs.CmdACLPolicyUpsert, policy("p", "2")}, {structs.CmdACLTokenUpsert, token(2, 1, true, []string{"p"})},
			{structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{id('t', 1)}}}, {structs.CmdACLRoleDelete, &structs.ACLRoleDeleteCommand{IDs: []structs.ID{id('r', 1)}}},
			{structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "apps"}}}},
			{structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: "gpu"}}}},
			{structs.CmdNamespaceDelete, &structs.NameDeleteCommand{Names: []string{"apps"}}}, {structs.CmdNodePoolDelete, &structs.NameDeleteCommand{Names: []string{"gpu"}}},
			{structs.CmdACLPolicyDelete, &structs.NameDeleteCommand{Names: []string{"p"}}},
		} {
			before := picture(a)
			a.do(t, c.kind, c.body.(interface{ MarshalMsg([]byte) ([]byte, error) }))
			if maps.Equal(before, picture(a)) {
				t.Fatalf("%v changed nothing", c.kind)
			}
			within(t, time.Second/2, fmt.Sprint(c.kind), same(a, b))
		}
		if got := log.take(); len(got) != 1 || !strings.Contains(got[0], "follows the authoritative region") {
			t.Errorf("it said %q", got)
		}
		lists := a.count("GET " + pathTokens)
		time.Sleep(time.Hour)
		if n := a.count("GET " + pathTokens); n != lists {
			t.Errorf("an idle hour read %d lists", n-lists)
		}
		if age := new(r.Status()).Age(time.Now()); age > 2*waitTime {
			t.Errorf("after an idle hour it was last heard %s ago", age)
		}
	})
}

// Cut off it goes on with what it has, says so once, asks less and less often, and catches up within half a minute of the cut's end: with
// deletions too.
func TestACutIsSaidOnceAndMadeUpFor(t *testing.T) {
	follows(t, func(t *testing.T, a, b *region, r *Replicator, log *lines) {
		a.do(t, structs.CmdACLTokenUpsert, token(1, 1, true, nil))
		within(t, time.Second, "the first", same(a, b))
		log.take()
		a.set(func() { a.away = errCut })
		within(t, time.Second, "it sees it", func() bool { return r.Status().Failing != "" })
		cut := time.Now()
		a.do(t, structs.CmdACLTokenUpsert, token(2, 1, true, nil))
		a.do(t, structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{id('t', 1)}})
		time.Sleep(time.Hour)
		if b.store.Snapshot().ACLToken(id('t', 1)) == nil || b.store.Snapshot().ACLToken(id('t', 2)) != nil {
			t.Error("what it has is not what it had")
		}
		s := r.Status()
		if n := a.count("GET " + pathStatus); n > 140 || n < 100 || s.Age(time.Now()) < time.Hour || s.FailingSince.Sub(cut).Abs() > time.Second {
			t.Errorf("%d attempts in an hour, %+v", n, s)
		}
		a.set(func() {
			a.away = fmt.Errorf("another reason: %w", &structs.Error{Kind: structs.KindUnavailable, Err: errors.New("no route")})
		})
		time.Sleep(time.Hour)
		if got := log.take(); len(got) != 1 || !strings.Contains(got[0], "connection refused") || !strings.Contains(got[0], "goes on with what it has") {
			t.Errorf("it said %q", got)
		}
		a.set(func() { a.away = nil })
		within(t, maxPause+time.Second, "it catches up", same(a, b))
		if got := log.take(); len(got) != 1 || !strings.Contains(got[0], "[INFO]") {
			t.Errorf("it said %q", got)
		}
		a.set(func() { a.away = errCut }) // a short one is over soon
		time.Sleep(time.Second / 2)
		a.do(t, structs.CmdACLTokenUpsert, token(3, 1, true, nil))
		a.set(func() { a.away = nil })
		within(t, 2*time.Second, "it catches up at once", same(a, b))
	})
}

// Whatever a source answers, nothing is changed by an answer that is not whole and sound, and it is said what is wrong.
func TestASourceThatIsNotFollowed(t *testing.T) {
	var names []string
	for i := range maxObjects + 1 {
		names = append(names, fmt.Sprintf(`{"Name":"n%d"}`, i))
	}
	many := "[" + strings.Join(names, ",") + "]"
	unauthorised := structs.NewError(structs.KindUnauthorised, "ACL token not found")
	for name, c := range map[string]struct {
		path, body string
		fail       error
		says       string
	}{
		"the token is wrong":           {fail: unauthorised, says: "it refuses the replication token"},
		"access control is off there":  {fail: structs.NewError(structs.KindInvalid, "it answers 400: ACL support disabled"), says: "ACL support disabled"},
		"an old version":               {path: pathStatus, says: "of a version that cannot be followed"},
		"it follows another itself":    {path: pathStatus, body: `{"Region":"a","AuthoritativeRegion":"c"}`, says: `region "a" says that region "c" decides for it`},
		"it follows this one":          {path: pathStatus, body: `{"Region":"a","AuthoritativeRegion":"b"}`, says: `says that region "b" decides`},
		"another region":               {path: pathStatus, body: `{"Region":"b","AuthoritativeRegion":"b"}`, says: "cannot be followed"},
		"no list":                      {path: pathPolicies, body: `{}`, says: "its policies are no list"},
		"nothing":                      {path: pathPolicies, body: ` `, says: "its policies are no list"},
		"a list without end":           {path: pathNamespaces, body: `[{"Name":"a"}`, says: "no end"},
		"null":                         {path: pathRoles, body: `[null]`, says: "is null"},
		"a name twice":                 {path: pathNamespaces, body: `[{"Name":"a"},{"Name":"a"}]`, says: "a stands twice"},
		"a role's name twice":          {path: pathRoles, body: fmt.Sprintf(`[{"ID":"%s","Name":"x","Policies":[{"Name":"p"}]},{"ID":"%s","Name":"x","Policies":[{"Name":"p"}]}]`, id('r', 1), id('r', 2)), says: "named x"},
		"a name that is none":          {path: pathPools, body: `[{"Name":"../x"}]`, says: "invalid name"},
		"a role without an id":         {path: pathRoles, body: `[{"Name":"x","Policies":[{"Name":"p"}]}]`, says: "no id"},
		"a role of null":               {path: pathRoles, body: fmt.Sprintf(`[{"ID":"%s","Name":"x","Policies":[null]}]`, id('r', 1)), says: "is null"},
		"a token of one region":        {path: pathTokens, body: fmt.Sprintf(`[{"AccessorID":"%s","Type":"management"}]`, id('t', 9)), says: "not global"},
		"a token of a type of its own": {path: pathTokens, body: fmt.Sprintf(`[{"AccessorID":"%s","Type":"god","Global":true}]`, id('t', 9)), says: "token type"},
		"a time that cannot be shown":  {path: pathTokens, body: fmt.Sprintf(`[{"AccessorID":"%s","Type":"management","Global":true,"CreateTime":"9999-12-31T23:00:00-05:00"}]`, id('t', 9)), says: "is of no year"},
		"an end that cannot be shown":  {path: pathTokens, body: fmt.Sprintf(`[{"AccessorID":"%s","Type":"management","Global":true,"ExpirationTime":"0000-01-01T00:00:00+05:00"}]`, id('t', 9)), says: "is of no year"},
		"a token without an accessor":  {path: pathTokens, body: `[{"Type":"management","Global":true}]`, says: "no accessor"},
		"a token with null for a role": {path: pathTokens, body: fmt.Sprintf(`[{"AccessorID":"%s","Type":"client","Global":true,"Roles":[null]}]`, id('t', 9)), says: "role of the token is null"},
		"more than any region has":     {path: pathNamespaces, body: many, says: "more than 100000 namespaces"},
		"an object of a megabyte":      {path: pathNamespaces, body: `[{"Name":"a","Meta":{"k":"` + strings.Repeat("x", maxOne) + `"}}]`, says: "has 1048"},
		"a policy that is too long":    {path: "/v1/acl/policy/p", body: `{"Name":"p","Rules":"` + strings.Repeat("x", structs.MaxPolicyBytes+1) + `"}`, says: "at most 65536"},
		"another policy":               {path: "/v1/acl/policy/p", body: `{"Name":"anonymous","Rules":"x"}`, says: "gives anonymous"},
		"a policy without rules":       {path: "/v1/acl/policy/p", body: `{"Name":"p"}`, says: "no rules"},
		"another token":                {path: "/v1/acl/token/" + id('t', 1).String(), body: fmt.Sprintf(`{"AccessorID":"%s","SecretID":"%s"}`, id('t', 2), id('s', 2)), says: "gives another"},
		"a token without a secret":     {path: "/v1/acl/token/" + id('t', 1).String(), body: fmt.Sprintf(`{"AccessorID":"%s"}`, id('t', 1)), says: "no secret"},
		"a token that cannot be read":  {path: "/v1/acl/token/" + id('t', 1).String(), body: `{"SecretID":"secret`, says: "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, log := newRegion("a"), newRegion("b"), &lines{}
				a.do(t, structs.CmdACLPolicyUpsert, policy("p", "1"))
				a.do(t, structs.CmdACLTokenUpsert, token(1, 1, true, nil))
				b.do(t, structs.CmdACLPolicyUpsert, policy("own", "1"))
				b.do(t, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "own"}}})
				before := picture(b)
				a.away = c.fail
				a.answers = func(method, path string) ([]byte, bool) {
					return []byte(c.body), path == c.path && c.body != "" && method == "GET"
				}
				var from Source = a
				if c.path == pathStatus && c.body == "" {
					from = withoutStatus{a}
				}
				r := follower(b, from, "a", log)
				end := run(r)
				if len(c.body) > maxOne {
					time.Sleep(firstPause / 2) // one attempt
				} else {
					time.Sleep(5 * time.Second) // three
				}
				end()
				if !maps.Equal(before, picture(b)) {
					t.Error("it changed something")
				}
				got := strings.Split(strings.ReplaceAll(strings.Join(log.take(), "\n"), `\"`, `"`), "\n")
				if len(got) != 1 || !strings.Contains(got[0], c.says) || strings.Contains(got[0], `"secret`) {
					t.Errorf("it said %.300q, want %q", got, c.says)
				}
				if s := r.Status(); !strings.Contains(s.Failing, c.says) || !s.Heard.IsZero() || s.Applied != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// withoutStatus is a region of an earlier version.
type withoutStatus struct{ *region }

func (w withoutStatus) Do(ctx context.Context, method, path string, limit int64) ([]byte, uint64, error) {
	if strings.HasPrefix(path, pathStatus) {
		return nil, 0, structs.NewError(structs.KindNotFound, "")
	}
	return w.region.Do(ctx, method, path, limit)
}

// A replication token that ceases to be a manager's in the middle of a look is answered lists of the little it may see. They are not taken for all there is.
func TestATokenThatIsNoManagersAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newRegion("a"), newRegion("b")
		for _, g := range []*region{a, b} {
			g.do(t, structs.CmdACLPolicyUpsert, policy("p", "1"))
			g.do(t, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "apps"}}})
			g.do(t, structs.CmdACLTokenUpsert, token(1, 1, true, nil))
		}
		before := picture(b)
		r := follower(b, &demoted{region: a}, "a", nil)
		end := run(r)
		time.Sleep(time.Minute)
		end()
		if !maps.Equal(before, picture(b)) {
			t.Errorf("it has %v, want %v", picture(b), before)
		}
		if s := r.Status(); !strings.Contains(s.Failing, "refuses the replication token") {
			t.Errorf("%+v", s)
		}
	})
}

// demoted is a source whose token is made a client's once it was answered the tokens.
type demoted struct {
	*region
	client bool
}

func (d *demoted) Do(ctx context.Context, method, path string, limit int64) ([]byte, uint64, error) {
	b, index, err := d.region.Do(ctx, method, path, limit)
	is, _, _ := strings.Cut(path, "?")
	switch {
	case is == pathTokens && d.client:
		return nil, 0, structs.NewError(structs.KindUnauthorised, "Permission denied")
	case is == pathTokens && method == "GET":
		d.client = true
	case d.client && is != pathStatus && method == "GET":
		return []byte("[]"), index, nil
	}
	return b, index, err
}

// Another region's words are told in short.
func TestAFailureIsToldInShort(t *testing.T) {
	err := explain("a", broken("asked for policy p it gives %s", strings.Repeat("é", maxOne)))
	if n := len(err.Error()); n > 2*maxWhy || !utf8.ValidString(err.Error()) || !strings.Contains(err.Error(), "it gives éé") || structs.KindOf(err) != structs.KindInvalid {
		t.Errorf("%d bytes: %.600s", n, err)
	}
}

// A source whose index never stands still, and whose hashes are not those of what it has, is asked no more than ten times a second, and writes nothing twice.
func TestASourceThatAlwaysHasNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newRegion("a"), newRegion("b")
		a.do(t, structs.CmdACLPolicyUpsert, policy("p", "1"))
		a.answers = func(_, path string) ([]byte, bool) {
			if path == pathPolicies {
				return []byte(`[{"Name":"p","Hash":"bGllcw=="}]`), true
			}
			return []byte(`{"Name":"p","Rules":"1","Hash":"bGllcw=="}`), path == "/v1/acl/policy/p"
		}
		end := run(follower(b, &restless{region: a}, "a", nil))
		time.Sleep(time.Minute)
		end()
		if n := a.count("GET " + pathTokens); n > 601 || n < 500 {
			t.Errorf("%d looks in a minute", n)
		}
		want := policy("p", "1").Policies[0]
		if p := b.store.Snapshot().ACLPolicy("p"); p == nil || p.ModifyIndex != p.CreateIndex || string(p.Hash) != string(want.Hash) {
			t.Errorf("%+v", p)
		}
	})
}

// restless is a source whose indexes are never those of before.
type restless struct {
	*region
	n uint64
}

func (r *restless) Do(ctx context.Context, method, path string, limit int64) ([]byte, uint64, error) {
	before, _, _ := strings.Cut(path, "index=")
	b, _, err := r.region.Do(ctx, method, before, limit)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	return b, r.n, err
}

// What is still used here stays, is told of, and goes once it is not.
func TestWhatIsUsedHereStays(t *testing.T) {
	follows(t, func(t *testing.T, a, b *region, r *Replicator, log *lines) {
		a.do(t, structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: "gpu"}}})
		within(t, time.Second, "the pool", same(a, b))
		n := &structs.Node{ID: id('n', 1), SecretID: id('s', 1), Name: "n1", Datacenter: "dc1", NodePool: "gpu", Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
			NodeResources: &structs.NodeResources{}}
		b.do(t, structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: n})
		a.do(t, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "apps"}}})
		within(t, time.Second, "the namespace", same(a, b))
		j := &structs.Job{ID: "j", Name: "j", Namespace: "apps", Type: structs.JobTypeService}
		b.do(t, structs.CmdJobRegister, &structs.JobRegisterCommand{Job: j})
		a.do(t, structs.CmdNamespaceDelete, &structs.NameDeleteCommand{Names: []string{"apps"}})
		a.do(t, structs.CmdNodePoolDelete, &structs.NameDeleteCommand{Names: []string{"gpu"}})
		log.take()
		time.Sleep(10 * time.Minute)
		if s := r.Status(); b.store.Snapshot().NodePool("gpu") == nil || len(s.Aside) != 2 || !strings.HasPrefix(s.Aside[0], `namespace apps: `) || s.Aside[1] != `node pool gpu: it has node "n1"` || s.Failing != "" {
			t.Errorf("%+v", s)
		}
		if got := log.take(); len(got) != 1 || !strings.Contains(got[0], "not all is as in") {
			t.Errorf("it said %q", got)
		}
		if n := b.count("proposed"); n > 0 {
			t.Error(n)
		}
		b.do(t, structs.CmdNodeDeregister, &structs.NodeDeregisterCommand{NodeID: n.ID})
		b.do(t, structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: j.Namespace, JobID: j.ID, Purge: true})
		within(t, time.Minute, "it goes", same(a, b))
		if s := r.Status(); len(s.Aside) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// The next leader goes on by comparing, whatever the last one had done when its term ended.
func TestTheNextLeaderGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newRegion("a"), newRegion("b")
		for i := range 9 {
			a.do(t, structs.CmdACLTokenUpsert, token(i+1, 1, true, nil))
		}
		end := run(follower(b, a, "a", nil))
		left := 4
		b.set(func() { b.fail = nil })
		// The term ends after some tokens: proposals are refused from then on.
		for b.store.Index() < uint64(left) {
			synctest.Wait()
			if b.store.Index() >= 9 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		b.set(func() { b.fail = structs.NewError(structs.KindNoLeader, "leadership lost") })
		a.do(t, structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{id('t', 3)}})
		time.Sleep(time.Minute)
		end()
		b.set(func() { b.fail = nil })
		r := follower(b, a, "a", nil)
		defer run(r)()
		within(t, time.Second, "the next one", same(a, b))
	})
}

// A token that is deleted while it is read, or made again, is none of a failure.
func TestWhatChangesWhileItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, log := newRegion("a"), newRegion("b"), &lines{}
		a.do(t, structs.CmdACLPolicyUpsert, policy("p", "1"))
		a.do(t, structs.CmdACLTokenUpsert, token(1, 1, true, nil))
		a.do(t, structs.CmdACLTokenUpsert, token(2, 1, true, nil))
		once := map[string]bool{}
		var mu sync.Mutex
		a.answers = func(method, path string) ([]byte, bool) {
			mu.Lock() // some are asked for at the same time
			defer mu.Unlock()
			if once[path] {
				return nil, false
			}
			switch path {
			case "/v1/acl/token/" + id('t', 1).String():
				once[path] = true
				_ = a.try(structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{id('t', 1)}})
			case "/v1/acl/token/" + id('t', 2).String():
				once[path] = true
				_ = a.try(structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{id('t', 2)}})
				_ = a.try(structs.CmdACLTokenUpsert, token(2, 2, true, nil))
			case "/v1/acl/policy/p":
				once[path] = true
				_ = a.try(structs.CmdACLPolicyDelete, &structs.NameDeleteCommand{Names: []string{"p"}})
			case pathPolicies: // the tokens were read before
				if method == "GET" {
					once[path] = true
					_ = a.try(structs.CmdACLTokenUpsert, token(3, 1, true, nil))
				}
			}
			return nil, false
		}
		b.proposal = func(body msgp.Marshaler) {
			if c, ok := body.(*structs.ACLTokenUpsertCommand); ok && int64(c.Token.SecretID[1]) != c.Token.CreateTime.Unix() {
				t.Errorf("the secret of a later token of the accessor is given the rights of the one before: %+v", c.Token)
			}
		}
		defer run(follower(b, a, "a", log))()
		within(t, time.Second, "it has it", same(a, b))
		time.Sleep(time.Minute)
		if got := log.take(); len(got) != 1 || !same(a, b)() {
			t.Errorf("it said %q", got)
		}
	})
}

// A token that is made after the tokens were read, and before the last of the lists, is not waited for until something else happens.
func TestWhatIsMadeBetweenTwoLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newRegion("a"), newRegion("b")
		made := false
		a.answers = func(method, path string) ([]byte, bool) {
			if path == pathPolicies && method == "GET" && !made {
				made = true
				_ = a.try(structs.CmdACLTokenUpsert, token(3, 1, true, nil))
			}
			return nil, false
		}
		defer run(follower(b, a, "a", nil))()
		within(t, time.Second, "it has it", func() bool { return b.store.Snapshot().ACLToken(id('t', 3)) != nil })
	})
}

func FuzzDecodeList(f *testing.F) {
	f.Add([]byte(`[{"AccessorID":"74000000-0000-0000-0000-000000000001","Type":"client","Global":true,"Policies":["p"],"Roles":[{"ID":"72000000-0000-0000-0000-000000000001"}]}]`))
	f.Add([]byte(`[{"Name":"a"},{"Name":"b"}]`))
	f.Add([]byte(`[null]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		tokens, err := decodeList("tokens", text, func(t *structs.ACLToken) string { return t.AccessorID.String() }, checkStub)
		if err == nil {
			c := Diff(newRegion("b").store.Snapshot(), &World{Tokens: tokens}, time.Unix(0, 0))
			if len(c.Tokens) > len(tokens) || len(c.DropTokens) > 0 {
				t.Errorf("%+v", c)
			}
		} else if structs.KindOf(err) != structs.KindInvalid {
			t.Error(err)
		}
		if roles, err := decodeList("roles", text, func(r *structs.ACLRole) string { return r.ID.String() }, checkRole); err == nil {
			if raw, err := json.Marshal(roles); err != nil {
				t.Error(err, raw)
			}
		}
	})
}
