package fsm

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/raft"

	"berth/state"
	"berth/structs"
)

func TestCommandsOfAnEntryAreAppliedEachForItself(t *testing.T) {
	w := newWorld()
	reg := func(j *structs.Job) structs.Command { return w.command(structs.CmdJobRegister, register(j)) }
	bad := job("bad", 1)
	bad.Namespace = "nowhere"
	evaluated := &structs.JobRegisterCommand{Job: job("half", 1), Eval: &structs.Evaluation{}} // fails after the job was written
	res := w.entry(reg(job("a", 1)), reg(bad), w.command(structs.CmdJobRegister, evaluated), reg(job("b", 1)),
		w.command(structs.CmdJobDeregister, &structs.JobDeregisterCommand{Namespace: "default", JobID: "a", Purge: true}))
	if res[0].Err != nil || res[1].Err == nil || res[2].Err == nil || res[3].Err != nil || res[4].Err != nil {
		t.Fatalf("%v", res)
	}
	snap := w.snap()
	if snap.Job("default", "a") != nil || snap.Job("default", "half") != nil || snap.Job("default", "b") == nil || snap.Index() != 1 {
		t.Error("a must be gone, half never have been, b be there")
	}
	if snap.JobVersion("default", "half", 0) != nil || snap.JobSummary("default", "half") != nil {
		t.Error("half left a trace")
	}
}

// A command of a newer program is not skipped, for this replica would differ from the others from then on: nothing of its entry is
// applied, nothing behind it, and no snapshot is taken or restored.
func TestAnEntryOfANewerProgramHaltsTheReplica(t *testing.T) {
	for name, change := range map[string]func(*structs.Command){
		"kind":    func(c *structs.Command) { c.Kind = structs.CmdLast + 1 },
		"version": func(c *structs.Command) { c.Version = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			w := cluster(t, 1)
			good := snapshotOf(t, w.store)
			before := w.snap().Hash()
			future := w.command(structs.CmdJobRegister, register(job("b", 1)))
			change(&future)
			entry := &structs.LogEntry{Commands: []structs.Command{w.command(structs.CmdJobRegister, register(job("a", 1))), future}, Writer: "9.8.7"}
			data, err := entry.MarshalMsg(nil)
			if err != nil {
				t.Fatal(err)
			}
			got := w.fsm.ApplyBatch([]*raft.Log{{Index: 9, Type: raft.LogCommand, Data: data},
				{Index: 10, Type: raft.LogCommand, Data: mustEntry(w.command(structs.CmdJobRegister, register(job("c", 1))))}})
			for i, want := range []string{"start this server with Berth 9.8.7", "could not be applied by this program"} {
				if err, ok := got[i].(error); !ok || !strings.Contains(err.Error(), want) {
					t.Errorf("entry %d answered %v", i, got[i])
				}
			}
			select {
			case <-w.fsm.Halted():
			default:
				t.Error("it is not halted")
			}
			if w.fsm.Halt() == nil || w.snap().Hash() != before {
				t.Error("it went on")
			}
			if _, err := w.fsm.Snapshot(); err == nil {
				t.Error("a snapshot was taken")
			}
			if err := w.fsm.Restore(readCloser(good)); err == nil {
				t.Error("a snapshot was restored")
			}
		})
	}
}

func TestCommandsThatMakeNoSenseAreRefused(t *testing.T) {
	w := newWorld()
	garbled := structs.Command{Kind: structs.CmdJobRegister, Body: structs.Body{0x81, 0xa3, 'J', 'o', 'b', 0xc4}}
	if res := w.entry(w.command(structs.CmdNone, register(job("a", 1)))); structs.KindOf(res[0].Err) != structs.KindInternal {
		t.Errorf("%v", res[0].Err)
	}
	if got := w.fsm.ApplyEntry(9, &structs.LogEntry{Commands: []structs.Command{garbled}}); got[0].Err == nil {
		t.Error("a garbled command was applied")
	}
	if w.fsm.Halt() != nil {
		t.Error("the replica stopped")
	}
}

