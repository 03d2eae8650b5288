// Package taskconfig is the `config` block of a containerd (or docker) task: which keys exist, what they hold, and how the loose
// values of HCL and JSON become one typed struct.
//
// It is pure and imports nothing of containerd, so that a server validates jobs with it at submit; the driver decodes with the
// same code at start. It never looks at the host: what needs the operator's permission is decided by the driver.
//
// Invariant: Decode accepts exactly what Checker accepts, except that Checker lets interpolations ("${...}") stand for any
// single value.
package taskconfig
