// Package containerd is the task driver for containers: images, root file systems, security profile, and the life of one
// container per task, on the containerd of package daemon.
//
// It keeps no state in memory. What it knows of a task is on disk, in <DataDir>/tasks/<container>/: task.json is written before
// anything is made, exit.json by the shim when the task ended. So the agent may be killed at any point: List names what
// exists, Recover finds what runs, Destroy removes what is left, each from that directory alone.
//
// It decides nothing: restarts, deadlines and networks belong to its callers in client/. The only goroutines are one per image
// being pulled, and those of an exec's streams; both end with the call that started them.
//
// Invariants: an exit nobody saw is Unknown; a task has a memory limit; nothing of the agent's environment reaches a task; a
// host path is mounted only if the caller asked for it by Mounts or the operator's configuration allows it.
package containerd
