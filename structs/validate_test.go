package structs

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/cronexpr"
	"github.com/hashicorp/go-version"
)

func TestValidateTellsAllFaultsAtOnceWithTheirPlace(t *testing.T) {
	j := minimal(JobTypeBatch)
	j.Priority = 900
	j.Update = &UpdateStrategy{}
	g := j.TaskGroups[0]
	g.Count = new(-1)
	g.Tasks[0].Resources = &Resources{MemoryMB: new(2)}
	g.Tasks[0].VolumeMounts = []*VolumeMount{{Volume: new("date"), Destination: new("/d")}}
	g.Volumes = map[string]*VolumeRequest{"data": {Type: "hots", Source: "x"}}
	j.Canonicalize()
	want := []string{
		"Priority: priority is 900; it must be between 1 and 100",
		"Update: a batch job has no update block (only service and system jobs roll their updates)",
		"TaskGroups[0].Count: count is -1; the least is 0",
		`TaskGroups[0].Volumes[data].Type: type is "hots"; it must be "host" or "csi" (did you mean "host"?)`,
		"TaskGroups[0].Tasks[0].Resources.MemoryMB: memory is 2 MB; the least is 10 MB",
		`TaskGroups[0].Tasks[0].VolumeMounts[0].Volume: volume "date" is not declared in group "g" (did you mean "data"?)`,
	}
	if got := j.Validate(Limits{}).Error(); got != strings.Join(want, "\n") {
		t.Fatalf("got\n%s", got)
	}
}

func TestAMistakeInAnInheritedBlockIsToldOnce(t *testing.T) {
	j := minimal(JobTypeService)
	j.Update = &UpdateStrategy{AutoPromote: new(true)}
	j.Reschedule = &ReschedulePolicy{Delay: new(time.Second)}
	j.TaskGroups[0].RestartPolicy = &RestartPolicy{Mode: new("delai")}
	j.Canonicalize()
	got := j.Validate(Limits{})
	if len(got) != 3 || got[0].Path != "Update.AutoPromote" || got[1].Path != "Reschedule.Delay" || got[2].Path != "TaskGroups[0].RestartPolicy.Mode" {
		t.Fatalf("got\n%v", got)
	}
}

func TestAHopelessJobIsAnsweredInBounds(t *testing.T) {
	j := minimal(JobTypeService)
	for range 5000 {
		j.TaskGroups = append(j.TaskGroups, &TaskGroup{Name: "g"})
	}
	j.Canonicalize()
	if n := len(j.Validate(Limits{})); n != maxFaults {
		t.Fatalf("%d faults", n)
	}
}

func TestLimitsOfAJob(t *testing.T) {
	for want, change := range map[string]func(*Job){
		"the job id has 600 bytes; at most 512 are allowed": func(j *Job) { j.ID = strings.Repeat("a", 600) },
		"the job has 3 groups; at most 2 are allowed": func(j *Job) {
			j.TaskGroups = append(j.TaskGroups, &TaskGroup{Name: "b"}, &TaskGroup{Name: "c"})
		},
		"env has 21 bytes; at most 20 are allowed": func(j *Job) { j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": strings.Repeat("x", 20)} },
	} {
		j := minimal(JobTypeService)
		change(j)
		j.Canonicalize()
		if got := j.Validate(Limits{MaxGroups: 2, MaxEnvBytes: 20}); !strings.Contains(got.Error(), want) {
			t.Errorf("want %q, got %v", want, got)
		}
	}
	if got := (*Job)(nil).Validate(Limits{}); got.Error() != `no job was given (send {"Job": {...}})` {
		t.Error(got)
	}
}

func TestDriverConfigurationIsCheckedAtItsPlace(t *testing.T) {
	j := minimal(JobTypeService)
	j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, &Task{Name: "u", Driver: "dokcer"})
	j.Canonicalize()
	got := j.Validate(Limits{Drivers: map[string]ConfigChecker{"docker": refuseAll{}}})
	if len(got) != 2 || got[0].Error() != `TaskGroups[0].Tasks[0].Config.image: no` || got[1].Message != `driver "dokcer" is not one of this Berth; no node will run the task` || got[1].Hint != `did you mean "docker"?` || !got[1].Warning {
		t.Fatalf("got\n%v", got)
	}
}

type refuseAll struct{}

func (refuseAll) CheckConfig(map[string]any) Faults { return Faults{{Path: "image", Message: "no"}} }

func TestWhatMayNotChangeOfAJob(t *testing.T) {
	old, next := minimal(JobTypeBatch), minimal(JobTypeSysBatch)
	old.Periodic, next.ParameterizedJob = &PeriodicConfig{}, &ParameterizedJobConfig{}
	want := `Type: type cannot change from "batch" to "sysbatch" (stop and purge the job first, or use another id)
Periodic: a job cannot become periodic or stop being so (stop and purge the job first, or use another id)
ParameterizedJob: a job cannot become parameterized or stop being so (stop and purge the job first, or use another id)`
	if got := next.ValidateUpdate(old); got.Error() != want {
		t.Fatal(got)
	}
	if got := next.ValidateUpdate(nil); got != nil {
		t.Fatal(got)
	}
}

