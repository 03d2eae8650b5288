package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"berth/structs"
)

// workload is the people using the cluster: they register, change, stop and purge jobs.
type workload struct {
	r      *rand.Rand
	guards *rand.Rand // of disruption blocks
	jobs   map[string]*jobPlan
}

// jobPlan is what its user knows of a job.
type jobPlan struct {
	spec    *structs.Job
	stopped bool
	edits   int
}

func newWorkload(w *world) *workload {
	return &workload{r: w.rng("workload"), guards: w.rng("guards"), jobs: map[string]*jobPlan{}}
}

// step picks the next thing a user does: a job to register, or the name of one to stop.
func (l *workload) step(most int) (register *structs.Job, stop string, purge bool) {
	alive := l.alive()
	switch p := l.r.Float64(); {
	case len(alive) == 0 || (p < 0.45 && len(l.jobs) < most):
		name := fmt.Sprintf("job-%02d", len(l.jobs))
		l.jobs[name] = &jobPlan{spec: l.invent(name)}
		guard(l.jobs[name].spec, l.guards)
		return l.jobs[name].spec, "", false
	case p < 0.85:
		j := alive[l.r.IntN(len(alive))]
		l.edit(j)
		return j.spec, "", false
	default:
		j := alive[l.r.IntN(len(alive))]
		j.stopped = true
		return nil, j.spec.ID, chance(l.r, 0.3)
	}
}

// alive are the jobs that were not stopped, by name.
func (l *workload) alive() []*jobPlan {
	var out []*jobPlan
	for _, j := range sortedBy(l.jobs, func(s string) string { return s }) {
		if !j.stopped {
			out = append(out, j)
		}
	}
	return out
}

// invent makes a new job.
func (l *workload) invent(name string) *structs.Job {
	r := l.r
	g := &structs.TaskGroup{
		Name: "g", Count: new(1 + r.IntN(8)),
		Tasks: []*structs.Task{{
			Name: "main", Driver: "fake", Env: map[string]string{"EDIT": "0"},
			Resources: &structs.Resources{CPU: new(50 + 50*r.IntN(12)), MemoryMB: new(32 << r.IntN(5))},
		}},
		ReschedulePolicy: &structs.ReschedulePolicy{Unlimited: new(true), Delay: new(5 * time.Second), DelayFunction: new("constant"), MaxDelay: new(time.Minute)},
	}
	j := &structs.Job{ID: name, Type: structs.JobTypeService, Priority: 10 * (1 + r.IntN(9)), TaskGroups: []*structs.TaskGroup{g}}
	if chance(r, 0.3) {
		j.Type = structs.JobTypeBatch
		g.ReschedulePolicy = &structs.ReschedulePolicy{Attempts: new(2), Interval: new(time.Hour), Delay: new(5 * time.Second), DelayFunction: new("constant"), Unlimited: new(false)}
		return j
	}
	if chance(r, 0.4) {
		g.Networks = []*structs.NetworkResource{{Mode: structs.NetworkModeBridge, DynamicPorts: []structs.Port{{Label: "http", To: 80}}}}
	} else if chance(r, 0.3) {
		g.Networks = []*structs.NetworkResource{{Mode: structs.NetworkModeHost, ReservedPorts: []structs.Port{{Label: "http", Value: 8000 + r.IntN(3)}}}}
	}
	switch r.IntN(5) {
	case 0:
		j.Constraints = []*structs.Constraint{{LTarget: "${meta.rack}", RTarget: fmt.Sprintf("r%d", r.IntN(racks)), Operand: "="}}
	case 1:
		g.Constraints = []*structs.Constraint{{Operand: "distinct_hosts", RTarget: "true"}}
	case 2:
		j.Spreads = []*structs.Spread{{Attribute: "${meta.rack}", Weight: new(int8(50))}}
	}
	g.Disconnect = l.disconnect()
	g.Update = &structs.UpdateStrategy{
		MaxParallel: new(r.IntN(3)), MinHealthyTime: new(time.Duration(1+r.IntN(4)) * time.Second), HealthyDeadline: new(30 * time.Second),
		ProgressDeadline: new(2 * time.Minute), HealthCheck: new("task_states"), AutoRevert: new(chance(r, 0.3)),
	}
	if *g.Update.MaxParallel > 0 && chance(r, 0.3) {
		g.Update.Canary, g.Update.AutoPromote = new(1), new(true)
	}
	return j
}

