// Package netns makes, enters and removes network namespaces that live by a bind mount.
//
// Owns: nothing; the callers own the paths. Never does: configure what is inside, beyond running the caller's function there.
// Called by: client/network, and client/network/nettest.
// Goroutines: one per call of OnOwnThread, In and Create, which the call waits for.
// Invariant: no thread goes back to Go's pool in a namespace other than the one it came from.
package netns
