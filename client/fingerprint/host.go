package fingerprint

import (
	"context"
	"os"
)

// host finds the machine's name.
func host(_ context.Context, _ Config, r *Result) {
	if name, err := os.Hostname(); err == nil && name != "" {
		r.Attributes["unique.hostname"] = name
	}
}
