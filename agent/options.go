package agent

import (
	"io"

	"berth/agent/config"
	"berth/drivers/containerd/taskconfig"
	"berth/structs"
)

// Options are what the command line knows.
type Options struct {
	config.Flags
	Stdout, Stderr io.Writer
}

// DriverCheckers check config blocks by driver, on the node, the server and offline alike.
func DriverCheckers() map[string]structs.ConfigChecker {
	return map[string]structs.ConfigChecker{"containerd": taskconfig.Checker{}, "docker": taskconfig.Checker{}}
}
