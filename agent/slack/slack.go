package slack

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"
)

// Late is how late the monitor's timers may come.
const Late = time.Millisecond

// Monitor lets the timers of the process's monitor thread come late. It needs CAP_SYS_NICE.
func Monitor() error {
	id, err := monitor()
	if err != nil {
		return fmt.Errorf("find the runtime's monitor thread: %w", err)
	}
	if err := os.WriteFile(path(id), strconv.AppendInt(nil, Late.Nanoseconds(), 10), 0); err != nil {
		return fmt.Errorf("let the runtime's monitor sleep longer: %w", err)
	}
	return nil
}

func path(thread int) string { return fmt.Sprintf("/proc/%d/timerslack_ns", thread) }

// monitor finds the thread: the runtime starts it before any other, and thread ids are given in order.
func monitor() (int, error) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0, err
	}
	var ids []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	return firstAfter(ids, os.Getpid())
}

// firstAfter is the id that was given first after main's; ids begin anew when the kernel has given its last.
func firstAfter(ids []int, main int) (int, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id int) bool { return id == main })
	if len(ids) == 0 {
		return 0, errors.New("there is no thread but the first")
	}
	return slices.MinFunc(ids, func(a, b int) int {
		if (a > main) != (b > main) {
			return cmp.Compare(b, a) // what is above main was given before what is below
		}
		return cmp.Compare(a, b)
	}), nil
}
