package network

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// lookEvery is how often Watch looks. A look at an unchanged machine is one dump of the interfaces and one question for
// the ruleset's generation.
const lookEvery = 2 * time.Second

// Watch puts back what others take away from the networks of living allocations — the bridge, its ports, rules that were
// flushed — until ctx is done. It always returns ctx's error.
func (m *Manager) Watch(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		repaired, err := m.Repair(ctx)
		if repaired != "" && err == nil {
			m.log.Warn("network of allocations was changed by somebody else and is put back", "what", repaired)
		}
		// Why not every time: what cannot be repaired now may stay so for long.
		if err != nil && ctx.Err() == nil && err.Error() != told {
			m.log.Error("network of allocations cannot be put back", "error", err)
		}
		told = ""
		if err != nil {
			told = err.Error()
		}
	}
}

// Repair looks once and puts back what is missing; repaired names it, "" for nothing.
func (m *Manager) Repair(ctx context.Context) (repaired string, err error) {
	m.world.Lock()
	defer m.world.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := m.load(); err != nil {
		return "", err
	}
	records := m.snapshot()
	if len(records) == 0 {
		return "", nil
	}
	damaged, errLinks := m.linksDamaged(records)
	if damaged {
		repaired = "interfaces"
		errLinks = m.rebuildLinks(ctx, records)
	}
	healed, errRules := m.rules.heal(ctx)
	if healed {
		repaired = "rules"
		if damaged {
			repaired = "interfaces and rules"
		}
	}
	return repaired, errors.Join(errLinks, errRules)
}

func (m *Manager) rebuildLinks(ctx context.Context, records map[string]record) error {
	var errs []error
	for _, id := range sortedKeys(records) {
		if r := records[id]; m.repairable(r) {
			if _, err := m.build(ctx, r); err != nil {
				errs = append(errs, fmt.Errorf("network of allocation %s: %w", id, err))
			}
		}
	}
	return errors.Join(errs...)
}
