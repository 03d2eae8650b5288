package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"berth/agent/config"
	"berth/internal/atrest"
	"berth/server"
	"berth/structs"
)

// Recovered is what a recovery did.
type Recovered = server.Recovered

// Recover makes the servers named ("ID=HOST:PORT", or "ID=HOST:PORT,nonvoter") the whole cluster, in the data directory of an
// agent that does not run. Without any it is that server alone.
func Recover(opts Options, peers []string) (*Recovered, error) {
	opts.Server = true
	cfg, err := config.Load(opts.Flags)
	if err != nil {
		return nil, err
	}
	if cfg.Dev {
		return nil, &structs.Error{Kind: structs.KindInvalid, Err: errors.New("an agent run with -dev keeps no log to recover"), Hint: "name the data directory"}
	}
	var named []server.RecoverPeer
	for _, text := range peers {
		p, err := parsePeer(text)
		if err != nil {
			return nil, err
		}
		named = append(named, p)
	}
	log, closeLog, err := openLog(cfg, opts.Stderr)
	if err != nil {
		return nil, err
	}
	defer closeLog()
	unlock, err := lockDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var seal *atrest.Key // none is made for a directory without a log
	if source := sealSource(cfg); source.Used() {
		if seal, err = source.Open(context.Background()); err != nil {
			return nil, err
		}
	}
	return server.Recover(filepath.Join(cfg.DataDir, "server"), cfg.RPCAddr, named, seal, log)
}

func parsePeer(text string) (server.RecoverPeer, error) {
	id, addr, ok := strings.Cut(text, "=")
	addr, nonVoter := strings.CutSuffix(addr, ",nonvoter")
	own, err := structs.ParseID(id)
	if !ok || err != nil || addr == "" {
		return server.RecoverPeer{}, &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf("peer %q is not of the form ID=HOST:PORT", text),
			Hint: "a server's id is in the file server/node-id of its data directory"}
	}
	return server.RecoverPeer{ID: own, Addr: addr, NonVoter: nonVoter}, nil
}
