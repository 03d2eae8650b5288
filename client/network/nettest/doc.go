// Package nettest gives tests network namespaces in place of machines, so that they need not touch the machine's own.
//
// Two ways: Main runs a whole test binary again inside a namespace of its own (network and mounts), for packages that
// change the network of "this machine"; NewHost makes one more machine inside a test, optionally cabled to this one.
//
// Owns: what it makes, until the test ends, also when the test fails. Never does: change the namespace the tests were
// started in. Called by: tests only. Goroutines: none outlive a call. Invariant: without root both ways skip, with the reason.
package nettest
