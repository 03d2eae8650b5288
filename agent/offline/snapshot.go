package offline

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"berth/server/archive"
	"berth/server/fsm"
	"berth/state"
)

// Inspected is what is in a snapshot's file.
type Inspected struct {
	Meta   *archive.Meta // nil of a bare state.bin
	Counts *fsm.Counts
}

// openState opens the state of a file: an archive, which may be encrypted to the key in the file identity, or a bare state.bin. done gives
// back what it takes.
func openState(path, identity string) (state io.Reader, meta *archive.Meta, done func() error, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
		}
	}()
	plain, err := archive.Decrypt(bufio.NewReaderSize(file, 1<<20), identity)
	if err != nil {
		return nil, nil, nil, err
	}
	packed, plain, err := archive.IsArchive(plain)
	if err != nil {
		return nil, nil, nil, err
	}
	if !packed {
		return plain, nil, file.Close, nil
	}
	spool, err := archive.NewSpool("")
	if err != nil {
		return nil, nil, nil, err
	}
	meta, err = archive.Read(plain, spool)
	if err == nil {
		err = spool.Done()
	}
	if err == nil {
		state, err = spool.Open()
	}
	if err != nil {
		return nil, nil, nil, errors.Join(err, spool.Close())
	}
	return state, meta, func() error { return errors.Join(spool.Close(), file.Close()) }, nil
}

// Inspect reads a snapshot's file to its end, checks it, and tells what is in it.
func Inspect(path, identity string) (_ *Inspected, err error) {
	from, meta, done, err := openState(path, identity)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	counts, err := fsm.Verify(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Inspected{Meta: meta, Counts: counts}, nil
}

// Read loads the state of a snapshot's file: an archive, which may be encrypted to the key in the file identity, or what a server writes as
// state.bin.
func Read(path, identity string) (_ *state.Snapshot, err error) {
	from, _, done, err := openState(path, identity)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	store := state.New()
	if err := fsm.ReadSnapshot(from, store); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return store.Snapshot(), nil
}

// Tables are the whole state, to be shown as JSON. Nothing is left out: nodes' secrets are in it.
func Tables(s *state.Snapshot) map[string]any {
	return map[string]any{
		"Index": s.Index(), "RollingHash": map[string]any{"Origin": s.Chain().Origin, "Hash": s.Chain().Text()}, "SchedulerConfiguration": s.SchedulerConfig(),
		"Namespaces": all(s.Namespaces()), "NodePools": all(s.NodePools()), "AuthorityRoots": all(s.AuthorityRoots()), "JoinTokens": all(s.JoinTokens()), "Regions": all(s.Regions()), "AutopilotConfiguration": s.AutopilotConfig(),
		"PriorityClasses": all(s.PriorityClasses()), "DisruptionBudgets": all(s.DisruptionBudgets()), "Queues": all(s.Queues()),
		"CertificateRevocations": all(s.CertificateRevocations()), "ACLPolicies": all(s.ACLPolicies()), "ACLRoles": all(s.ACLRoles()),
		"ACLTokens": all(s.ACLTokens()), "ACLBootstrap": s.ACLBootstrap(),
		"PeriodicLaunches": all(s.PeriodicLaunches()), "Nodes": all(s.Nodes()), "Jobs": all(s.Jobs()), "JobVersions": all(s.AllJobVersions()),
		"JobSubmissions": all(s.AllSubmissions()), "JobSummaries": all(s.JobSummaries()), "Evaluations": all(s.Evals()), "Deployments": all(s.Deployments()),
		"Allocations": all(s.Allocs()),
	}
}

func all[T any](seq func(yield func(*T) bool)) []*T {
	out := []*T{}
	for v := range seq {
		out = append(out, v)
	}
	return out
}

// Recipients are the public age keys a file is encrypted to.
type Recipients = archive.Recipients

// ParseRecipients reads public age keys, "age1...".
func ParseRecipients(texts []string) (Recipients, error) { return archive.ParseRecipients(texts) }

// Decrypt gives what is in a file that may be encrypted to the age key in the file identity.
func Decrypt(r io.Reader, identity string) (io.Reader, error) { return archive.Decrypt(r, identity) }
