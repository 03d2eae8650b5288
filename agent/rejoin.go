package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"berth/agent/config"
	"berth/agent/security"
	"berth/internal/idgen"
	"berth/server"
	"berth/structs"
)

// Rejoined is what a rejoin did.
type Rejoined = server.Rejoined

// Rejoin makes the server in the data directory of an agent that does not run a new one that gets everything from the others of its
// cluster: what it had is damaged, or differs from theirs.
func Rejoin(opts Options) (*Rejoined, error) {
	opts.Server = true
	cfg, err := config.Load(opts.Flags)
	if err != nil {
		return nil, err
	}
	if cfg.Dev {
		return nil, &structs.Error{Kind: structs.KindInvalid, Err: errors.New("an agent run with -dev keeps nothing"), Hint: "name the data directory"}
	}
	unlock, err := lockDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now, dir := time.Now(), filepath.Join(cfg.DataDir, "server")
	out, err := server.Rejoin(dir, idgen.Random(), now)
	if err != nil {
		return nil, err
	}
	if cfg.TLS.RPC { // certificates of the configuration name no machine
		return out, server.RejoinDone(dir)
	}
	if err := security.Reissue(config.PKIDir(cfg.DataDir), out.ID, now); err != nil {
		err = &structs.Error{Op: "rejoin", Kind: structs.KindConflict, Err: fmt.Errorf("the server has a new id and no certificate for it: %w", err),
			Hint: "move " + config.PKIDir(cfg.DataDir) + " away and start the agent with -join-token: `berth operator join-token create -role=server` on another server prints one"}
		return out, errors.Join(err, server.RejoinDone(dir)) // the token makes it whole
	}
	return out, server.RejoinDone(dir)
}
