package containerd_test

import (
	"fmt"
	"os"
)

const agentEnv = "BERTH_TEST_AGENT"

// agentMain is an agent in another process, to be killed.
func agentMain() error {
	return fmt.Errorf("not used: %v", os.Args)
}
