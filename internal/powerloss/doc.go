// Package powerloss is a file system for tests that loses what was not synced when its power is cut, as a disk does.
//
// It owns one FUSE mount and all that is on it, in memory. Everything has a live plane, which processes see, and a kept plane, which a power
// loss leaves: fsync of a file copies its bytes and its size from one to the other, fsync of a directory its names. What was not synced when
// the power goes is lost, or is there, or is there by half: sectors of a file one by one, changes of names up to some moment, as a journal
// keeps them. A seed decides which. A sector is the newest version or the last synced one, never one in between; modes and times are kept
// at once; the name of a new file is not kept by an fsync of the file, which some file systems do and POSIX does not promise.
//
// Tests see every step that changes something before it happens (Watch) and may let it fail, delay it, or cut the power instead. While the
// power is off nothing changes and whoever tries waits; processes are killed, then Restart is the next start of the machine.
//
// It is for tests alone: no package of the program imports it. Locks are the kernel's own, maps of files work for reading. A process must not
// map files of a mount that it serves itself: the collector may wait for the page, and the page for the collector.
//
// Goroutines: those of the FUSE server, from Mount until Close.
package powerloss
