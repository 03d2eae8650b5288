package offline

import (
	"time"

	"berth/api"
	"berth/internal/idgen"
	"berth/server/dryrun"
	"berth/structs"
)

// seed of the ids that are made up: the same question has the same answer.
const seed = 1

// WhatIf answers what would follow for the cluster of a snapshot's file, decrypted with the key in the file identity if need be. Jobs must be canonical and valid.
func WhatIf(path, identity string, q api.WhatIfQuestion, now time.Time) (*api.WhatIf, error) {
	snap, err := Read(path, identity)
	if err != nil {
		return nil, err
	}
	question := dryrun.Question{Lose: q.Lose, Jobs: q.Jobs}
	for _, a := range q.Add {
		question.Add = append(question.Add, dryrun.Add(a))
	}
	got, err := dryrun.WhatIf(snap, question, idgen.Seeded(seed), now)
	if err != nil {
		return nil, err
	}
	answer := &api.WhatIf{Index: snap.Index(), Lost: got.Lost, Added: got.Added, Jobs: []*api.WhatIfJob{}}
	for _, j := range got.Jobs {
		answer.Jobs = append(answer.Jobs, jobAnswer(j))
	}
	return answer, nil
}

func jobAnswer(j *dryrun.JobAnswer) *api.WhatIfJob {
	x := &api.WhatIfJob{Namespace: j.Namespace, ID: j.ID, Lost: j.Lost, Unplaced: j.Unplaced, Explanations: map[string]*structs.Explanation{}}
	for name := range j.Unplaced {
		if why := j.Plan.Explanations[name]; why != nil {
			x.Explanations[name] = why
		}
	}
	for _, p := range j.Plan.Placements {
		x.Placements = append(x.Placements, new(api.PlannedPlacement(*p)))
	}
	if j.Plan.Annotations != nil {
		x.Preempted = j.Plan.Annotations.PreemptedAllocs
	}
	return x
}
