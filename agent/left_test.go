package agent

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/hashicorp/go-hclog"

	"berth/agent/config"
	"berth/client"
)

// TestFilesUnderTasksStay: an agent in -dev removes files only when it knows that no task uses them.
func TestFilesUnderTasksStay(t *testing.T) {
	for name, c := range map[string]struct {
		end         error
		named, left bool
	}{
		"ended":                               {nil, true, false},
		"ended by its context":                {context.Canceled, true, false},
		"failed part-way":                     {errors.New("restore"), false, true},
		"never ran, in a directory of a user": {errors.Join(errNodeNotRun, nil), true, true},
		"never ran, in a fresh directory":     {errNodeNotRun, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := &agent{cfg: &config.Config{Dev: true}, log: hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard}), named: c.named, client: &client.Client{}}
			ended := make(chan error, 1)
			ended <- c.end
			a.endNode(ended)
			if a.left != c.left {
				t.Errorf("left = %v, want %v", a.left, c.left)
			}
		})
	}
}
