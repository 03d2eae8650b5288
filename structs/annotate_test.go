package structs

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAnnotationsTellWhatIsForced(t *testing.T) {
	task := func(j *Job) *Task { return j.TaskGroups[0].Tasks[0] }
	second := &Task{Name: "second", Driver: "docker"}
	for name, c := range map[string]struct {
		edit        func(j *Job)
		task, count []string
	}{
		"nothing":          {func(*Job) {}, nil, nil},
		"image":            {func(j *Job) { task(j).Config["image"] = "a:2" }, []string{ForcesDestructive}, nil},
		"kill timeout":     {func(j *Job) { task(j).KillTimeout = seconds(9) }, []string{ForcesInPlace}, nil},
		"meta of a task":   {func(j *Job) { task(j).Meta = map[string]string{"k": "v"} }, []string{ForcesDestructive}, nil},
		"more":             {func(j *Job) { j.TaskGroups[0].Count = new(9) }, nil, []string{ForcesCreate}},
		"fewer":            {func(j *Job) { j.TaskGroups[0].Count = new(1) }, nil, []string{ForcesDestroy}},
		"the task gone":    {func(j *Job) { j.TaskGroups[0].Tasks = []*Task{second} }, []string{ForcesDestructive}, nil},
		"the group gone":   {func(j *Job) { j.TaskGroups = nil }, []string{ForcesDestroy}, []string{ForcesDestroy}},
		"another priority": {func(j *Job) { j.Priority++ }, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			old, job := diffJob(), diffJob()
			c.edit(job)
			job.Canonicalize()
			d, err := JobDiffOf(old, job, true)
			if err != nil {
				t.Fatal(err)
			}
			d.Annotate(old, job, map[string]*DesiredUpdates{"g": {Place: 1, DestructiveUpdate: 2, Ignore: 3}})
			g := d.TaskGroups[0]
			if want := map[string]uint64{"create": 1, "create/destroy update": 2, "ignore": 3}; !maps.Equal(g.Updates, want) {
				t.Errorf("updates %v, want %v", g.Updates, want)
			}
			if i := slices.IndexFunc(g.Tasks, func(t *TaskDiff) bool { return t.Name == "t" }); !slices.Equal(g.Tasks[i].Annotations, c.task) {
				t.Errorf("the task: %q, want %q", g.Tasks[i].Annotations, c.task)
			}
			i := slices.IndexFunc(g.Fields, func(f *FieldDiff) bool { return f.Name == "Count" })
			if !slices.Equal(g.Fields[i].Annotations, c.count) {
				t.Errorf("the count: %q, want %q", g.Fields[i].Annotations, c.count)
			}
		})
	}
}

func TestAnnotationsOfANewJob(t *testing.T) {
	job := diffJob()
	d, err := JobDiffOf(nil, job, false)
	if err != nil {
		t.Fatal(err)
	}
	d.Annotate(nil, job, nil)
	g := d.TaskGroups[0]
	if !slices.Equal(g.Tasks[0].Annotations, []string{ForcesCreate}) || g.Updates != nil {
		t.Errorf("%+v, %v", g.Tasks[0], g.Updates)
	}
}

// TestAnnotationsAgreeWithGroupChange: a task is said to force a replacement only where the group is replaced.
func TestAnnotationsAgreeWithGroupChange(t *testing.T) {
	edits := []func(j *Job){
		func(j *Job) { j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "b"} },
		func(j *Job) { j.TaskGroups[0].Tasks[0].KillSignal = "SIGINT" },
		func(j *Job) { j.TaskGroups[0].Tasks[0].LogConfig.MaxFiles = new(3) },
		func(j *Job) { j.TaskGroups[0].Tasks[0].Resources.MemoryMB = new(64) },
		func(j *Job) { j.TaskGroups[0].Tasks[0].RestartPolicy.RenderTemplates = new(true) },
		func(j *Job) { j.TaskGroups[0].Tasks[0].Meta = map[string]string{"m": "n"} },
		func(j *Job) { j.TaskGroups[0].Tasks[0].Leader = true },
	}
	rapid.Check(t, func(t *rapid.T) {
		old, job := diffJob(), diffJob()
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(edits)-1), 1, 3, rapid.ID[int]).Draw(t, "edits") {
			edits[i](job)
		}
		d, err := JobDiffOf(old, job, false)
		if err != nil {
			t.Fatal(err)
		}
		d.Annotate(old, job, nil)
		want := map[Change]string{ChangeInPlace: ForcesInPlace, ChangeDestructive: ForcesDestructive}[GroupChange(old, job, "g")]
		if got := d.TaskGroups[0].Tasks[0].Annotations; !slices.Equal(got, []string{want}) {
			t.Errorf("%q, but the group is %s", got, GroupChange(old, job, "g"))
		}
	})
}
