package containerd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	ctdshim "github.com/containerd/containerd/v2/pkg/shim"
	"golang.org/x/sys/unix"

	"berth/drivers/containerd/daemon"
)

// clearShim removes what a shim leaves when it was killed, or when containerd lost its own state and forgot it: the process,
// its socket, and runc's notes of the container. After an orderly end there is nothing to find. ctx has our namespace.
func (d *Driver) clearShim(ctx context.Context, m *meta) error {
	run := d.cfg.Daemon.RunDir()
	errs := []error{removeAll(filepath.Join(run, "runc", daemon.Namespace, m.ContainerID))}
	if d.cfg.Daemon.Embedded() { // a containerd of the host keeps its own sockets
		address, err := ctdshim.CreateSocketAddress(ctx, filepath.Join(run, "s"), d.cfg.Daemon.Address(), m.ContainerID, false)
		if err != nil {
			return err
		}
		socket := strings.TrimPrefix(address, "unix://")
		if _, err := os.Lstat(socket); err == nil {
			errs = append(errs, killShims(m.ContainerID, d.cfg.Daemon.Address()), removeAll(socket))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clear what the shim left: %w", err)
	}
	return nil
}

func removeAll(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// killShims ends the processes that serve a container of the containerd at that address: their command line says so, and
// nothing else is known of them when containerd has forgotten them.
func killShims(containerID, address string) error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	want := []byte("\x00-namespace\x00" + daemon.Namespace + "\x00-id\x00" + containerID + "\x00-address\x00" + address + "\x00")
	var errs []error
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil || !bytes.Contains(line, want) {
			continue // ended meanwhile, or somebody else's
		}
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("end process %d: %w", pid, err))
		}
	}
	return errors.Join(errs...)
}
