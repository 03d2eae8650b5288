// Package snapshot measures writing and restoring the state of a million allocations, on the disk and without a server: what a
// server does for its own log, for a new server and for a backup.
package snapshot
