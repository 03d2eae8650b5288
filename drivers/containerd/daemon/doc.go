// Package daemon is containerd as part of the agent: the server packages of containerd run in this process, with directories
// and sockets of their own, or, by configuration, a containerd of the host is used instead.
//
// It owns <DataDir>/root (content, snapshots, metadata), <DataDir>/bin (the shim's link) and a run directory with sockets and
// bundles; it never touches /run/containerd or /var/lib/containerd. The driver is its only client. Goroutines: Run, and
// those of containerd, which end (with few exceptions inside containerd) when Run does. Containers do not end with it.
//
// Invariants: sockets are for root only and never TCP; at most one daemon works on a data directory; the plugin list is the one
// in plugins.go and nothing else.
package daemon
