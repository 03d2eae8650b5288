package sim

import (
	"fmt"
	"time"

	"berth/structs"
)

// view is what the checkers see: plain objects, so that a planted fault is easy to build. Slices are ordered.
type view struct {
	nodes  []*structs.Node
	jobs   []*structs.Job
	allocs []*structs.Allocation
	evals  []*structs.Evaluation
	// deployments are those of all jobs.
	deployments []*structs.Deployment
	// refused are jobs that do not wait out the failure of one on which they depend.
	refused map[structs.JobKey]bool
}

// checkNode finds a node that holds more than it has, or two allocations with one port. Its allocations are those on it.
func checkNode(n *structs.Node, allocs []*structs.Allocation) []string {
	var found []string
	var used structs.ComparableResources
	ports := map[int]structs.ID{}
	for _, a := range allocs {
		if !a.HoldsResources() || a.NodeID != n.ID {
			continue
		}
		used.Add(a.AllocatedResources.Comparable())
		if a.AllocatedResources == nil {
			found = append(found, fmt.Sprintf("allocation %s holds a place without resources", a.ID.Short()))
			continue
		}
		for _, p := range a.AllocatedResources.Shared.Ports {
			if p.Value <= 0 {
				found = append(found, fmt.Sprintf("allocation %s has no port for %q", a.ID.Short(), p.Label))
			} else if other, taken := ports[p.Value]; taken && other != a.ID {
				found = append(found, fmt.Sprintf("I10: port %d of %s is held by %s and %s", p.Value, n.Name, other.Short(), a.ID.Short()))
			}
			ports[p.Value] = a.ID
		}
	}
	r := n.NodeResources
	if used.CPU > r.Cpu.CpuShares || used.MemoryMB > r.Memory.MemoryMB || used.DiskMB > r.Disk.DiskMB {
		found = append(found, fmt.Sprintf("I9: %s holds cpu %d of %d, memory %d of %d, disk %d of %d", n.Name,
			used.CPU, r.Cpu.CpuShares, used.MemoryMB, r.Memory.MemoryMB, used.DiskMB, r.Disk.DiskMB))
	}
	return found
}

// checkJob finds names given twice and more allocations than the job's rules allow. Its allocations are those of all versions.
// One that came back from a cut-off node counts again when there was time to decide between it and its replacement.
func checkJob(j *structs.Job, allocs []*structs.Allocation, now time.Time) []string {
	var found []string
	names := map[string]*structs.Allocation{}
	live := map[string]int{}
	for _, a := range allocs {
		if a.Terminal() || a.ClientStatus == structs.AllocClientUnknown || now.Before(cameBack(a).Add(decideIn)) {
			continue
		}
		live[a.TaskGroup]++
		if a.DeploymentStatus != nil && a.DeploymentStatus.Canary {
			continue
		}
		if other := names[a.Name()]; other != nil && !promoted(a, other) {
			found = append(found, fmt.Sprintf("I12: %s is the name of %s and %s", a.Name(), other.ID.Short(), a.ID.Short()))
		}
		names[a.Name()] = a
	}
	for _, g := range j.TaskGroups {
		most := g.Desired() + canaries(g)
		if n := live[g.Name]; !j.Stopped() && n > most && n > largestCount(j, allocs, g.Name) {
			found = append(found, fmt.Sprintf("I11: job %s group %s has %d live allocations, %d are allowed", j.ID, g.Name, n, most))
		}
	}
	return found
}

// decideIn is how long an allocation that came back and its replacement may both run.
const decideIn = 30 * time.Second

// cameBack is when the allocation was heard of again after it was unknown, or became so again; zero when it never was.
func cameBack(a *structs.Allocation) time.Time {
	if len(a.AllocStates) == 0 {
		return time.Time{}
	}
	return a.AllocStates[len(a.AllocStates)-1].Time
}

