// Package atrest encrypts what a server keeps on its disk: the entries of its log, one by one, and its snapshots, as streams.
//
// It owns the forms, the keys' derivation and where a key comes from (a file, a passphrase, a command). It never decides which files are
// encrypted: server does. Called by server (log and snapshots) and the agent (the key). No goroutines.
//
// Invariants: no key encrypts two things with one nonce: each Sealer draws a salt, derives a key of its own and counts; what was changed,
// cut off, moved to another place or sealed with another key is refused, never given out; a key is never printed.
package atrest
