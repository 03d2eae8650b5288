// Package pki is the cluster's own certificates: its roots, the certificates of servers and clients, and the tokens that let a
// machine ask for its first one.
//
// It owns the form of a Berth certificate (identity in a URI), of a bundle of trusted roots, of a join token, and the files a
// machine keeps them in. It never opens a connection and never decides who may have a certificate: server/authority does.
// Called by internal/transport (TLS configurations), server/authority (issuing) and the agent (files, renewal).
//
// Goroutines: none but Renewer.Run's caller.
//
// Invariants: a private key leaves this package only sealed or in a file of mode 0600; an identity is taken only from a
// certificate whose chain was verified; every comparison of secrets takes the same time whatever differs.
package pki
