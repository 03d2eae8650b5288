package network

import (
	"context"
	"fmt"

	"github.com/vishvananda/netlink"
	"sigs.k8s.io/knftables"

	"berth/client/network/netns"
)

// linksDamaged reports that the bridge is gone or down, or that an allocation with a namespace has lost its port on it.
func (m *Manager) linksDamaged(records map[string]record) (bool, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return false, fmt.Errorf("list interfaces: %w", err)
	}
	byName := make(map[string]*netlink.LinkAttrs, len(links))
	for _, l := range links {
		byName[l.Attrs().Name] = l.Attrs()
	}
	bridge := byName[m.cfg.Bridge]
	for id, r := range records {
		if !m.repairable(r) {
			continue
		}
		veth := byName[vethName(m.cfg.Bridge, id)]
		if bridge == nil || veth == nil || veth.MasterIndex != bridge.Index || !up(bridge) || !up(veth) {
			return true, nil
		}
	}
	return false, nil
}

func up(a *netlink.LinkAttrs) bool { return a.RawFlags&1 != 0 }

// repairable is true for an allocation on the bridge whose namespace still exists: without it nothing can be put back.
func (m *Manager) repairable(r record) bool {
	return r.Request.Mode == ModeBridge && netns.Exists(m.cfg.netNSPath(r.Request.AllocID))
}

// heal writes the tables anew if somebody else changed the ruleset since it was last looked at and something of ours is
// missing from it. healed reports that it did.
func (w *ruleWriter) heal(ctx context.Context) (healed bool, err error) {
	w.changes.running.Lock()
	defer w.changes.running.Unlock()
	if !w.ready && len(w.applied) == 0 {
		return false, nil
	}
	if !w.ready { // the last attempt to write them failed
		return true, w.commit([]ruleChange{{all: w.applied}})
	}
	now, err := w.generation()
	if err != nil || now == w.seen {
		return false, err
	}
	whole, err := w.whole(ctx)
	if err != nil {
		return false, err
	}
	if whole {
		w.seen = now
		return false, nil
	}
	// Why marked: if they cannot be written now, the next look or the next change tries again.
	w.ready = false
	return true, w.commit([]ruleChange{{all: w.applied}})
}

// noted keeps the generation in step with a transaction of ours, unless somebody else made one since the last look: then
// the next look compares the tables.
func (w *ruleWriter) noted(before uint32) {
	now, err := w.generation()
	if err == nil && before == w.seen && now == before+1 {
		w.seen = now
	}
}

// whole counts rules and elements in the kernel against those that should be there.
func (w *ruleWriter) whole(ctx context.Context) (bool, error) {
	for _, family := range []knftables.Family{knftables.InetFamily, knftables.BridgeFamily} {
		nft, err := knftables.New(family, w.cfg.Table, knftables.NoObjectCommentEmulation)
		if err != nil {
			return false, fmt.Errorf("nftables cannot be used: %w", err)
		}
		for _, chain := range w.cfg.staticChains() {
			if chain.family != family {
				continue
			}
			rules, err := nft.ListRules(ctx, chain.name)
			if knftables.IsNotFound(err) || err == nil && len(rules) != len(chain.rules) {
				return false, nil
			}
			if err != nil {
				return false, fmt.Errorf("list nftables chain %s %s: %w", w.cfg.Table, chain.name, err)
			}
		}
		for name, kind := range map[string]string{mapPortsAddr: "map", mapPortsAny: "map", setVeths: "set", setEndpoints: "set"} {
			if (kind == "map") != (family == knftables.InetFamily) {
				continue
			}
			have, err := nft.ListElements(ctx, kind, name)
			if knftables.IsNotFound(err) || err == nil && len(have) != w.count(name) {
				return false, nil
			}
			if err != nil {
				return false, fmt.Errorf("list nftables %s %s %s: %w", kind, w.cfg.Table, name, err)
			}
		}
	}
	return true, nil
}

// count is how many different entries of a set or map the allocations have.
func (w *ruleWriter) count(name string) int {
	keys := map[string]bool{}
	for _, elements := range w.applied {
		for _, e := range elements {
			if e.name == name {
				keys[e.key] = true
			}
		}
	}
	return len(keys)
}
