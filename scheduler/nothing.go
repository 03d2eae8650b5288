package scheduler

import (
	"time"

	"berth/structs"
)

// AsksNothing reports that nothing is ever placed for this version of a job, whatever the state is: no group asks for an instance, and
// nothing else of it makes the scheduler decide.
func AsksNothing(j *structs.Job) bool {
	if j.Type != structs.JobTypeService && j.Type != structs.JobTypeBatch || j.Stop || j.Suspended || j.IsPeriodic() || j.IsParameterized() ||
		len(j.DependsOn) > 0 || len(j.TaskGroups) == 0 {
		return false
	}
	for _, g := range j.TaskGroups {
		if g.Count == nil || *g.Count != 0 {
			return false
		}
	}
	return true
}

// Nothing is the result of an evaluation of a job that asks for nothing, and of which there is no allocation, no active deployment and no
// other evaluation that is still to be decided: what Finish gives for it, without a look at any node.
func Nothing(j *structs.Job, e *structs.Evaluation, index uint64, now time.Time) *structs.Evaluation {
	done := *e
	done.Status, done.ModifyTime, done.SnapshotIndex = structs.EvalStatusComplete, now.UnixNano(), index
	done.QueuedAllocations = make(map[string]int, len(j.TaskGroups))
	for _, g := range j.TaskGroups {
		done.QueuedAllocations[g.Name] = 0
	}
	return &done
}
