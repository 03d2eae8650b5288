//go:build race

package jobspec

// racing leaves out the largest texts: the race detector makes them ten times slower and finds nothing in them.
const racing = true
