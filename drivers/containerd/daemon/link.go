package daemon

import (
	"fmt"
	"os"
	"strings"

	"berth/drivers/containerd/shim"
)

const shimName = shim.Name

// linkShim makes path a link to our binary, replacing an older link in one step. Why a link and not a copy: shims share the
// binary's pages with the agent, and a shim that runs keeps the file it was started from whatever the link says later.
func linkShim(executable, path string) error {
	if executable == "" {
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find our own binary: %w", err)
		}
		executable = exe
	}
	if strings.HasSuffix(executable, " (deleted)") {
		return fmt.Errorf("our binary %s was replaced while the agent runs (restart the agent)", strings.TrimSuffix(executable, " (deleted)"))
	}
	if old, err := os.Readlink(path); err == nil && old == executable {
		return nil
	}
	tmp := path + ".new"
	_ = os.Remove(tmp)
	if err := os.Symlink(executable, tmp); err != nil {
		return fmt.Errorf("link the shim: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("link the shim: %w", err)
	}
	return nil
}
