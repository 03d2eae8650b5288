package structs

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestIDTextRoundTripsAndRefusesGarbage(t *testing.T) {
	const text = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
	id, err := ParseID(text)
	if err != nil || id.String() != text || id.Short() != "0a1b2c3d" {
		t.Fatalf("got %v %q %q", err, id.String(), id.Short())
	}
	if up := MustID("0A1B2C3D-4E5F-6789-ABCD-EF0123456789"); up != id {
		t.Fatalf("upper case reads as %v", up)
	}
	if zero, err := ParseID(""); err != nil || !zero.IsZero() || zero.String() != "" {
		t.Fatalf("empty text: %v %v", zero, err)
	}
	for _, bad := range []string{"x", text[:35], text + "0", "0a1b2c3d_4e5f-6789-abcd-ef0123456789", "0g1b2c3d-4e5f-6789-abcd-ef0123456789"} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestJobKeepsItsMeaningThroughTheLog(t *testing.T) {
	job := &Job{
		ID: "web", Namespace: "default", Meta: map[string]string{"a": "b"},
		TaskGroups: []*TaskGroup{{
			Name: "g", Count: new(3), RestartPolicy: &RestartPolicy{Delay: new(15 * time.Second)},
			Tasks: []*Task{{Name: "t", Config: map[string]any{"image": "x", "args": []any{"a", int64(2)}}}},
		}},
	}
	raw, err := job.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back Job
	if _, err := back.UnmarshalMsg(raw); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(job, &back); d != "" {
		t.Fatal(d)
	}
	a, _ := json.Marshal(job)
	b, _ := json.Marshal(&back)
	if string(a) != string(b) {
		t.Fatalf("JSON differs:\n%s\n%s", a, b)
	}
}

func TestLifecyclePhasesCountByTheirPeak(t *testing.T) {
	task := func(cpu, mem int64) *AllocatedTaskResources {
		return &AllocatedTaskResources{Cpu: AllocatedCPUResources{CpuShares: cpu}, Memory: AllocatedMemoryResources{MemoryMB: mem}}
	}
	res := &AllocatedResources{
		Tasks: map[string]*AllocatedTaskResources{"init": task(900, 100), "side": task(50, 10), "main": task(500, 300), "post": task(10, 400)},
		TaskLifecycles: map[string]*TaskLifecycle{
			"init": {Hook: HookPrestart}, "side": {Hook: HookPrestart, Sidecar: true}, "post": {Hook: HookPoststop},
		},
		Shared: AllocatedSharedResources{DiskMB: 300},
	}
	want := ComparableResources{CPU: 950, MemoryMB: 400, MemoryMaxMB: 400, DiskMB: 300}
	if got := res.Comparable(); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestErrorKindSurvivesWrapping(t *testing.T) {
	err := &Error{Op: "register job", Subject: `job "web"`, Kind: KindConflict, Hint: "read it again", Err: NewError(KindInvalid, "index moved")}
	if KindOf(err) != KindConflict || err.Error() != `register job "web": index moved (read it again)` {
		t.Fatalf("%v %q", KindOf(err), err.Error())
	}
	if KindNoLeader.HTTPStatus() != 503 || KindOf(nil) != KindInternal {
		t.Fatal("kind table")
	}
}