func TestASuspendedJobIsSaidToStaySo(t *testing.T) {
	for _, c := range []struct {
		old, next Job
		want      string
	}{
		{Job{Suspended: true}, Job{ID: "web"}, "Suspended: the job is suspended, and stays so (berth job resume web lets it go on)"},
		{Job{Suspended: true}, Job{ID: "web", Namespace: "ml"}, "Suspended: the job is suspended, and stays so (berth job resume -namespace ml web lets it go on)"},
		{Job{}, Job{ID: "web"}, ""},
		{Job{Suspended: true, Stop: true}, Job{ID: "web"}, ""}, // it begins anew
		{Job{Suspended: true}, Job{ID: "web", Stop: true}, ""},
	} {
		got := c.next.ValidateUpdate(&c.old)
		if len(got.Errors()) > 0 || got.Error() != c.want {
			t.Errorf("got %q, want %q", got.Error(), c.want)
		}
	}
}

func FuzzCron(f *testing.F) {
	for _, s := range []string{"0 3 * * *", "*/15 0-5 1,15 jan-mar mon#2", "@daily", "0 0 L * ?", "0 0 15W * 5L 2030", "* * * * * * *", "60 * * * *", "1-", "a b c d e", "@reboot"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		if CheckCron(spec) != nil {
			return
		}
		if _, err := cronexpr.Parse(spec); err != nil {
			t.Fatalf("%q is accepted, but the scheduler's parser says %v", spec, err)
		}
	})
}

func TestCronAgreesWithTheParserThatRunsIt(t *testing.T) {
	for spec, ok := range map[string]bool{
		"0 3 * * *": true, "*/15 * * * *": true, "0 0 1,15 * mon-fri": true, "@hourly": true, "0 0 L * ?": true, "0 0 LW * *": true,
		"0 0 15W * *": true, "0 0 * * 5L": true, "0 0 * * 5#3": true, "0 0 * JAN,Dec *": true, "0 0 * * Sunday 2030": true,
		"0 0 3 * * * *": true, "5/10 * * * *": true, "1-30/2 * * * *": true,
		"": false, "* * * *": false, "60 * * * *": false, "* 24 * * *": false, "* * 0 * *": false, "* * * 13 *": false, "*/0 * * * *": false,
		"5-1 * * * *": false, "@fortnightly": false, "x * * * *": false, "1,,2 * * * *": false, "* * * * * * * *": false,
	} {
		if err := CheckCron(spec); (err == nil) != ok {
			t.Errorf("%q: %v", spec, err)
		}
		if _, err := cronexpr.Parse(spec); ok && err != nil {
			t.Errorf("the other parser on %q: %v", spec, err)
		}
	}
}

func FuzzVersionConstraint(f *testing.F) {
	for _, s := range []string{">= 1.2, < 2", "~> 1.2.3-beta.1+x", "1", "= v1.0", ">", "", "!=1.x", "1..2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if CheckVersionConstraint(text, false) != nil {
			return
		}
		if _, err := version.NewConstraint(text); err != nil {
			t.Fatalf("%q is accepted, but the scheduler's parser says %v", text, err)
		}
	})
}

func FuzzRegexp(f *testing.F) {
	for _, s := range []string{"^a+$", "(", "((a{1000}){1000}){1000}", strings.Repeat("(", 900)} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, expr string) { _ = CheckRegexp(expr) })
}

func TestSizesOfExpressionsAreBounded(t *testing.T) {
	for _, bad := range []string{"(", "a{2000}", strings.Repeat("a", 1025), strings.Repeat("(a{500}b{400})", 12)} {
		if CheckRegexp(bad) == nil {
			t.Errorf("%.30q is accepted", bad)
		}
	}
	for text, ok := range map[string]bool{">= 1.2, < 2": true, "~> 1.2": true, "> 1.2-rc1": true, "=> 1": false, ">= ": false, "1.2.": false, "latest": false} {
		if err := CheckVersionConstraint(text, false); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	if CheckVersionConstraint("~> 1", true) == nil {
		t.Error("semver takes ~>")
	}
}

func TestNearestFindsWhatWasMeant(t *testing.T) {
	known := []string{"memory", "memory_max", "cpu", "cores", "count", "datacenters"}
	for wrong, want := range map[string]string{"memroy": "memory", "memory_mb": "memory", "CPU": "cpu", "datacenter": "datacenters", "zzz": "", "core": "cores"} {
		if got := Nearest(wrong, known); got != want {
			t.Errorf("%q: %q, want %q", wrong, got, want)
		}
	}
}

// takesAll is a driver that takes any configuration.
type takesAll struct{}

func (takesAll) CheckConfig(map[string]any) Faults { return nil }

func TestPortsOfADriverAreThoseOfTheGroup(t *testing.T) {
	j := minimal(JobTypeService)
	j.TaskGroups[0].Networks = []*NetworkResource{{Mode: "bridge", DynamicPorts: []Port{{Label: "http"}}}}
	j.TaskGroups[0].Tasks[0].Config = map[string]any{"image": "a", "ports": []any{"http", "htp", "${NOMAD_META_port}"}}
	j.Canonicalize()
	got := j.Validate(Limits{Drivers: map[string]ConfigChecker{j.TaskGroups[0].Tasks[0].Driver: takesAll{}}})
	const want = `TaskGroups[0].Tasks[0].Config.ports[1]: port "htp" is not declared in a network block of the group (did you mean "http"?)`
	if len(got) != 1 || got[0].Error() != want {
		t.Errorf("got\n%v", got)
	}
}
