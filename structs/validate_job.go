package structs

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

func (c *checker) checkJob() {
	j, at := c.job, (*place)(nil)
	c.checkJobNames()
	jobTypes := []string{JobTypeService, JobTypeBatch, JobTypeSystem, JobTypeSysBatch}
	if j.Type == "core" {
		c.fault(at.in("Type"), `type "core" is reserved for the cluster's own work; it must be %s`, either(jobTypes))
	} else {
		c.oneOf(at.in("Type"), "type", j.Type, jobTypes...)
	}
	if j.Priority < 1 || j.Priority > c.limits.MaxPriority {
		c.fault(at.in("Priority"), "priority is %d; it must be between 1 and %d", j.Priority, c.limits.MaxPriority)
	}
	for i, dc := range j.Datacenters {
		if strings.TrimSpace(dc) == "" {
			c.fault(at.item("Datacenters", i), "datacenters has an empty name").Hint = `write "*" for every datacenter`
		}
	}
	c.checkMeta(at, j.Meta)
	c.checkPlacement(at, scopeJob, j.Constraints, j.Affinities, j.Spreads)
	c.checkTolerations(at, j.Tolerations)
	c.checkDependencies()
	if ttl := j.TTLAfterFinished; ttl != nil {
		atLeast(c, at.in("TTLAfterFinished"), "ttl_after_finished", ttl, 0, "")
		if c.knownType() && j.Type != JobTypeBatch && j.Type != JobTypeSysBatch {
			c.fault(at.in("TTLAfterFinished"), "a %s job has no ttl_after_finished", j.Type).Hint = "only batch and sysbatch jobs finish"
		}
	}
	c.checkTypeBlocks(at, j.Update != nil, j.Migrate != nil, j.Reschedule != nil)
	mark := len(c.faults)
	c.checkUpdate(at.in("Update"), j.Update)
	c.updateFaults, mark = c.since(mark), len(c.faults)
	if d, ok := defaultReschedule(j.Type); ok && j.Reschedule != nil {
		c.checkReschedule(at.in("Reschedule"), mergeReschedule(j.Reschedule, d))
	}
	c.rescheduleFaults = c.since(mark)
	c.checkPeriodic()
	c.checkParameterized()
	c.checkMultiregion()
	c.checkUI()
	c.checkGroups()
	c.warnLater(j)
}

func (c *checker) checkJobNames() {
	j, at := c.job, (*place)(nil)
	switch {
	case j.ID == "":
		c.fault(at.in("ID"), "the job has no id").Hint = `write job "name" { ... }`
	case strings.ContainsAny(j.ID, " \t\r\n\x00"):
		c.fault(at.in("ID"), "job id %q has white space or a NUL in it", clip(j.ID)).Hint = "join the words with -"
	case strings.ContainsFunc(j.ID, hidden) || !utf8.ValidString(j.ID):
		c.fault(at.in("ID"), "job id %q has characters that nobody sees", clip(j.ID)).Hint = "use letters, digits, - _ . and /"
	case j.ID == "." || j.ID == ".." || j.ID == "*":
		c.fault(at.in("ID"), "%q cannot be the id of a job: it means something else in paths and lists", j.ID)
	case len(j.ID) > 512:
		c.fault(at.in("ID"), "the job id has %d bytes; at most 512 are allowed", len(j.ID))
	}
	if strings.ContainsRune(j.Name, 0) {
		c.fault(at.in("Name"), "the job name has a NUL in it")
	} else if strings.ContainsFunc(j.Name, hidden) {
		c.fault(at.in("Name"), "job name %q has characters that nobody sees", clip(j.Name))
	}
	for _, n := range []struct{ field, what, value string }{
		{"Namespace", "namespace", j.Namespace}, {"NodePool", "node_pool", j.NodePool},
	} {
		if !word(n.value, 128, "") {
			c.fault(at.in(n.field), "%s is %q; it must be 1 to 128 letters, digits, - or _", n.what, clip(n.value))
		}
	}
}

