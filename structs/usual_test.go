package structs

import (
	"reflect"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// decoded is a job that was written and read again.
func decoded(t *testing.T, j *Job) *Job {
	t.Helper()
	text, err := j.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	out := new(Job)
	if rest, err := out.UnmarshalMsg(text); err != nil || len(rest) > 0 {
		t.Fatalf("%d bytes are left: %v", len(rest), err)
	}
	return out
}

func TestPoliciesAboutWhichNothingWasSaidAreInMemoryOnce(t *testing.T) {
	for _, kind := range []string{JobTypeService, JobTypeBatch, JobTypeSystem, JobTypeSysBatch} {
		j := &Job{ID: "web", Type: kind, TaskGroups: []*TaskGroup{{Name: "a", Tasks: []*Task{{Name: "t"}}}}}
		j.Canonicalize()
		a, b := decoded(t, j), decoded(t, j)
		if !reflect.DeepEqual(a, j) {
			t.Errorf("%s: read %+v, written was %+v", kind, a, j)
		}
		g, h := a.TaskGroups[0], b.TaskGroups[0]
		if g == h || g.RestartPolicy != h.RestartPolicy || g.ReschedulePolicy != h.ReschedulePolicy || g.Update != h.Update || g.Migrate != h.Migrate ||
			g.EphemeralDisk != h.EphemeralDisk || g.Tasks[0].LogConfig != h.Tasks[0].LogConfig {
			t.Errorf("%s: two jobs have policies of their own", kind)
		}
	}
}

func TestAPolicyOfOnesOwnIsRead(t *testing.T) {
	j := &Job{ID: "web", TaskGroups: []*TaskGroup{{Name: "a", RestartPolicy: &RestartPolicy{Attempts: new(7)}, Tasks: []*Task{{Name: "t"}}}}}
	j.Canonicalize()
	got := decoded(t, j)
	if !reflect.DeepEqual(got, j) {
		t.Errorf("read %+v, written was %+v", got, j)
	}
	if got.TaskGroups[0].EphemeralDisk != decoded(t, j).TaskGroups[0].EphemeralDisk {
		t.Error("the disk is not shared")
	}
}

// A field that is there twice must not be read into a value others have.
func TestAUsualValueIsNotReadInto(t *testing.T) {
	own := &RestartPolicy{Attempts: new(99)}
	common := usualRestartPolicy[0].value
	before := *common.Attempts
	text := msgp.AppendMapHeader(nil, 2)
	for _, p := range []*RestartPolicy{common, own} {
		var err error
		if text, err = p.MarshalMsg(msgp.AppendString(text, "RestartPolicy")); err != nil {
			t.Fatal(err)
		}
	}
	var task Task
	if _, err := task.UnmarshalMsg(text); err != nil || *task.RestartPolicy.Attempts != 99 {
		t.Fatalf("read %+v: %v", task.RestartPolicy, err)
	}
	if *common.Attempts != before {
		t.Errorf("a value of all jobs has %d attempts now", *common.Attempts)
	}
}

func TestNothingIsAllocatedForCommandsThatAreNotThere(t *testing.T) {
	text := msgp.AppendArrayHeader(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "Commands"), 1<<31)
	var e LogEntry
	if _, err := e.UnmarshalMsg(append(text, 0xc0, 0xc0)); err == nil || e.Commands != nil {
		t.Errorf("read %d commands: %v", len(e.Commands), err)
	}
}
