package server

// linkedPoints is "on" in a program linked for tests, and set by the linker alone: -X berth/server.linkedPoints=on.
var linkedPoints string
