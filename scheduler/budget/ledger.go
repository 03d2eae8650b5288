package budget

import (
	"fmt"
	"iter"

	"berth/structs"
)

// State is what a ledger reads.
type State interface {
	Job(namespace, id string) *structs.Job
	Jobs() iter.Seq[*structs.Job]
	AllocsByJob(namespace, id string) iter.Seq[*structs.Allocation]
	DisruptionBudgets() iter.Seq[*structs.DisruptionBudget]
}

// Ledger counts what may be taken. Make it with New.
type Ledger struct {
	st      State
	leaving func(*structs.Allocation) bool
	objects []*structs.DisruptionBudget
	known   map[groupKey][]*Account
	ofWhole map[structs.JobKey]*Account // of the objects, by their names
}

type groupKey struct {
	job   structs.JobKey
	group string
}

// Account is one budget: how many are expected, how many are available, and how many must stay.
type Account struct {
	Name      string // "budget quorum", "the disruption block of group g of job web"
	Rule      string // min_available 50%
	Expected  int
	Available int
	Least     int
}

// Spare is how many more may be taken, never below 0.
func (a *Account) Spare() int { return max(a.Available-a.Least, 0) }

// String says why nothing may be taken.
func (a *Account) String() string {
	return fmt.Sprintf("%s: %d of %d allocations are available, and %d must stay so (%s)", a.Name, a.Available, a.Expected, a.Least, a.Rule)
}

// New reads a state. Leaving tells of allocations that are on their way out and so do not count any more; nil for none.
func New(st State, leaving func(*structs.Allocation) bool) *Ledger {
	l := &Ledger{st: st, leaving: leaving, known: map[groupKey][]*Account{}, ofWhole: map[structs.JobKey]*Account{}}
	for b := range st.DisruptionBudgets() {
		l.objects = append(l.objects, b)
	}
	return l
}

// Objects reports that there are budgets beside those of groups.
func (l *Ledger) Objects() bool { return len(l.objects) > 0 }

// Of lists the budgets of a group; none for a job that is stopped or runs on every node.
func (l *Ledger) Of(job structs.JobKey, group string) []*Account {
	key := groupKey{job, group}
	list, ok := l.known[key]
	if ok {
		return list
	}
	if j := l.st.Job(job.Namespace, job.ID); guarded(j) {
		if g := j.LookupGroup(group); g != nil {
			list = l.accounts(j, g)
		}
	}
	l.known[key] = list
	return list
}

// guarded reports a job whose allocations budgets are about.
func guarded(j *structs.Job) bool {
	return !j.Stopped() && (j.Type == structs.JobTypeService || j.Type == structs.JobTypeBatch)
}

func (l *Ledger) accounts(j *structs.Job, g *structs.TaskGroup) []*Account {
	var list []*Account
	if d := g.Disruption; d != nil {
		a := &Account{Name: fmt.Sprintf("the disruption block of group %s of job %s", g.Name, j.ID), Rule: d.String()}
		l.count(a, j, g.Name)
		a.Least = d.Least(a.Expected)
		list = append(list, a)
	}
	for _, b := range l.objects {
		if b.Means(j, g) {
			list = append(list, l.whole(b))
		}
	}
	return list
}

// whole is the account of a budget over all it means.
func (l *Ledger) whole(b *structs.DisruptionBudget) *Account {
	if a := l.ofWhole[b.Key()]; a != nil {
		return a
	}
	a := Whole(l.st, b, l.leaving)
	l.ofWhole[b.Key()] = a
	return a
}

// Whole is the account of one budget over all it means.
func Whole(st State, b *structs.DisruptionBudget, leaving func(*structs.Allocation) bool) *Account {
	l := &Ledger{st: st, leaving: leaving}
	a := &Account{Name: "disruption budget " + b.Name, Rule: b.Disruption.String()}
	for j := range st.Jobs() {
		if j.Namespace != b.Namespace || !guarded(j) {
			continue
		}
		for _, g := range j.TaskGroups {
			if b.Means(j, g) {
				l.count(a, j, g.Name)
			}
		}
	}
	a.Least = b.Least(a.Expected)
	return a
}

// count adds a group: of a service its count is expected, of batch work what has not ended.
func (l *Ledger) count(a *Account, j *structs.Job, group string) {
	if j.Type == structs.JobTypeService {
		a.Expected += j.LookupGroup(group).Desired()
	}
	for al := range l.st.AllocsByJob(j.Namespace, j.ID) {
		if al.TaskGroup != group || al.Terminal() {
			continue
		}
		if j.Type != structs.JobTypeService {
			a.Expected++
		}
		if Serves(al) && (l.leaving == nil || !l.leaving(al)) {
			a.Available++
		}
	}
}

// Blocks is the first budget that lets the allocation not be taken, nil when it may be.
func (l *Ledger) Blocks(al *structs.Allocation) *Account {
	if !Serves(al) {
		return nil
	}
	for _, a := range l.Of(jobOf(al), al.TaskGroup) {
		if a.Spare() == 0 {
			return a
		}
	}
	return nil
}

// Take counts the allocation as taken.
func (l *Ledger) Take(al *structs.Allocation) {
	if !Serves(al) {
		return
	}
	for _, a := range l.Of(jobOf(al), al.TaskGroup) {
		a.Available--
	}
}

func jobOf(al *structs.Allocation) structs.JobKey {
	return structs.JobKey{Namespace: al.Namespace, ID: al.JobID}
}

// Serves reports that an allocation is available: it runs, and was judged healthy if it is one that is judged.
func Serves(a *structs.Allocation) bool {
	if a.ClientStatus != structs.AllocClientRunning || a.ServerTerminal() {
		return false
	}
	if a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil {
		return *a.DeploymentStatus.Healthy
	}
	return a.DeploymentID.IsZero()
}
