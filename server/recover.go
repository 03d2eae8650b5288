package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"berth/internal/atrest"
	"berth/internal/boltfile"
	"berth/internal/idgen"
	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

// RecoverPeer is a server that shall make up a cluster after its majority was lost.
type RecoverPeer struct {
	ID       structs.ID
	Addr     string // host:port of its cluster port
	NonVoter bool
}

// Recovered is what a recovery did.
type Recovered struct {
	ID     structs.ID    // of the server whose directory it was
	Before []RecoverPeer // who made up the cluster
	After  []RecoverPeer
	Index  uint64 // of the last entry that was applied
}

// Recover makes the servers named the whole cluster, in the data directory of a server that does not run. Without peers it is that
// server alone, at addr. Every entry of the log is taken as committed.
func Recover(dataDir, addr string, peers []RecoverPeer, seal *atrest.Key, log hclog.Logger) (*Recovered, error) {
	return recoverServer(Config{DataDir: dataDir, Addr: addr, Seal: seal, Logger: log}, peers)
}

func recoverServer(cfg Config, peers []RecoverPeer) (*Recovered, error) {
	dataDir, addr := cfg.DataDir, cfg.Addr
	if _, err := os.Stat(filepath.Join(dataDir, raftDirName, logName)); errors.Is(err, fs.ErrNotExist) {
		return nil, &structs.Error{Kind: structs.KindNotFound, Subject: "the cluster's log " + filepath.Join(dataDir, raftDirName, logName),
			Err: errors.New("does not exist"), Hint: "name the data directory of an agent that was a server"}
	}
	id, err := identity(dataDir, idgen.Random())
	if err != nil {
		return nil, err
	}
	if len(peers) == 0 {
		peers = []RecoverPeer{{ID: id, Addr: addr}}
	}
	after, err := recoverConfiguration(id, peers)
	if err != nil {
		return nil, err
	}
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	st, err := openStores(cfg)
	if err != nil {
		return nil, err
	}
	if err := takeBackRestore(dataDir, st, cfg.Logger); err != nil {
		return nil, errors.Join(err, st.close())
	}
	out := &Recovered{ID: id, After: peers}
	rc := raftConfig(cfg, id)
	_, wire := raft.NewInmemTransport(raft.ServerAddress(addr))
	store := state.New()
	err = boltfile.Guard(func() error {
		before, err := raft.GetConfiguration(rc, fsm.New(state.New()), st.log, st.stable, st.snapshots, wire)
		if err != nil {
			return err
		}
		for _, s := range before.Servers {
			own, err := structs.ParseID(string(s.ID))
			if err != nil {
				return fmt.Errorf("server %q: %w", s.ID, err)
			}
			out.Before = append(out.Before, RecoverPeer{ID: own, Addr: string(s.Address), NonVoter: s.Suffrage != raft.Voter})
		}
		machine := cfg.pointed(st, fsm.New(store))
		return raft.RecoverCluster(rc, machine, st.log, st.stable, st.snapshots, wire, after)
	})
	out.Index = store.Index()
	if err = errors.Join(err, wire.Close(), st.close()); err != nil {
		return nil, errUnusable(dataDir, err)
	}
	return out, markMember(dataDir)
}

// recoverConfiguration checks who shall make up the cluster.
func recoverConfiguration(own structs.ID, peers []RecoverPeer) (raft.Configuration, error) {
	bad := func(format string, args ...any) (raft.Configuration, error) {
		return raft.Configuration{}, &structs.Error{Kind: structs.KindInvalid, Op: "recover the cluster", Err: fmt.Errorf(format, args...)}
	}
	var out raft.Configuration
	ids, addrs, voters, there := map[structs.ID]bool{}, map[string]bool{}, 0, false
	for _, p := range peers {
		switch {
		case p.ID.IsZero() || p.Addr == "":
			return bad("a peer has no id or no address")
		case ids[p.ID]:
			return bad("server %s is named twice", p.ID)
		case addrs[p.Addr]:
			return bad("address %s is named twice", p.Addr)
		}
		ids[p.ID], addrs[p.Addr] = true, true
		s := raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(p.ID.String()), Address: raft.ServerAddress(p.Addr)}
		if p.NonVoter {
			s.Suffrage = raft.Nonvoter
		} else {
			voters++
		}
		there = there || p.ID == own
		out.Servers = append(out.Servers, s)
	}
	switch {
	case voters == 0:
		return bad("there is no voter among the peers")
	case !there:
		return bad("this server, %s, is not among the peers", own)
	}
	return out, nil
}
