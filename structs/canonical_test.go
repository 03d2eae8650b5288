package structs

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// anyJob fills every field of a job at random, the odd ones included: nil, empty and set lists, maps and pointers.
func anyJob(t *rapid.T) *Job {
	j := &Job{}
	fill(t, reflect.ValueOf(j).Elem(), 0)
	j.Type = rapid.SampledFrom([]string{"", JobTypeService, JobTypeBatch, JobTypeSystem, JobTypeSysBatch}).Draw(t, "type")
	return j
}

func fill(t *rapid.T, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		if rapid.IntRange(0, 2).Draw(t, "set") > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), depth+1)
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, 2).Draw(t, "n"); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i), depth+1)
			}
		}
	case reflect.Map:
		if n := rapid.IntRange(-1, 2).Draw(t, "n"); n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				e := reflect.New(v.Type().Elem()).Elem()
				fill(t, e, depth+1)
				v.SetMapIndex(reflect.ValueOf(word8(t)), e)
			}
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(anyConfig(t, 0)))
	case reflect.String:
		v.SetString(word8(t))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64, reflect.Int8:
		v.SetInt(rapid.Int64Range(-2, 120).Draw(t, "int"))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(rapid.Uint64Range(0, 120).Draw(t, "uint"))
	default:
		t.Fatalf("no rule for %s", v.Type())
	}
}

func word8(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "a", "b", "web", "==", "is", "signal", "file", "default", "${JOB}", "é\x01"}).Draw(t, "word")
}

func anyConfig(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if depth > 2 {
		kind %= 5
	}
	switch kind {
	case 0:
		return word8(t)
	case 1:
		return rapid.IntRange(-1<<40, 1<<40).Draw(t, "int")
	case 2:
		return rapid.Float64Range(-1e6, 1e6).Draw(t, "float")
	case 3:
		return rapid.Bool().Draw(t, "bool")
	case 4:
		return uint16(rapid.IntRange(0, 9).Draw(t, "u16"))
	case 5:
		return map[string]any{word8(t): anyConfig(t, depth+1)}
	case 6:
		return []string{word8(t)}
	}
	return []any{anyConfig(t, depth+1), anyConfig(t, depth+1)}
}

func TestCanonicalIsAFixedPointThroughEveryEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := anyJob(t)
		j.Canonicalize()
		want := j.Copy()
		same := func(what string, got *Job) {
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("%s: %s", what, d)
			}
		}
		j.Canonicalize()
		same("twice", j)

		raw, err := j.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		var log Job
		if _, err := log.UnmarshalMsg(raw); err != nil {
			t.Fatal(err)
		}
		same("after the log, as it is", &log)
		log.Canonicalize()
		same("after the log", &log)

		text, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		var wire Job
		if err := json.Unmarshal(text, &wire); err != nil {
			t.Fatal(err)
		}
		wire.Canonicalize()
		same("after JSON", &wire)
		if d := JobChange(want, &wire); d != ChangeNone {
			t.Fatalf("change: %v", d)
		}
	})
}

// JobChange is the heaviest change over all groups.
func JobChange(a, b *Job) Change {
	c := ChangeNone
	for _, g := range a.TaskGroups {
		c = max(c, GroupChange(a, b, g.Name))
	}
	return c
}

func TestValidateAnswersEveryJobWithoutPanic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := anyJob(t)
		j.Canonicalize()
		before := j.Copy()
		j.Validate(Limits{})
		if d := cmp.Diff(before, j); d != "" {
			t.Fatalf("Validate changed the job: %s", d)
		}
	})
}

func TestCopySharesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := anyJob(t)
		c := j.Copy()
		if d := cmp.Diff(j, c); d != "" {
			t.Fatal(d)
		}
		shared(t, reflect.ValueOf(j), reflect.ValueOf(c))
	})
}

func shared(t *rapid.T, a, b reflect.Value) {
	switch a.Kind() {
	case reflect.Pointer, reflect.Map:
		if !a.IsNil() && a.Pointer() == b.Pointer() && (a.Kind() == reflect.Map || a.Type().Elem().Size() > 0) {
			t.Fatalf("%s is shared", a.Type())
		}
		if a.Kind() == reflect.Pointer && !a.IsNil() {
			shared(t, a.Elem(), b.Elem())
		}
	case reflect.Struct:
		for i := range a.NumField() {
			shared(t, a.Field(i), b.Field(i))
		}
	case reflect.Slice:
		if a.Len() > 0 && a.Pointer() == b.Pointer() {
			t.Fatalf("%s is shared", a.Type())
		}
		for i := range a.Len() {
			shared(t, a.Index(i), b.Index(i))
		}
	}
}

// minimal is the shortest job people write.
func minimal(jobType string) *Job {
	return &Job{ID: "web", Type: jobType, TaskGroups: []*TaskGroup{{
		Name: "g", Tasks: []*Task{{Name: "t", Driver: "docker", Config: map[string]any{"image": "nginx"}}},
	}}}
}

