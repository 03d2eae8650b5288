package structs

import "reflect"

// Scaling policy types.
const (
	ScalingHorizontal  = "horizontal"
	ScalingVerticalCPU = "vertical_cpu"
	ScalingVerticalMem = "vertical_mem"
)

// canonicalizePolicies fills what the job's type and its job-level blocks decide for the group.
func (g *TaskGroup) canonicalizePolicies(j *Job) {
	batch := j.Type == JobTypeBatch || j.Type == JobTypeSysBatch
	g.RestartPolicy = merge(g.RestartPolicy, defaultRestart(batch))
	if g.Update != nil || j.Update != nil {
		g.Update = merge(g.Update, j.Update, defaultUpdate())
	}
	if d, ok := defaultReschedule(j.Type); ok || g.ReschedulePolicy != nil || j.Reschedule != nil {
		g.ReschedulePolicy = mergeReschedule(g.ReschedulePolicy, j.Reschedule, d)
	}
	if j.Type == JobTypeService || g.Migrate != nil || j.Migrate != nil {
		g.Migrate = merge(g.Migrate, j.Migrate, &MigrateStrategy{
			MaxParallel: new(1), HealthCheck: new(HealthCheckChecks), MinHealthyTime: seconds(10), HealthyDeadline: minutes(5),
		})
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

func defaultUpdate() *UpdateStrategy {
	return &UpdateStrategy{
		Stagger: seconds(30), MaxParallel: new(1), HealthCheck: new(HealthCheckChecks), MinHealthyTime: seconds(10),
		HealthyDeadline: minutes(5), ProgressDeadline: minutes(10), Canary: new(0), AutoRevert: new(false), AutoPromote: new(false),
	}
}

func defaultRestart(batch bool) *RestartPolicy {
	p := &RestartPolicy{Attempts: new(2), Interval: minutes(30), Delay: seconds(15), Mode: new(RestartModeFail), RenderTemplates: new(false)}
	if batch {
		p.Attempts, p.Interval = new(3), hours(24)
	}
	return p
}

// defaultReschedule gives the type's policy; system jobs have none (a policy written for one is completed like a
// service's, for Validate to refuse).
func defaultReschedule(jobType string) (p *ReschedulePolicy, has bool) {
	if jobType == JobTypeBatch {
		return &ReschedulePolicy{
			Attempts: new(1), Interval: hours(24), Delay: seconds(5), DelayFunction: new(DelayConstant),
			MaxDelay: seconds(0), Unlimited: new(false),
		}, true
	}
	return &ReschedulePolicy{
		Attempts: new(0), Interval: seconds(0), Delay: seconds(30), DelayFunction: new(DelayExponential),
		MaxDelay: hours(1), Unlimited: new(true),
	}, jobType == JobTypeService
}

// mergeReschedule merges blocks like merge.
// Decision: attempts written without `unlimited` mean a limited policy, where the contract would keep the service
// default of true and then refuse the pair.
func mergeReschedule(rs ...*ReschedulePolicy) *ReschedulePolicy {
	out := &ReschedulePolicy{}
	for _, r := range rs {
		if out.Unlimited == nil && out.Attempts != nil && *out.Attempts > 0 {
			out.Unlimited = new(false)
		}
		if out.Unlimited != nil && *out.Unlimited && out.Attempts == nil {
			out.Attempts = new(0)
		}
		out = merge(out, r)
	}
	return out
}

// merge takes each field from the first block that sets it, as a copy. All fields are pointers; a nil block sets none.
func merge[T any](blocks ...*T) *T {
	out := new(T)
	fields := reflect.ValueOf(out).Elem()
	for _, b := range blocks {
		if b == nil {
			continue
		}
		for i := range fields.NumField() {
			if fields.Field(i).IsNil() {
				copyValue(fields.Field(i), reflect.ValueOf(b).Elem().Field(i))
			}
		}
	}
	return out
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