// checkUnknown finds an allocation that is unknown for longer than its job, its node and the way there explain.
func checkUnknown(a *structs.Allocation, j *structs.Job, n *structs.Node, now time.Time) string {
	if a.ServerTerminal() || j.Stopped() || n == nil {
		return ""
	}
	g := j.LookupGroup(a.TaskGroup)
	if g == nil || g.Disconnect == nil || g.Disconnect.LostAfter == nil ||
		g.Disconnect.Replace != nil && !*g.Disconnect.Replace {
		return ""
	}
	until := cameBack(a).Add(*g.Disconnect.LostAfter)
	for _, t := range []time.Time{time.Unix(n.StatusUpdatedAt, 0), time.Unix(0, j.SubmitTime)} {
		if t.After(until) {
			until = t
		}
	}
	if now.After(until.Add(decideIn)) {
		return fmt.Sprintf("I25: allocation %s of job %s is unknown %s after its time", a.ID.Short(), a.JobID, now.Sub(until))
	}
	return ""
}

// promoted reports that one of two may have been a canary. It bears the name of what it was to replace, and keeps it when that one
// failed meanwhile and was replaced under its name, or was brought to the new version in place.
func promoted(a, b *structs.Allocation) bool {
	newer := a
	if b.JobVersion > a.JobVersion {
		newer = b
	}
	return canaries(newer.Job.LookupGroup(newer.TaskGroup)) > 0
}

func canaries(g *structs.TaskGroup) int {
	if g == nil || g.Update == nil || g.Update.Canary == nil {
		return 0
	}
	return *g.Update.Canary
}

// largestCount is the most allocations any version with a live allocation wants: until the job was looked at again, those of
// the version before are rightly there.
func largestCount(j *structs.Job, allocs []*structs.Allocation, group string) int {
	most := 0
	for _, a := range allocs {
		if a.Terminal() || a.TaskGroup != group || a.Job == nil || a.JobVersion == j.Version {
			continue
		}
		if g := a.Job.LookupGroup(group); g != nil {
			most = max(most, g.Desired()+canaries(g))
		}
	}
	return most
}

// checkEntry is checkStep for what an entry of the log did, given its node before and after the entry: its plan may have come before what
// keeps others off the node since.
func checkEntry(before, after *structs.Allocation, was, is *structs.Node) []string {
	found := checkStep(before, after, is)
	if before == nil && len(found) > 0 && was != nil && len(checkStep(nil, after, was)) == 0 {
		return nil
	}
	return found
}

// checkStep finds a change no allocation may make: a terminal client status that becomes another, a new place on a node that
// was not ready, a move to another node.
func checkStep(before, after *structs.Allocation, node *structs.Node) []string {
	var found []string
	if before == nil {
		if node == nil {
			return []string{fmt.Sprintf("I15: allocation %s was placed on a node that does not exist", after.ID.Short())}
		}
		if !node.Ready() {
			found = append(found, fmt.Sprintf("I15: allocation %s was placed on %s, which is %s and %s", after.ID.Short(), node.Name, node.Status, node.SchedulingEligibility))
		}
		for _, t := range node.Taints { // nothing of the workload tolerates any
			if t.Effect != structs.TaintPreferNoSchedule {
				found = append(found, fmt.Sprintf("I15: allocation %s was placed on %s, which has taint %s", after.ID.Short(), node.Name, t))
			}
		}
		if !matches(after, node) {
			found = append(found, fmt.Sprintf("I15: allocation %s was placed on %s against its constraint", after.ID.Short(), node.Name))
		}
		return found
	}
	if before.NodeID != after.NodeID {
		found = append(found, fmt.Sprintf("allocation %s moved from one node to another", after.ID.Short()))
	}
	if terminal(before.ClientStatus) && before.ClientStatus != after.ClientStatus && !terminal(after.ClientStatus) {
		found = append(found, fmt.Sprintf("I24: allocation %s went from %s to %s", after.ID.Short(), before.ClientStatus, after.ClientStatus))
	}
	if before.ServerTerminal() && !after.ServerTerminal() {
		found = append(found, fmt.Sprintf("allocation %s was to stop and is to run again", after.ID.Short()))
	}
	return found
}

// matches judges the one kind of constraint the workload writes, without the scheduler's code.
func matches(a *structs.Allocation, n *structs.Node) bool {
	if a.Job == nil {
		return false
	}
	for _, c := range a.Job.Constraints {
		if c.LTarget == "${meta.rack}" && c.Operand == "=" && n.Meta["rack"] != c.RTarget {
			return false
		}
	}
	return true
}

