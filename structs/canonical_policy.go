package structs

import "time"

// Scaling policy types.
const (
	ScalingHorizontal  = "horizontal"
	ScalingVerticalCPU = "vertical_cpu"
	ScalingVerticalMem = "vertical_mem"
)

// canonicalizePolicies fills what the job's type and its job-level blocks decide for the group.
func (g *TaskGroup) canonicalizePolicies(j *Job) {
	batch := j.Type == JobTypeBatch || j.Type == JobTypeSysBatch
	g.RestartPolicy = mergeRestart(g.RestartPolicy, defaultRestart(batch))
	if g.Update != nil || j.Update != nil {
		g.Update = mergeUpdate(g.Update, j.Update, defaultUpdate)
	}
	if d, ok := defaultReschedule(j.Type); ok || g.ReschedulePolicy != nil || j.Reschedule != nil {
		g.ReschedulePolicy = mergeReschedule(g.ReschedulePolicy, j.Reschedule, d)
	}
	if j.Type == JobTypeService || g.Migrate != nil || j.Migrate != nil {
		g.Migrate = mergeMigrate(g.Migrate, j.Migrate, defaultMigrate)
	}
	if g.EphemeralDisk == nil {
		g.EphemeralDisk = &EphemeralDisk{}
	}
	setDefault(&g.EphemeralDisk.Sticky, false)
	setDefault(&g.EphemeralDisk.Migrate, false)
	setDefault(&g.EphemeralDisk.SizeMB, 300)
	if d := g.Disconnect; d != nil {
		setDefault(&d.LostAfter, 0)
		setDefault(&d.Replace, true)
		setDefault(&d.Reconcile, ReconcileBestScore)
	}
}

// Health of an allocation is judged by these.
const (
	HealthCheckChecks     = "checks"
	HealthCheckTaskStates = "task_states"
	HealthCheckManual     = "manual"
)

// Which allocation stays when a lost node comes back.
const (
	ReconcileKeepOriginal    = "keep_original"
	ReconcileKeepReplacement = "keep_replacement"
	ReconcileBestScore       = "best_score"
	ReconcileLongestRunning  = "longest_running"
)

// Reschedule delay functions.
const (
	DelayConstant    = "constant"
	DelayExponential = "exponential"
	DelayFibonacci   = "fibonacci"
)

// What the type of a job decides. Nobody changes these: what takes a value from them takes a copy.
var (
	defaultUpdate = &UpdateStrategy{
		Stagger: seconds(30), MaxParallel: new(1), HealthCheck: new(HealthCheckChecks), MinHealthyTime: seconds(10),
		HealthyDeadline: minutes(5), ProgressDeadline: minutes(10), Canary: new(0), AutoRevert: new(false), AutoPromote: new(false),
	}
	serviceRestart = &RestartPolicy{Attempts: new(2), Interval: minutes(30), Delay: seconds(15), Mode: new(RestartModeFail), RenderTemplates: new(false)}
	batchRestart   = &RestartPolicy{Attempts: new(3), Interval: hours(24), Delay: seconds(15), Mode: new(RestartModeFail), RenderTemplates: new(false)}
	defaultMigrate = &MigrateStrategy{
		MaxParallel: new(1), HealthCheck: new(HealthCheckChecks), MinHealthyTime: seconds(10), HealthyDeadline: minutes(5),
	}
	batchReschedule = &ReschedulePolicy{
		Attempts: new(1), Interval: hours(24), Delay: seconds(5), DelayFunction: new(DelayConstant),
		MaxDelay: seconds(0), Unlimited: new(false),
	}
	serviceReschedule = &ReschedulePolicy{
		Attempts: new(0), Interval: seconds(0), Delay: seconds(30), DelayFunction: new(DelayExponential),
		MaxDelay: hours(1), Unlimited: new(true),
	}
)

func defaultRestart(batch bool) *RestartPolicy {
	if batch {
		return batchRestart
	}
	return serviceRestart
}

// defaultReschedule gives the type's policy; system jobs have none (a policy written for one is completed like a
// service's, for Validate to refuse).
func defaultReschedule(jobType string) (p *ReschedulePolicy, has bool) {
	if jobType == JobTypeBatch {
		return batchReschedule, true
	}
	return serviceReschedule, jobType == JobTypeService
}

