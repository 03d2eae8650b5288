package structs

//msgp:ignore Error ErrorKind

import (
	"errors"
	"strings"
)

// Error is what crosses a boundary: the operation, what kind of fault it is, whom it concerns, what to do, and the cause.
type Error struct {
	Op      string // "register job"
	Kind    ErrorKind
	Subject string // `job "web"`, "web.hcl:12:5"
	Hint    string // something a person can do or type
	Err     error
}

// Error renders "op subject: cause (hint)" without what is empty, and without saying the subject's noun twice: `suspend job` and
// `job "web"` make `suspend job "web"`.
func (e *Error) Error() string {
	var b strings.Builder
	op := e.Op
	if noun, _, named := strings.Cut(e.Subject, ` "`); named && strings.HasSuffix(op, " "+noun) {
		op = strings.TrimSuffix(op, " "+noun)
	}
	b.WriteString(op)
	if e.Subject != "" {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.Subject)
	}
	if e.Err != nil {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	} else if b.Len() == 0 {
		b.WriteString(e.Kind.String())
	}
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrorKind says what sort of fault an error is; it alone decides HTTP status and exit code.
type ErrorKind uint8

// The kinds of fault.
const (
	KindInternal     ErrorKind = iota // a fault of Berth
	KindInvalid                       // the input is wrong
	KindNotFound                      // the subject does not exist
	KindConflict                      // the subject changed, or is not in the state this needs
	KindUnauthorised                  // the caller may not
	KindUnavailable                   // try again later
	KindNoLeader                      // try again later: no leader is known
	KindLimit                         // a stated limit was passed
)

// kindFacts is the one table of what a kind means outside.
var kindFacts = [...]struct {
	name   string
	status int
	exit   int
}{
	KindInternal:     {"internal error", 500, 1},
	KindInvalid:      {"invalid", 400, 1},
	KindNotFound:     {"not found", 404, 1},
	KindConflict:     {"conflict", 409, 1},
	KindUnauthorised: {"permission denied", 403, 1},
	KindUnavailable:  {"unavailable", 503, 1},
	KindNoLeader:     {"no cluster leader", 503, 1},
	KindLimit:        {"limit passed", 429, 1},
}

// String is the kind in words.
func (k ErrorKind) String() string { return k.fact().name }

// HTTPStatus is the status code an API answer of this kind carries.
func (k ErrorKind) HTTPStatus() int { return k.fact().status }

// ExitCode is the exit code of a command that ended with this kind.
func (k ErrorKind) ExitCode() int { return k.fact().exit }

func (k ErrorKind) fact() struct {
	name   string
	status int
	exit   int
} {
	if int(k) >= len(kindFacts) {
		k = KindInternal
	}
	return kindFacts[k]
}

// KindOf gives the kind of the first *Error in the chain, KindInternal otherwise.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}

// NewError makes an error of a kind whose text is the message alone.
func NewError(kind ErrorKind, message string) *Error {
	return &Error{Kind: kind, Err: errors.New(message)}
}
