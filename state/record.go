package state

import (
	"cmp"
	"iter"
	"slices"

	"berth/state/sorted"
	"berth/structs"
)

// record is everything the state has of one job's name: it is there while any of it is. What a change of a job touches lies together,
// so that it is looked for and copied once.
//
// Its slices are never changed in place: a sequence may run over them.
type record struct {
	edit *sorted.Edit // whose copy it is
	key  structs.JobKey
	job  *structs.Job // the current version, nil when it was purged

	versions    []*structs.Job           // kept, newest first
	submissions []*structs.JobSubmission // newest first

	summary *structs.JobSummary
	summing *sorted.Edit // whose copy the summary is

	live, open  int // see JobCounts
	allocs      byID[structs.Allocation]
	evals       byAge[structs.Evaluation]
	deployments byAge[structs.Deployment]
}

// ageKey is the key of a job's objects that have an order in time.
type ageKey struct {
	n  uint64
	id structs.ID
}

func compareAge(a, b ageKey) int {
	if c := cmp.Compare(a.n, b.n); c != 0 {
		return c
	}
	return a.id.Compare(b.id)
}

type byAge[T any] = sorted.Tree[ageKey, *T]

// Orders of records, and of a record's trees. They are constant.
var (
	recordOrder = &sorted.Order[structs.JobKey, *record]{
		Key: func(rec *record) structs.JobKey { return rec.key }, Compare: compareJobKey,
		At: func(rec *record, key structs.JobKey) int { return compareJobKey(rec.key, key) },
	}
	allocOrder = &sorted.Order[structs.ID, *structs.Allocation]{
		Key: func(a *structs.Allocation) structs.ID { return a.ID }, Compare: compareID,
		At: func(a *structs.Allocation, id structs.ID) int { return a.ID.Compare(id) },
	}
	evalOrder = &sorted.Order[ageKey, *structs.Evaluation]{
		Key: func(e *structs.Evaluation) ageKey { return ageKey{e.CreateIndex, e.ID} }, Compare: compareAge,
		At: func(e *structs.Evaluation, k ageKey) int { return compareAge(ageKey{e.CreateIndex, e.ID}, k) },
	}
	deploymentOrder = &sorted.Order[ageKey, *structs.Deployment]{ // newest first
		Key: func(d *structs.Deployment) ageKey { return ageKey{^d.CreateIndex, d.ID} }, Compare: compareAge,
		At: func(d *structs.Deployment, k ageKey) int { return compareAge(ageKey{^d.CreateIndex, d.ID}, k) },
	}
)

// none is the record of a name the state has nothing of. It is never changed.
var none = newRecord(structs.JobKey{})

func newRecord(key structs.JobKey) *record {
	return &record{key: key, allocs: sorted.New(allocOrder), evals: sorted.New(evalOrder), deployments: sorted.New(deploymentOrder)}
}

// empty reports that nothing is left of a job.
func (r *record) empty() bool {
	return r.job == nil && r.summary == nil && len(r.versions) == 0 && len(r.submissions) == 0 && r.allocs.Len() == 0 && r.evals.Len() == 0 &&
		r.deployments.Len() == 0
}

func (r *record) counts() JobCounts {
	return JobCounts{Allocs: r.allocs.Len(), Live: r.live, Evals: r.evals.Len(), OpenEvals: r.open}
}

func (r *record) version(version uint64) *structs.Job {
	if i, ok := findVersion(r.versions, version, jobVersion); ok {
		return r.versions[i]
	}
	return nil
}

func (r *record) submission(version uint64) *structs.JobSubmission {
	if i, ok := findVersion(r.submissions, version, submissionVersion); ok {
		return r.submissions[i]
	}
	return nil
}

func jobVersion(j *structs.Job) uint64                  { return j.Version }
func submissionVersion(s *structs.JobSubmission) uint64 { return s.Version }

