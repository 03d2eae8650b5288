// Package fingerprint looks at the machine: what it has, what runs on it, and what its drivers can do, as the attributes and
// resources the scheduler works with.
//
// It owns nothing and keeps nothing. Collect asks every prober at the same time and bounds the whole by its context; a prober
// that finds nothing leaves its attributes out, for a machine without one of them is still a node. Reading a file of the kernel
// and understanding its text are two functions, so that the second is tested on recorded texts. The client calls it at its
// start and now and then. Its goroutines end before Collect returns.
package fingerprint
