package shim

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"

	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/manager"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/task"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/containerd/v2/plugins"
	"github.com/containerd/log"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"
	"golang.org/x/sys/unix"
)

// Name is the file name under which our binary is a shim.
const Name = "containerd-shim-runc-v2"

// marker is set in the environment of the serving shim. Why: the starting shim executes /proc/self/exe, which is the
// binary's real path, not the link that gave it its name.
const marker = "BERTH_SHIM"

// IsShim tells whether this process was started as a shim, given os.Args[0].
func IsShim(argv0 string) bool {
	return filepath.Base(argv0) == Name || os.Getenv(marker) == "1"
}

// Main runs the shim named by the command line and ends the process.
func Main() {
	// The marker is for one generation: the starter hands it to the server, and nobody inherits it from there.
	if slices.Contains(os.Args[1:], "start") {
		os.Setenv(marker, "1")
	} else {
		os.Unsetenv(marker)
	}
	// Why: other packages of the binary, and the testing package, may have registered flags of their own.
	flag.CommandLine = flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	registry.Reset()
	registry.Register(&plugin.Registration{
		Type:     plugins.TTRPCPlugin,
		ID:       "task",
		Requires: []plugin.Type{plugins.EventPlugin, plugins.InternalPlugin},
		InitFn:   newService,
	})
	shim.RunShim(context.Background(), manager.NewShimManager("io.containerd.runc.v2"), func(c *shim.Config) {
		c.NoSetupLogger = true // upstream's goes to the agent's standard error
	})
	os.Exit(0)
}

// LogName is the shim's log, beside the exit record. It is empty when all is well.
const LogName = "shim.log"

// logTo sends warnings, errors and panics to a file; without it they are lost, which ends nothing.
func logTo(path string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_ = unix.Dup3(int(f.Fd()), int(os.Stderr.Fd()), 0)
	log.L.Logger.SetOutput(os.Stderr)
	_ = log.SetLevel("warn")
}

func newService(ic *plugin.InitContext) (any, error) {
	p, err := ic.GetByID(plugins.EventPlugin, "publisher")
	if err != nil {
		return nil, err
	}
	s, err := ic.GetByID(plugins.InternalPlugin, "shutdown")
	if err != nil {
		return nil, err
	}
	rec := newRecorder(".")
	if rec.path != "" {
		logTo(filepath.Join(filepath.Dir(rec.path), LogName))
	}
	// Why without cancel: the watcher for out-of-memory events spins when its context ends, and the process ends anyway.
	inner, err := task.NewTaskService(context.WithoutCancel(ic.Context), publisher{p.(shim.Publisher), rec}, s.(shutdown.Service))
	if err != nil {
		return nil, err
	}
	return &service{TTRPCTaskService: inner, rec: rec}, nil
}
