//go:build !race

package jobspec

const racing = false
