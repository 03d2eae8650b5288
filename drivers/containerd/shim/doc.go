// Package shim is the process that stays with a container when the agent does not: containerd's runc shim, run by our own
// binary under another name, so that one file on disk is enough.
//
// It adds three things to the upstream shim. It writes how the container ended to a file named in the container's
// annotations, before anyone is told, so that an exit seen by nobody else is still known. It looks into the container's cgroup
// for out-of-memory kills at that moment. And it lets a container with a terminal append to a regular file.
//
// main calls Main before anything else when IsShim says so; Main does not return. The agent's plugins, linked into the same
// binary, are taken out of containerd's registry first: a shim must never open the agent's database.
//
// Invariant: an exit record is written whole or not at all, and once written it never changes.
package shim
