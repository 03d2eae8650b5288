package containerd_test

import (
	"fmt"
	"os"
	"testing"

	"berth/drivers/containerd/shim"
)

// TestMain lets the test binary be what the product's binary is: the agent, the shim, and here also a helper that is killed.
func TestMain(m *testing.M) {
	if shim.IsShim(os.Args[0]) {
		shim.Main()
	}
	if os.Getenv(agentEnv) != "" {
		if err := agentMain(); err != nil {
			fmt.Fprintln(os.Stderr, "agent:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// A binary built with the race detector sleeps for a second before it ends; our shims are such binaries.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	os.Exit(m.Run())
}
