package fsm

import "berth/structs"

// jobSuspend sets a job aside or takes it up again. It makes no version: what ended well stays so, and is not done again.
func (a *applier) jobSuspend(c *structs.JobSuspendCommand) (any, error) {
	const cmd = structs.CmdJobSuspend
	job := a.txn.Job(c.Namespace, c.JobID)
	subject := quoted("job", c.JobID)
	switch {
	case job == nil:
		return nil, fault(cmd, structs.KindNotFound, subject, "does not exist")
	case job.Stop:
		return nil, fault(cmd, structs.KindConflict, subject, "is stopped (berth job start has it run again)")
	case job.Suspended != c.Suspend:
		v := a.txn.JobVersion(c.Namespace, c.JobID, job.Version)
		if v == nil {
			v = job
		}
		a.changeVersion(v, func(j *structs.Job) { j.Suspended = c.Suspend })
		a.touch(c.Namespace, c.JobID)
		a.schedule(a.current(job.Key()), job)
	}
	if c.Eval == nil {
		return nil, nil
	}
	c.Eval.JobModifyIndex = job.JobModifyIndex
	return nil, a.putEval(c.Eval)
}
