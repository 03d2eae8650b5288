// Package testimage makes container images out of the host's static busybox, in memory, so that tests and the sample job need
// no registry of the world: an image with every applet, a small web image, archives of both in OCI and docker form, and a
// registry on loopback that serves them, with a password if wanted.
//
// Used by tests, by its command mkimage and by nothing that is part of the product's run time. The only goroutines are those of
// the registry's HTTP server, ended by Close.
//
// Invariant: the same options give the same bytes, and so the same digest, on every call (with the same busybox).
package testimage
