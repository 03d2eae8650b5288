package state

import (
	"berth/state/sorted"
	"berth/structs"
)

// WriteTxn is the one transaction that may change the state at a time. Its getters see what it has written. Objects given to
// it are the state's from then on: their indexes are stamped, then nobody may change them.
//
// One goroutine uses it, and ends it with Commit or Abort.
type WriteTxn struct {
	reader
	store *Store
	// edit is taken from pen alone. looking counts the sequences that run; seen says that one of them began since edit was made.
	edit    *sorted.Edit
	looking int
	seen    bool
	// work is the version being made; restoring keeps the indexes objects come with.
	work      *root
	restoring bool
	changes   []Write
	step      int32 // counts the commands
	hand      hand
	// uses are copies made since the last savepoint, which may be changed in place.
	uses map[structs.ID]*NodeUse
}

// Savepoint is a place in a transaction to go back to.
type Savepoint struct {
	work    root
	changes int
}

// Begin starts the transaction of a log index, when the one before has ended.
func (s *Store) Begin(index uint64) *WriteTxn {
	s.writing.Lock()
	work := *s.root.Load()
	work.index = index
	t := &WriteTxn{store: s, work: &work, changes: s.spare}
	t.reader = reader{r: &work, txn: t}
	t.fresh()
	return t
}

// BeginRestore starts a transaction that replaces the whole state by what is put into it, indexes as they come. Job versions
// come before allocations. The state before is read until the Commit.
func (s *Store) BeginRestore(index uint64, tableIndexes [TableCount]uint64) *WriteTxn {
	s.writing.Lock()
	work := newRoot()
	work.index, work.changed, work.restored = index, tableIndexes, tableIndexes
	t := &WriteTxn{store: s, work: work, restoring: true}
	t.reader = reader{r: work, txn: t}
	t.fresh()
	return t
}

// fresh gives up the right to change in place what was made so far.
func (t *WriteTxn) fresh() {
	t.edit, t.seen = new(sorted.Edit), false
	t.hand, t.uses = hand{}, nil
}

// look begins a sequence of the transaction's own version, and gives what ends it.
func (t *WriteTxn) look() (end func()) {
	t.looking++
	t.seen = true
	return func() { t.looking-- }
}

// pen is the right to change trees in place. While a sequence runs, what it may still come to is copied first.
//
// Why so late: most sequences are over before the next write, and a new right would have every node copied again.
func (t *WriteTxn) pen() *sorted.Edit {
	if t.looking > 0 && t.seen {
		t.edit, t.seen = new(sorted.Edit), false
	}
	return t.edit
}

// Savepoint remembers what the transaction wrote until now.
func (t *WriteTxn) Savepoint() Savepoint {
	t.fresh()
	return Savepoint{work: *t.work, changes: len(t.changes)}
}

// Step begins another command: the feed tells what each wrote apart.
func (t *WriteTxn) Step() { t.step++ }

// Changes is how many objects were written until now: it grows with every write.
func (t *WriteTxn) Changes() int { return len(t.changes) }

// Rollback forgets what was written since the savepoint.
func (t *WriteTxn) Rollback(to Savepoint) {
	t.fresh()
	*t.work = to.work
	t.changes = t.changes[:to.changes]
}

// Commit makes the transaction the state, and wakes those who wait for what it changed.
func (t *WriteTxn) Commit() {
	t.edit = nil
	if t.restoring {
		t.store.replace(t.work)
	} else {
		t.store.publish(t.work, t.changes)
	}
	t.store.writing.Unlock()
}

// Abort forgets the transaction.
func (t *WriteTxn) Abort() {
	t.edit = nil
	t.store.writing.Unlock()
}

func (t *WriteTxn) note(table Table, before, after any) {
	if t.restoring {
		return
	}
	t.changes = append(t.changes, Write{table, t.step, before, after})
	t.work.changed[table] = t.work.index
}

