package sim

import (
	"time"

	"github.com/hashicorp/go-hclog"

	"berth/internal/idgen"
	"berth/server/deploy"
	"berth/server/drain"
	"berth/server/heartbeat"
	"berth/server/nodes"
	"berth/server/periodic"
	"berth/server/placer"
	"berth/server/reap"
	"berth/state"
	"berth/structs"
)

// beats are the heartbeat's times in the simulation: short, so that losses matter within minutes.
var beats = heartbeat.Config{MinTTL: 5 * time.Second, Grace: 5 * time.Second, FailoverTTL: 10 * time.Second}

// look is how often the loops that watch deadlines look at the state.
const look = 200 * time.Millisecond

// control is the server side: the real cores, driven over the ordered log.
type control struct {
	w     *world
	log   *orderedLog
	ids   *idgen.SeededSource
	term  int
	alive bool // a leader is there

	placer   *placer.Core
	beats    *heartbeat.Core
	deploy   deploy.Memory
	launches periodic.Memory
	// leaving is told of those that are about to be asked to leave.
	leaving func(snap *state.Snapshot, move []*structs.Allocation, now time.Time)
	// asking is true while something the loops proposed is not applied yet: they must not ask again meanwhile.
	asking  bool
	waiters []*waiter
}

// waiter is a node's open question for its allocations.
type waiter struct {
	node  structs.ID
	min   uint64
	reply func(index uint64, allocs []*structs.Allocation)
	done  bool
}

func newControl(w *world, log *orderedLog) *control {
	return &control{w: w, log: log, ids: w.ids("control")}
}

// lead begins a term from the state alone.
func (c *control) lead() {
	c.term++
	c.alive = true
	c.log.elect()
	if c.placer != nil {
		c.placer.Close()
	}
	c.waiters = nil
	c.asking = false
	c.placer = placer.NewCore(placer.Deps{State: c.log.store, IDs: c.ids, Logger: hclog.NewNullLogger(), Now: c.w.time, Propose: c.log.propose})
	c.beats = heartbeat.NewCore(beats)
	c.deploy = deploy.Memory{}
	c.launches = periodic.Memory{}
	ids := nodes.Alive(c.log.store.Snapshot())
	c.beats.Restore(ids, c.w.time())
	c.w.say("term %d begins with %d nodes", c.term, len(ids))
	c.think()
	c.tick(c.term)
}

// fall ends the term; the next begins a while later.
func (c *control) fall(pause time.Duration) {
	c.alive = false
	c.w.say("leader of term %d falls", c.term)
	c.log.elect()
	c.w.after(pause, c.lead)
}

// think lets the placer go on, now and whenever something was applied.
func (c *control) think() {
	if !c.alive {
		return
	}
	c.placer.Step(func() {})
	if at, ok := c.placer.Next(); ok {
		term := c.term
		c.w.after(at.Sub(c.w.time()), func() {
			if c.alive && c.term == term {
				c.placer.Step(func() {})
			}
		})
	}
}

// applied is called after every entry.
func (c *control) applied() {
	c.answer()
	if c.alive {
		c.w.after(0, c.think)
	}
}

// tick runs the loops that watch the state and deadlines.
func (c *control) tick(term int) {
	if !c.alive || c.term != term {
		return
	}
	snap, now := c.log.store.Snapshot(), c.w.time()
	c.beats.Expired(now)
	for _, id := range c.beats.Silent() {
		if cmd := nodes.Missed(snap, id, now, c.ids); cmd != nil {
			c.w.say("node %s was not heard of", snap.Node(id).Name)
			c.log.propose(structs.CmdNodeStatus, cmd, func(_ any, err error) {
				if err == nil {
					c.beats.Recorded(id)
				}
			})
		}
	}
	if !c.asking {
		c.loops(now)
	}
	c.w.after(look, func() { c.tick(term) })
}

func ignore(any, error) {}

