package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"berth/client/network/netns"

	"golang.org/x/sync/errgroup"
)

// Teardown removes everything the allocation has, also what a crash left half made. Nothing to remove is no error. The
// tasks should have ended: those that run lose their network at once.
func (m *Manager) Teardown(ctx context.Context, allocID string) error {
	if !allocIDPattern.MatchString(allocID) {
		return fmt.Errorf("tear down network: allocation id %q is not 1 to 64 letters, digits, '-', '_' or '.'", allocID)
	}
	m.world.RLock()
	defer m.world.RUnlock()
	defer m.allocs.lock(allocID)()
	err := ctx.Err()
	if err == nil {
		err = m.load()
	}
	if err == nil {
		err = m.demolish(allocID)
	}
	if err != nil {
		return fmt.Errorf("tear down network of allocation %s: %w", allocID, err)
	}
	return nil
}

// demolish removes the rules and then everything else. After an error the record is still there, for the next try.
func (m *Manager) demolish(allocID string) error {
	return errors.Join(m.rules.set(allocID, nil), m.unmake(allocID))
}

// unmake removes everything of an allocation but its rules. The address is freed after its interface is gone.
func (m *Manager) unmake(allocID string) error {
	err := errors.Join(m.cfg.removeVeth(allocID), netns.Remove(m.cfg.netNSPath(allocID)))
	if err != nil {
		return err
	}
	if r, known := m.recordOf(allocID); known && r.IP.IsValid() {
		m.purge(staleFlows{gone: r.IP}, allocID)
	}
	if err := os.RemoveAll(m.cfg.allocDir(allocID)); err != nil {
		return fmt.Errorf("remove network files: %w", err)
	}
	m.forget(allocID)
	return nil
}

// unmakeAll is unmake for many. Why at once: the kernel lets each removal of an interface wait some 20 ms.
func (m *Manager) unmakeAll(allocIDs []string) error {
	errs := make([]error, len(allocIDs))
	var group errgroup.Group
	group.SetLimit(16)
	for i, id := range allocIDs {
		group.Go(func() error {
			if err := m.unmake(id); err != nil {
				errs[i] = fmt.Errorf("network of allocation %s: %w", id, err)
			}
			return nil
		})
	}
	_ = group.Wait() // every error is in errs
	return errors.Join(errs...)
}

// RemoveAll removes everything this agent has in the kernel and on disk: all allocations, the tables, the bridge. What is
// not Berth's stays, and so does net.ipv4.ip_forward. For an agent that leaves the machine clean when it ends.
func (m *Manager) RemoveAll(ctx context.Context) error {
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
	if err := errors.Join(m.rules.remove(), m.unmakeAll(ids), m.cfg.removeBridge()); err != nil {
		return fmt.Errorf("remove all networks: %w", err)
	}
	// Folders that hold something are somebody's, or were not empty by our doing.
	for _, dir := range []string{filepath.Join(m.cfg.NetNSDir, m.cfg.Bridge), m.cfg.NetNSDir, m.cfg.StateDir} {
		_ = os.Remove(dir)
	}
	return nil
}
