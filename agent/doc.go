// Package agent is one process: it reads the configuration, starts server, containerd and node, and serves the API.
//
// It owns the order in which the parts start and end, the lock on the data directory, and the log. It decides nothing else. The
// command line calls Run.
//
// Goroutines: Run starts one for each part and waits for all. Invariants: at most one agent works on a data directory; an agent
// run with -dev leaves nothing on the machine when it ends in order; any other leaves its tasks running.
package agent
