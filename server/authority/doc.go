// Package authority decides who belongs to the cluster: it issues certificates for join tokens and for certificates that end,
// makes and revokes tokens, rotates the roots, and joins other regions, whom it tells of its roots.
//
// It owns the rules; roots and tokens are in the replicated state, keys sealed, secrets hashed. It never opens a connection:
// internal/transport brings machines here, and requests that need the leader go through the round tripper it is given. Called
// by the transport (machines that join), the API (operators, renewal) and the agent (Run).
//
// Goroutines: those of its callers; Run keeps this server's own certificate and its file of the root in step with the state and,
// on the leader, adds the first root, replaces roots that end, and forgets roots and tokens that are over.
//
// Invariants: a certificate is issued only for a token that was used in the same request, or to the holder of a certificate for
// the same identity; a region is heard only about itself, and one that was forgotten comes back only with a token; an id that is alive in the cluster is not given to another machine; a token's secret is seen once, by who made it.
package authority
