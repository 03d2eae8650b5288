package structs

//msgp:ignore Fault Faults

import (
	"slices"
	"strings"
)

// Fault is one mistake in something a user wrote.
type Fault struct {
	// Path leads from the job to the field in JSON names and indexes: `TaskGroups[0].Tasks[1].Resources.CPU`.
	// A parser that knows where the field was written turns it into file, line and column.
	Path string
	// Message is the fact: what was found and what is allowed. Lower case, no full stop.
	Message string
	// Hint is what to do or type instead; may be empty.
	Hint string
	// Line is the line within a text of several lines, from 1; 0 when the whole value is meant.
	Line int
	// Name says that the name of the field is meant, not its value.
	Name bool
	// Warning marks advice: the job is accepted.
	Warning bool
}

// Error renders the fault on one line.
func (f Fault) Error() string {
	s := f.Message
	if f.Path != "" {
		s = f.Path + ": " + s
	}
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// Faults are all mistakes found at once.
type Faults []Fault

// Errors are the faults that refuse the job.
func (fs Faults) Errors() Faults {
	return slices.DeleteFunc(slices.Clone(fs), func(f Fault) bool { return f.Warning })
}

// Warnings are the faults that only advise.
func (fs Faults) Warnings() Faults {
	return slices.DeleteFunc(slices.Clone(fs), func(f Fault) bool { return !f.Warning })
}

// Err is nil when nothing refuses the job, else an invalid *Error listing every fault.
func (fs Faults) Err() error {
	errs := fs.Errors()
	if len(errs) == 0 {
		return nil
	}
	return &Error{Kind: KindInvalid, Err: errs}
}

// Error lists the faults, one a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}
