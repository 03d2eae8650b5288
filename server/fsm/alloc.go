package fsm

import (
	"slices"
	"time"

	"berth/structs"
)

// putAlloc stores a changed allocation; byServer says that its node must learn of the change.
func (a *applier) putAlloc(al *structs.Allocation, byServer bool) {
	al.ModifyTime = a.at
	if byServer {
		al.AllocModifyIndex = a.index
	}
	a.txn.PutAlloc(al)
	a.touch(al.Namespace, al.JobID)
}

// setClientStatus notes when an allocation became unknown, and when it was heard of again.
func (a *applier) setClientStatus(al *structs.Allocation, status string) {
	if status == al.ClientStatus {
		return
	}
	if status == structs.AllocClientUnknown || al.ClientStatus == structs.AllocClientUnknown {
		al.AllocStates = append(slices.Clip(al.AllocStates), &structs.AllocState{Value: status, Time: time.Unix(0, a.at).UTC()})
	}
	al.ClientStatus = status
}

func (a *applier) allocClientUpdate(c *structs.AllocClientUpdateCommand) (any, error) {
	news := newHealth(a)
	for _, u := range c.Updates {
		if u == nil {
			return nil, fault(structs.CmdAllocClientUpdate, structs.KindInvalid, "", "an update is empty")
		}
		old := a.txn.Alloc(u.ID)
		if old == nil || old.NodeID != u.NodeID {
			continue // reaped meanwhile, or not the node's to tell of
		}
		al := *old
		// What has ended does not come back: its resources may be another's already.
		if status := internStatus(u.ClientStatus); status != "" && (!old.ClientTerminal() || terminalStatus(status)) {
			a.setClientStatus(&al, status)
			al.ClientDescription = a.texts.keep(u.ClientDescription)
		}
		if u.TaskStates != nil {
			al.TaskStates = a.ownTaskStates(u.TaskStates, old)
		}
		if u.NetworkStatus != nil {
			al.NetworkStatus = u.NetworkStatus
		}
		if u.DeploymentStatus != nil && u.DeploymentStatus.Healthy != nil {
			news.set(&al, *u.DeploymentStatus.Healthy, u.DeploymentStatus.Timestamp)
		}
		a.putAlloc(&al, false)
		a.heardOf(u.NodeID)
	}
	news.store()
	return nil, a.putEvals(c.Evals)
}

// heardOf notes the first report of a node after it was missed.
func (a *applier) heardOf(id structs.ID) {
	n := a.txn.Node(id)
	if n == nil || n.LastMissedHeartbeat == 0 || n.LastAllocUpdateIndex >= n.LastMissedHeartbeat {
		return
	}
	changed := *n
	changed.LastAllocUpdateIndex = a.index
	a.txn.PutNode(&changed)
}

func terminalStatus(status string) bool {
	return (&structs.Allocation{ClientStatus: status}).ClientTerminal()
}

// internStatus gives one string for each status: a decoded one would be kept for every allocation.
func internStatus(status string) string {
	switch status {
	case structs.AllocClientPending:
		return structs.AllocClientPending
	case structs.AllocClientRunning:
		return structs.AllocClientRunning
	case structs.AllocClientComplete:
		return structs.AllocClientComplete
	case structs.AllocClientFailed:
		return structs.AllocClientFailed
	case structs.AllocClientLost:
		return structs.AllocClientLost
	case structs.AllocClientUnknown:
		return structs.AllocClientUnknown
	}
	return ""
}

// ownTaskStates shares what task states have in common with the job and with others, and keeps no more events than are
// shown.
func (a *applier) ownTaskStates(states map[string]*structs.TaskState, al *structs.Allocation) map[string]*structs.TaskState {
	group := al.Group()
	own := make(map[string]*structs.TaskState, len(states))
	for name, s := range states {
		if s == nil {
			continue
		}
		if task := group.LookupTask(name); task != nil {
			name = task.Name
		}
		if len(s.Events) > structs.MaxTaskEvents {
			s.Events = slices.Clone(s.Events[len(s.Events)-structs.MaxTaskEvents:])
		}
		a.texts.taskState(s)
		own[name] = s
	}
	return own
}

func (a *applier) allocTransition(c *structs.AllocTransitionCommand) (any, error) {
	const cmd = structs.CmdAllocTransition
	texts := make([]string, 0, len(c.Transitions))
	for text := range c.Transitions {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	found := 0
	for _, text := range texts {
		id, err := structs.ParseID(text)
		if err != nil {
			return nil, fault(cmd, structs.KindInvalid, "allocation", "%w", err)
		}
		old, want := a.txn.Alloc(id), c.Transitions[text]
		if old == nil || want == nil {
			continue
		}
		found++
		al := *old
		mergeTransition(&al.DesiredTransition, want)
		a.putAlloc(&al, true)
	}
	if found == 0 && len(texts) > 0 {
		return nil, fault(cmd, structs.KindNotFound, "allocation "+texts[0], "does not exist")
	}
	return nil, a.putEvals(c.Evals)
}

func mergeTransition(t, with *structs.DesiredTransition) {
	for _, f := range []struct{ to, from **bool }{
		{&t.Migrate, &with.Migrate}, {&t.Reschedule, &with.Reschedule}, {&t.ForceReschedule, &with.ForceReschedule},
		{&t.NoShutdownDelay, &with.NoShutdownDelay}, {&t.MigrateDisablePlacement, &with.MigrateDisablePlacement},
	} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
}