func findVersion[T any](list []T, version uint64, of func(T) uint64) (int, bool) {
	return slices.BinarySearchFunc(list, version, func(v T, version uint64) int { return cmp.Compare(version, of(v)) })
}

// withVersion is a list with a version in it, and the one that was there.
func withVersion[T any](list []*T, v *T, of func(*T) uint64) (next []*T, old *T) {
	i, had := findVersion(list, of(v), of)
	if had {
		next = slices.Clone(list)
		old, next[i] = next[i], v
		return next, old
	}
	next = make([]*T, len(list)+1)
	copy(next, list[:i])
	next[i] = v
	copy(next[i+1:], list[i:])
	return next, nil
}

// withoutVersion is a list without one, and that; nil when it was not in it.
func withoutVersion[T any](list []*T, version uint64, of func(*T) uint64) (next []*T, old *T) {
	i, had := findVersion(list, version, of)
	if !had {
		return list, nil
	}
	return slices.Delete(slices.Clone(list), i, i+1), list[i]
}

// record is what a version has of a job; it is never nil, and must not be changed.
func (r *root) record(namespace, id string) *record {
	if rec := get(&r.records, structs.JobKey{Namespace: namespace, ID: id}); rec != nil {
		return rec
	}
	return none
}

// record is what there is of a job, as the reader sees it.
func (rd reader) record(namespace, id string) *record {
	if rd.txn == nil {
		return rd.r.record(namespace, id)
	}
	if rec := rd.txn.find(structs.JobKey{Namespace: namespace, ID: id}); rec != nil {
		return rec
	}
	return none
}

// eachOf is one object of every record that has it.
func eachOf[T any](records byJobKey[record], of func(*record) *T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for rec := range records.All() {
			if v := of(rec); v != nil && !yield(v) {
				return
			}
		}
	}
}

// allOf is a list of every record, one after the other.
func allOf[T any](records byJobKey[record], of func(*record) []*T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for rec := range records.All() {
			for _, v := range of(rec) {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// jobs are the current versions of all jobs, by namespace and id.
func (r *root) jobs() iter.Seq[*structs.Job] {
	return eachOf(r.records, func(rec *record) *structs.Job { return rec.job })
}

// summaries are those of all jobs.
func (r *root) summaries() iter.Seq[*structs.JobSummary] {
	return eachOf(r.records, func(rec *record) *structs.JobSummary { return rec.summary })
}

// versions are the kept versions of all jobs, by job, newest first.
func (r *root) versions() iter.Seq[*structs.Job] {
	return allOf(r.records, func(rec *record) []*structs.Job { return rec.versions })
}

// submissions are what all job versions were written as.
func (r *root) submissions() iter.Seq[*structs.JobSubmission] {
	return allOf(r.records, func(rec *record) []*structs.JobSubmission { return rec.submissions })
}

// record is what there is of a job, to be changed in place. It is made if need be; see tidy.
func (t *WriteTxn) record(key structs.JobKey) *record {
	e, rec := t.pen(), t.find(key)
	switch {
	case rec == nil:
		rec = newRecord(key)
	case rec.edit == e:
		return rec
	default:
		rec = new(*rec)
	}
	rec.edit = e
	t.work.records.Set(e, rec)
	t.hand = hand{key, rec, true}
	return rec
}

// hand is what a transaction found of a job last: most of what a command does is of one. Nothing may have been found.
type hand struct {
	key structs.JobKey
	rec *record
	yes bool // something was looked for
}

// find is what there is of a job, nil for nothing.
func (t *WriteTxn) find(key structs.JobKey) *record {
	if h := &t.hand; !h.yes || h.key.ID != key.ID || h.key.Namespace != key.Namespace {
		t.hand = hand{key, get(&t.work.records, key), true}
	}
	return t.hand.rec
}

// tidy forgets a record that was made empty.
func (t *WriteTxn) tidy(rec *record) {
	if rec.empty() {
		t.work.records.Delete(t.pen(), rec.key)
		t.hand = hand{}
	}
}
