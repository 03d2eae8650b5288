package structs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a launch does while an instance launched before still runs.
const (
	OverlapAllow   = "allow"
	OverlapForbid  = "forbid"  // the launch is left out
	OverlapReplace = "replace" // what runs is stopped
)

// What is done about launches that were missed, as while there was no leader.
const (
	CatchUpLast = "last" // the latest of them is made up for
	CatchUpAll  = "all"  // each is, at most CatchUpMax of them
)

// CatchUpMax bounds the missed launches of a job that are made up for.
const CatchUpMax = 100

// PeriodicLaunch is how far a periodic job's schedule was followed.
type PeriodicLaunch struct {
	Namespace string
	JobID     string
	// Launch is the time of the schedule up to which everything is done, Unix ns: that of the last launch, or when the schedule
	// began.
	Launch int64
	// Skipped is the time of the last launch that was left out because of an instance that still ran; Unix ns, 0 without.
	Skipped     int64
	CreateIndex uint64
	ModifyIndex uint64
}

// PeriodicLaunchCommand launches an instance of a periodic job. The state machine makes it of the job as it then is.
type PeriodicLaunchCommand struct {
	Namespace string
	JobID     string
	Launch    int64 // time of the schedule, Unix ns; the instance's name
	// Forced launches whatever the schedule and the overlap policy say.
	Forced bool
	EvalID ID
	// Replaces are the instances that are stopped for it, by their names; the command is refused when another one runs.
	Replaces []PeriodicReplace
}

// PeriodicReplace is an instance to be stopped and the id of the evaluation that does.
type PeriodicReplace struct {
	JobID  string
	EvalID ID
}

// JobDispatchCommand makes an instance of a parameterized job.
type JobDispatchCommand struct {
	Namespace string
	JobID     string
	ChildID   string
	Payload   []byte
	Meta      map[string]string `msg:",omitempty"`
	// IdempotencyToken makes a dispatch that was done already answer what it made.
	IdempotencyToken string
	Priority         int // 0: the job's
	EvalID           ID
}

// MaxDispatchPayload bounds a payload, in bytes.
const MaxDispatchPayload = 16 << 10

// maxDispatchMeta bounds the meta of a dispatch, in bytes of keys and values.
const maxDispatchMeta = 64 << 10

// OverlapPolicy is what a launch does while an instance still runs; p is canonical.
func (p *PeriodicConfig) OverlapPolicy() string {
	switch {
	case p.Overlap != "":
		return p.Overlap
	case p.ProhibitOverlap != nil && *p.ProhibitOverlap:
		return OverlapForbid
	}
	return OverlapAllow
}

// Crons are the job's schedules, in whichever form they were written.
func (p *PeriodicConfig) Crons() []string {
	if p.Spec != "" {
		return append([]string{p.Spec}, p.Specs...)
	}
	return p.Specs
}

// Zone is the name of the time zone of the schedules.
func (p *PeriodicConfig) Zone() string {
	if p.TimeZone == nil || *p.TimeZone == "" {
		return "UTC"
	}
	return *p.TimeZone
}

// FollowsSchedule reports a job that is launched by its schedule now: not one that is stopped or suspended, or switched off, or a template.
func (j *Job) FollowsSchedule() bool {
	return !j.Stopped() && !j.Suspended && j.IsPeriodic() && !j.IsParameterized() && (j.Periodic.Enabled == nil || *j.Periodic.Enabled)
}

// PeriodicChildPrefix and DispatchChildPrefix follow a parent's id in the ids of its instances.
const (
	PeriodicChildPrefix = "/periodic-"
	DispatchChildPrefix = "/dispatch-"
)

// PeriodicChildID is the id of the instance of a launch.
func PeriodicChildID(parent string, launch time.Time) string {
	return fmt.Sprintf("%s%s%d", parent, PeriodicChildPrefix, launch.Unix())
}

// KeepsHistory reports a job that says how many of its launches that are over are kept.
func (j *Job) KeepsHistory() bool {
	return !j.Stopped() && j.IsPeriodic() && (j.Periodic.KeepSuccessful != nil || j.Periodic.KeepFailed != nil)
}

// LaunchOf is the time of the schedule, Unix s, of an instance that is a launch.
func (j *Job) LaunchOf() (at int64, is bool) {
	digits, is := strings.CutPrefix(j.ID, j.ParentID+PeriodicChildPrefix)
	if !is || j.ParentID == "" {
		return 0, false
	}
	at, err := strconv.ParseInt(digits, 10, 64)
	return at, err == nil
}

