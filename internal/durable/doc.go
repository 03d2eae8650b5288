// Package durable makes files and directories that are there after a loss of power.
//
// It owns nothing. A file's bytes are on the disk after its fsync, its name only after the fsync of the directory that holds it: what makes
// either here has both when it returns. Whatever must outlive the machine is made by it. No goroutine; any goroutine may call.
package durable