// stamp sets an object's indexes: created is that of the object it replaces, 0 if there was none.
func (t *WriteTxn) stamp(create, modify *uint64, created uint64) {
	if t.restoring {
		return
	}
	if created == 0 {
		created = t.work.index
	}
	*create, *modify = created, t.work.index
}

// noted notes a change of an object; before or after may be nil.
func noted[T any](t *WriteTxn, table Table, before, after *T) {
	switch {
	case before == nil:
		t.note(table, nil, after)
	case after == nil:
		t.note(table, before, nil)
	default:
		t.note(table, before, after)
	}
}

// put stores an object by its key, notes the change, and gives what was there.
func put[K, T any](t *WriteTxn, table Table, tree *sorted.Tree[K, *T], v *T) (old *T) {
	old, _ = tree.Set(t.pen(), v)
	noted(t, table, old, v)
	return old
}

// drop removes an object by its key and notes the change.
func drop[K, T any](t *WriteTxn, table Table, tree *sorted.Tree[K, *T], key K) *T {
	old, had := tree.Delete(t.pen(), key)
	if !had {
		return nil
	}
	t.note(table, old, nil)
	return old
}

// PutNode stores a node.
func (t *WriteTxn) PutNode(n *structs.Node) {
	var created uint64
	if old := t.Node(n.ID); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&n.CreateIndex, &n.ModifyIndex, created)
	put(t, TableNodes, &t.work.nodes, n)
}

// DeleteNode forgets a node. Its allocations stay.
func (t *WriteTxn) DeleteNode(id structs.ID) { drop(t, TableNodes, &t.work.nodes, id) }

// PutDeployment stores a deployment. Its job must be that of the deployment it replaces.
func (t *WriteTxn) PutDeployment(d *structs.Deployment) {
	var created uint64
	if old := t.Deployment(d.ID); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&d.CreateIndex, &d.ModifyIndex, created)
	put(t, TableDeployments, &t.work.deployments, d)
	rec := t.record(structs.JobKey{Namespace: d.Namespace, ID: d.JobID})
	rec.deployments.Set(rec.edit, d)
}

// DeleteDeployment forgets a deployment.
func (t *WriteTxn) DeleteDeployment(id structs.ID) {
	if d := drop(t, TableDeployments, &t.work.deployments, id); d != nil {
		rec := t.record(structs.JobKey{Namespace: d.Namespace, ID: d.JobID})
		rec.deployments.Delete(rec.edit, ageKey{^d.CreateIndex, d.ID})
		t.tidy(rec)
	}
}

// PutSchedulerConfig replaces the scheduler configuration.
func (t *WriteTxn) PutSchedulerConfig(c *structs.SchedulerConfiguration) {
	t.stamp(&c.CreateIndex, &c.ModifyIndex, t.work.config.CreateIndex)
	t.note(TableSchedulerConfig, t.work.config, c)
	t.work.config = c
}

// PutNamespace stores a namespace.
func (t *WriteTxn) PutNamespace(n *structs.Namespace) {
	var created uint64
	if old := t.Namespace(n.Name); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&n.CreateIndex, &n.ModifyIndex, created)
	put(t, TableNamespaces, &t.work.namespaces, n)
}

// DeleteNamespace forgets a namespace.
func (t *WriteTxn) DeleteNamespace(name string) {
	drop(t, TableNamespaces, &t.work.namespaces, name)
}

// PutNodePool stores a node pool.
func (t *WriteTxn) PutNodePool(p *structs.NodePool) {
	var created uint64
	if old := t.NodePool(p.Name); old != nil {
		created = old.CreateIndex
	}
	t.stamp(&p.CreateIndex, &p.ModifyIndex, created)
	put(t, TableNodePools, &t.work.pools, p)
}

// DeleteNodePool forgets a node pool.
func (t *WriteTxn) DeleteNodePool(name string) { drop(t, TableNodePools, &t.work.pools, name) }
