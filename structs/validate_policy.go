package structs

import (
	"math"
	"slices"
	"time"
)

func (c *checker) checkRestart(p *place, r *RestartPolicy) {
	if r == nil {
		return
	}
	c.oneOf(p.in("Mode"), "mode", val(r.Mode), RestartModeFail, RestartModeDelay)
	attempts, delay, interval := val(r.Attempts), val(r.Delay), val(r.Interval)
	atLeast(c, p.in("Attempts"), "attempts", r.Attempts, 0, "")
	atLeast(c, p.in("Delay"), "delay", r.Delay, 0, "")
	if attempts == 0 && val(r.Mode) == RestartModeDelay {
		c.fault(p.in("Attempts"), `attempts is 0, which needs mode = "fail"`).Hint = `set attempts, or mode = "fail"`
	}
	if interval < 5*time.Second {
		c.fault(p.in("Interval"), "interval is %s; the least is 5s", durationText(interval))
		return
	}
	if attempts > 0 && delay > 0 && float64(attempts)*float64(delay) > float64(interval) {
		f := c.fault(p.in("Interval"), "%d attempts with a delay of %s take longer than the interval of %s", attempts, durationText(delay), durationText(interval))
		f.Hint = "raise interval to at least " + durationText(scaleDuration(delay, attempts))
	}
}

// scaleDuration multiplies without wrapping round.
func scaleDuration(d time.Duration, n int) time.Duration {
	if n > 0 && d > math.MaxInt64/time.Duration(n) {
		return math.MaxInt64
	}
	return d * time.Duration(n)
}

func (c *checker) checkReschedule(p *place, r *ReschedulePolicy) {
	if r == nil || c.job.Type == JobTypeSystem || c.job.Type == JobTypeSysBatch {
		return
	}
	attempts, interval, unlimited := val(r.Attempts), val(r.Interval), val(r.Unlimited)
	atLeast(c, p.in("Attempts"), "attempts", r.Attempts, 0, "")
	if unlimited && attempts > 0 {
		c.fault(p.in("Attempts"), "attempts is %d although unlimited is true", attempts).Hint = "remove one of the two"
	}
	if !unlimited && attempts <= 0 {
		return // rescheduling is off
	}
	c.oneOf(p.in("DelayFunction"), "delay_function", val(r.DelayFunction), DelayConstant, DelayExponential, DelayFibonacci)
	atLeast(c, p.in("Delay"), "delay", r.Delay, 5*time.Second, "")
	if val(r.DelayFunction) != DelayConstant {
		atLeast(c, p.in("MaxDelay"), "max_delay", r.MaxDelay, 5*time.Second, "")
		if val(r.MaxDelay) < val(r.Delay) {
			c.fault(p.in("MaxDelay"), "max_delay is %s, less than delay, which is %s", durationText(val(r.MaxDelay)), durationText(val(r.Delay)))
		}
	}
	if unlimited {
		return
	}
	if interval < 15*time.Second {
		c.fault(p.in("Interval"), "interval is %s; the least is 15s when attempts are limited", durationText(interval)).Hint = `write interval = "24h", or unlimited = true`
		return
	}
	if need := rescheduleSpan(r); need > interval {
		f := c.fault(p.in("Interval"), "%d attempts with these delays do not fit the interval of %s", attempts, durationText(interval))
		f.Hint = "raise interval to at least " + durationText(need.Round(time.Second))
	}
}

// rescheduleSpan is how long all attempts take together.
func rescheduleSpan(r *ReschedulePolicy) time.Duration {
	delay, limit := val(r.Delay), val(r.MaxDelay)
	if val(r.DelayFunction) == DelayConstant {
		return scaleDuration(delay, val(r.Attempts))
	}
	var total, before time.Duration
	for i := range val(r.Attempts) {
		if limit > 0 && delay >= limit {
			rest := scaleDuration(limit, val(r.Attempts)-i)
			if rest > math.MaxInt64-total {
				return math.MaxInt64
			}
			return total + rest
		}
		total += delay
		switch val(r.DelayFunction) {
		case DelayFibonacci:
			before, delay = delay, before+delay
		default:
			delay *= 2
		}
		if delay <= 0 || total < 0 {
			return math.MaxInt64
		}
	}
	return total
}

