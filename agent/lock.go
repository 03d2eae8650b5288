package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"berth/internal/durable"
	"berth/structs"
)

// lockDir takes a data directory for this process; the kernel gives it back when the process ends, however it does (flock(2)).
func lockDir(dir string) (unlock func(), err error) {
	if err := durable.MkdirAll(dir, 0o711); err != nil {
		return nil, &structs.Error{Op: "make data directory", Subject: dir, Kind: structs.KindInvalid, Err: err,
			Hint: "set data_dir to a directory this user may write"}
	}
	f, err := os.OpenFile(filepath.Join(dir, "agent.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &structs.Error{Op: "open data directory", Subject: dir, Kind: structs.KindInvalid, Err: err,
			Hint: "set data_dir to a directory this user may write"}
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(f.Name())
		f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
		}
		who := "another agent"
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			who += " (pid " + pid + ")"
		}
		return nil, &structs.Error{Kind: structs.KindConflict, Err: fmt.Errorf("data directory %s is in use by %s", dir, who),
			Hint: "stop that agent, or give this one its own data_dir"}
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}
