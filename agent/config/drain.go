package config

import (
	"time"

	"berth/structs"
)

// Drain is how a node is emptied when its agent is told to end, before it does.
type Drain struct {
	Deadline         time.Duration
	Force            bool
	IgnoreSystemJobs bool
}

func (b *builder) drain(k *drainBlock) {
	if k == nil {
		return
	}
	d := b.c.Client.Drain
	if d == nil {
		d = &Drain{Deadline: time.Hour}
		b.c.Client.Drain = d
	}
	b.duration(&d.Deadline, k.Deadline, "client.drain_on_shutdown.deadline")
	set(&d.Force, k.Force)
	set(&d.IgnoreSystemJobs, k.IgnoreSystemJobs)
	if d.Deadline <= 0 || d.Deadline > structs.ShutdownDrainMax {
		b.fail("client.drain_on_shutdown.deadline is %s: an agent waits for it when it ends; write more than 0 and at most %s, or force = true", d.Deadline, structs.ShutdownDrainMax)
	}
}

// checkDrain warns of a drain that would never begin.
func (b *builder) checkDrain() {
	if b.c.Client.Drain != nil && !b.c.Server.LeaveOnStop {
		b.c.Client.Drain = nil
		b.warn("client.drain_on_shutdown has no effect without leave_on_interrupt = true or leave_on_terminate = true: the agent ends at once, and its work runs on")
	}
}