// loops lets deployments, drains and the reaper act, one round of proposals at a time.
func (c *control) loops(now time.Time) {
	snap := c.log.store.Snapshot()
	open := 0
	done := func(any, error) {
		if open--; open == 0 {
			c.asking = false
		}
	}
	d := deploy.Step(snap, now, c.ids, c.deploy)
	for _, u := range d.Updates {
		open++
		c.log.propose(structs.CmdDeploymentUpdate, u, done)
	}
	for _, m := range d.Moves {
		open++
		c.log.propose(structs.CmdAllocTransition, m, done)
	}
	dr := drain.Step(snap, now)
	if len(dr.Move) > 0 {
		c.leaving(snap, dr.Move, now)
		open++
		c.log.propose(structs.CmdAllocTransition, drain.MoveCommand(snap, dr.Move, now, c.ids.NewID), done)
	}
	for _, l := range periodic.Step(snap, now, c.ids, c.launches).Launches {
		open++
		c.log.propose(structs.CmdPeriodicLaunch, l, done)
	}
	for _, id := range dr.Done {
		open++
		c.log.propose(structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: id, Complete: true}, done)
	}
	gone := reap.Step(snap, now, reap.Thresholds{Eval: time.Minute, BatchEval: 2 * time.Minute, Job: 2 * time.Minute, Deployment: time.Minute, Node: time.Hour}, false)
	for _, r := range reap.Split(gone) {
		open++
		c.log.propose(structs.CmdReap, r, done)
	}
	c.asking = open > 0
}

// register is part of servers.
func (c *control) register(n *structs.Node, reply func(ttl time.Duration)) {
	if !c.alive {
		return
	}
	snap := c.log.store.Snapshot()
	own := *n
	own.Status = structs.NodeStatusReady
	cmd := nodes.Register(snap, &own, c.w.time(), c.ids)
	c.log.propose(structs.CmdNodeRegister, cmd, func(_ any, err error) {
		if err == nil {
			reply(c.beats.Beat(n.ID, c.w.time()))
		}
	})
}

// heartbeat is part of servers.
func (c *control) heartbeat(id structs.ID, reply func(known bool, ttl time.Duration)) {
	if !c.alive {
		return
	}
	snap := c.log.store.Snapshot()
	if snap.Node(id) == nil {
		reply(false, 0)
		return
	}
	cmd := nodes.Heard(snap, id, structs.NodeStatusReady, c.w.time(), c.ids)
	if cmd == nil {
		reply(true, c.beats.Beat(id, c.w.time()))
		return
	}
	c.log.propose(structs.CmdNodeStatus, cmd, func(_ any, err error) {
		if err == nil {
			reply(true, c.beats.Beat(id, c.w.time()))
		}
	})
}

// allocs is part of servers: it answers when the node's allocations changed after min, or when the wait is over.
func (c *control) allocs(id structs.ID, min uint64, wait time.Duration, reply func(index uint64, allocs []*structs.Allocation)) {
	if !c.alive {
		return
	}
	q := &waiter{node: id, min: min, reply: reply}
	if c.ask(q, false) {
		return
	}
	c.waiters = append(c.waiters, q)
	term := c.term
	c.w.after(wait, func() {
		if c.alive && c.term == term {
			c.ask(q, true)
		}
	})
}

// answer looks at the open questions after a change.
func (c *control) answer() {
	open := c.waiters[:0]
	for _, q := range c.waiters {
		if !q.done && !c.ask(q, false) {
			open = append(open, q)
		}
	}
	c.waiters = open
}

// ask answers a question if there is news, or if it must be.
func (c *control) ask(q *waiter, must bool) bool {
	if q.done {
		return true
	}
	snap := c.log.store.Snapshot()
	var list []*structs.Allocation
	newest := uint64(0)
	for a := range snap.AllocsByNode(q.node) {
		list = append(list, a)
		newest = max(newest, a.AllocModifyIndex)
	}
	if newest <= q.min && !must && q.min > 0 {
		return false
	}
	q.done = true
	q.reply(snap.Index(), list)
	return true
}

// update is part of servers.
func (c *control) update(id structs.ID, updates []*structs.AllocClientUpdate, reply func()) {
	if !c.alive {
		return
	}
	snap := c.log.store.Snapshot()
	if snap.Node(id) == nil {
		return
	}
	cmd := nodes.Reports(snap, id, updates, c.w.time(), c.ids)
	if cmd == nil {
		reply()
		return
	}
	c.log.propose(structs.CmdAllocClientUpdate, cmd,
		func(_ any, err error) {
			if err == nil {
				reply()
			}
		})
}