// DispatchChildID is the id of an instance; random are eight hexadecimal digits.
func DispatchChildID(parent, prefix string, at time.Time, random string) string {
	if prefix != "" {
		prefix += "-"
	}
	return fmt.Sprintf("%s%s%s%d-%s", parent, DispatchChildPrefix, prefix, at.Unix(), random)
}

// child is the job under another name, as if it had just been submitted. What is below it is the job's own: nothing of a stored job is
// ever changed, and ten thousand instances are no larger than one.
func (j *Job) child(id string, now int64) *Job {
	c := new(Job)
	*c = *j
	c.ID, c.Name, c.ParentID, c.SubmitTime = id, id, j.ID, now
	c.Status, c.StatusDescription, c.Stable, c.Version, c.VersionTag = JobStatusPending, "", false, 0, nil
	c.CreateIndex, c.ModifyIndex, c.JobModifyIndex = 0, 0, 0
	return c
}

// PeriodicChild is the instance of a launch; now is Unix ns.
func (j *Job) PeriodicChild(launch time.Time, now int64) *Job {
	c := j.child(PeriodicChildID(j.ID, launch), now)
	c.Periodic = nil
	return c
}

// DispatchChild is the instance a dispatch makes; now is Unix ns.
func (j *Job) DispatchChild(d *JobDispatchCommand, now int64) *Job {
	c := j.child(d.ChildID, now)
	c.Dispatched, c.Payload, c.DispatchIdempotencyToken = true, d.Payload, d.IdempotencyToken
	if d.Priority > 0 {
		c.Priority = d.Priority
	}
	if len(d.Meta) > 0 {
		meta := maps.Clone(c.Meta)
		if meta == nil {
			meta = map[string]string{}
		}
		maps.Copy(meta, d.Meta)
		c.Meta = meta
	}
	return c
}

// CheckDispatch tells why a job cannot be dispatched so, in the contract's words; nil when it can.
func (j *Job) CheckDispatch(payload []byte, meta map[string]string) error {
	p := j.ParameterizedJob
	switch {
	case !j.IsParameterized():
		return fmt.Errorf("Specified job %q is not a parameterized job", j.ID)
	case j.Stop:
		return fmt.Errorf("Specified job %q is stopped", j.ID)
	case p.Payload == DispatchPayloadRequired && len(payload) == 0:
		return fmt.Errorf("Payload is not provided but required by parameterized job")
	case p.Payload == DispatchPayloadForbidden && len(payload) > 0:
		return fmt.Errorf("Payload provided but forbidden by parameterized job")
	case len(payload) > MaxDispatchPayload:
		return fmt.Errorf("Payload exceeds maximum size; %d > %d", len(payload), MaxDispatchPayload)
	}
	var unexpected, missing []string
	size := 0
	for k, v := range meta {
		size += len(k) + len(v)
		if !slices.Contains(p.MetaRequired, k) && !slices.Contains(p.MetaOptional, k) {
			unexpected = append(unexpected, k)
		}
	}
	for _, k := range p.MetaRequired {
		if _, ok := meta[k]; !ok {
			missing = append(missing, k)
		}
	}
	slices.Sort(unexpected)
	switch {
	case len(unexpected) > 0:
		return fmt.Errorf("Dispatch request included unpermitted metadata keys: [%s]", strings.Join(unexpected, " "))
	case len(missing) > 0:
		return fmt.Errorf("Dispatch did not provide required meta keys: [%s]", strings.Join(missing, " "))
	case size > maxDispatchMeta:
		return fmt.Errorf("Dispatch metadata has %d bytes; at most %d are allowed", size, maxDispatchMeta)
	}
	return nil
}

// maxDispatchPrefix bounds the prefix of an instance's id, in bytes.
const maxDispatchPrefix = 64

// CheckDispatchPrefix tells what is wrong with a prefix of instances' ids; nil when nothing is.
func CheckDispatchPrefix(prefix string) error {
	if len(prefix) > maxDispatchPrefix {
		return fmt.Errorf("the id prefix has %d bytes; at most %d are allowed", len(prefix), maxDispatchPrefix)
	}
	if i := strings.IndexFunc(prefix, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}); i >= 0 {
		return fmt.Errorf("the id prefix %q may have letters, digits, dots, dashes and underscores only", clip(prefix))
	}
	return nil
}
