// Package version says which Berth this is.
//
// It owns one number. It reads nothing but the program's own build information. Called by agent and cli; no goroutines.
package version
