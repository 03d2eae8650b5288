// Package heartbeat knows which nodes are alive: those that were heard of within their time.
//
// It owns one deadline per node and nothing else. Core is the rules as data (a heap of deadlines, time an argument); Monitor
// is its shell. A node that passes its deadline is handed to the reporter the server gives; what follows (the node's
// status, evaluations) is decided there. Called by the server's node calls (Beat) and by the leader's term (Run).
//
// Goroutines: the one that calls Run. Invariant: a node is reported at most once per deadline it was given, and never after it was heard
// of again or forgotten.
package heartbeat
