package jobspec

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"berth/structs"
)

// wildJobs are the jobs people publish, under one id, so that each can be compared with each.
func wildJobs(t *testing.T) []*structs.Job {
	t.Helper()
	files, _ := filepath.Glob("testdata/wild/*.hcl")
	var out []*structs.Job
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		res, diags := Parse(ParseOptions{Filename: filepath.Base(f), Source: src, Vars: varsOf(string(src)), Strict: true})
		if res == nil {
			t.Fatal(rendered(diags))
		}
		res.Job.ID = "one"
		out = append(out, res.Job)
	}
	return out
}

// leaves counts the values of a difference by their path: those that were there before, and those that are there after.
func leaves(d *structs.JobDiff) (before, after map[string]int) {
	before, after = map[string]int{}, map[string]int{}
	var objects func(path string, list []*structs.ObjectDiff)
	fields := func(path string, list []*structs.FieldDiff) {
		for _, f := range list {
			if f.Type != structs.DiffAdded {
				before[fmt.Sprintf("%s.%s=%q", path, f.Name, f.Old)]++
			}
			if f.Type != structs.DiffDeleted {
				after[fmt.Sprintf("%s.%s=%q", path, f.Name, f.New)]++
			}
		}
	}
	objects = func(path string, list []*structs.ObjectDiff) {
		for _, o := range list {
			fields(path+"."+o.Name, o.Fields)
			objects(path+"."+o.Name, o.Objects)
		}
	}
	fields("", d.Fields)
	objects("", d.Objects)
	for _, g := range d.TaskGroups {
		fields(g.Name, g.Fields)
		objects(g.Name, g.Objects)
		for _, t := range g.Tasks {
			fields(g.Name+"/"+t.Name, t.Fields)
			objects(g.Name+"/"+t.Name, t.Objects)
		}
	}
	return before, after
}

// TestADifferenceAppliedGivesTheOther: what a job holds, without what a difference takes away and with what it adds, is what the
// other job holds. The jobs are those people publish, and mixtures of them.
func TestADifferenceAppliedGivesTheOther(t *testing.T) {
	jobs := wildJobs(t)
	diff := func(t *rapid.T, a, b *structs.Job) *structs.JobDiff {
		d, err := structs.JobDiffOf(a, b, false)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(jobs).Draw(t, "old")
		b := rapid.SampledFrom(jobs).Draw(t, "new").Copy()
		if rapid.Bool().Draw(t, "mixed") { // most of the old job, with a part of the new one
			part := b
			b = a.Copy()
			g := rapid.SampledFrom(b.TaskGroups).Draw(t, "group")
			from := rapid.SampledFrom(part.TaskGroups).Draw(t, "from")
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				b.TaskGroups = append(b.TaskGroups, from)
				from.Name = "another"
			case 1:
				g.Tasks = from.Tasks
			case 2:
				g.Networks, g.Services = from.Networks, from.Services
			case 3:
				g.Tasks[0].Config, g.Tasks[0].Env, g.Tasks[0].Resources = from.Tasks[0].Config, from.Tasks[0].Env, from.Tasks[0].Resources
			case 4:
				b.Meta, b.Constraints, g.Count = part.Meta, from.Constraints, from.Count
			}
		}
		_, have := leaves(diff(t, nil, a))
		_, want := leaves(diff(t, nil, b))
		gone, added := leaves(diff(t, a, b))
		for k, n := range gone {
			if have[k] -= n; have[k] == 0 {
				delete(have, k)
			}
		}
		for k, n := range added {
			have[k] += n
		}
		for k, n := range want {
			if have[k] != n {
				t.Fatalf("%s: %d, not %d", k, have[k], n)
			}
			delete(have, k)
		}
		if len(have) > 0 {
			t.Fatalf("too much: %v", have)
		}
		if d := diff(t, b, b.Copy()); d.Type != structs.DiffNone || len(d.Fields)+len(d.Objects)+len(d.TaskGroups) > 0 {
			t.Fatalf("a job differs from itself: %+v", d)
		}
	})
}
