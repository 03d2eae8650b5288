package agent

import (
	"context"
	"path/filepath"

	"berth/agent/config"
	"berth/internal/atrest"
)

// sealKey gets the key of the server's log and snapshots, nil when they are kept in clear or in memory.
func sealKey(ctx context.Context, c *config.Config) (*atrest.Key, error) {
	if c.Server.AtRest.Off || c.Dev || !c.Server.Enabled {
		return nil, nil
	}
	return sealSource(c).Open(ctx)
}

func sealSource(c *config.Config) atrest.Source {
	r := c.Server.AtRest
	s := atrest.Source{KeyFile: r.KeyFile, PassphraseFile: r.PassphraseFile, Command: r.Command, Dir: filepath.Join(c.DataDir, "server")}
	if s.KeyFile == "" && s.PassphraseFile == "" && len(s.Command) == 0 {
		s.KeyFile = config.SealFile(c.DataDir)
	}
	return s
}