func TestAMalformedCommandIsRefusedAndLeavesNoTrace(t *testing.T) {
	w := cluster(t, 1)
	p := planOf(group("web", 0, resources(1, 1), 1, 1))
	p.Stop = []*structs.PlanStop{nil}
	err := w.refuse(t, structs.KindInternal, structs.CmdPlanApply, &structs.PlanApplyCommand{Plans: []*structs.Plan{p}})
	if !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

func TestRaftEntries(t *testing.T) {
	w := newWorld()
	got := w.fsm.ApplyBatch([]*raft.Log{
		{Index: 1, Type: raft.LogConfiguration}, {Index: 2, Type: raft.LogCommand, Data: []byte("junk")},
		{Index: 3, Type: raft.LogCommand, Data: mustEntry(w.command(structs.CmdJobRegister, register(job("a", 1))))},
	})
	if got[0] != nil {
		t.Errorf("a configuration answered %v", got[0])
	}
	if err, ok := got[1].(error); !ok || structs.KindOf(err) != structs.KindInternal || !strings.Contains(err.Error(), "log entry 2") {
		t.Errorf("junk answered %v", got[1])
	}
	if res, ok := got[2].([]Result); !ok || res[0].Err != nil || w.store.Index() != 3 {
		t.Errorf("an entry answered %v", got[2])
	}
}

func mustEntry(cmds ...structs.Command) []byte {
	entry := structs.LogEntry{Commands: cmds}
	data, err := entry.MarshalMsg(nil)
	if err != nil {
		panic(err)
	}
	return data
}

func FuzzApplyEntry(f *testing.F) {
	w := newWorld()
	f.Add([]byte{})
	f.Add(mustEntry(w.command(structs.CmdNodeRegister, &structs.NodeRegisterCommand{Node: node(1)}),
		w.command(structs.CmdJobRegister, &structs.JobRegisterCommand{Job: job("web", 1), Eval: eval(1, "web")}),
		w.command(structs.CmdPlanApply, &structs.PlanApplyCommand{Plans: []*structs.Plan{planOf(group("web", 0, resources(1, 1), 1, 1))}}),
		w.command(structs.CmdAllocClientUpdate, report(1, 1, "running"))))
	f.Add(mustEntry(w.command(structs.CmdReap, &structs.ReapCommand{Allocs: []structs.ID{allocID(1)}}),
		w.command(structs.CmdDeploymentUpdate, &structs.DeploymentUpdateCommand{RevertJob: job("web", 2)}),
		w.command(structs.CmdNodeDrain, &structs.NodeDrainCommand{NodeID: nodeID(1)})))
	f.Fuzz(func(t *testing.T, data []byte) {
		var hashes [2][32]byte
		for i := range hashes {
			w := cluster(t, 1)
			m := New(w.store)
			resp := m.Apply(&raft.Log{Index: w.index() + 1, Type: raft.LogCommand, Data: data})
			if _, failed := resp.(error); !failed && resp == nil {
				t.Fatal("no answer")
			}
			if w.store.Index() != w.index()+1 {
				t.Fatalf("the index is %d", w.store.Index())
			}
			hashes[i] = w.snap().Hash()
		}
		if hashes[0] != hashes[1] {
			t.Fatal("the same entry gave two states")
		}
	})
}

func TestReadersBesideTheWriterSeeWholeStates(t *testing.T) {
	w := bigCluster(t, 20)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			follower := w.store.Follow(state.TableAllocs, state.TableJobs)
			defer follower.Close()
			for {
				snap := w.snap()
				allocs, ch := snap.AllocsByJobW("default", "web")
				n := 0
				for range allocs {
					n++
				}
				if counted := snap.JobCounts("default", "web").Allocs; counted != n {
					t.Errorf("at index %d %d allocations are counted, there are %d", snap.Index(), counted, n)
				}
				if s := snap.JobSummary("default", "web").Summary["web"]; s.Starting+s.Running != n {
					t.Errorf("at index %d the summary is %+v", snap.Index(), s)
				}
				if snap.Hash() != snap.Hash() {
					t.Error("a snapshot changed while it was read")
				}
				follower.Poll()
				select {
				case <-done:
					return
				case <-ch:
				}
			}
		})
	}
	for i := range 40 {
		w.do(t, structs.CmdPlanApply, bigPlan(i*20, 20, 20, false))
		w.do(t, structs.CmdAllocClientUpdate, &structs.AllocClientUpdateCommand{Updates: []*structs.AllocClientUpdate{runningUpdate(i*20, 20)}})
	}
	close(done)
	readers.Wait()
}
