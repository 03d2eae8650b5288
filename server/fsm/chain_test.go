package fsm

import (
	"bytes"
	"testing"

	"berth/state"
	"berth/structs"
)

// check is the command of a leader that has applied what a world has.
func (w *world) check() structs.Command {
	c := w.snap().Chain()
	return w.command(structs.CmdChainCheck, &structs.ChainCheckCommand{Server: nodeID(7), Origin: c.Origin, Index: w.snap().Index(), Hash: c.Hash[:]})
}

// replicas are n worlds with the same log until now.
func replicas(t *testing.T, n int) []*world {
	all := make([]*world, n)
	for i := range all {
		all[i] = cluster(t, 2)
		all[i].entry(all[i].check())
	}
	return all
}

func TestReplicasThatAppliedTheSameAgree(t *testing.T) {
	all := replicas(t, 2)
	same := all[0].command(structs.CmdJobRegister, register(job("a", 1)))
	for _, w := range all {
		w.entry(same)
	}
	cmd := all[0].check()
	for _, w := range all {
		w.entry(cmd)
		checks := w.fsm.Checks()
		if len(checks) != 1 || !checks[0].Same() || checks[0].Leader != nodeID(7) || checks[0].Index != w.index()-1 {
			t.Errorf("%+v", checks)
		}
		select {
		case <-w.fsm.Checked():
		default:
			t.Error("nobody was told")
		}
	}
}

func TestAReplicaThatAppliedSomethingElseIsFound(t *testing.T) {
	for _, name := range []string{"another entry", "another outcome", "another order"} {
		t.Run(name, func(t *testing.T) {
			all := replicas(t, 2)
			switch name {
			case "another outcome": // the same bytes, but this replica has lost the namespace they need
				lost := all[1].store.Begin(all[1].index())
				lost.DeleteNamespace("default")
				lost.Commit()
				cmd := all[0].command(structs.CmdJobRegister, register(job("a", 1)))
				all[0].entry(cmd)
				all[1].entry(cmd)
			case "another order":
				a, b := all[0].command(structs.CmdJobRegister, register(job("a", 1))), all[0].command(structs.CmdJobRegister, register(job("b", 1)))
				all[0].entry(a)
				all[0].entry(b)
				all[1].entry(b)
				all[1].entry(a)
			case "another entry":
				all[0].do(t, structs.CmdJobRegister, register(job("a", 1)))
				all[1].do(t, structs.CmdJobRegister, register(job("b", 1)))
			}
			cmd := all[0].check()
			all[1].entry(cmd)
			if c := all[1].fsm.Checks(); len(c) != 1 || c[0].Same() || c[0].Index != all[0].index() || len(c[0].Own) != 64 || len(c[0].Theirs) != 64 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// A replica that came by a snapshot goes on with the hash the snapshot carries, and compares nothing of the time before it.
func TestTheHashGoesOnBehindASnapshot(t *testing.T) {
	w := replicas(t, 1)[0]
	w.do(t, structs.CmdJobRegister, register(job("a", 1)))
	old := w.check()
	w.do(t, structs.CmdJobRegister, register(job("b", 1)))
	other := &world{store: state.New(), now: w.now}
	other.fsm = New(other.store)
	if err := other.fsm.Restore(readCloser(snapshotOf(t, w.store))); err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{mustEntry(old), mustEntry(w.check()), mustEntry(w.command(structs.CmdJobRegister, register(job("c", 1))))} {
		at := int(w.store.Index()) + 1
		applyTo(w.fsm, at, data)
		applyTo(other.fsm, at, data)
	}
	cmd := w.check()
	applyTo(other.fsm, int(other.store.Index())+1, mustEntry(cmd))
	checks := other.fsm.Checks()
	if len(checks) != 2 || !checks[0].Same() || !checks[1].Same() {
		t.Errorf("%+v", checks)
	}
	if got := w.fsm.Checks(); len(got) != 2 || !got[0].Same() {
		t.Errorf("the one that was there all the time: %+v", got)
	}
}

// A state without a hash, as earlier programs wrote it, begins one with the first check, like every other replica.
func TestTheHashBeginsWithTheFirstCheck(t *testing.T) {
	w := cluster(t, 2)
	if w.snap().Chain() != (state.Chain{}) {
		t.Fatal("it has begun")
	}
	var snap bytes.Buffer
	if err := WriteSnapshot(&snap, w.snap()); err != nil {
		t.Fatal(err)
	}
	other := &world{store: state.New(), now: w.now}
	other.fsm = New(other.store)
	if err := other.fsm.Restore(readCloser(snap.Bytes())); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		data, at := mustEntry(w.check()), int(w.store.Index())+1
		applyTo(w.fsm, at, data)
		applyTo(other.fsm, at, data)
	}
	if w.snap().Chain() != other.snap().Chain() || w.snap().Chain().Origin == 0 {
		t.Errorf("%v, %v", w.snap().Chain(), other.snap().Chain())
	}
	if c := other.fsm.Checks(); len(c) != 1 || !c[0].Same() {
		t.Errorf("%+v", c)
	}
}
