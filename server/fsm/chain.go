package fsm

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"berth/state"
	"berth/structs"
)

// historySize is how many hashes of the past are kept: a check may be of an entry that far back.
const historySize = 4096

// checksKept is how many comparisons are remembered for other servers to ask for.
const checksKept = 8

// Check is a comparison of this replica's rolling hash with the leader's, at an index. Hashes are in hex.
type Check struct {
	Index  uint64
	Leader structs.ID // the server whose hash Theirs is
	Theirs string
	Own    string
}

// Same reports that both applied the same.
func (c Check) Same() bool { return c.Own == c.Theirs }

// mark is the rolling hash behind an entry.
type mark struct {
	index uint64
	hash  [sha256.Size]byte
}

// chain is what an FSM remembers of the rolling hash. History is the applying goroutine's.
type chain struct {
	history []mark // by index modulo its length; nil before the hash has begun
	news    chan struct{}

	mu     sync.Mutex // guards checks
	checks []Check    // newest last
}

// link takes an entry and what became of its commands into the rolling hash. What it takes of an outcome must be the same for every
// version of the program: whether a command was refused, and how much of a plan was.
func link(txn *state.WriteTxn, index uint64, data []byte, results []Result) {
	c := txn.Chain()
	if c.Origin == 0 || c.Origin == index {
		return
	}
	h := sha256.New()
	h.Write(c.Hash[:])
	buf := binary.BigEndian.AppendUint64(make([]byte, 0, 32), index)
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(data)))
	h.Write(buf)
	h.Write(data)
	buf = buf[:0]
	for _, r := range results {
		if r.Err != nil {
			buf = append(buf, 1)
			continue
		}
		buf = append(buf, 0)
		plans, _ := r.Value.([]*structs.PlanResult)
		for _, p := range plans {
			buf = binary.AppendUvarint(buf, uint64(p.Placed))
			buf = binary.AppendUvarint(buf, uint64(len(p.RefusedNodes)))
		}
	}
	h.Write(buf)
	h.Sum(c.Hash[:0])
	txn.SetChain(c)
}

// remember keeps the hash behind an entry.
func (c *chain) remember(index uint64, now state.Chain) {
	if now.Origin == 0 {
		return
	}
	if c.history == nil {
		c.history = make([]mark, historySize)
	}
	c.history[index%historySize] = mark{index, now.Hash}
}

// restart forgets what was before a restored state.
func (c *chain) restart(index uint64, now state.Chain) {
	c.history = nil
	c.mu.Lock()
	c.checks = nil
	c.mu.Unlock()
	c.remember(index, now)
}

// compare notes what became of a check. One of an index that is not remembered says nothing.
func (c *chain) compare(cmd *structs.ChainCheckCommand, origin uint64) {
	if cmd.Origin == 0 || cmd.Origin != origin || c.history == nil {
		return
	}
	m := c.history[cmd.Index%historySize]
	if m.index != cmd.Index {
		return
	}
	check := Check{Index: cmd.Index, Leader: cmd.Server, Theirs: fmt.Sprintf("%x", cmd.Hash), Own: fmt.Sprintf("%x", m.hash)}
	c.mu.Lock()
	c.checks = append(c.checks[max(0, len(c.checks)-checksKept+1):len(c.checks):len(c.checks)], check)
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// Checks are the newest comparisons, newest last. Safe for any goroutine.
func (f *FSM) Checks() []Check {
	f.chain.mu.Lock()
	defer f.chain.mu.Unlock()
	return f.chain.checks
}

// Checked has a value when there is a new comparison.
func (f *FSM) Checked() <-chan struct{} { return f.chain.news }

// chainCheck begins the rolling hash with the first check of a log. The others change nothing: they are compared once the entry is
// applied.
func (a *applier) chainCheck(c *structs.ChainCheckCommand) (any, error) {
	if a.txn.Chain().Origin == 0 {
		seed := binary.BigEndian.AppendUint64([]byte("berth chain\n"), a.index)
		a.txn.SetChain(state.Chain{Origin: a.index, Hash: sha256.Sum256(seed)})
		return nil, nil
	}
	if c.Origin != 0 && len(c.Hash) != sha256.Size {
		return nil, fault(structs.CmdChainCheck, structs.KindInvalid, "", "the hash has %d bytes", len(c.Hash))
	}
	return c, nil
}

// errHalted: nothing is applied behind an entry this program cannot understand.
var errHalted = errors.New("an entry before it could not be applied by this program")
