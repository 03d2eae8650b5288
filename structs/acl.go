package structs

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"regexp"
	"slices"
	"time"
)

// Types of tokens.
const (
	TokenClient     = "client"     // may do what its policies and roles say
	TokenManagement = "management" // may do everything
)

// ACLAnonymous is the policy of callers without a token.
const ACLAnonymous = "anonymous"

// Bounds of policies, tokens and roles.
const (
	MaxTokenName    = 256
	MaxACLPolicies  = 256 // of one token or role
	MaxACLRoles     = 64  // of one token
	MaxPolicyBytes  = 64 << 10
	aclNamePattern  = `^[a-zA-Z0-9-]{1,128}$`
	OneTimeTokenTTL = 10 * time.Minute
)

var aclName = regexp.MustCompile(aclNamePattern)

// JobACL ties a policy to workloads instead of tokens. Group needs JobID, Task needs Group.
type JobACL struct {
	Namespace string
	JobID     string
	Group     string
	Task      string
}

// ACLPolicy is rules under a name.
type ACLPolicy struct {
	Name        string
	Description string
	Rules       string
	JobACL      *JobACL
	Hash        []byte // of what it says
	CreateIndex uint64
	ModifyIndex uint64
}

// ACLRolePolicy names a policy of a role.
type ACLRolePolicy struct{ Name string }

// ACLRole is policies under a name, for tokens.
type ACLRole struct {
	ID          ID
	Name        string
	Description string
	Policies    []*ACLRolePolicy
	Hash        []byte
	CreateIndex uint64
	ModifyIndex uint64
}

// ACLTokenRole names a role of a token. The state knows its id; the name is that of the moment it was shown or asked for.
type ACLTokenRole struct {
	ID   ID
	Name string
}

// ACLToken is what a caller shows. Whoever has its secret is its owner.
type ACLToken struct {
	AccessorID ID
	SecretID   ID `json:"-"` // shown by a type of its own, to those who may see it
	Name       string
	Type       string
	Policies   []string
	Roles      []*ACLTokenRole
	Global     bool
	Hash       []byte
	CreateTime time.Time
	// ExpirationTime is when it stops working, nil for never.
	ExpirationTime *time.Time
	CreateIndex    uint64
	ModifyIndex    uint64
}

// Expired reports whether the token has stopped working at a time.
func (t *ACLToken) Expired(now time.Time) bool {
	return t.ExpirationTime != nil && !now.Before(*t.ExpirationTime)
}

// OneTimeToken stands for a token until it was exchanged once. The state knows a hash of its secret alone.
type OneTimeToken struct {
	AccessorID  ID
	Hash        []byte // SHA-256 of the secret's text
	ExpiresAt   time.Time
	CreateIndex uint64
	ModifyIndex uint64
}

// ACLBootstrap tells that the first token was made.
type ACLBootstrap struct {
	CreateIndex uint64
	ModifyIndex uint64 // of the last time: whoever resets it names this
}

// ACLPolicyUpsertCommand stores policies.
type ACLPolicyUpsertCommand struct{ Policies []*ACLPolicy }

// ACLRoleUpsertCommand stores a role.
type ACLRoleUpsertCommand struct{ Role *ACLRole }

// ACLRoleDeleteCommand forgets roles.
type ACLRoleDeleteCommand struct{ IDs []ID }

// ACLTokenUpsertCommand stores a token. One that is there keeps its secret and its times.
type ACLTokenUpsertCommand struct{ Token *ACLToken }

// ACLTokenDeleteCommand forgets tokens.
type ACLTokenDeleteCommand struct{ IDs []ID }

// ACLBootstrapCommand makes the first token; once it is there only for who names the index it was made at.
type ACLBootstrapCommand struct {
	Token *ACLToken
	Reset uint64 // 0 resets nothing
}

// OneTimeTokenCommand stores a one-time token.
type OneTimeTokenCommand struct{ Token *OneTimeToken }

// OneTimeTokenUseCommand gives the token a one-time token stands for, and forgets the latter.
type OneTimeTokenUseCommand struct{ Hash []byte }

// ACLExpireCommand forgets tokens and one-time tokens that have expired at the command's time; of those that have not it forgets none.
type ACLExpireCommand struct {
	Tokens  []ID
	OneTime []ID // accessors
}

// Check finds what is wrong with a policy but for its rules, nil for nothing.
func (p *ACLPolicy) Check() error {
	switch j := p.JobACL; {
	case !aclName.MatchString(p.Name):
		return NewError(KindInvalid, fmt.Sprintf("invalid name %q: it must match %s", p.Name, aclNamePattern))
	case len(p.Description) > maxDescription:
		return NewError(KindInvalid, fmt.Sprintf("description longer than %d", maxDescription))
	case p.Rules == "":
		return NewError(KindInvalid, fmt.Sprintf("policy %q has no rules: write namespace \"default\" { policy = \"read\" }", p.Name))
	case len(p.Rules) > MaxPolicyBytes:
		return NewError(KindInvalid, fmt.Sprintf("the rules of policy %q have %d bytes, at most %d are taken", p.Name, len(p.Rules), MaxPolicyBytes))
	case j == nil:
	case j.Namespace == "" && (j.JobID != "" || j.Group != "" || j.Task != ""):
		return NewError(KindInvalid, "JobACL names a job and no namespace: set Namespace")
	case j.JobID == "" && (j.Group != "" || j.Task != ""):
		return NewError(KindInvalid, "JobACL names a group or a task and no job: set JobID")
	case j.Group == "" && j.Task != "":
		return NewError(KindInvalid, "JobACL names a task and no group: set Group")
	}
	return nil
}

