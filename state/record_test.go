package state

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/structs"
)

// ledger is a slow model of what the state has of jobs: each part of each job by itself.
type ledger map[structs.JobKey]map[string]bool

func (l ledger) note(key structs.JobKey, part string, there bool) {
	if l[key] == nil {
		l[key] = map[string]bool{}
	}
	if l[key][part] = true; !there {
		delete(l[key], part)
	}
}

func (l ledger) text(key structs.JobKey) string {
	return strings.Join(slices.Sorted(maps.Keys(l[key])), " ")
}

// parts tells what a reader finds of a job, as a ledger does.
func parts(r interface {
	triggerReads
	schedulerReads
	NewestJobVersion(namespace, id string) *structs.Job
	JobVersion(namespace, id string, version uint64) *structs.Job
	Submission(namespace, id string, version uint64) *structs.JobSubmission
	JobSummary(namespace, id string) *structs.JobSummary
	JobCounts(namespace, id string) JobCounts
}, key structs.JobKey) string {
	var out []string
	note := func(there bool, part string, args ...any) {
		if there {
			out = append(out, fmt.Sprintf(part, args...))
		}
	}
	ns, name := key.Namespace, key.ID
	note(r.Job(ns, name) != nil, "job")
	note(r.JobSummary(ns, name) != nil, "summary")
	newest := -1
	for v := range uint64(3) {
		if r.JobVersion(ns, name, v) != nil {
			newest = int(v)
		}
		note(r.JobVersion(ns, name, v) != nil, "version%d", v)
		note(r.Submission(ns, name, v) != nil, "submission%d", v)
	}
	if j := r.NewestJobVersion(ns, name); (j == nil) != (newest < 0) || j != nil && j.Version != uint64(newest) {
		note(true, "newest:%+v", j)
	}
	counts := r.JobCounts(ns, name)
	for a := range r.AllocsByJob(ns, name) {
		note(true, "alloc%d", a.ID[15])
		counts.Allocs--
	}
	for n := range counts.Evals {
		note(true, "eval%d", n)
	}
	note(r.LatestDeployment(ns, name) != nil, "deployment")
	note(counts.Allocs != 0, "miscounted")
	slices.Sort(out)
	return strings.Join(out, " ")
}

// Whatever goes of a job and in whatever order, the rest of it stays, of every job by itself; a transaction sees what it did, and what was
// read before stays as it was.
func TestEachPartOfAJobGoesByItself(t *testing.T) {
	keys := []structs.JobKey{{Namespace: "a", ID: "web"}, {Namespace: "b", ID: "web"}, {Namespace: "a", ID: "db"}}
	rapid.Check(t, func(r *rapid.T) {
		s, model := New(), ledger{}
		evals := map[structs.JobKey]int{}
		type past struct {
			snap *Snapshot
			text []string
			hash [32]byte
		}
		var pasts []past
		for range rapid.IntRange(1, 12).Draw(r, "transactions") {
			txn := s.Begin(s.Index() + 1)
			for range rapid.IntRange(1, 6).Draw(r, "steps") {
				k := rapid.IntRange(0, len(keys)-1).Draw(r, "job")
				key, n := keys[k], rapid.Uint64Range(0, 2).Draw(r, "number")
				own := structs.ID{14: byte(k), 15: byte(n)}
				numbered := func(part string) string { return fmt.Sprint(part, n) }
				switch rapid.IntRange(0, 10).Draw(r, "step") {
				case 0:
					j := job(key.ID, n)
					j.Namespace = key.Namespace
					txn.PutJob(j)
					model.note(key, "job", true)
					model.note(key, "summary", true)
				case 1:
					txn.DeleteJob(key)
					model.note(key, "job", false)
					model.note(key, "summary", false)
				case 2:
					j := job(key.ID, n)
					j.Namespace, j.SubmitTime = key.Namespace, int64(s.Index())
					txn.PutJobVersion(j)
					model.note(key, numbered("version"), true)
				case 3:
					txn.DeleteJobVersion(key, n)
					model.note(key, numbered("version"), false)
					model.note(key, numbered("submission"), false)
				case 4:
					txn.PutSubmission(&structs.JobSubmission{Namespace: key.Namespace, JobID: key.ID, Version: n})
					model.note(key, numbered("submission"), true)
				case 5:
					a := alloc(byte(n), key.ID, 1)
					a.ID, a.Namespace = own, key.Namespace
					txn.PutAlloc(a)
					model.note(key, numbered("alloc"), true)
				case 6:
					txn.DeleteAlloc(own)
					model.note(key, numbered("alloc"), false)
				case 7:
					txn.PutEval(&structs.Evaluation{ID: structs.ID{13: byte(evals[key]), 14: byte(k)}, Namespace: key.Namespace, JobID: key.ID})
					model.note(key, fmt.Sprint("eval", evals[key]), true)
					evals[key]++
				case 8:
					if evals[key] > 0 {
						evals[key]--
						txn.DeleteEval(structs.ID{13: byte(evals[key]), 14: byte(k)})
						model.note(key, fmt.Sprint("eval", evals[key]), false)
					}
				case 9:
					txn.PutDeployment(&structs.Deployment{ID: structs.ID{14: byte(k)}, Namespace: key.Namespace, JobID: key.ID})
					model.note(key, "deployment", true)
				case 10:
					txn.DeleteDeployment(structs.ID{14: byte(k)})
					model.note(key, "deployment", false)
				}
				if rapid.Bool().Draw(r, "write on") { // looking makes a transaction forget what it had in hand
					continue
				}
				for _, key := range keys {
					if got, want := parts(txn, key), model.text(key); got != want {
						r.Fatalf("the transaction has %q of %v, not %q", got, key, want)
					}
				}
			}
			txn.Commit()
			now := past{snap: s.Snapshot(), hash: s.Snapshot().Hash()}
			for _, key := range keys {
				now.text = append(now.text, model.text(key))
			}
			pasts = append(pasts, now)
		}
		for _, p := range pasts {
			if p.snap.Hash() != p.hash {
				r.Fatalf("the state of %d has changed", p.snap.Index())
			}
			for i, key := range keys {
				if got := parts(p.snap, key); got != p.text[i] {
					r.Fatalf("the state of %d has %q of %v, not %q", p.snap.Index(), got, key, p.text[i])
				}
			}
		}
		var kept []structs.JobKey
		for rec := range s.Snapshot().r.records.All() {
			kept = append(kept, rec.key)
		}
		slices.SortFunc(kept, func(a, b structs.JobKey) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ID, b.ID))
		})
		for _, key := range kept {
			if model.text(key) == "" {
				r.Fatalf("nothing is left of %v, and its record is", key)
			}
		}
	})
}
