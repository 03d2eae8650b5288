package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"berth/internal/durable"
	"berth/server/fsm"
	"berth/structs"
)

// Times of the comparison of replicas.
const (
	// checkInterval is how often a leader puts its rolling hash into the log, if anything was written since.
	checkInterval = 30 * time.Second
	// askInterval is the pause before servers that did not say are asked again.
	askInterval = time.Second
	// askFor bounds how long it is asked who is right.
	askFor = 20 * time.Second
)

// divergedName is the file that says that the directory holds a state that differs from the other servers'.
const divergedName = "diverged"

// runChecks puts the leader's rolling hash into the log while this server leads.
func (s *Server) runChecks(ctx context.Context) error {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	checked := uint64(0) // index of the last check
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		snap := s.store.Snapshot()
		if snap.Index() == checked {
			continue
		}
		c := snap.Chain()
		done, err := s.Propose(ctx, structs.CmdChainCheck, &structs.ChainCheckCommand{Server: s.ID(), Origin: c.Origin, Index: snap.Index(), Hash: c.Hash[:]})
		if err != nil {
			s.log.Debug("the replicas are not compared", "error", err)
			continue
		}
		if c.Origin != 0 { // the first one begins the hash, and compares nothing
			checked = done.Index
		}
	}
}

// watchIntegrity ends the server when it may not go on: when an entry came that it does not understand, or when its state differs from that
// of the other servers.
func (s *Server) watchIntegrity(ctx context.Context) error {
	for {
		select {
		case <-s.machine.Halted():
			return s.machine.Halt()
		case <-s.machine.Checked():
		case <-ctx.Done():
			return ctx.Err()
		}
		checks := s.machine.Checks()
		if len(checks) == 0 {
			continue
		}
		newest := checks[len(checks)-1]
		if newest.Same() && newest.Leader != s.ID() {
			continue
		}
		if err := s.compareWithOthers(ctx, newest); err != nil {
			return err
		}
	}
}

// compareWithOthers asks the other voters for their hash at the index of a check, and ends this server when it is the one that differs.
func (s *Server) compareWithOthers(ctx context.Context, own fsm.Check) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	tick := time.NewTicker(askInterval)
	defer tick.Stop()
	for first := true; ; first = false {
		servers, err := s.configured()
		if err != nil {
			return nil // raft is ending
		}
		v := verdict(s.ID(), own, servers, s.hashesOf(ctx, own.Index, servers))
		switch {
		case v.settled && v.diverged:
			return s.diverge(own, v.right)
		case v.settled:
			return nil
		case first && !own.Same():
			s.log.Error("this server's state differs from the leader's; the others are asked who is right", "index", own.Index, "own", own.Own, "leader", own.Leader,
				"leaders", own.Theirs)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil // the next check asks again
		}
	}
}

// hashesOf asks the other voters for their rolling hash at an index. Those that do not answer, or do not know it, are missing.
func (s *Server) hashesOf(ctx context.Context, index uint64, servers []raft.Server) map[raft.ServerID]string {
	out := map[raft.ServerID]string{}
	if s.cfg.PeerStats == nil {
		return out
	}
	for _, m := range servers {
		id, err := structs.ParseID(string(m.ID))
		if err != nil || id == s.ID() || m.Suffrage != raft.Voter {
			continue
		}
		st, err := s.cfg.PeerStats(ctx, id)
		if err != nil {
			continue
		}
		for _, c := range st.Checks {
			if c.Index == index {
				out[m.ID] = c.Hash
			}
		}
	}
	return out
}

// ruling is who is right.
type ruling struct {
	settled  bool
	diverged bool   // this server is the one that differs
	right    string // the hash of those that are right
}

// verdict decides with the hashes of other voters: the hash a majority of all voters has is right. When all have spoken and there is no
// majority, as with two servers, the leader's is.
func verdict(own structs.ID, check fsm.Check, servers []raft.Server, others map[raft.ServerID]string) ruling {
	voters, counts := 0, map[string]int{}
	spoken := 0
	for _, m := range servers {
		if m.Suffrage != raft.Voter {
			continue
		}
		voters++
		h, ok := others[m.ID]
		if string(m.ID) == own.String() {
			h, ok = check.Own, true
		}
		if ok {
			spoken++
			counts[h]++
		}
	}
	for h, n := range counts {
		if n > voters/2 {
			return ruling{settled: true, diverged: h != check.Own, right: h}
		}
	}
	if spoken == voters && voters > 0 {
		return ruling{settled: true, diverged: !check.Same(), right: check.Theirs}
	}
	return ruling{}
}

// diverge notes on the disk that this server's state is not to be used any more, and says so.
func (s *Server) diverge(own fsm.Check, right string) error {
	text := fmt.Sprintf("server %s differs from the other servers of its cluster at index %d: its rolling hash is %s, theirs %s", s.ID(), own.Index, own.Own, right)
	err := errDiverged(s.cfg.DataDir, text)
	if s.cfg.DataDir != "" {
		if werr := durable.WriteFile(filepath.Join(s.cfg.DataDir, divergedName), []byte(text+"\n")); werr != nil {
			err = errors.Join(err, fmt.Errorf("note it: %w", werr))
		}
	}
	return err
}

func errDiverged(dataDir, text string) error {
	hint := "it serves nothing any more: start it again with an empty data directory"
	if dataDir != "" {
		hint = "it serves nothing any more: `berth operator rejoin` with its configuration makes it get everything from the others"
	}
	return &structs.Error{Kind: structs.KindInternal, Op: "compare replicas", Err: errors.New(text), Hint: hint}
}

// checkDiverged refuses a directory whose state was found to differ.
func checkDiverged(dataDir string) error {
	text, err := os.ReadFile(filepath.Join(dataDir, divergedName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look whether the state may be used: %w", err)
	}
	return errDiverged(dataDir, string(trimEnd(text)))
}

func trimEnd(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == '\n' {
		b = b[:len(b)-1]
	}
	return b
}
