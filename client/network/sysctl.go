package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// sysctlNeed says whether a missing sysctl is an error.
type sysctlNeed int

const (
	sysctlRequired sysctlNeed = iota
	sysctlOptional
)

// writeSysctl sets a value under /proc/sys in the calling thread's namespace, unless it is already so.
func writeSysctl(name, value string, need sysctlNeed) error {
	path := filepath.Join("/proc/sys", name)
	have, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && need == sysctlOptional {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read sysctl: %w", err)
	}
	if string(have) == value+"\n" {
		return nil
	}
	if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
		return fmt.Errorf("set sysctl %s to %s: %w", name, value, err)
	}
	return nil
}