func (c *checker) checkUpdate(p *place, u *UpdateStrategy) {
	if u == nil {
		return
	}
	c.oneOf(p.in("HealthCheck"), "health_check", val(u.HealthCheck), HealthCheckChecks, HealthCheckTaskStates, HealthCheckManual)
	atLeast(c, p.in("MaxParallel"), "max_parallel", u.MaxParallel, 0, "")
	atLeast(c, p.in("Canary"), "canary", u.Canary, 0, "")
	atLeast(c, p.in("MinHealthyTime"), "min_healthy_time", u.MinHealthyTime, 0, "")
	atLeast(c, p.in("ProgressDeadline"), "progress_deadline", u.ProgressDeadline, 0, "")
	if val(u.Stagger) <= 0 {
		c.fault(p.in("Stagger"), "stagger is %s; it must be more than 0", durationText(val(u.Stagger)))
	}
	if val(u.HealthyDeadline) <= 0 {
		c.fault(p.in("HealthyDeadline"), "healthy_deadline is %s; it must be more than 0", durationText(val(u.HealthyDeadline)))
	} else if val(u.MinHealthyTime) >= val(u.HealthyDeadline) {
		c.fault(p.in("MinHealthyTime"), "min_healthy_time is %s; it must be less than healthy_deadline, which is %s",
			durationText(val(u.MinHealthyTime)), durationText(val(u.HealthyDeadline)))
	}
	if pd := val(u.ProgressDeadline); pd > 0 && val(u.HealthyDeadline) >= pd {
		c.fault(p.in("HealthyDeadline"), "healthy_deadline is %s; it must be less than progress_deadline, which is %s",
			durationText(val(u.HealthyDeadline)), durationText(pd)).Hint = "raise progress_deadline, or set it to 0 to switch it off"
	}
	if val(u.AutoPromote) && val(u.Canary) == 0 {
		c.fault(p.in("AutoPromote"), "auto_promote needs canary to be more than 0").Hint = "write canary = 1"
	}
}

// checkGroupUpdate checks what the group made of the job's block, and tells the job's own mistakes only once.
func (c *checker) checkGroupUpdate(p *place, g *TaskGroup) {
	u := g.Update
	if u == nil {
		return
	}
	if fresh := c.inherited(p.in("Update"), "Update", c.updateFaults, func(at *place) { c.checkUpdate(at, u) }); fresh > 0 {
		return
	}
	if val(u.Canary) > max(g.Desired(), 0) && c.job.Type == JobTypeService {
		c.warn(p.in("Update").in("Canary"), "canary is %d, more than the group's count of %d", *u.Canary, g.Desired())
	}
	pd := val(u.ProgressDeadline)
	for i, t := range g.Tasks {
		if kt := val(t.KillTimeout); pd > 0 && kt > pd {
			c.fault(p.item("Tasks", i).in("KillTimeout"), "kill_timeout is %s, longer than the progress_deadline of %s", durationText(kt), durationText(pd))
		}
	}
}

// inherited runs a check at a block that took fields from another one at the path from, and drops the faults already
// told there. It returns how many are left.
func (c *checker) inherited(own *place, from string, told Faults, check func(at *place)) int {
	before := len(c.faults)
	check(own)
	if len(c.faults) == before {
		return 0
	}
	fresh, prefix := c.faults[before:], len(own.String())
	kept := c.faults[:before]
	for _, f := range fresh {
		twin := f
		twin.Path = from + f.Path[min(prefix, len(f.Path)):]
		if !slices.Contains(told, twin) {
			kept = append(kept, f)
		}
	}
	c.faults = kept
	return len(kept) - before
}

// since are the faults recorded after a mark, as a copy.
func (c *checker) since(mark int) Faults { return slices.Clone(c.faults[mark:]) }

func (c *checker) checkMigrate(p *place, m *MigrateStrategy) {
	if m == nil || c.job.Type != JobTypeService {
		return
	}
	c.oneOf(p.in("HealthCheck"), "health_check", val(m.HealthCheck), HealthCheckChecks, HealthCheckTaskStates)
	atLeast(c, p.in("MaxParallel"), "max_parallel", m.MaxParallel, 0, "")
	atLeast(c, p.in("MinHealthyTime"), "min_healthy_time", m.MinHealthyTime, 0, "")
	if val(m.MinHealthyTime) >= val(m.HealthyDeadline) {
		c.fault(p.in("MinHealthyTime"), "min_healthy_time is %s; it must be less than healthy_deadline, which is %s",
			durationText(val(m.MinHealthyTime)), durationText(val(m.HealthyDeadline)))
	}
}

func (c *checker) checkDisconnect(p *place, d *DisconnectStrategy) {
	if d == nil {
		return
	}
	c.oneOf(p.in("Reconcile"), "reconcile", val(d.Reconcile), ReconcileBestScore, ReconcileKeepOriginal, ReconcileKeepReplacement, ReconcileLongestRunning)
	atLeast(c, p.in("LostAfter"), "lost_after", d.LostAfter, 0, "")
	if d.StopOnClientAfter == nil {
		return
	}
	atLeast(c, p.in("StopOnClientAfter"), "stop_on_client_after", d.StopOnClientAfter, 0, "")
	if t := c.job.Type; t == JobTypeSystem || t == JobTypeSysBatch {
		c.fault(p.in("StopOnClientAfter"), "stop_on_client_after is for service and batch jobs; this is a %s job", t)
	}
	if val(d.LostAfter) > 0 {
		c.fault(p.in("StopOnClientAfter"), "stop_on_client_after and lost_after are both set").Hint = "keep one: stop the allocation, or wait for its node"
	}
}
