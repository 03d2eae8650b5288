package agent

import (
	"context"
	"errors"
	"io"
	"strings"
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

// In a region that follows another the first token is made in that one.
func TestWhatToDoFirst(t *testing.T) {
	for authority, want := range map[string]string{"": "export BERTH_TOKEN=... (access control is on), berth node status", "west": "export BERTH_TOKEN=... (access control is on), berth node status",
		"east": `region "east" decides over tokens`} {
		a := &agent{cfg: &config.Config{Region: "west", ACL: config.ACL{Enabled: true}, Server: config.Server{Enabled: true, AuthoritativeRegion: authority}}}
		if got := a.nextStep(); !strings.Contains(got, want) {
			t.Errorf("%q: %s", authority, got)
		}
	}
}
