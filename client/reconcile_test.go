package client

import (
	"testing"

	"pgregory.net/rapid"

	"berth/structs"
)

// TestReconcileLaws: whatever a server answers, an allocation is started only when it is new, updated only when it is
// newer, and ended only by an answer that knows it and does not list it.
func TestReconcileLaws(t *testing.T) {
	job := &structs.Job{ID: "j", TaskGroups: []*structs.TaskGroup{{Name: "g"}}}
	rapid.Check(t, func(t *rapid.T) {
		held, resp := map[structs.ID]heldAlloc{}, &structs.NodeAllocsResponse{Index: rapid.Uint64Range(0, 20).Draw(t, "index")}
		for n := range byte(6) {
			id := structs.ID{n + 1}
			if rapid.Bool().Draw(t, "held") {
				held[id] = heldAlloc{index: rapid.Uint64Range(0, 20).Draw(t, "at"), forgotten: rapid.Bool().Draw(t, "forgotten")}
			}
			if !rapid.Bool().Draw(t, "listed") {
				continue
			}
			resp.IDs = append(resp.IDs, id)
			if rapid.Bool().Draw(t, "sent") {
				resp.Allocs = append(resp.Allocs, &structs.Allocation{ID: id, Job: job, TaskGroup: rapid.SampledFrom([]string{"g", "gone"}).Draw(t, "group"),
					AllocModifyIndex: rapid.Uint64Range(0, 20).Draw(t, "now"),
					ClientStatus:     rapid.SampledFrom([]string{"pending", "lost", "complete"}).Draw(t, "status")})
			}
		}
		c := reconcile(held, resp)
		for _, a := range c.start {
			if _, known := held[a.ID]; known || a.ClientTerminal() || a.Group() == nil {
				t.Fatalf("started %+v", a)
			}
		}
		for _, a := range c.update {
			if h, known := held[a.ID]; !known || h.forgotten || a.AllocModifyIndex <= h.index {
				t.Fatalf("updated %+v", a)
			}
		}
		listed := map[structs.ID]bool{}
		for _, id := range resp.IDs {
			listed[id] = true
		}
		forgotten := map[structs.ID]bool{}
		for _, id := range c.forget {
			if forgotten[id] || listed[id] || resp.Index < held[id].index {
				t.Fatalf("forgot %v", id)
			}
			forgotten[id] = true
		}
		for id, h := range held {
			if !listed[id] && !h.forgotten && resp.Index >= h.index && !forgotten[id] {
				t.Fatalf("kept %v", id)
			}
		}
	})
}

func TestLinkJobs(t *testing.T) {
	v1, v2 := &structs.Job{ID: "j", Version: 1}, &structs.Job{ID: "j", Version: 2}
	sent := &structs.Allocation{ID: structs.ID{1}, JobID: "j", JobVersion: 2}
	resp := &structs.NodeAllocsResponse{Allocs: []*structs.Allocation{sent}, Jobs: []*structs.Job{v1, v2}}
	linkJobs(resp)
	if resp.Allocs[0].Job != v2 || sent.Job != nil {
		t.Errorf("linked %+v, and changed what the servers share: %v", resp.Allocs[0].Job, sent.Job != nil)
	}
}
