package drivertest

import "testing"

// Conformance runs the whole suite, one subtest per rule.
func Conformance(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			if c.restarts && h.Restart == nil {
				t.Skip("this driver's harness cannot restart it")
			}
			if h.Wrap != nil {
				h.Wrap(t, func(t *testing.T) { c.body(newEnv(t, h)) })
				return
			}
			c.body(newEnv(t, h))
		})
	}
}

// cases are the rules, in the order of a task's life. Constant.
var cases = []struct {
	rule     string
	restarts bool
	body     func(*env)
}{
	{"a working driver says so", false, fingerprints},
	{"the exit code is the task's own", false, exitCodes},
	{"output goes to its two files", false, outputs},
	{"output is appended", false, outputAppended},
	{"start with an id in use is refused and harms nothing", false, startTwice},
	{"start with a done context leaves nothing", false, startCancelled},
	{"wait ends with its context", false, waitCancelled},
	{"every waiter gets the result", false, waitMany},
	{"inspect tells running from ended", false, inspects},
	{"list names the owner's tasks", false, lists},
	{"stop lets the task end", false, stops},
	{"stop kills what ignores its signal", false, stopEscalates},
	{"stop uses the task's kill signal", false, stopKillSignal},
	{"stopping an ended task is no error", false, stopEnded},
	{"destroy kills, removes, and may be repeated", false, destroys},
	{"signals arrive", false, signals},
	{"an unknown signal is refused", false, signalUnknown},
	{"exec returns output and exit code", false, execCode},
	{"exec feeds standard input", false, execStdin},
	{"exec has a terminal when asked", false, execTTY},
	{"exec adds its environment", false, execEnv},
	{"exec ends with its context", false, execCancelled},
	{"stats are sampled", false, stats},
	{"a task nobody knows is not found", false, notFound},
	{"recover finds the running task", true, recoverRunning},
	{"recover finds the exit of a task that ended meanwhile", true, recoverEnded},
	{"recover does not find what is gone", true, recoverGone},
}