// take gives an unset field the value of another one that is set, as a copy in room: that of a whole block is one piece of memory.
func take[T any](field **T, room, from *T) {
	if *field == nil && from != nil {
		*room = *from
		*field = room
	}
}

// mergeUpdate takes each field from the first block that sets it, as a copy; a nil block sets none. So do its like for other blocks.
func mergeUpdate(blocks ...*UpdateStrategy) *UpdateStrategy {
	out := &struct {
		UpdateStrategy
		stagger, healthy, deadline, progress time.Duration
		parallel, canary                     int
		check                                string
		revert, promote                      bool
	}{}
	for _, b := range blocks {
		if b == nil {
			continue
		}
		take(&out.Stagger, &out.stagger, b.Stagger)
		take(&out.MaxParallel, &out.parallel, b.MaxParallel)
		take(&out.HealthCheck, &out.check, b.HealthCheck)
		take(&out.MinHealthyTime, &out.healthy, b.MinHealthyTime)
		take(&out.HealthyDeadline, &out.deadline, b.HealthyDeadline)
		take(&out.ProgressDeadline, &out.progress, b.ProgressDeadline)
		take(&out.Canary, &out.canary, b.Canary)
		take(&out.AutoRevert, &out.revert, b.AutoRevert)
		take(&out.AutoPromote, &out.promote, b.AutoPromote)
	}
	return &out.UpdateStrategy
}

func mergeRestart(blocks ...*RestartPolicy) *RestartPolicy {
	out := &struct {
		RestartPolicy
		interval, delay time.Duration
		attempts        int
		mode            string
		render          bool
	}{}
	for _, b := range blocks {
		if b == nil {
			continue
		}
		take(&out.Interval, &out.interval, b.Interval)
		take(&out.Attempts, &out.attempts, b.Attempts)
		take(&out.Delay, &out.delay, b.Delay)
		take(&out.Mode, &out.mode, b.Mode)
		take(&out.RenderTemplates, &out.render, b.RenderTemplates)
	}
	return &out.RestartPolicy
}

func mergeMigrate(blocks ...*MigrateStrategy) *MigrateStrategy {
	out := &struct {
		MigrateStrategy
		parallel          int
		check             string
		healthy, deadline time.Duration
	}{}
	for _, b := range blocks {
		if b == nil {
			continue
		}
		take(&out.MaxParallel, &out.parallel, b.MaxParallel)
		take(&out.HealthCheck, &out.check, b.HealthCheck)
		take(&out.MinHealthyTime, &out.healthy, b.MinHealthyTime)
		take(&out.HealthyDeadline, &out.deadline, b.HealthyDeadline)
	}
	return &out.MigrateStrategy
}

// mergeReschedule merges blocks like mergeUpdate.
// Decision: attempts written without `unlimited` mean a limited policy, where the contract would keep the service
// default of true and then refuse the pair.
func mergeReschedule(blocks ...*ReschedulePolicy) *ReschedulePolicy {
	out := &struct {
		ReschedulePolicy
		attempts                  int
		interval, delay, maxDelay time.Duration
		function                  string
		unlimited                 bool
	}{}
	for _, b := range blocks {
		if out.Unlimited == nil && out.Attempts != nil && *out.Attempts > 0 {
			out.Unlimited = &out.unlimited // false
		}
		if out.Unlimited != nil && *out.Unlimited && out.Attempts == nil {
			out.Attempts = &out.attempts // 0
		}
		if b == nil {
			continue
		}
		take(&out.Attempts, &out.attempts, b.Attempts)
		take(&out.Interval, &out.interval, b.Interval)
		take(&out.Delay, &out.delay, b.Delay)
		take(&out.DelayFunction, &out.function, b.DelayFunction)
		take(&out.MaxDelay, &out.maxDelay, b.MaxDelay)
		take(&out.Unlimited, &out.unlimited, b.Unlimited)
	}
	return &out.ReschedulePolicy
}

func (p *ScalingPolicy) canonicalize(kind string, target map[string]string) {
	if p == nil {
		return
	}
	setString(&p.Type, kind)
	setDefault(&p.Enabled, true)
	p.Target = target
	p.Policy = tidyConfig(p.Policy)
}
