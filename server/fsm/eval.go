package fsm

import "berth/structs"

// putEvals stores evaluations in order.
func (a *applier) putEvals(evals []*structs.Evaluation) error {
	for _, e := range evals {
		if err := a.putEval(e); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) putEval(e *structs.Evaluation) error {
	const cmd = structs.CmdEvalUpsert
	if e == nil || e.ID.IsZero() {
		return fault(cmd, structs.KindInvalid, "", "an evaluation has no id")
	}
	if old := a.txn.Eval(e.ID); old != nil {
		if old.JobKey() != e.JobKey() {
			return fault(cmd, structs.KindInvalid, named("evaluation", e.ID), "is of job %q, not %q", old.JobID, e.JobID)
		}
		e.Namespace, e.JobID = old.Namespace, old.JobID // one text in memory
		if e.CreateTime == 0 {
			e.CreateTime = old.CreateTime
		}
	}
	if e.CreateTime == 0 {
		e.CreateTime = a.at
	}
	if e.ModifyTime == 0 {
		e.ModifyTime = a.at
	}
	e.Type, e.TriggeredBy, e.Status = a.texts.keep(e.Type), a.texts.keep(e.TriggeredBy), a.texts.keep(e.Status)
	a.txn.PutEval(e)
	a.touch(e.Namespace, e.JobID)
	return nil
}