// Check finds what is wrong with a role, nil for nothing.
func (r *ACLRole) Check() error {
	switch {
	case !aclName.MatchString(r.Name):
		return NewError(KindInvalid, fmt.Sprintf("invalid name %q: it must match %s", r.Name, aclNamePattern))
	case len(r.Description) > maxDescription:
		return NewError(KindInvalid, fmt.Sprintf("description longer than %d", maxDescription))
	case len(r.Policies) == 0:
		return NewError(KindInvalid, fmt.Sprintf("role %q has no policies: name at least one", r.Name))
	case len(r.Policies) > MaxACLPolicies:
		return NewError(KindInvalid, fmt.Sprintf("role %q has %d policies, at most %d are taken", r.Name, len(r.Policies), MaxACLPolicies))
	case slices.Contains(r.Policies, nil):
		return NewError(KindInvalid, fmt.Sprintf("a policy of role %q is null", r.Name))
	}
	return nil
}

// Check finds what is wrong with a token, nil for nothing.
func (t *ACLToken) Check() error {
	switch {
	case t.AccessorID.IsZero() || t.SecretID.IsZero():
		return NewError(KindInvalid, "the token has no accessor or no secret")
	case len(t.Name) > MaxTokenName:
		return NewError(KindInvalid, fmt.Sprintf("token name too long: at most %d bytes are taken", MaxTokenName))
	case len(t.Policies) > MaxACLPolicies:
		return NewError(KindInvalid, fmt.Sprintf("the token has %d policies, at most %d are taken", len(t.Policies), MaxACLPolicies))
	case len(t.Roles) > MaxACLRoles:
		return NewError(KindInvalid, fmt.Sprintf("the token has %d roles, at most %d are taken", len(t.Roles), MaxACLRoles))
	case slices.Contains(t.Roles, nil):
		return NewError(KindInvalid, "a role of the token is null")
	case t.Type == TokenClient && len(t.Policies) == 0 && len(t.Roles) == 0:
		return NewError(KindInvalid, "client token missing policies or roles")
	case t.Type == TokenManagement && (len(t.Policies) > 0 || len(t.Roles) > 0):
		return NewError(KindInvalid, "management token cannot be associated with policies or roles")
	case t.Type != TokenClient && t.Type != TokenManagement:
		return NewError(KindInvalid, fmt.Sprintf("token type %q is neither %q nor %q", t.Type, TokenClient, TokenManagement))
	}
	return nil
}

// HashSecret is what a secret is found by.
func HashSecret(secret ID) [sha256.Size]byte { return sha256.Sum256([]byte(secret.String())) }

// texts writes texts to a hash so that no two different lists give the same bytes.
func texts(h hash.Hash, of ...string) {
	for _, s := range of {
		fmt.Fprintf(h, "%d:%s,", len(s), s)
	}
}

// SetHash sets the policy's hash.
func (p *ACLPolicy) SetHash() {
	h := sha256.New()
	texts(h, p.Name, p.Description, p.Rules)
	if j := p.JobACL; j != nil {
		texts(h, j.Namespace, j.JobID, j.Group, j.Task)
	}
	p.Hash = h.Sum(nil)
}

// SetHash sets the role's hash.
func (r *ACLRole) SetHash() {
	h := sha256.New()
	texts(h, r.Name, r.Description)
	for _, p := range r.Policies {
		texts(h, p.Name)
	}
	r.Hash = h.Sum(nil)
}

// SetHash sets the token's hash: of what may be changed of it.
func (t *ACLToken) SetHash() {
	h := sha256.New()
	texts(h, t.Name, t.Type, fmt.Sprint(t.Global))
	texts(h, t.Policies...)
	for _, r := range t.Roles {
		texts(h, r.ID.String())
	}
	t.Hash = h.Sum(nil)
}

// Copy gives a token of its own.
func (t *ACLToken) Copy() *ACLToken {
	c := *t
	c.Policies, c.Hash = slices.Clone(t.Policies), bytes.Clone(t.Hash)
	c.Roles = make([]*ACLTokenRole, len(t.Roles))
	for i, r := range t.Roles {
		c.Roles[i] = new(*r)
	}
	if len(t.Roles) == 0 {
		c.Roles = nil
	}
	return &c
}

// Format hides the secret from whoever prints the token.
func (t *ACLToken) Format(s fmt.State, _ rune) {
	text, err := json.Marshal(t)
	if err != nil {
		text = []byte(t.AccessorID.String())
	}
	_, _ = s.Write(text) // the writer keeps its own error
}

// ACLResolveRequest is an agent without a server that asks one about a secret, "" for a caller without a token.
type ACLResolveRequest struct{ Secret string }

// ACLResolveResponse is whose it is, without the secret, and the policies that count.
type ACLResolveResponse struct {
	Management bool
	Token      *ACLToken // nil for a caller without one
	Policies   []*ACLPolicy
}
