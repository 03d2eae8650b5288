package replicate

import (
	"github.com/tinylib/msgp/msgp"

	"berth/structs"
)

// command is one proposal.
type command struct {
	kind structs.CommandKind
	body msgp.Marshaler
	what string // whom it is about, for people
}

// Bounds of one command.
const (
	batchBytes   = 256 << 10
	batchObjects = 256
)

// commands are the changes as they are proposed, with the policies and tokens that were read for them.
func (c *Changes) commands(policies []*structs.ACLPolicy, tokens []*structs.ACLToken) []command {
	var out []command
	for part := range batches(c.DropTokens) {
		out = append(out, command{structs.CmdACLTokenDelete, &structs.ACLTokenDeleteCommand{IDs: part}, "tokens that are gone"})
	}
	for part := range batches(c.DropRoles) {
		out = append(out, command{structs.CmdACLRoleDelete, &structs.ACLRoleDeleteCommand{IDs: part}, "roles that are gone"})
	}
	for part := range batches(c.DropPolicies) {
		out = append(out, command{structs.CmdACLPolicyDelete, &structs.NameDeleteCommand{Names: part}, "policies that are gone"})
	}
	for part := range batches(c.Namespaces) {
		out = append(out, command{structs.CmdNamespaceUpsert, &structs.NamespaceUpsertCommand{Namespaces: part}, "namespaces"})
	}
	for part := range batches(c.Pools) {
		out = append(out, command{structs.CmdNodePoolUpsert, &structs.NodePoolUpsertCommand{Pools: part}, "node pools"})
	}
	for part := range batches(policies) {
		out = append(out, command{structs.CmdACLPolicyUpsert, &structs.ACLPolicyUpsertCommand{Policies: part}, "policies"})
	}
	for _, r := range c.Roles {
		out = append(out, command{structs.CmdACLRoleUpsert, &structs.ACLRoleUpsertCommand{Role: r}, "role " + r.Name})
	}
	for _, t := range tokens {
		out = append(out, command{structs.CmdACLTokenUpsert, &structs.ACLTokenUpsertCommand{Token: t}, "token " + t.AccessorID.String()})
	}
	for _, name := range c.DropPools { // one by one: some may still be used
		out = append(out, command{structs.CmdNodePoolDelete, &structs.NameDeleteCommand{Names: []string{name}}, "node pool " + name})
	}
	for _, name := range c.DropNamespaces {
		out = append(out, command{structs.CmdNamespaceDelete, &structs.NameDeleteCommand{Names: []string{name}}, "namespace " + name})
	}
	return out
}

// batches are the parts of a list that fit in a command each. An object that is larger than that has one of its own.
func batches[T any](all []T) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for from := 0; from < len(all); {
			to, size := from, 0
			for to < len(all) && to-from < batchObjects {
				if s, ok := any(all[to]).(msgp.Sizer); ok {
					size += s.Msgsize()
				}
				if to > from && size > batchBytes {
					break
				}
				to++
			}
			if !yield(all[from:to:to]) {
				return
			}
			from = to
		}
	}
}
