package e2e

import (
	"os/exec"
	"testing"
)

// TestAMachineThatLacksNothingIsLeftAlone runs what `make dev` and `make test` run first, on the machine they have prepared.
func TestAMachineThatLacksNothingIsLeftAlone(t *testing.T) {
	for _, what := range []string{"run", "test"} {
		out, err := exec.CommandContext(t.Context(), "../scripts/deps", what).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("deps %s: %v\n%s", what, err, out)
		}
	}
}
