package drivers

import "errors"

// ErrTaskNotFound: the driver knows nothing of this task.
var ErrTaskNotFound = errors.New("task not found")

// StartError is a start that failed, with what a person needs to mend it.
type StartError struct {
	// Reason is the fact, one sentence without a full stop.
	Reason string
	// Hint is the mend, may be empty.
	Hint string
	// Recoverable: trying again later may help (registry unreachable), as opposed to never (bad configuration).
	Recoverable bool
	Err         error
}

// Error renders the fact, then the cause, then the hint.
func (e *StartError) Error() string {
	s := e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap gives the cause.
func (e *StartError) Unwrap() error { return e.Err }