// checkReferences finds objects that refer to what was reaped.
func checkReferences(v view) []string {
	var found []string
	jobs := map[structs.JobKey]bool{}
	for _, j := range v.jobs {
		jobs[j.Key()] = true
	}
	nodes := map[structs.ID]bool{}
	for _, n := range v.nodes {
		nodes[n.ID] = true
	}
	for _, a := range v.allocs {
		if a.Terminal() {
			continue
		}
		if !jobs[structs.JobKey{Namespace: a.Namespace, ID: a.JobID}] {
			found = append(found, fmt.Sprintf("I28: live allocation %s belongs to job %s, which is gone", a.ID.Short(), a.JobID))
		}
		if a.Job == nil {
			found = append(found, fmt.Sprintf("I28: live allocation %s of job %s has lost version %d of it", a.ID.Short(), a.JobID, a.JobVersion))
		}
		if !nodes[a.NodeID] {
			found = append(found, fmt.Sprintf("I28: live allocation %s is on a node that is gone", a.ID.Short()))
		}
	}
	return found
}

// checkQuiet judges the end, a while after the last fault: everything that can run runs, and nothing waits for nothing.
func checkQuiet(v view) []string {
	var found []string
	blocked := map[structs.JobKey]bool{}
	waiting := map[structs.JobKey]bool{}
	for _, e := range v.evals {
		switch {
		case e.Status == structs.EvalStatusBlocked:
			blocked[e.JobKey()] = true
		case e.Status == structs.EvalStatusPending && !e.WaitUntil.IsZero():
			waiting[e.JobKey()] = true // a reschedule at a later time
		case e.Status == structs.EvalStatusPending:
			found = append(found, fmt.Sprintf("I14: evaluation %s of job %s is still pending", e.ID.Short(), e.JobID))
		}
	}
	running := map[string]int{}
	done := map[string]int{}
	for _, a := range v.allocs {
		key := a.Namespace + "/" + a.JobID + "/" + a.TaskGroup
		switch {
		case !a.Terminal() && a.ClientStatus == structs.AllocClientRunning:
			running[key]++
		case !a.Terminal():
			found = append(found, fmt.Sprintf("I13: allocation %s of job %s is still %s", a.ID.Short(), a.JobID, a.ClientStatus))
		case a.ClientStatus == structs.AllocClientComplete && a.DesiredStatus == structs.AllocDesiredRun:
			done[key]++
		}
		if a.ServerTerminal() && !a.ClientTerminal() {
			found = append(found, fmt.Sprintf("I20: allocation %s of job %s was told to stop and is still %s", a.ID.Short(), a.JobID, a.ClientStatus))
		}
	}
	failed := map[structs.JobKey]bool{} // versions whose rollout failed wait for a person
	for _, d := range v.deployments {
		for _, j := range v.jobs {
			if d.JobID == j.ID && d.Namespace == j.Namespace && d.JobVersion == j.Version && d.Status == structs.DeploymentFailed {
				failed[j.Key()] = true
			}
		}
	}
	for _, j := range v.jobs {
		if j.Suspended || v.refused[j.Key()] {
			continue // see laws
		}
		for _, g := range j.TaskGroups {
			key := j.Namespace + "/" + j.ID + "/" + g.Name
			want := g.Desired()
			switch {
			case j.Stopped() && running[key] > 0:
				found = append(found, fmt.Sprintf("I34: job %s is stopped and %d of it run", j.ID, running[key]))
			case j.Stopped(), j.Type == structs.JobTypeBatch:
			case running[key] > want:
				found = append(found, fmt.Sprintf("I11: job %s runs %d, %d are wanted", j.ID, running[key], want))
			case running[key] < want && !blocked[j.Key()] && !waiting[j.Key()] && !failed[j.Key()]:
				found = append(found, fmt.Sprintf("I13: job %s runs %d of %d and no evaluation waits for room", j.ID, running[key], want))
			}
		}
	}
	return found
}
