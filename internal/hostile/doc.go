// Package hostile makes values no part of the program would make: fields that are missing, empty, negative, far too large, not text or
// without sense together. Tests feed commands of such values to what must not break over them.
//
// Owns: nothing. Never does: know what a field means. Called by: tests of server/fsm and server. Goroutines: none.
package hostile