// strategies are the ways to decide between an allocation that came back and its replacement.
var strategies = []string{
	structs.ReconcileBestScore, structs.ReconcileKeepOriginal, structs.ReconcileKeepReplacement, structs.ReconcileLongestRunning,
}

// disconnect says what becomes of allocations that cannot be reached, nil for what happens without a word about it.
func (l *workload) disconnect() *structs.DisconnectStrategy {
	r := l.r
	switch r.IntN(5) {
	case 0, 1:
		return &structs.DisconnectStrategy{LostAfter: new(between(r, 3*time.Second, 60*time.Second)), Reconcile: new(strategies[r.IntN(len(strategies))])}
	case 2:
		return &structs.DisconnectStrategy{LostAfter: new(between(r, 3*time.Second, 30*time.Second)), Replace: new(false)}
	case 3:
		return &structs.DisconnectStrategy{StopOnClientAfter: new(between(r, 0, 20*time.Second))}
	}
	return nil
}

// edit changes a job as its user would: the count, what becomes of it when it cannot be reached, or something that replaces its
// tasks.
func (l *workload) edit(j *jobPlan) {
	g := j.spec.TaskGroups[0]
	j.edits++
	if chance(l.r, 0.5) {
		g.Count = new(l.r.IntN(10))
		return
	}
	if j.spec.Type == structs.JobTypeService && chance(l.r, 0.2) {
		g.Disconnect = l.disconnect()
		return
	}
	g.Tasks[0].Env["EDIT"] = fmt.Sprint(j.edits)
}

// racks is how many values the nodes' meta.rack has.
const racks = 4

// machine describes node i.
func machine(id, secret structs.ID, i int, r *rand.Rand) *structs.Node {
	return &structs.Node{
		ID: id, SecretID: secret, Name: fmt.Sprintf("node-%02d", i), Datacenter: fmt.Sprintf("dc%d", 1+i%2), NodePool: structs.DefaultNodePool,
		Attributes: map[string]string{"kernel.name": "linux", "cpu.arch": "amd64", "driver.fake": "1", "os.signals": "SIGINT,SIGTERM,SIGKILL,SIGHUP"},
		Meta:       map[string]string{"rack": fmt.Sprintf("r%d", i%racks)},
		NodeResources: &structs.NodeResources{
			Cpu:    structs.NodeCPUResources{CpuShares: int64(1000 * (1 + r.IntN(4))), TotalCpuCores: 4},
			Memory: structs.NodeMemoryResources{MemoryMB: int64(1024 << r.IntN(3))},
			Disk:   structs.NodeDiskResources{DiskMB: 50_000},
			Networks: []*structs.NetworkResource{{Mode: structs.NetworkModeHost, Device: "eth0", CIDR: fmt.Sprintf("10.0.0.%d/32", i+1),
				IP: fmt.Sprintf("10.0.0.%d", i+1)}},
			NodeNetworks: []*structs.NodeNetworkResource{{Mode: structs.NetworkModeHost, Device: "eth0",
				Addresses: []structs.NodeNetworkAddress{{Family: "ipv4", Alias: "default", Address: fmt.Sprintf("10.0.0.%d", i+1)}}}},
			MinDynamicPort: 20000, MaxDynamicPort: 20050,
		},
		ReservedResources:     &structs.NodeReservedResources{},
		Drivers:               map[string]*structs.DriverInfo{"fake": {Detected: true, Healthy: true}},
		Status:                structs.NodeStatusInit,
		SchedulingEligibility: structs.NodeEligible,
	}
}
