// Package acl decides who may do what: the policy language, and compiled policies that answer.
//
// It owns the capabilities, what the shorthands of policies stand for, which of several rules is the one about an object, and the
// bounds of a policy. Parse reads the text of a policy, strictly. Compile makes policies into an ACL, which answers without
// allocating; Cache keeps those. It reads no state and knows no token: agent/httpapi resolves those. Called by agent/httpapi when a
// policy is written and for every request.
//
// Goroutines: none; an ACL never changes, a Cache may be used by many. Invariants: what no rule grants is denied; of the rules about
// one kind of object only the closest to its name counts; deny beats whatever is granted beside it; a rule without a name is refused.
package acl