// hidden reports characters that show nothing, or change how what stands beside them is shown (Unicode TR 36): controls, and
// formats such as those of writing direction and zero-width spaces.
func hidden(r rune) bool {
	if r >= ' ' && r < unicode.MaxASCII { // most of all
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func (c *checker) checkGroups() {
	j, at := c.job, (*place)(nil)
	if len(j.TaskGroups) == 0 {
		c.fault(at.in("TaskGroups"), "the job has no group").Hint = `add group "name" { task "name" { ... } }`
		return
	}
	if len(j.TaskGroups) > c.limits.MaxGroups {
		c.fault(at.in("TaskGroups"), "the job has %d groups; at most %d are allowed", len(j.TaskGroups), c.limits.MaxGroups)
		return
	}
	seen, total := make(map[string]bool, len(j.TaskGroups)), 0
	for i, g := range j.TaskGroups {
		p := at.item("TaskGroups", i)
		if g.Name != "" && seen[g.Name] {
			c.fault(p.in("Name"), "group %q is there twice", g.Name).Hint = "group names must be unique in a job"
		}
		seen[g.Name] = true
		total += max(0, min(g.Desired(), c.limits.MaxCount+1))
		c.checkGroup(p, g)
	}
	if total > c.limits.MaxCount {
		c.fault(at.in("TaskGroups"), "the counts of all groups add up to more than %d", c.limits.MaxCount).Hint = "split the job, or raise job_max_count on the servers"
	}
}

// checkTypeBlocks refuses blocks the job's type does not have, for the job and each group.
func (c *checker) checkTypeBlocks(p *place, update, migrate, reschedule bool) {
	t := c.job.Type
	if update && t != JobTypeService && t != JobTypeSystem && c.knownType() {
		c.fault(p.in("Update"), "a %s job has no update block", t).Hint = "only service and system jobs roll their updates"
	}
	if migrate && t != JobTypeService && c.knownType() {
		c.fault(p.in("Migrate"), "a %s job has no migrate block", t).Hint = "only service jobs are migrated group by group"
	}
	if reschedule && (t == JobTypeSystem || t == JobTypeSysBatch) {
		field := "Reschedule"
		if p != nil {
			field = "ReschedulePolicy"
		}
		c.fault(p.in(field), "a %s job has no reschedule block", t).Hint = "it runs on every node already; use restart"
	}
}

// knownType is false for a type already refused, so that the mistake is told once.
func (c *checker) knownType() bool {
	return slices.Contains([]string{JobTypeService, JobTypeBatch, JobTypeSystem, JobTypeSysBatch}, c.job.Type)
}

func (c *checker) batchOnly(p *place, what string) {
	if t := c.job.Type; t == JobTypeService || t == JobTypeSystem {
		c.fault(p, "%s is for batch and sysbatch jobs; this is a %s job", what, t).Hint = `write type = "batch"`
	}
}

// maxCrons bounds the schedules of one job.
const maxCrons = 100

func (c *checker) checkPeriodic() {
	cfg, p := c.job.Periodic, (*place)(nil).in("Periodic")
	if cfg == nil {
		return
	}
	c.batchOnly(p, "periodic")
	if cfg.SpecType != "cron" {
		c.fault(p.in("SpecType"), `the schedule's type is %q; it must be "cron"`, clip(cfg.SpecType))
	}
	switch {
	case cfg.Spec != "" && len(cfg.Specs) > 0:
		c.fault(p.in("Spec"), "cron and crons are both set").Hint = "keep crons"
	case cfg.Spec != "":
		c.warn(p.in("Spec"), "cron is deprecated").Hint = `write crons = ["` + clip(cfg.Spec) + `"]`
	case len(cfg.Specs) == 0:
		c.fault(p.in("Specs"), "periodic has no schedule").Hint = `write crons = ["0 3 * * *"] for every day at 03:00`
	case len(cfg.Specs) > maxCrons:
		c.fault(p.in("Specs"), "periodic has %d schedules; at most %d are allowed", len(cfg.Specs), maxCrons).Hint = "write several times into one schedule, or make it several jobs"
		return // all of them are read at every start
	}
	if cfg.SpecType == "cron" {
		if cfg.Spec != "" {
			c.checkCron(p.in("Spec"), cfg.Spec)
		}
		for i, s := range cfg.Specs {
			c.checkCron(p.item("Specs", i), s)
		}
	}
	c.oneOf(p.in("Overlap"), "overlap", cfg.Overlap, "", OverlapAllow, OverlapForbid, OverlapReplace)
	c.oneOf(p.in("CatchUp"), "catch_up", cfg.CatchUp, "", CatchUpLast, CatchUpAll)
	if val(cfg.ProhibitOverlap) && cfg.Overlap != "" && cfg.Overlap != OverlapForbid {
		c.fault(p.in("Overlap"), "prohibit_overlap and overlap = %q contradict each other", clip(cfg.Overlap)).Hint = "keep overlap"
	}
	if cfg.StartDeadline < 0 {
		c.fault(p.in("StartDeadline"), "start_deadline is negative")
	}
	c.checkKept(p.in("KeepSuccessful"), "keep_successful", cfg.KeepSuccessful)
	c.checkKept(p.in("KeepFailed"), "keep_failed", cfg.KeepFailed)
	if _, err := time.LoadLocation(val(cfg.TimeZone)); err != nil {
		c.fault(p.in("TimeZone"), "time_zone %q is not known", clip(val(cfg.TimeZone))).Hint = `use a name such as "UTC" or "Europe/Berlin"`
	}
}

// maxKept bounds the launches that are kept of one job, of either kind.
const maxKept = 1000

func (c *checker) checkKept(p *place, name string, n *int) {
	switch {
	case n == nil:
	case *n < 0 || *n > maxKept:
		c.fault(p, "%s is %d; it must be between 0 and %d", name, *n, maxKept)
	case c.job.TTLAfterFinished != nil:
		c.warn(p, "ttl_after_finished removes launches before %s does", name).Hint = "leave one of them out"
	}
}

func (c *checker) checkCron(p *place, spec string) {
	if err := CheckCron(spec); err != nil {
		c.fault(p, "cron %q: %v", clip(spec), err)
	}
}

func (c *checker) checkParameterized() {
	cfg, p := c.job.ParameterizedJob, (*place)(nil).in("ParameterizedJob")
	if cfg == nil {
		return
	}
	c.batchOnly(p, "parameterized")
	c.oneOf(p.in("Payload"), "payload", cfg.Payload, DispatchPayloadOptional, DispatchPayloadRequired, DispatchPayloadForbidden)
	for i, key := range cfg.MetaOptional {
		if slices.Contains(cfg.MetaRequired, key) {
			c.fault(p.item("MetaOptional", i), "meta key %q is both required and optional", clip(key))
		}
	}
}

func (c *checker) checkMultiregion() {
	m, p := c.job.Multiregion, (*place)(nil).in("Multiregion")
	if m == nil {
		return
	}
	if s := m.Strategy; s != nil {
		atLeast(c, p.in("Strategy").in("MaxParallel"), "max_parallel", s.MaxParallel, 0, "")
		c.oneOf(p.in("Strategy").in("OnFailure"), "on_failure", val(s.OnFailure), "", "fail_all", "fail_local")
	}
	if len(m.Regions) == 0 {
		c.fault(p.in("Regions"), "multiregion has no region").Hint = `add region "name" { ... }`
	}
	seen := map[string]bool{}
	for i, r := range m.Regions {
		at := p.item("Regions", i)
		switch {
		case r.Name == "":
			c.fault(at.in("Name"), "the region has no name")
		case seen[r.Name]:
			c.fault(at.in("Name"), "region %q is there twice", clip(r.Name))
		}
		seen[r.Name] = true
		atLeast(c, at.in("Count"), "count", r.Count, 0, "")
		c.checkMeta(at, r.Meta)
	}
}

func (c *checker) checkUI() {
	ui, p := c.job.UI, (*place)(nil).in("UI")
	if ui == nil {
		return
	}
	if n := utf8.RuneCountInString(ui.Description); n > 1000 {
		c.fault(p.in("Description"), "the description has %d characters; at most 1000 are allowed", n)
	}
	for i, l := range ui.Links {
		at := p.item("Links", i)
		if l.Label == "" {
			c.fault(at.in("Label"), "the link has no label")
		}
		if l.URL == "" {
			c.fault(at.in("URL"), "the link has no url")
		}
	}
}

// checkMeta bounds a meta block.
func (c *checker) checkMeta(p *place, meta map[string]string) {
	if n := mapBytes(meta); n > c.limits.MaxMetaBytes {
		c.fault(p.in("Meta"), "meta has %d bytes; at most %d are allowed", n, c.limits.MaxMetaBytes)
	}
}

func mapBytes(m map[string]string) int {
	n := 0
	for k, v := range m {
		n += len(k) + len(v)
	}
	return n
}

// ValidateUpdate tells what forbids replacing the stored job old by j; old is nil for a new job.
func (j *Job) ValidateUpdate(old *Job) Faults {
	c, at := &checker{job: j}, (*place)(nil)
	if old == nil {
		return nil
	}
	if old.Type != j.Type {
		c.fault(at.in("Type"), "type cannot change from %q to %q", old.Type, j.Type).Hint = "stop and purge the job first, or use another id"
	}
	if old.IsPeriodic() != j.IsPeriodic() {
		c.fault(at.in("Periodic"), "a job cannot become periodic or stop being so").Hint = "stop and purge the job first, or use another id"
	}
	if (old.ParameterizedJob != nil) != (j.ParameterizedJob != nil) {
		c.fault(at.in("ParameterizedJob"), "a job cannot become parameterized or stop being so").Hint = "stop and purge the job first, or use another id"
	}
	if old.Suspended && !old.Stop && !j.Stop {
		c.warn(at.in("Suspended"), "the job is suspended, and stays so").Hint = "berth job resume " + JobArgs(j.Namespace, j.ID) + " lets it go on"
	}
	return c.faults
}
