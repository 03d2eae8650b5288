package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"berth/structs"
)

// Error is an answer other than 2xx.
type Error struct {
	Status int
	// Message is the text of the answer, which is meant for people.
	Message string
	// RetryAfter is how long the agent asks to wait, 0 if it does not say.
	RetryAfter time.Duration
	// Permission is what a refused caller would need, in words such as "namespace:read-job"; "" if the agent does not say.
	Permission string
	// Region is the region that answered because it decides over what was asked for; "" where the region that was asked did.
	Region string
}

// HeaderRegion names the region that answered instead of the one that was asked.
const HeaderRegion = "X-Berth-Region"

// HeaderPermission tells with "Permission denied" what the caller would need.
const HeaderPermission = "X-Berth-Permission"

// Error is the agent's text, or the status where it sent none.
func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("the agent answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return e.Message
}

// Kind sorts the error as the agent did.
func (e *Error) Kind() structs.ErrorKind {
	for k := structs.KindInvalid; k <= structs.KindLimit; k++ {
		if k.HTTPStatus() == e.Status {
			return k
		}
	}
	return structs.KindInternal
}

// IsNotFound reports an answer of 404.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// maxErrorBytes bounds the text read from an answer other than 2xx.
const maxErrorBytes = 256 << 10

func readError(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return &Error{Status: resp.StatusCode, Message: strings.TrimSpace(string(text)), RetryAfter: time.Duration(seconds) * time.Second, Permission: resp.Header.Get(HeaderPermission),
		Region: resp.Header.Get(HeaderRegion)}
}

// ConnectError means that nobody answers at the address.
type ConnectError struct {
	Address string
	Err     error
}

// Error says where nobody answers and what to do.
func (e *ConnectError) Error() string {
	if errors.Is(e.Err, syscall.ECONNREFUSED) || errors.Is(e.Err, syscall.ENOENT) {
		return fmt.Sprintf("no agent answers at %s (start one with `berth agent -dev`, or name another with -address or BERTH_ADDR)", e.Address)
	}
	return fmt.Sprintf("connect to agent at %s: %v", e.Address, e.Err)
}

// Unwrap gives the cause.
func (e *ConnectError) Unwrap() error { return e.Err }
