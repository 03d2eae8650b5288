package replicate

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"berth/structs"
)

func TestDiff(t *testing.T) {
	now := time.Unix(1000, 0)
	soon, past := now.Add(time.Hour).UTC(), now.Add(-time.Hour).UTC()
	expires := func(c *structs.ACLTokenUpsertCommand, at time.Time) *structs.ACLToken {
		c.Token.ExpirationTime = &at
		return c.Token
	}
	p := func(name, rules string) *structs.ACLPolicy { return policy(name, rules).Policies[0] }
	tok := func(n, born int, policies []string, roles ...int) *structs.ACLToken {
		return token(n, born, true, policies, roles...).Token
	}
	r := func(n int, name string, policies ...string) *structs.ACLRole { return role(n, name, policies...).Role }
	for name, c := range map[string]struct {
		have func(*region)
		want World
		says string // kinds and names, in the order of the commands
	}{
		"nothing":              {func(*region) {}, World{}, ""},
		"what is built in":     {func(*region) {}, World{Namespaces: []*structs.Namespace{{Name: "default"}}, Pools: []*structs.NodePool{{Name: "all"}}}, "upsert namespaces default"},
		"a policy is new":      {func(*region) {}, World{Policies: []*structs.ACLPolicy{p("a", "1")}}, "fetch policies a"},
		"a policy is the same": {func(g *region) { _ = g.try(structs.CmdACLPolicyUpsert, policy("a", "1")) }, World{Policies: []*structs.ACLPolicy{p("a", "1")}}, ""},
		"a policy says something else": {func(g *region) { _ = g.try(structs.CmdACLPolicyUpsert, policy("a", "1")) }, World{Policies: []*structs.ACLPolicy{p("a", "2")}},
			"fetch policies a"},
		"a policy is gone": {func(g *region) { _ = g.try(structs.CmdACLPolicyUpsert, policy("a", "1")) }, World{}, "drop policies a"},
		"roles change names": {func(g *region) {
			_ = g.try(structs.CmdACLPolicyUpsert, policy("a", "1"))
			_ = g.try(structs.CmdACLRoleUpsert, role(1, "x", "a"))
			_ = g.try(structs.CmdACLRoleUpsert, role(2, "y", "a"))
		}, World{Policies: []*structs.ACLPolicy{p("a", "1")}, Roles: []*structs.ACLRole{r(1, "y", "a"), r(2, "x", "a")}}, "drop roles 1 2; upsert roles y x"},
		"another role has the name": {func(g *region) {
			_ = g.try(structs.CmdACLPolicyUpsert, policy("a", "1"))
			_ = g.try(structs.CmdACLRoleUpsert, role(1, "x", "a"))
		}, World{Policies: []*structs.ACLPolicy{p("a", "1")}, Roles: []*structs.ACLRole{r(2, "x", "a")}}, "drop roles 1; upsert roles x"},
		"a role's policies are partly gone": {func(*region) {}, World{Policies: []*structs.ACLPolicy{p("a", "1")}, Roles: []*structs.ACLRole{r(1, "x", "gone", "a")}},
			"fetch policies a; upsert roles x[a]"},
		"a role's policies are gone": {func(*region) {}, World{Roles: []*structs.ACLRole{r(1, "x", "gone")}}, ""},
		"a token is new":             {func(*region) {}, World{Tokens: []*structs.ACLToken{tok(1, 1, nil)}}, "fetch tokens 1"},
		"a token's name": {func(g *region) { _ = g.try(structs.CmdACLTokenUpsert, token(1, 1, true, []string{"b"})) }, World{Tokens: []*structs.ACLToken{tok(1, 1, []string{"a"})}},
			"upsert tokens 1"},
		"the accessor was given again": {func(g *region) { _ = g.try(structs.CmdACLTokenUpsert, token(1, 1, true, nil)) }, World{Tokens: []*structs.ACLToken{tok(1, 2, nil)}},
			"drop tokens 1; fetch tokens 1"},
		"with another end": {func(g *region) {
			_ = g.try(structs.CmdACLTokenUpsert, &structs.ACLTokenUpsertCommand{Token: expires(token(1, 1, true, nil), time.Now().Add(time.Hour))})
		}, World{Tokens: []*structs.ACLToken{expires(token(1, 1, true, nil), soon)}}, "drop tokens 1; fetch tokens 1"},
		"it has expired":     {func(*region) {}, World{Tokens: []*structs.ACLToken{expires(token(1, 1, true, nil), past)}}, ""},
		"a token is gone":    {func(g *region) { _ = g.try(structs.CmdACLTokenUpsert, token(1, 1, true, nil)) }, World{}, "drop tokens 1"},
		"one of this region": {func(g *region) { _ = g.try(structs.CmdACLTokenUpsert, token(1, 1, false, nil)) }, World{}, ""},
		"with its accessor":  {func(g *region) { _ = g.try(structs.CmdACLTokenUpsert, token(1, 1, false, nil)) }, World{Tokens: []*structs.ACLToken{tok(1, 1, nil)}}, "aside 1"},
		"a token's role is gone, and a policy is left": {func(*region) {}, World{Tokens: []*structs.ACLToken{tok(1, 1, []string{"a"}, 7)}}, "fetch tokens 1(a)"},
		// A client token that may nothing cannot be made; with what it had here it must not stay.
		"all of a token's roles are gone": {func(g *region) { _ = g.try(structs.CmdACLTokenUpsert, token(1, 1, true, []string{"a"})) }, World{Tokens: []*structs.ACLToken{tok(1, 1, nil, 7)}},
			"drop tokens 1"},
		"pools and namespaces": {func(g *region) {
			_ = g.try(structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: []*structs.NodePool{{Name: "old"}}})
			_ = g.try(structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "old"}}})
		}, World{Pools: []*structs.NodePool{{Name: "new"}}, Namespaces: []*structs.Namespace{{Name: "new"}}},
			"upsert namespaces new; upsert pools new; drop pools old; drop namespaces old"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRegion("b")
			g.do(t, structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: []*structs.Namespace{{Name: "default", Description: "its own"}}})
			c.have(g)
			if len(c.want.Namespaces) == 0 {
				c.want.Namespaces = append(c.want.Namespaces, &structs.Namespace{Name: "default", Description: "its own"})
			}
			for _, x := range c.want.Tokens {
				x.SecretID = structs.ID{}
				if x.Type == structs.TokenManagement && len(x.Roles) > 0 {
					x.Type = structs.TokenClient
				}
			}
			if got := says(Diff(g.store.Snapshot(), &c.want, now)); got != c.says {
				t.Errorf("%q, want %q", got, c.says)
			}
		})
	}
}

