package fake

import (
	"fmt"
	"math"
	"time"

	"berth/drivers"
	"berth/structs"
)

// Keys of the task's config block. All are optional: an empty block runs until it is stopped.
const (
	KeyRunFor           = "run_for"                 // duration; absent runs until stopped, "0s" ends at once
	KeyExitCode         = "exit_code"               // of an end by itself
	KeyExitSignal       = "exit_signal"             // signal number of an end by itself
	KeyOOM              = "oom"                     // the end by itself is for lack of memory
	KeyStartError       = "start_error"             // text; the start fails
	KeyStartRecoverable = "start_error_recoverable" // a failing start may be tried again
	KeyStartDelay       = "start_delay"             // duration the start takes
	KeyStopTakes        = "stop_takes"              // duration from the signal to the end
	KeyStopCode         = "stop_exit_code"          // of an end by signal; absent gives 128 + signal
	KeyIgnoreTerm       = "ignore_term"             // SIGTERM does nothing
	KeyStdout           = "stdout"                  // written at the start
	KeyStderr           = "stderr"                  // written at the start
	KeyOnHUP            = "on_hup"                  // written to stdout at every SIGHUP
	KeyEndWhen          = "end_when"                // the task ends once this file is in its allocation folder
	KeyExec             = "exec"                    // list of {command, stdout, stderr, exit_code}
	KeyPull             = "pull"                    // text told as the progress of a pull
)

// script is a parsed config block.
type script struct {
	forever          bool
	runFor           time.Duration
	exit             drivers.ExitResult
	startError       string
	startRecoverable bool
	startDelay       time.Duration
	stopTakes        time.Duration
	stopCode         int // below zero: 128 + signal
	ignoreTerm       bool
	stdout, stderr   string
	onHUP, endWhen   string
	pull             string
	exec             map[string]execAnswer
}

// execAnswer is what a scripted command does.
type execAnswer struct {
	stdout, stderr string
	code           int
}

// parse reads a config block; every mistake is a fault with the path below the block.
func parse(config map[string]any) (script, structs.Faults) {
	p := parser{config: config}
	s := script{stopCode: -1, exec: map[string]execAnswer{}}
	s.runFor, s.forever = p.duration(KeyRunFor)
	s.forever = !s.forever
	s.exit.ExitCode = p.number(KeyExitCode, 0)
	s.exit.Signal = p.number(KeyExitSignal, 0)
	s.exit.OOMKilled = p.flag(KeyOOM)
	s.startError, s.startRecoverable = p.text(KeyStartError), p.flag(KeyStartRecoverable)
	s.startDelay, _ = p.duration(KeyStartDelay)
	s.stopTakes, _ = p.duration(KeyStopTakes)
	s.stopCode = p.number(KeyStopCode, -1)
	s.ignoreTerm = p.flag(KeyIgnoreTerm)
	s.stdout, s.stderr = p.text(KeyStdout), p.text(KeyStderr)
	s.onHUP, s.endWhen, s.pull = p.text(KeyOnHUP), p.text(KeyEndWhen), p.text(KeyPull)
	p.seen(KeyExec)
	if list, ok := config[KeyExec].([]any); ok {
		for _, e := range list {
			m, _ := e.(map[string]any)
			q := parser{config: m}
			s.exec[q.text("command")] = execAnswer{q.text(KeyStdout), q.text(KeyStderr), q.number(KeyExitCode, 0)}
		}
	}
	return s, p.done()
}

// parser reads values and remembers what it was asked for.
type parser struct {
	config map[string]any
	known  map[string]bool
	faults structs.Faults
}

func (p *parser) seen(key string) any {
	if p.known == nil {
		p.known = map[string]bool{}
	}
	p.known[key] = true
	return p.config[key]
}

func (p *parser) fault(path, format string, args ...any) {
	p.faults = append(p.faults, structs.Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (p *parser) text(key string) string {
	switch v := p.seen(key).(type) {
	case nil:
	case string:
		return v
	default:
		p.fault(key, "is %T, not text", v)
	}
	return ""
}

func (p *parser) flag(key string) bool {
	switch v := p.seen(key).(type) {
	case nil:
	case bool:
		return v
	default:
		p.fault(key, "is %T, not true or false", v)
	}
	return false
}

func (p *parser) number(key string, absent int) int {
	switch v := p.seen(key).(type) {
	case nil:
	case int:
		return v
	case int64:
		return int(v)
	case float64:
		if v == math.Trunc(v) {
			return int(v)
		}
		p.fault(key, "%v is not a whole number", v)
	default:
		p.fault(key, "is %T, not a number", v)
	}
	return absent
}

func (p *parser) duration(key string) (d time.Duration, given bool) {
	switch v := p.seen(key).(type) {
	case nil:
	case time.Duration:
		return v, true
	case string:
		d, err := time.ParseDuration(v)
		if err == nil {
			return d, true
		}
		p.fault(key, "%q is not a duration such as \"10s\"", v)
	default:
		p.fault(key, "is %T, not a duration such as \"10s\"", v)
	}
	return 0, false
}

func (p *parser) done() structs.Faults {
	for key := range p.config {
		if !p.known[key] {
			p.fault(key, "is not a setting of the fake driver")
		}
	}
	return p.faults
}
