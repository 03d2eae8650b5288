// Package gctuner lets a busy agent collect garbage less often, and gives memory back when it is idle again.
//
// Go collects whenever the heap has doubled. A heap of a few megabytes doubles many times a second under load, and each time all
// of it is looked at: a fifth of a busy server's processor time. While that is so the heap may grow by a share of the memory
// there is instead.
//
// Where the control group has a limit of memory, Go collects more often the nearer nine tenths of it are: a heap that doubles would be the end of
// the agent, for what could be collected.
//
// Who sets GOGC decides for himself: then nothing is tuned.
package gctuner