func TestDefaultsFollowTheJobsType(t *testing.T) {
	for _, c := range []struct {
		jobType                                string
		update, migrate, reschedule, unlimited bool
		restarts                               int
		restartInterval                        time.Duration
	}{
		{"", true, true, true, true, 2, 30 * time.Minute},
		{JobTypeBatch, false, false, true, false, 3, 24 * time.Hour},
		{JobTypeSystem, true, false, false, false, 2, 30 * time.Minute},
		{JobTypeSysBatch, false, false, false, false, 3, 24 * time.Hour},
	} {
		j := minimal(c.jobType)
		j.Canonicalize()
		if faults := j.Validate(DefaultLimits()); len(faults) > 0 {
			t.Errorf("%s: %v", c.jobType, faults)
		}
		g := j.TaskGroups[0]
		if (g.Update != nil) != c.update || (g.Migrate != nil) != c.migrate || (g.ReschedulePolicy != nil) != c.reschedule {
			t.Errorf("%s: update %v migrate %v reschedule %v", c.jobType, g.Update, g.Migrate, g.ReschedulePolicy)
		}
		if r := g.ReschedulePolicy; r != nil && *r.Unlimited != c.unlimited {
			t.Errorf("%s: unlimited is %v", c.jobType, *r.Unlimited)
		}
		if r := g.Tasks[0].RestartPolicy; *r.Attempts != c.restarts || *r.Interval != c.restartInterval || *r.Mode != RestartModeFail {
			t.Errorf("%s: restart %v %v", c.jobType, *r.Attempts, *r.Interval)
		}
		task := g.Tasks[0]
		if *g.Count != 1 || *task.KillTimeout != 5*time.Second || *task.Resources.CPU != 100 || *task.Resources.MemoryMB != 300 ||
			*g.EphemeralDisk.SizeMB != 300 || *task.LogConfig.MaxFiles != 10 || j.Region != "global" || j.Datacenters[0] != "*" {
			t.Errorf("%s: a default is off", c.jobType)
		}
	}
}

func TestBlocksOfTheJobMergeBelowThoseOfItsGroups(t *testing.T) {
	j := minimal(JobTypeService)
	j.Update = &UpdateStrategy{MaxParallel: new(3), Canary: new(1)}
	j.Reschedule = &ReschedulePolicy{Attempts: new(2), Interval: new(time.Hour)}
	g := j.TaskGroups[0]
	g.Update = &UpdateStrategy{Canary: new(2)}
	g.RestartPolicy = &RestartPolicy{Attempts: new(7)}
	g.Tasks[0].RestartPolicy = &RestartPolicy{Delay: new(time.Second)}
	j.Canonicalize()
	if *g.Update.MaxParallel != 3 || *g.Update.Canary != 2 || *g.Update.HealthyDeadline != 5*time.Minute {
		t.Errorf("update %+v", g.Update)
	}
	if r := g.ReschedulePolicy; *r.Attempts != 2 || *r.Unlimited || *r.Delay != 30*time.Second {
		t.Errorf("reschedule: %d attempts, unlimited %v", *r.Attempts, *r.Unlimited)
	}
	if r := g.Tasks[0].RestartPolicy; *r.Attempts != 7 || *r.Delay != time.Second {
		t.Errorf("restart: %d attempts, delay %v", *r.Attempts, *r.Delay)
	}
}

func TestWhatTheOfficialClientSendsIsReadWithItsNulls(t *testing.T) {
	const text = `{"id":"web","Name":null,"Priority":null,"type":"batch","Datacenters":["dc1"],"Meta":{},"Update":null,
		"TaskGroups":[{"Name":"g","Count":null,"Networks":[null,{"Mode":"bridge","DynamicPorts":[{"Label":"http","Value":0,"To":80}]}],
		"Tasks":[{"Name":"t","Driver":"docker","Config":{"image":"x","port":8080,"ratio":1.5},"KillTimeout":null,"Resources":{"CPU":200}}]}]}`
	var j Job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatal(err)
	}
	j.Canonicalize()
	if faults := j.Validate(Limits{}); len(faults) > 0 {
		t.Fatal(faults)
	}
	g := j.TaskGroups[0]
	if j.Priority != 50 || j.Meta != nil || len(g.Networks) != 1 || *g.Tasks[0].Resources.CPU != 200 {
		t.Fatalf("%+v", j)
	}
	if got := g.Tasks[0].Config["port"]; got != int64(8080) {
		t.Fatalf("config number is %T %v", got, got)
	}
}

// The identity named default has a field of its own; the first one without a name is it, unless that is taken.
func TestTheDefaultIdentityHasItsOwnField(t *testing.T) {
	for _, c := range []struct {
		own   *WorkloadIdentity
		names []string
		taken bool // the first of the names is the default
		left  int
	}{
		{nil, []string{""}, true, 0},
		{nil, []string{DefaultIdentity, "other"}, true, 1},
		{nil, []string{"other"}, false, 1},
		{&WorkloadIdentity{}, []string{DefaultIdentity}, false, 1},
	} {
		j := minimal(JobTypeService)
		task := j.TaskGroups[0].Tasks[0]
		task.Identity = c.own
		for _, name := range c.names {
			task.Identities = append(task.Identities, nil, &WorkloadIdentity{Name: name, File: true})
		}
		task.Secrets = []*Secret{nil, {Name: "s", Config: map[string]any{"n": 1.0}}}
		task.ScalingPolicies = []*ScalingPolicy{nil, {}}
		j.Canonicalize()
		if taken := task.Identity != nil && task.Identity.File; taken != c.taken || len(task.Identities) != c.left {
			t.Errorf("%v: taken %v, left %v", c.names, taken, task.Identities)
		}
		if task.Identity != nil && (task.Identity.Name != DefaultIdentity || len(task.Identity.Audience) != 1) {
			t.Errorf("%v: %+v", c.names, task.Identity)
		}
		if n := task.Secrets[0].Config["n"]; n != int64(1) || *task.ScalingPolicies[0].Min != 0 {
			t.Errorf("%v: a secret's number is %T", c.names, n)
		}
	}
}