// says puts changes into words.
func says(c *Changes) string {
	out := ""
	add := func(what string, names ...any) {
		if len(names) > 0 {
			if out != "" {
				out += "; "
			}
			out += what
			for _, n := range names {
				out += fmt.Sprint(" ", n)
			}
		}
	}
	ids := func(all []structs.ID) (out []any) {
		for _, x := range all {
			out = append(out, x[15])
		}
		return out
	}
	texts := func(all []string) (out []any) {
		for _, x := range all {
			out = append(out, x)
		}
		return out
	}
	add("drop tokens", ids(c.DropTokens)...)
	add("drop roles", ids(c.DropRoles)...)
	add("drop policies", texts(c.DropPolicies)...)
	for _, n := range c.Namespaces {
		add("upsert namespaces", n.Name)
	}
	for _, p := range c.Pools {
		add("upsert pools", p.Name)
	}
	add("fetch policies", texts(c.Policies)...)
	var roles []any
	for _, r := range c.Roles {
		text := r.Name
		if len(r.Policies) == 1 && r.Policies[0].Name == "a" && r.Name == "x" && len(c.DropRoles) == 0 {
			text += "[a]"
		}
		want := *r
		if want.SetHash(); !slices.Equal(want.Hash, r.Hash) {
			text += " with the hash of another"
		}
		roles = append(roles, text)
	}
	add("upsert roles", roles...)
	var read, known []any
	for _, t := range c.Tokens {
		text := fmt.Sprint(t.AccessorID[15])
		if len(t.Policies) > 0 && len(t.Roles) == 0 && t.SecretID.IsZero() {
			text += "(" + t.Policies[0] + ")"
		}
		if t.SecretID.IsZero() {
			read = append(read, text)
		} else {
			known = append(known, text)
		}
	}
	add("fetch tokens", read...)
	add("upsert tokens", known...)
	add("drop pools", texts(c.DropPools)...)
	add("drop namespaces", texts(c.DropNamespaces)...)
	if len(c.Aside) > 0 {
		add("aside", len(c.Aside))
	}
	return out
}

