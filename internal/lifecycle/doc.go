// Package lifecycle runs the long-living parts of a process together: whoever starts a part waits for it.
//
// It owns the goroutines of a Group and nothing else; it knows no noun, logs nothing and reads no clock. Servers, clients and
// the agent call it. A Group starts one goroutine per Go call; Wait returns when all of them have ended.
//
// Invariant: as soon as one part has returned, for whatever reason, the context of all others is cancelled.
package lifecycle
