package fsm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

func aclPolicy(name, rules string) *structs.ACLPolicyUpsertCommand {
	p := &structs.ACLPolicy{Name: name, Rules: rules}
	p.SetHash()
	return &structs.ACLPolicyUpsertCommand{Policies: []*structs.ACLPolicy{p}}
}

func aclToken(n int, kind string) *structs.ACLToken {
	t := &structs.ACLToken{AccessorID: evalID(n), SecretID: nodeID(n), Type: kind}
	if kind == structs.TokenClient {
		t.Policies = []string{"dev"}
	}
	return t
}

func TestTheFirstTokenIsMadeOnce(t *testing.T) {
	w := newWorld()
	boot := func(n int, reset uint64) *structs.ACLBootstrapCommand {
		return &structs.ACLBootstrapCommand{Token: aclToken(n, structs.TokenManagement), Reset: reset}
	}
	w.refuse(t, structs.KindInvalid, structs.CmdACLBootstrap, &structs.ACLBootstrapCommand{})
	w.refuse(t, structs.KindInvalid, structs.CmdACLBootstrap, &structs.ACLBootstrapCommand{Token: aclToken(1, structs.TokenClient)})
	w.do(t, structs.CmdACLBootstrap, boot(1, 0))
	first := w.snap().ACLBootstrap().ModifyIndex
	if first != w.snap().Index() {
		t.Errorf("made at %d, told as %d", w.snap().Index(), first)
	}
	w.refuse(t, structs.KindInvalid, structs.CmdACLBootstrap, boot(2, 0))
	w.refuse(t, structs.KindInvalid, structs.CmdACLBootstrap, boot(2, first+1))
	w.do(t, structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{evalID(1)}})
	w.refuse(t, structs.KindInvalid, structs.CmdACLBootstrap, boot(2, 0)) // the only token is gone: the reset index alone helps
	w.do(t, structs.CmdACLBootstrap, boot(2, first))
	w.refuse(t, structs.KindInvalid, structs.CmdACLBootstrap, boot(3, first)) // it helps once
	if w.snap().ACLTokenBySecret(structs.HashSecret(nodeID(2))) == nil || w.snap().ACLTokenBySecret(structs.HashSecret(nodeID(1))) != nil {
		t.Error("the tokens are not found by their secrets")
	}
}

func TestTokensKeepTheirSecretAndTheirTimes(t *testing.T) {
	w := newWorld()
	w.do(t, structs.CmdACLPolicyUpsert, aclPolicy("dev", "node {}"))
	w.do(t, structs.CmdACLRoleUpsert, &structs.ACLRoleUpsertCommand{Role: &structs.ACLRole{ID: evalID(50), Name: "devs", Policies: []*structs.ACLRolePolicy{{Name: "dev"}}}})
	expiry := time.Unix(0, w.now).Add(time.Hour).UTC()
	made := aclToken(1, structs.TokenClient)
	made.ExpirationTime, made.CreateTime = &expiry, time.Unix(0, w.now).UTC()
	w.do(t, structs.CmdACLTokenUpsert, &structs.ACLTokenUpsertCommand{Token: made})
	change := aclToken(1, structs.TokenClient)
	change.SecretID, change.Name, change.Roles = nodeID(9), "renamed", []*structs.ACLTokenRole{{ID: evalID(50)}}
	w.do(t, structs.CmdACLTokenUpsert, &structs.ACLTokenUpsertCommand{Token: change})
	got := w.snap().ACLToken(evalID(1))
	if got.SecretID != nodeID(1) || got.Name != "renamed" || !got.ExpirationTime.Equal(expiry) || !got.CreateTime.Equal(made.CreateTime) || len(got.Roles) != 1 {
		t.Errorf("the token is %+v", got)
	}
	if text := strings.ToLower(got.AccessorID.String()); !strings.Contains(fmt.Sprintf("%+v", got), text) || strings.Contains(fmt.Sprintf("%+v", got), got.SecretID.String()) {
		t.Errorf("printed as %s", fmt.Sprintf("%+v", got))
	}
	for name, bad := range map[string]func(*structs.ACLToken){
		"no accessor":        func(t *structs.ACLToken) { t.AccessorID = structs.ID{} },
		"no secret":          func(t *structs.ACLToken) { t.SecretID = structs.ID{} },
		"another's secret":   func(t *structs.ACLToken) { t.SecretID = nodeID(1) },
		"unknown type":       func(t *structs.ACLToken) { t.Type = "king" },
		"no policy":          func(t *structs.ACLToken) { t.Policies = nil },
		"a role nobody made": func(t *structs.ACLToken) { t.Roles = []*structs.ACLTokenRole{{ID: evalID(51)}} },
		"already expired":    func(t *structs.ACLToken) { t.ExpirationTime = new(time.Unix(0, 5)) },
		"manager of policies": func(t *structs.ACLToken) {
			t.Type = structs.TokenManagement
		},
		"too many policies": func(t *structs.ACLToken) { t.Policies = make([]string, structs.MaxACLPolicies+1) },
		"long name":         func(t *structs.ACLToken) { t.Name = strings.Repeat("x", structs.MaxTokenName+1) },
	} {
		k := aclToken(7, structs.TokenClient)
		bad(k)
		w.refuse(t, structs.KindInvalid, structs.CmdACLTokenUpsert, &structs.ACLTokenUpsertCommand{Token: k})
		if w.snap().ACLToken(evalID(7)) != nil {
			t.Errorf("%s: a token was made", name)
		}
	}
	w.refuse(t, structs.KindNotFound, structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{evalID(8)}})
}

