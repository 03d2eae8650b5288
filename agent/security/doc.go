// Package security gets a machine its certificate and keeps it good: by forming a cluster, by a join token, from its files, or from
// the configuration's tls block.
//
// It owns the directory pki below the data directory (certificate, trusted roots, cluster key, sealed root, addresses of servers) and
// the order of those ways. It never decides who may join: server/authority does, which it makes and hands to the transport.
// Called by the agent: Open before anything listens, Attach when the server is there, Run with the other parts, Reload on SIGHUP.
//
// Goroutines: none of its own; Run is one. Invariants: nothing listens before the machine has a certificate; a certificate that is good
// is never thrown away; files given in the configuration are never written.
package security
