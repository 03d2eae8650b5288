// Package taskenv makes a task's environment and fills in what a job leaves to run time: ${node.datacenter}, ${attr.cpu.arch},
// ${meta.rack}, ${NOMAD_PORT_http}, ${env["HOME"]}.
//
// It owns no state and reads nothing of the machine: everything comes in with Input. The client makes an Env for each start of a
// task. No goroutine.
//
// Invariants: equal input gives equal output; a reference that means nothing here stays as it was written; what a value holds
// is never looked through again.
package taskenv
