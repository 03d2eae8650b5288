package network

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/knftables"
)

// nftTimeout bounds one run of the nft program.
const nftTimeout = 30 * time.Second

// ruleset is what the writer needs of nftables; knftables' real and fake interfaces both satisfy it.
type ruleset interface {
	NewTransaction() *knftables.Transaction
	Run(ctx context.Context, tx *knftables.Transaction) error
	Check(ctx context.Context, tx *knftables.Transaction) error
}

// ruleWriter keeps the kernel's tables equal to the elements the allocations should have. Changes that come together go
// into one transaction, because starting nft costs more than what it then does.
type ruleWriter struct {
	cfg Config
	// open gives access to nftables; it may be called often.
	open func() (ruleset, error)
	// checkOwner refuses tables of the configured name that are not Berth's for this bridge.
	checkOwner func(ctx context.Context) error

	changes batch[ruleChange]
	// applied and ready are guarded by changes.running. ready: the tables were written in this life of the agent, and
	// hold applied.
	applied map[string][]element
	ready   bool
	// seen is the ruleset's generation up to which nobody else has changed it, or what was changed left ours whole.
	// generation reads the kernel's. Guarded by changes.running.
	seen       uint32
	generation func() (uint32, error)
}

// ruleChange is one caller's wish. Exactly one of the forms is used: an allocation's elements (nil removes it), the
// elements of all allocations with everything written anew, or the removal of the tables.
type ruleChange struct {
	allocID  string
	elements []element
	all      map[string][]element
	remove   bool
}

func newRuleWriter(cfg Config) *ruleWriter {
	w := &ruleWriter{cfg: cfg, applied: map[string][]element{}}
	w.open, w.generation = openRuleset(), nftGeneration
	w.checkOwner = func(ctx context.Context) error { return checkTableOwner(ctx, cfg) }
	w.changes.run = w.commit
	return w
}

// openRuleset returns a function that opens nftables at its first success.
func openRuleset() func() (ruleset, error) {
	var mu sync.Mutex // guards nft
	var nft ruleset
	return func() (ruleset, error) {
		mu.Lock()
		defer mu.Unlock()
		if nft != nil {
			return nft, nil
		}
		opened, err := knftables.New("", "")
		if err != nil {
			return nil, fmt.Errorf("nftables cannot be used: %w: install the nftables package (nft 1.0.1 or newer) and run as root", err)
		}
		nft = opened
		return nft, nil
	}
}

// set makes the allocation's elements these.
func (w *ruleWriter) set(allocID string, elements []element) error {
	return w.changes.do(ruleChange{allocID: allocID, elements: elements})
}

// rebuild writes both tables anew with exactly these elements.
func (w *ruleWriter) rebuild(all map[string][]element) error {
	return w.changes.do(ruleChange{all: all})
}

// remove deletes both tables.
func (w *ruleWriter) remove() error { return w.changes.do(ruleChange{remove: true}) }

// seed tells what the allocations of an earlier life have; it goes into the tables with the first change.
func (w *ruleWriter) seed(all map[string][]element) {
	w.changes.running.Lock()
	defer w.changes.running.Unlock()
	w.applied = maps.Clone(all)
}

// commit runs one batch. Why no caller's context: the transaction belongs to all callers.
func (w *ruleWriter) commit(changes []ruleChange) error {
	ctx, cancel := context.WithTimeout(context.Background(), nftTimeout)
	defer cancel()
	if !w.ready && !slices.ContainsFunc(changes, w.needsTables) {
		return nil
	}
	next, whole, remove := w.next(changes)
	nft, err := w.open()
	if err == nil && !w.ready {
		err = w.checkOwner(ctx)
	}
	if err != nil && remove && !w.ready {
		return nil // nothing of this life, and nothing that is Berth's
	}
	if err != nil {
		return err
	}
	if remove {
		tx := nft.NewTransaction()
		w.cfg.deleteTables(tx)
		if err := nft.Run(ctx, tx); err != nil {
			return fmt.Errorf("remove nftables tables %q: %w", w.cfg.Table, err)
		}
		w.ready, w.applied = false, map[string][]element{}
		return nil
	}
	if !whole {
		tx := nft.NewTransaction()
		w.cfg.change(tx, w.applied, next)
		if tx.NumOperations() == 0 {
			w.applied = next
			return nil
		}
		before, errBefore := w.generation()
		if nft.Run(ctx, tx) == nil {
			w.applied = next
			if errBefore == nil {
				w.noted(before)
			}
			return nil
		}
		// Why not the error: the tables are not what they should be, for example flushed by someone. Writing them anew
		// heals that, and if it cannot be healed says why.
		if err := w.checkOwner(ctx); err != nil {
			return err
		}
	}
	// Read before: a change by somebody else that comes between is looked at later.
	before, errBefore := w.generation()
	tx := nft.NewTransaction()
	w.cfg.addTables(tx, next)
	if err := nft.Run(ctx, tx); err != nil {
		w.ready = false
		return fmt.Errorf("write nftables tables %q: %w", w.cfg.Table, err)
	}
	w.applied, w.ready = next, true
	if errBefore == nil {
		w.seen = before
		w.noted(before)
	}
	return nil
}

