//go:build !crashpoints

package server

import "github.com/hashicorp/raft"

// watcher is nil: the program watches no points.
func watcher() func(point) { return nil }

// tuning is nil: the program makes snapshots as it does.
func tuning() func(*raft.Config) { return nil }
