package drivers

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"berth/structs"
)

// ParseSignal reads a signal: a name as structs.SignalNumber takes it, or a number from 1 to 64, as images have.
func ParseSignal(name string) (syscall.Signal, error) {
	trimmed := strings.TrimSpace(name)
	if n, err := strconv.Atoi(trimmed); err == nil && n >= 1 && n <= 64 {
		return syscall.Signal(n), nil
	}
	if n, ok := structs.SignalNumber(trimmed); ok {
		return syscall.Signal(n), nil
	}
	return 0, fmt.Errorf("signal %q is not known", name)
}
