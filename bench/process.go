package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTicksPerSecond is the kernel's USER_HZ, 100 on every Linux Go runs on.
const clockTicksPerSecond = 100

// Resident is a process's memory, in bytes.
type Resident struct {
	Own   int64 // anonymous: nobody but the process can give it back
	Files int64 // pages of its program and of files it has mapped: the kernel takes unchanged ones back when it needs them
}

// All is both.
func (r Resident) All() int64 { return r.Own + r.Files }

// ResidentOf reads a process's memory.
func ResidentOf(pid int) (r Resident, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return r, err
	}
	found := 0
	for _, line := range strings.Split(string(text), "\n") {
		name, rest, _ := strings.Cut(line, ":")
		to, known := map[string]*int64{"RssAnon": &r.Own, "RssFile": &r.Files, "RssShmem": &r.Files}[name]
		if !known {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return r, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		*to += kb << 10
		found++
	}
	if found != 3 {
		return r, fmt.Errorf("process %d has no RssAnon, RssFile and RssShmem", pid)
	}
	return r, nil
}

// RSS is a process's resident memory in bytes.
func RSS(pid int) (int64, error) {
	r, err := ResidentOf(pid)
	return r.All(), err
}

// CPU is the processor time a process has used.
func CPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / clockTicksPerSecond, err
}
