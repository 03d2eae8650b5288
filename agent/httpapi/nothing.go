package httpapi

import (
	"time"

	"berth/scheduler"
	"berth/server"
	"berth/state"
	"berth/structs"
)

// propose registers a job. One that asks for nothing, as far as the state knows of it, is registered with its evaluation decided: it is not
// decided and written once more. That holds as long as nobody else has registered the job meanwhile; then it is registered as every other.
func (a *API) propose(r *request, s *state.Snapshot, cmd *structs.JobRegisterCommand) (server.Applied, error) {
	index, ok := asksNothing(s, cmd)
	if !ok {
		return a.Server.Propose(r.ctx(), structs.CmdJobRegister, cmd)
	}
	decided := *cmd
	decided.EnforceIndex, decided.Index = true, index
	decided.Eval = scheduler.Nothing(cmd.Job, cmd.Eval, s.Index(), time.Unix(0, cmd.Eval.CreateTime))
	applied, err := a.Server.Propose(r.ctx(), structs.CmdJobRegister, &decided)
	if structs.KindOf(err) == structs.KindConflict && !cmd.EnforceIndex {
		return a.Server.Propose(r.ctx(), structs.CmdJobRegister, cmd)
	}
	return applied, err
}

// asksNothing reports that neither the job nor the version it replaces, if there is one, asks for anything, and that there is nothing of it
// left to be decided: then nothing is placed or stopped before the job is registered with another index than the one given here, 0 for none.
func asksNothing(s *state.Snapshot, cmd *structs.JobRegisterCommand) (index uint64, ok bool) {
	j := cmd.Job
	if cmd.Eval == nil || cmd.PreserveCounts || !scheduler.AsksNothing(j) {
		return 0, false
	}
	if old := s.Job(j.Namespace, j.ID); old != nil {
		index = old.JobModifyIndex
		if !scheduler.AsksNothing(old) {
			return 0, false
		}
	}
	if n := s.JobCounts(j.Namespace, j.ID); n.Allocs > 0 || n.OpenEvals > 0 || s.LatestDeployment(j.Namespace, j.ID).Active() {
		return 0, false
	}
	return index, !cmd.EnforceIndex || cmd.Index == index
}