// needsTables is false for the removal of an allocation that has no elements, for which no tables need be written.
func (w *ruleWriter) needsTables(c ruleChange) bool {
	return c.all != nil || c.remove || len(c.elements) > 0 || len(w.applied[c.allocID]) > 0
}

// next folds the changes into what should be there. whole: the tables must be written anew. remove: they must go.
func (w *ruleWriter) next(changes []ruleChange) (next map[string][]element, whole, remove bool) {
	next, whole = maps.Clone(w.applied), !w.ready
	for _, c := range changes {
		switch {
		case c.remove:
			next, whole, remove = map[string][]element{}, true, true
		case c.all != nil:
			next, whole, remove = maps.Clone(c.all), true, false
		case len(c.elements) == 0:
			delete(next, c.allocID)
		default:
			next[c.allocID] = c.elements
			remove = false
		}
	}
	return next, whole, remove
}

// change writes the difference between two states. Deletions come first: a port may move from one allocation to another
// within a batch.
func (c Config) change(tx *knftables.Transaction, have, want map[string][]element) {
	for _, allocID := range sortedKeys(have) {
		if slices.Equal(have[allocID], want[allocID]) {
			continue
		}
		for _, e := range have[allocID] {
			if !slices.Contains(want[allocID], e) {
				tx.Delete(e.object(c.Table, allocID))
			}
		}
	}
	for _, allocID := range sortedKeys(want) {
		if slices.Equal(have[allocID], want[allocID]) {
			continue
		}
		for _, e := range want[allocID] {
			if !slices.Contains(have[allocID], e) {
				tx.Add(e.object(c.Table, allocID))
			}
		}
	}
}

// checkTableOwner looks for the owner's mark in tables of the configured name.
func checkTableOwner(ctx context.Context, cfg Config) error {
	for _, family := range []knftables.Family{knftables.InetFamily, knftables.BridgeFamily} {
		nft, err := knftables.New(family, cfg.Table, knftables.NoObjectCommentEmulation)
		if err != nil {
			return fmt.Errorf("nftables cannot be used: %w: install the nftables package and run as root", err)
		}
		objects, err := nft.ListAll(ctx)
		if knftables.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("list nftables table %s %s: %w", family, cfg.Table, err)
		}
		if err := ownerOf(objects, family, cfg); err != nil {
			return err
		}
	}
	return nil
}

// ownerOf judges a table by the names of what it holds: nothing (or no table) is free to take.
func ownerOf(objects map[string][]string, family knftables.Family, cfg Config) error {
	empty := true
	for kind, names := range objects {
		empty = empty && (kind == "table" || len(names) == 0)
	}
	chains := objects["chain"]
	if empty || slices.Contains(chains, ownerChain(cfg.Bridge)) {
		return nil
	}
	for _, name := range chains {
		if bridge, ok := strings.CutPrefix(name, ownerChainPrefix); ok {
			return fmt.Errorf("nftables table %s %s belongs to the bridge %s of another agent: give each agent a table of its own", family, cfg.Table, bridge)
		}
	}
	return fmt.Errorf("nftables table %s %s exists and was not made by Berth: remove it, or give this agent another table name", family, cfg.Table)
}

// sortedKeys gives map iteration an order, so that the same state always gives the same transaction.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
