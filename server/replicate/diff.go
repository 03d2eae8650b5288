package replicate

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"berth/state"
	"berth/structs"
)

// Changes make a state the same as another region's, in the order of their commands.
type Changes struct {
	DropTokens   []structs.ID
	DropRoles    []structs.ID
	DropPolicies []string
	Namespaces   []*structs.Namespace
	Pools        []*structs.NodePool
	// Policies are names: their rules are to be read.
	Policies []string
	Roles    []*structs.ACLRole
	// Tokens have no secret where they are new here: it is to be read.
	Tokens         []*structs.ACLToken
	DropPools      []string
	DropNamespaces []string
	// Aside is what is not taken over, one sentence each.
	Aside []string
}

// Diff gives what makes the state have what another region has. What is a region's own it leaves alone.
func Diff(have *state.Snapshot, want *World, now time.Time) *Changes {
	c := &Changes{}
	c.namespaces(have, want.Namespaces)
	c.pools(have, want.Pools)
	policies := c.policies(have, want.Policies)
	roles := c.roles(have, want.Roles, policies)
	c.tokens(have, want.Tokens, roles, now)
	return c
}

func (c *Changes) namespaces(have *state.Snapshot, want []*structs.Namespace) {
	names := map[string]bool{structs.DefaultNamespace: true} // it is built in
	for _, n := range want {
		names[n.Name] = true
		if old := have.Namespace(n.Name); old == nil || !sameNamespace(old, n) {
			c.Namespaces = append(c.Namespaces, n)
		}
	}
	for n := range have.Namespaces() {
		if !names[n.Name] {
			c.DropNamespaces = append(c.DropNamespaces, n.Name)
		}
	}
}

func (c *Changes) pools(have *state.Snapshot, want []*structs.NodePool) {
	names := map[string]bool{structs.DefaultNodePool: true, structs.NodePoolAll: true}
	for _, p := range want {
		names[p.Name] = true
		if old := have.NodePool(p.Name); p.Name != structs.NodePoolAll && (old == nil || !samePool(old, p)) {
			c.Pools = append(c.Pools, p)
		}
	}
	for p := range have.NodePools() {
		if !names[p.Name] {
			c.DropPools = append(c.DropPools, p.Name)
		}
	}
}

// policies gives the names there will be.
func (c *Changes) policies(have *state.Snapshot, want []*structs.ACLPolicy) map[string]bool {
	names := map[string]bool{}
	for _, p := range want {
		names[p.Name] = true
		if old := have.ACLPolicy(p.Name); old == nil || !bytes.Equal(old.Hash, p.Hash) {
			c.Policies = append(c.Policies, p.Name)
		}
	}
	for p := range have.ACLPolicies() {
		if !names[p.Name] {
			c.DropPolicies = append(c.DropPolicies, p.Name)
		}
	}
	return names
}

// roles gives the ids there will be. A role is made with the policies there are: those of it that were deleted grant nothing.
func (c *Changes) roles(have *state.Snapshot, want []*structs.ACLRole, policies map[string]bool) map[structs.ID]bool {
	ids, drop := map[structs.ID]bool{}, map[structs.ID]bool{}
	var kept []*structs.ACLRole
	names := map[string]structs.ID{} // of those that are here
	for r := range have.ACLRoles() {
		names[r.Name] = r.ID
	}
	for _, r := range want {
		own := *r
		own.Policies = slices.DeleteFunc(slices.Clone(r.Policies), func(p *structs.ACLRolePolicy) bool { return !policies[p.Name] })
		if len(own.Policies) == 0 {
			continue
		}
		own.SetHash()
		ids[own.ID] = true
		kept = append(kept, &own)
		if other, taken := names[own.Name]; taken && other != own.ID {
			drop[other] = true // names are given once: where it is to stay it is made anew
		}
	}
	for r := range have.ACLRoles() {
		if !ids[r.ID] || drop[r.ID] {
			c.DropRoles = append(c.DropRoles, r.ID)
		}
	}
	for _, r := range kept {
		if old := have.ACLRole(r.ID); old == nil || drop[r.ID] || !sameRole(old, r) {
			c.Roles = append(c.Roles, r)
		}
	}
	return ids
}

func (c *Changes) tokens(have *state.Snapshot, want []*structs.ACLToken, roles map[structs.ID]bool, now time.Time) {
	ids := map[structs.ID]bool{}
	for _, t := range want {
		own := t.Copy()
		own.Roles = slices.DeleteFunc(own.Roles, func(r *structs.ACLTokenRole) bool { return !roles[r.ID] })
		old := have.ACLToken(own.AccessorID)
		switch {
		case rightless(own): // it is not here, or goes
		case old != nil && !old.Global:
			c.Aside = append(c.Aside, fmt.Sprintf("token %s: a token of this region alone has the accessor", own.AccessorID))
		case old == nil:
			if !own.Expired(now) {
				c.Tokens = append(c.Tokens, own)
			}
		case !sameBirth(old, own): // the accessor was given again
			c.DropTokens = append(c.DropTokens, old.AccessorID)
			if !own.Expired(now) {
				c.Tokens = append(c.Tokens, own)
			}
			ids[old.AccessorID] = true
		default:
			ids[own.AccessorID] = true
			if !sameToken(old, own) {
				own.SecretID = old.SecretID
				c.Tokens = append(c.Tokens, own)
			}
		}
	}
	for t := range have.ACLTokens() {
		if t.Global && !ids[t.AccessorID] {
			c.DropTokens = append(c.DropTokens, t.AccessorID)
		}
	}
}
