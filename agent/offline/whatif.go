package offline

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"

	"berth/api"
	"berth/internal/idgen"
	"berth/server/dryrun"
	"berth/server/fsm"
	"berth/state"
	"berth/structs"
)

// seed of the ids that are made up: the same question has the same answer.
const seed = 1

// Read loads the snapshot of a state: what a server writes as state.bin.
func Read(path string) (_ *state.Snapshot, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	store := state.New()
	if err := fsm.ReadSnapshot(bufio.NewReaderSize(file, 1<<20), store); err != nil {
		return nil, fmt.Errorf("read the snapshot %s: %w", path, err)
	}
	return store.Snapshot(), nil
}

// WhatIf answers what would follow for the cluster of a snapshot. Jobs must be canonical and valid.
func WhatIf(path string, q api.WhatIfQuestion, now time.Time) (*api.WhatIf, error) {
	snap, err := Read(path)
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