// A field that is added to a noun is compared, or it would never follow.
func TestEveryFieldIsCompared(t *testing.T) {
	yes := true
	at := time.Unix(9, 0)
	for _, c := range []struct {
		name  string
		full  any
		same  func(a, b any) bool
		whole []string // fields that do not count
	}{
		{"namespace", structs.Namespace{Name: "a", Description: "b", Quota: "c", Meta: map[string]string{"k": "v"},
			Capabilities: &structs.NamespaceCapabilities{EnabledTaskDrivers: []string{"a"}, DisabledTaskDrivers: []string{"b"}, EnabledNetworkModes: []string{"c"}, DisabledNetworkModes: []string{"d"}}},
			func(a, b any) bool { return sameNamespace(a.(*structs.Namespace), b.(*structs.Namespace)) }, []string{"CreateIndex", "ModifyIndex"}},
		{"capabilities", structs.NamespaceCapabilities{EnabledTaskDrivers: []string{"a"}, DisabledTaskDrivers: []string{"b"}, EnabledNetworkModes: []string{"c"}, DisabledNetworkModes: []string{"d"}},
			func(a, b any) bool {
				return sameNamespace(&structs.Namespace{Capabilities: a.(*structs.NamespaceCapabilities)}, &structs.Namespace{Capabilities: b.(*structs.NamespaceCapabilities)})
			}, nil},
		{"pool", structs.NodePool{Name: "a", Description: "b", Meta: map[string]string{"k": "v"}, SchedulerConfiguration: &structs.NodePoolSchedulerConfiguration{SchedulerAlgorithm: "spread"}},
			func(a, b any) bool { return samePool(a.(*structs.NodePool), b.(*structs.NodePool)) }, []string{"CreateIndex", "ModifyIndex"}},
		{"pool's scheduler", structs.NodePoolSchedulerConfiguration{SchedulerAlgorithm: "spread", MemoryOversubscriptionEnabled: &yes},
			func(a, b any) bool {
				return samePool(&structs.NodePool{SchedulerConfiguration: a.(*structs.NodePoolSchedulerConfiguration)}, &structs.NodePool{SchedulerConfiguration: b.(*structs.NodePoolSchedulerConfiguration)})
			}, nil},
		{"role", structs.ACLRole{ID: id('r', 1), Name: "a", Description: "b", Policies: []*structs.ACLRolePolicy{{Name: "p"}}},
			func(a, b any) bool { return sameRole(a.(*structs.ACLRole), b.(*structs.ACLRole)) }, []string{"Hash", "CreateIndex", "ModifyIndex"}},
		{"token", structs.ACLToken{Name: "a", Type: "client", Policies: []string{"p"}, Roles: []*structs.ACLTokenRole{{ID: id('r', 1)}}, CreateTime: at, ExpirationTime: &at},
			func(a, b any) bool {
				x, y := a.(*structs.ACLToken), b.(*structs.ACLToken)
				return sameToken(x, y) && sameBirth(x, y)
			},
			// What it is found by; what all that are compared have; and the secret, which goes with the time of its making.
			[]string{"AccessorID", "SecretID", "Global", "Hash", "CreateIndex", "ModifyIndex"}},
	} {
		full := reflect.ValueOf(c.full)
		own := func() reflect.Value {
			p := reflect.New(full.Type())
			p.Elem().Set(full)
			return p
		}
		if !c.same(own().Interface(), own().Interface()) {
			t.Errorf("%s differs from itself", c.name)
		}
		for i := range full.NumField() {
			field := full.Type().Field(i).Name
			other := own()
			if slices.Contains(c.whole, field) {
				continue
			}
			if full.Field(i).IsZero() {
				t.Errorf("%s: the test sets no %s", c.name, field)
			}
			other.Elem().Field(i).SetZero()
			if c.same(own().Interface(), other.Interface()) || c.same(other.Interface(), own().Interface()) {
				t.Errorf("%s: without %s it is said to be the same", c.name, field)
			}
		}
	}
}

func TestCommandsAreBounded(t *testing.T) {
	var c Changes
	var policies []*structs.ACLPolicy
	for i := range 600 {
		c.DropPolicies = append(c.DropPolicies, fmt.Sprint(i))
		p := policy(fmt.Sprint("p", i), string(make([]byte, 10_000))).Policies[0]
		policies = append(policies, p)
	}
	policies = append(policies, policy("large", string(make([]byte, structs.MaxPolicyBytes))).Policies[0])
	var dropped []string
	var stored []*structs.ACLPolicy
	for _, cmd := range c.commands(policies, nil) {
		if n := cmd.body.(interface{ Msgsize() int }).Msgsize(); n > batchBytes+structs.MaxPolicyBytes {
			t.Errorf("a command of %d bytes", n)
		}
		switch b := cmd.body.(type) {
		case *structs.NameDeleteCommand:
			dropped = append(dropped, b.Names...)
			if len(b.Names) > batchObjects {
				t.Errorf("%d at once", len(b.Names))
			}
		case *structs.ACLPolicyUpsertCommand:
			stored = append(stored, b.Policies...)
		}
	}
	if diff := cmp.Diff(dropped, c.DropPolicies); diff != "" {
		t.Error(diff)
	}
	if len(stored) != len(policies) || stored[600] != policies[600] {
		t.Errorf("%d policies", len(stored))
	}
}
