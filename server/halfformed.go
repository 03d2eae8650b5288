package server

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// Raft's names of its own facts.
const (
	termKey = "CurrentTerm"
	voteKey = "LastVoteTerm"
)

// firstTerm is the one of a cluster's first configuration. Elections begin above it.
const firstTerm = 1

// forgetHalfFormed takes back the first step of forming a cluster when the second is missing: raft writes the term, then the first entry,
// and would take a server that died between them for one that has a cluster, which nobody could form any more. Such a server has promised
// nothing to anybody: it has no entry and gave no vote.
func forgetHalfFormed(st *stores) error {
	term, err := stored(st.stable, termKey)
	if err != nil || term != firstTerm {
		return err
	}
	vote, err := stored(st.stable, voteKey)
	if err != nil || vote != 0 {
		return err
	}
	last, err := st.log.LastIndex()
	if err != nil || last != 0 {
		return err
	}
	snapshots, err := st.snapshots.List()
	if err != nil || len(snapshots) > 0 {
		return err
	}
	if err := st.stable.SetUint64([]byte(termKey), 0); err != nil {
		return fmt.Errorf("forget a cluster that was not formed: %w", err)
	}
	return nil
}

// stored is a number of raft's own facts, 0 when it was never written.
func stored(s raft.StableStore, key string) (uint64, error) {
	n, err := s.GetUint64([]byte(key))
	if err != nil && err.Error() == "not found" { // raft compares the text too
		return 0, nil
	}
	return n, err
}
