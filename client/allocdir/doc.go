// Package allocdir is the directory of an allocation: what tasks see as their files, and what people look at through the API.
//
//	<root>/<alloc id>/alloc/{data,logs,tmp}   shared by the tasks, mounted as /alloc
//	<root>/<alloc id>/<task>/{local,tmp}      one task's
//	<root>/<alloc id>/<task>/secrets          the same, in memory (tmpfs), never shown by the API
//	<root>/<alloc id>/<task>/private          the agent's own about the task; neither the task nor the API sees it
//	<root>/<alloc id>/<task>/spool            the task's output before it is collected; no task sees it
//
// It owns that tree and the secrets' mounts; it knows no job and no driver. The allocation runner builds and destroys it, the
// client reads files from it for the API. It starts no goroutine.
//
// Invariants: every path a person names is resolved beneath the directory by descriptor (os.Root): no link leads out of it;
// what is hidden is judged by where a path truly ends, so no link a task made shows secrets; other users of the machine do not
// come in; nothing is removed through a mount.
package allocdir
