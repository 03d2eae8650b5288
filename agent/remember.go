package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"berth/internal/durable"
)

// aclFile is where a node keeps whether its servers have access control on: "on" or "off" and a line end.
const aclFile = "access-control"

// rememberACL gives the node what its servers last said of access control, for the time until it reaches one. A node that knows nothing, or
// whose file says nothing that it understands, needs to ask before it answers.
func (a *agent) rememberACL() error {
	dir := filepath.Join(a.cfg.DataDir, "client")
	words := map[bool]string{true: "on\n", false: "off\n"}
	text, err := os.ReadFile(filepath.Join(dir, aclFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read whether access control is on: %w", err)
	}
	var last *bool
	for on, word := range words {
		if string(text) == word {
			last = &on
		}
	}
	a.cluster.others.RememberACL(last, func(on bool) error {
		a.log.Info("the servers say whether callers need tokens", "access_control", on)
		err := durable.WriteFile(filepath.Join(dir, aclFile), []byte(words[on]))
		if err != nil {
			a.log.Error("that access control is on or off cannot be remembered for the next start", "access_control", on, "error", err)
		}
		return err
	})
	return nil
}
