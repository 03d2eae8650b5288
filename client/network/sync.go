package network

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"berth/client/network/netns"
)

// ErrNamespaceGone is in the chain of Sync's error for each allocation whose namespace does not exist any more (the machine
// was restarted). Nothing is left of such an allocation's network: Setup makes it anew, and its tasks must start again.
var ErrNamespaceGone = errors.New("network namespace is gone")

// Sync makes the machine hold exactly the networks of keep: for the start of the agent, and for the janitor. It removes
// what belongs to no kept allocation, repairs what is missing of the kept ones without touching their namespaces, and
// writes the tables anew in one transaction. It does as much as it can; the error tells what it could not.
//
// What Setup made since New stays, named in keep or not: it may be younger than the caller's list. Teardown ends it.
func (m *Manager) Sync(ctx context.Context, keep []Request) error {
	m.world.Lock()
	defer m.world.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.load(); err != nil {
		return err
	}
	ids, err := m.list()
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, req := range keep {
		wanted[req.AllocID] = true
	}
	unwanted := slices.DeleteFunc(ids, func(id string) bool { return wanted[id] || m.isCurrent(id) })
	errs := []error{m.unmakeAll(unwanted)}
	for _, req := range keep {
		if err := m.restore(ctx, req); err != nil {
			errs = append(errs, fmt.Errorf("network of allocation %s: %w", req.AllocID, err))
		}
	}
	return errors.Join(append(errs, m.rewriteRules())...)
}

// restore brings one kept allocation to what it should be, all but its rules.
func (m *Manager) restore(ctx context.Context, req Request) error {
	if err := req.validate(); err != nil {
		return err
	}
	if !req.needsAnything() {
		return nil
	}
	if req.Mode != ModeHost && !netns.Exists(m.cfg.netNSPath(req.AllocID)) {
		return errors.Join(ErrNamespaceGone, m.unmake(req.AllocID))
	}
	r, err := m.reserve(req)
	if err != nil {
		return err
	}
	if err := m.cfg.writeRecord(r); err != nil {
		return err
	}
	_, err = m.build(ctx, r)
	return err
}

// rewriteRules writes the tables for the records there are. Without any, and without a bridge, there need be no tables.
func (m *Manager) rewriteRules() error {
	all := elementsOfAll(m.snapshot(), m.cfg.Bridge)
	if len(all) == 0 {
		return m.rules.remove()
	}
	return m.rules.rebuild(all)
}

// List returns the ids of all allocations that have anything in the kernel or on disk, sorted.
func (m *Manager) List(ctx context.Context) ([]string, error) {
	m.world.RLock()
	defer m.world.RUnlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := m.load(); err != nil {
		return nil, err
	}
	return m.list()
}

func (m *Manager) list() ([]string, error) {
	ids := sortedKeys(m.snapshot())
	for _, dir := range []string{m.cfg.StateDir, filepath.Join(m.cfg.NetNSDir, m.cfg.Bridge)} {
		found, err := subfolders(dir)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	marked, err := m.cfg.markedVeths()
	if err != nil {
		return nil, err
	}
	ids = append(ids, sortedKeys(marked)...)
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
