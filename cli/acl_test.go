package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/api"
	"berth/structs"
)

func TestACLCommands(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	const accessor, role = "0b5c6a30-1111-4222-8333-444455556666", "0b5c6a30-1111-4222-8333-444455558888"
	token := &api.ACLToken{AccessorID: structs.MustID(accessor), SecretID: structs.MustID("0b5c6a30-1111-4222-8333-444455557777"), Name: "joe", Type: "client", Policies: []string{"dev"},
		Roles: []*structs.ACLTokenRole{{ID: structs.MustID(role), Name: "devs"}}, CreateTime: at, ExpirationTime: &at, CreateIndex: 7, ModifyIndex: 8}
	manager := &api.ACLToken{AccessorID: token.AccessorID, SecretID: token.SecretID, Name: "Bootstrap Token", Type: "management", Global: true, CreateTime: at, CreateIndex: 7, ModifyIndex: 7}
	policy := &structs.ACLPolicy{Name: "dev", Description: "developers", Rules: "node {\n  policy = \"read\"\n}", CreateIndex: 5, ModifyIndex: 6}
	theRole := &structs.ACLRole{ID: structs.MustID(role), Name: "devs", Policies: []*structs.ACLRolePolicy{{Name: "dev"}}, CreateIndex: 6, ModifyIndex: 6}
	nothing := func(http.ResponseWriter, *http.Request) {}
	f := newFake(t, map[string]any{
		"PUT /v1/acl/bootstrap": manager, "PUT /v1/acl/policy/dev": nothing, "DELETE /v1/acl/policy/dev": nothing, "GET /v1/acl/policy/dev": policy,
		"GET /v1/acl/policies": []*api.ACLPolicyListStub{{Name: "dev", Description: "developers"}, {Name: "ops"}}, "GET /v1/acl/policy/self": []*structs.ACLPolicy{policy},
		"PUT /v1/acl/token": token, "GET /v1/acl/token/" + accessor: token, "PUT /v1/acl/token/" + accessor: token, "DELETE /v1/acl/token/" + accessor: nothing, "GET /v1/acl/token/self": token,
		"GET /v1/acl/tokens": []*api.ACLTokenListStub{{AccessorID: token.AccessorID, Name: "joe", Type: "client", Policies: []string{"dev", "ops"}, ExpirationTime: &at}, {AccessorID: manager.AccessorID, Type: "management"}},
		"PUT /v1/acl/role":   theRole, "GET /v1/acl/role/" + role: theRole, "PUT /v1/acl/role/" + role: theRole, "DELETE /v1/acl/role/" + role: nothing, "GET /v1/acl/role/name/devs": theRole,
		"GET /v1/acl/roles": []*structs.ACLRole{theRole},
	})
	rules := filepath.Join(t.TempDir(), "dev.hcl")
	if err := os.WriteFile(rules, []byte(policy.Rules), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"bootstrap": {"bootstrap"}, "policy-apply": {"policy", "apply", "-description=developers", "dev", rules}, "policy-delete": {"policy", "delete", "dev"}, "policy-info": {"policy", "info", "dev"},
		"policy-list": {"policy", "list"}, "policy-self": {"policy", "self"}, "token-create": {"token", "create", "-name=joe", "-policy=dev", "-role-name=devs", "-ttl=1h"},
		"token-update": {"token", "update", "-name=jim", accessor}, "token-delete": {"token", "delete", accessor}, "token-info": {"token", "info", accessor}, "token-self": {"token", "self"},
		"token-list": {"token", "list"}, "role-create": {"role", "create", "-name=devs", "-policy=dev"}, "role-update": {"role", "update", "-policy=ops", role},
		"role-delete": {"role", "delete", role}, "role-info": {"role", "info", "-by-name", "devs"}, "role-list": {"role", "list"},
	} {
		got := f.berth(t, append([]string{"acl"}, args...)...)
		if got.code != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		golden(t, "acl-"+name, got.out)
	}
	var policySent structs.ACLPolicy
	if err := json.Unmarshal(f.text("PUT /v1/acl/policy/dev"), &policySent); err != nil || policySent.Rules != policy.Rules || policySent.Description != "developers" || policySent.JobACL != nil {
		t.Errorf("policy sent %+v, %v", policySent, err)
	}
	var sent api.ACLToken
	if err := json.Unmarshal(f.text("PUT /v1/acl/token"), &sent); err != nil || sent.Type != "client" || time.Duration(sent.ExpirationTTL) != time.Hour || sent.Roles[0].Name != "devs" || !sent.AccessorID.IsZero() {
		t.Errorf("token sent %+v, %v", sent, err)
	}
	if err := json.Unmarshal(f.text("PUT /v1/acl/token/"+accessor), &sent); err != nil || sent.Name != "jim" || len(sent.Policies) != 1 || len(sent.Roles) != 1 {
		t.Errorf("token changed to %+v, %v", sent, err)
	}
	var roleSent structs.ACLRole
	if err := json.Unmarshal(f.text("PUT /v1/acl/role/"+role), &roleSent); err != nil || policyNames(&roleSent) != "dev,ops" {
		t.Errorf("role changed to %+v, %v", roleSent, err)
	}
	if got := f.berth(t, "acl", "role", "update", "-no-merge", "-name=devs", "-policy=ops", role); got.code != 0 {
		t.Errorf("%+v", got)
	}
	var replaced structs.ACLRole
	if err := json.Unmarshal(f.text("PUT /v1/acl/role/"+role), &replaced); err != nil || policyNames(&replaced) != "ops" || replaced.ID != theRole.ID {
		t.Errorf("role replaced by %+v, %v", replaced, err)
	}
	f.berth(t, "acl", "policy", "apply", "-job=web", "-group=g", "dev", rules)
	if err := json.Unmarshal(f.text("PUT /v1/acl/policy/dev"), &policySent); err != nil || policySent.JobACL == nil || *policySent.JobACL != (structs.JobACL{Namespace: "default", JobID: "web", Group: "g"}) {
		t.Errorf("policy of a job sent %+v, %v", policySent.JobACL, err)
	}
	if err := os.WriteFile(rules, []byte(" 3b8f7a0e-3a1f-4d0e-9d07-6f0f5a5f0a01\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.berth(t, "acl", "bootstrap", rules); got.code != 0 || !strings.Contains(string(f.text("PUT /v1/acl/bootstrap")), `"3b8f7a0e-3a1f-4d0e-9d07-6f0f5a5f0a01"`) {
		t.Errorf("%+v, sent %s", got, f.text("PUT /v1/acl/bootstrap"))
	}
	for _, args := range [][]string{{"acl", "bootstrap", filepath.Join(t.TempDir(), "none")}, {"acl", "policy", "apply", "-group=g", "dev", rules}, {"acl", "token", "create", "-role-id=x"},
		{"acl", "token", "create", "-accessor=x"}, {"acl", "role", "info", "none"}, {"acl", "policy", "apply", "dev"}} {
		if got := f.berth(t, args...); got.code != 1 || got.err == "" {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// The contract's short answers come with what to do about them: something else for who showed a token than for who showed none.
func TestAnswersOfAccessControlHaveAWayOut(t *testing.T) {
	for _, c := range []struct {
		token, message string
		status         int
		want           string
	}{
		{"", "Permission denied", http.StatusForbidden, "no token was shown"},
		{"x", "Permission denied", http.StatusForbidden, "`berth acl policy self`"},
		{"x", "ACL token not found", http.StatusForbidden, "set BERTH_TOKEN"},
		{"x", "ACL token not found", http.StatusNotFound, "`berth acl token list`"},
		{"x", "ACL role not found", http.StatusNotFound, "`berth acl role list`"},
		{"x", "ACL policy not found", http.StatusNotFound, "`berth acl policy list`"},
		{"", "ACL bootstrap already done (reset index: 47)", http.StatusBadRequest, "Write 47 into"},
		{"x", "ACL token not found", -http.StatusForbidden, `region "east" decides over this`},
		{"x", "ACL bootstrap already done (reset index: 47)", -http.StatusBadRequest, `the leader of region "east"`},
	} {
		region := ""
		if c.status < 0 {
			c.status, region = -c.status, "east"
		}
		e := &env{cfg: api.Config{Token: c.token}}
		if got := e.wayOut(&api.Error{Status: c.status, Message: c.message, Region: region}); !strings.Contains(got, c.want) {
			t.Errorf("%s (%d) with token %q: %q, want %q in it", c.message, c.status, c.token, got, c.want)
		}
	}
}

func TestARefusalSaysWhatItNeeds(t *testing.T) {
	f := newFake(t, map[string]any{"GET /v1/jobs/statuses": refusing, "GET /v1/jobs": refusing})
	if got := f.berth(t, "job", "status"); got.code != 1 || !strings.Contains(got.err, "Permission denied (it needs namespace:list-jobs; no token was shown") {
		t.Errorf("%+v", got)
	}
}

func refusing(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set(api.HeaderPermission, "namespace:list-jobs")
	http.Error(w, "Permission denied", http.StatusForbidden)
}

// Accessors may be shortened as other ids may, by who may list tokens; what is taken for whole is not looked for.
func TestTokensByTheBeginningOfTheirAccessor(t *testing.T) {
	one := &api.ACLToken{AccessorID: structs.MustID("0b5c6a30-1111-4222-8333-444455556666"), Name: "joe", Type: "client", Policies: []string{"dev"}}
	two := &api.ACLToken{AccessorID: structs.MustID("0b5c6a99-1111-4222-8333-444455556666"), Name: "ann", Type: "client", Policies: []string{"dev"}}
	own := "/v1/acl/token/" + one.AccessorID.String()
	routes := map[string]any{"GET /v1/acl/policies": []*api.ACLPolicyListStub{{Name: "dev"}, {Name: "ops"}}, "GET " + own: one, "PUT " + own: one, "DELETE " + own: nil,
		"GET /v1/acl/tokens": []*api.ACLTokenListStub{{AccessorID: one.AccessorID, Name: "joe"}, {AccessorID: two.AccessorID, Name: "ann"}}}
	f := newFake(t, routes)
	for _, args := range [][]string{{"info", "0b5c6a30"}, {"update", "-policy=dev, ops,", "0b5c6a3"}, {"delete", "0b5c6a30-11"}} {
		if got := f.berth(t, append([]string{"acl", "token"}, args...)...); got.code != 0 || !strings.Contains(got.out, one.AccessorID.String()) {
			t.Errorf("%v: %+v", args, got)
		}
	}
	var sent api.ACLToken
	if err := json.Unmarshal(f.text("PUT "+own), &sent); err != nil || !slices.Equal(sent.Policies, []string{"dev", "ops"}) {
		t.Errorf("policies with a comma are sent as %q, %v", sent.Policies, err)
	}
	if _, asked := f.sent("DELETE " + own); !asked {
		t.Error("nothing was deleted")
	}
	for args, want := range map[string]string{"delete 0b5c": "2 tokens have ids that begin with", "info 77": "no token has an id that begins", "update joe": "ids are hexadecimal", "info ": "the first argument is empty"} {
		if got := f.berth(t, append([]string{"acl", "token"}, strings.Split(args, " ")...)...); got.code != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v", args, got)
		}
	}
	delete(routes, "GET /v1/acl/tokens") // who may not list may show what he knows whole
	if got := newFake(t, routes).berth(t, "acl", "token", "info", one.AccessorID.String()); got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func TestACLNamesThatAreNotThere(t *testing.T) {
	made := &api.ACLToken{AccessorID: structs.MustID("0b5c6a30-1111-4222-8333-444455556666"), Type: "client", Policies: []string{"dev", "devv"}}
	theRole := &structs.ACLRole{ID: structs.MustID("0b5c6a30-1111-4222-8333-444455558888"), Name: "devs"}
	f := newFake(t, map[string]any{"PUT /v1/acl/token": made, "GET /v1/acl/policies": []*api.ACLPolicyListStub{{Name: "dev"}}, "GET /v1/acl/role/name/devs": theRole,
		"PUT /v1/acl/policy/dev": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the rules of policy \"dev\" are refused:\npolicy:2:3: unknown key", http.StatusBadRequest)
		}})
	if got := f.berth(t, "acl", "token", "create", "-policy=dev", "-policy=devv"); got.code != 0 || got.err != "warning: there is no policy \"devv\"; it grants nothing until there is\n" {
		t.Errorf("%+v", got)
	}
	if got := f.berth(t, "acl", "role", "info", "devs"); got.code != 0 || !strings.Contains(got.out, theRole.ID.String()) {
		t.Errorf("a role by its name: %+v", got)
	}
	rules := filepath.Join(t.TempDir(), "rules.hcl")
	if err := os.WriteFile(rules, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.berth(t, "acl", "policy", "apply", "dev", rules); got.code != 1 || !strings.Contains(got.err, rules+":2:3: unknown key") {
		t.Errorf("faults are not shown in the file: %+v", got)
	}
}