func TestPoliciesAndRolesAreChecked(t *testing.T) {
	w := newWorld()
	w.do(t, structs.CmdACLPolicyUpsert, aclPolicy("dev", "node {}"))
	at := w.snap().ACLPolicy("dev").ModifyIndex
	w.do(t, structs.CmdACLPolicyUpsert, aclPolicy("dev", "node {}"))
	if w.snap().ACLPolicy("dev").ModifyIndex != at || w.snap().ACLIndex() != at {
		t.Error("a policy that says the same was changed")
	}
	w.do(t, structs.CmdACLPolicyUpsert, aclPolicy("dev", "agent {}"))
	if p := w.snap().ACLPolicy("dev"); p.ModifyIndex == at || p.CreateIndex != at || w.snap().ACLIndex() != p.ModifyIndex {
		t.Errorf("changed policy: %+v", p)
	}
	for _, p := range []*structs.ACLPolicy{nil, {Name: "", Rules: "x"}, {Name: "a b", Rules: "x"}, {Name: "a"}, {Name: "a", Rules: strings.Repeat("x", structs.MaxPolicyBytes+1)},
		{Name: "a", Rules: "x", Description: strings.Repeat("x", 300)}, {Name: "a", Rules: "x", JobACL: &structs.JobACL{JobID: "j"}},
		{Name: "a", Rules: "x", JobACL: &structs.JobACL{Namespace: "default", Group: "g"}}, {Name: "a", Rules: "x", JobACL: &structs.JobACL{Namespace: "default", JobID: "j", Task: "t"}}} {
		w.refuse(t, structs.KindInvalid, structs.CmdACLPolicyUpsert, &structs.ACLPolicyUpsertCommand{Policies: []*structs.ACLPolicy{p}})
	}
	role := func(n int, name string, policies ...string) *structs.ACLRoleUpsertCommand {
		r := &structs.ACLRole{ID: evalID(n), Name: name}
		for _, p := range policies {
			r.Policies = append(r.Policies, &structs.ACLRolePolicy{Name: p})
		}
		return &structs.ACLRoleUpsertCommand{Role: r}
	}
	w.do(t, structs.CmdACLRoleUpsert, role(1, "devs", "dev"))
	w.do(t, structs.CmdACLRoleUpsert, role(1, "developers", "dev"))
	w.refuse(t, structs.KindConflict, structs.CmdACLRoleUpsert, role(2, "developers", "dev"))
	w.refuse(t, structs.KindInvalid, structs.CmdACLRoleUpsert, role(2, "ops", "none"))
	w.refuse(t, structs.KindInvalid, structs.CmdACLRoleUpsert, role(2, "ops"))
	w.refuse(t, structs.KindInvalid, structs.CmdACLRoleUpsert, role(2, "a b", "dev"))
	w.refuse(t, structs.KindInvalid, structs.CmdACLRoleUpsert, &structs.ACLRoleUpsertCommand{})
	w.refuse(t, structs.KindNotFound, structs.CmdACLRoleDelete, &structs.ACLRoleDeleteCommand{IDs: []structs.ID{evalID(2)}})
	w.do(t, structs.CmdACLRoleDelete, &structs.ACLRoleDeleteCommand{IDs: []structs.ID{evalID(1)}})
	w.do(t, structs.CmdACLPolicyDelete, &structs.NameDeleteCommand{Names: []string{"dev"}})
	w.refuse(t, structs.KindNotFound, structs.CmdACLPolicyDelete, &structs.NameDeleteCommand{Names: []string{"dev"}})
}

func TestAOneTimeTokenIsGoodOnceAndNotForLong(t *testing.T) {
	w := newWorld()
	w.do(t, structs.CmdACLBootstrap, &structs.ACLBootstrapCommand{Token: aclToken(1, structs.TokenManagement)})
	put := func(hash string, ttl time.Duration) {
		w.do(t, structs.CmdOneTimeToken, &structs.OneTimeTokenCommand{Token: &structs.OneTimeToken{AccessorID: evalID(1), Hash: []byte(hash), ExpiresAt: time.Unix(0, w.now).Add(ttl)}})
	}
	use := func(hash string) *structs.OneTimeTokenUseCommand {
		return &structs.OneTimeTokenUseCommand{Hash: []byte(hash)}
	}
	put("a", time.Hour)
	w.refuse(t, structs.KindUnauthorised, structs.CmdOneTimeTokenUse, use("b"))
	w.do(t, structs.CmdOneTimeTokenUse, use("a"))
	w.refuse(t, structs.KindUnauthorised, structs.CmdOneTimeTokenUse, use("a"))
	put("c", time.Hour)
	put("d", time.Hour) // takes the place of c
	w.refuse(t, structs.KindUnauthorised, structs.CmdOneTimeTokenUse, use("c"))
	put("e", 2*time.Second)
	w.now += 5e9
	w.refuse(t, structs.KindUnauthorised, structs.CmdOneTimeTokenUse, use("e"))
	w.do(t, structs.CmdACLExpire, &structs.ACLExpireCommand{Tokens: []structs.ID{evalID(1)}, OneTime: []structs.ID{evalID(1)}})
	if w.snap().OneTimeToken(evalID(1)) != nil || w.snap().ACLToken(evalID(1)) == nil {
		t.Error("what has expired stays, or what has not is gone")
	}
	put("f", time.Hour)
	w.do(t, structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: []structs.ID{evalID(1)}})
	w.refuse(t, structs.KindUnauthorised, structs.CmdOneTimeTokenUse, use("f"))
	w.refuse(t, structs.KindNotFound, structs.CmdOneTimeToken, &structs.OneTimeTokenCommand{Token: &structs.OneTimeToken{AccessorID: evalID(1), Hash: []byte("g")}})
	w.refuse(t, structs.KindInvalid, structs.CmdOneTimeToken, &structs.OneTimeTokenCommand{})
}
