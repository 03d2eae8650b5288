package structs

import (
	"strconv"
	"strings"
)

// signals are the names Linux has, with their numbers. SIGNULL disturbs nobody.
var signals = map[string]int{
	"SIGNULL": 0, "SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGILL": 4, "SIGTRAP": 5, "SIGABRT": 6, "SIGIOT": 6, "SIGBUS": 7, "SIGFPE": 8,
	"SIGKILL": 9, "SIGUSR1": 10, "SIGSEGV": 11, "SIGUSR2": 12, "SIGPIPE": 13, "SIGALRM": 14, "SIGTERM": 15, "SIGSTKFLT": 16, "SIGCHLD": 17,
	"SIGCONT": 18, "SIGSTOP": 19, "SIGTSTP": 20, "SIGTTIN": 21, "SIGTTOU": 22, "SIGURG": 23, "SIGXCPU": 24, "SIGXFSZ": 25, "SIGVTALRM": 26,
	"SIGPROF": 27, "SIGWINCH": 28, "SIGIO": 29, "SIGPOLL": 29, "SIGPWR": 30, "SIGSYS": 31,
}

// The ends of the real-time signals, as programs see them: the C library keeps the first two for itself.
const (
	signalRealTimeMin = 34
	signalRealTimeMax = 64
)

// SignalNumber is the number on Linux of a signal that is named, in any case and with or without SIG: SIGTERM, hup, SIGRTMIN+3, SIGRTMAX-1.
func SignalNumber(name string) (int, bool) {
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if rest, ok := strings.CutPrefix(name, "SIGRTMIN"); ok {
		return realTimeSignal(signalRealTimeMin, rest, "+")
	}
	if rest, ok := strings.CutPrefix(name, "SIGRTMAX"); ok {
		return realTimeSignal(signalRealTimeMax, rest, "-")
	}
	n, ok := signals[name]
	return n, ok
}

// realTimeSignal goes from an end of the real-time signals inwards.
func realTimeSignal(end int, steps, sign string) (int, bool) {
	if steps == "" {
		return end, true
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(steps, sign), 10, 8)
	if !strings.HasPrefix(steps, sign) || err != nil || n > signalRealTimeMax-signalRealTimeMin {
		return 0, false
	}
	if sign == "-" {
		return end - int(n), true
	}
	return end + int(n), true
}
