package structs

import "strconv"

// What a difference brings about, in the contract's words.
const (
	ForcesCreate      = "forces create"
	ForcesDestroy     = "forces destroy"
	ForcesInPlace     = "forces in-place update"
	ForcesDestructive = "forces create/destroy update"
)

// Annotate writes into the difference of two canonical jobs what becomes of allocations: for each task and count what it forces,
// by the tables of GroupChange, and for each group how many there are of each kind of update. The jobs are those of JobDiffOf;
// updates are a plan's, by group, and may be nil.
func (d *JobDiff) Annotate(old, job *Job, updates map[string]*DesiredUpdates) {
	for _, g := range d.TaskGroups {
		if u := updates[g.Name]; u != nil {
			g.Updates = u.counts()
		}
		for _, f := range g.Fields {
			if f.Name == "Count" {
				f.annotateCount()
			}
		}
		for _, t := range g.Tasks {
			if note := taskAnnotation(old, job, g, t); note != "" {
				t.Annotations = append(t.Annotations, note)
			}
		}
	}
}

// counts are the updates that happen, by the names a plan has for them.
func (u *DesiredUpdates) counts() map[string]uint64 {
	counts := map[string]uint64{}
	for _, c := range []struct {
		name string
		n    uint64
	}{
		{"create", u.Place}, {"destroy", u.Stop}, {"migrate", u.Migrate}, {"in-place update", u.InPlaceUpdate},
		{"create/destroy update", u.DestructiveUpdate}, {"canary", u.Canary}, {"ignore", u.Ignore},
	} {
		if c.n > 0 {
			counts[c.name] = c.n
		}
	}
	return counts
}

// annotateCount tells whether another count adds or removes allocations; a group that was not there has none.
func (f *FieldDiff) annotateCount() {
	old, _ := strconv.Atoi(f.Old)
	now, _ := strconv.Atoi(f.New)
	switch {
	case now > old:
		f.Annotations = append(f.Annotations, ForcesCreate)
	case now < old:
		f.Annotations = append(f.Annotations, ForcesDestroy)
	}
}

// taskAnnotation tells what the difference of one task forces; "" for a task that is the same.
func taskAnnotation(old, job *Job, g *TaskGroupDiff, t *TaskDiff) string {
	switch {
	case t.Type == DiffNone:
		return ""
	case g.Type == DiffAdded:
		return ForcesCreate
	case g.Type == DiffDeleted:
		return ForcesDestroy
	case t.Type == DiffAdded || t.Type == DiffDeleted:
		return ForcesDestructive
	}
	og, ng := old.LookupGroup(g.Name), job.LookupGroup(g.Name)
	ot, nt := og.LookupTask(t.Name), ng.LookupTask(t.Name)
	if taskChange(ot, nt) == ChangeDestructive || !sameMeta(old, og, ot, job, ng, nt) {
		return ForcesDestructive
	}
	return ForcesInPlace
}
