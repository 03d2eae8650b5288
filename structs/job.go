package structs

import "time"

// Job types.
const (
	JobTypeService  = "service"
	JobTypeBatch    = "batch"
	JobTypeSystem   = "system"
	JobTypeSysBatch = "sysbatch"
)

// Job statuses.
const (
	JobStatusPending = "pending" // nothing of it runs yet
	JobStatusRunning = "running"
	JobStatusDead    = "dead" // stopped, or all of it ended
)

// Defaults and names of the contract.
const (
	DefaultRegion    = "global"
	DefaultNamespace = "default"
	DefaultNodePool  = "default"
	NodePoolAll      = "all" // virtual: every node is in it
	DefaultPriority  = 50
	MaxPriority      = 100
	MaxGroupCount    = 50000   // sum of group counts of one job
	MaxSourceBytes   = 1 << 20 // job source text
	TrackedVersions  = 6       // untagged versions kept of a job
)

// Job is what a user wants to run. In the store it is canonical: every optional pointer is set.
type Job struct {
	Region           string
	Namespace        string
	ID               string
	Name             string
	Type             string
	Priority         int
	PriorityClass    string `json:",omitempty"` // beside the contract
	PreemptionPolicy string `json:",omitempty"` // of the class, resolved at admission
	AllAtOnce        bool
	Datacenters      []string
	NodePool         string
	Constraints      []*Constraint
	Affinities       []*Affinity
	Spreads          []*Spread
	Tolerations      []*Toleration `json:",omitempty"` // beside the contract
	DependsOn        []*Dependency `json:",omitempty"` // beside the contract
	TaskGroups       []*TaskGroup
	Update           *UpdateStrategy
	Reschedule       *ReschedulePolicy `json:",omitempty"`
	Migrate          *MigrateStrategy  `json:",omitempty"`
	Multiregion      *Multiregion
	Periodic         *PeriodicConfig
	ParameterizedJob *ParameterizedJobConfig
	Meta             map[string]string `msg:",omitempty"`
	UI               *JobUI
	TTLAfterFinished *time.Duration `json:",omitempty"` // beside the contract: how long it is kept when it is over; nil for the servers' threshold

	// Set by the servers.
	Stop                     bool
	Suspended                bool `json:",omitempty"` // beside the contract: nothing of it runs until it is resumed
	ParentID                 string
	Dispatched               bool
	DispatchIdempotencyToken string
	Payload                  []byte
	ConsulToken              string `json:",omitempty"`
	ConsulNamespace          string
	VaultToken               string `json:",omitempty"`
	VaultNamespace           string
	NomadTokenID             string
	Status                   string
	StatusDescription        string
	Stable                   bool
	Version                  uint64
	VersionTag               *JobVersionTag
	SubmitTime               int64 // Unix ns
	CreateIndex              uint64
	ModifyIndex              uint64
	JobModifyIndex           uint64 // changes with the specification only, not with Status
}

// JobKey names a job within its region.
//msgp:ignore JobKey

type JobKey struct{ Namespace, ID string }

// Key is the job's name within its region.
func (j *Job) Key() JobKey { return JobKey{j.Namespace, j.ID} }

// LookupGroup finds a group by name, nil if there is none.
func (j *Job) LookupGroup(name string) *TaskGroup {
	if j == nil {
		return nil
	}
	for _, g := range j.TaskGroups {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// Stopped reports that nothing of the job should run.
func (j *Job) Stopped() bool { return j == nil || j.Stop }

// IsPeriodic reports a job that is launched by its schedule.
func (j *Job) IsPeriodic() bool { return j.Periodic != nil }

// IsParameterized reports a template for dispatches (a dispatched child is not one).
func (j *Job) IsParameterized() bool { return j.ParameterizedJob != nil && !j.Dispatched }

// HasUpdateStrategy reports that some group rolls its updates.
func (j *Job) HasUpdateStrategy() bool {
	for _, g := range j.TaskGroups {
		if g.Update.Rolling() {
			return true
		}
	}
	return false
}

// JobVersionTag keeps a version from being pruned and gives it a name.
type JobVersionTag struct {
	Name        string
	Description string
	TaggedTime  int64 // Unix ns
}

// JobUI is text and links shown with the job.
type JobUI struct {
	Description string // markdown, at most 1000 characters
	Links       []*JobUILink
}

// JobUILink is one labelled link.
type JobUILink struct{ Label, URL string }

// JobSubmission is the text a job version was written as.
type JobSubmission struct {
	Source        string
	Format        string            // hcl2 | json
	VariableFlags map[string]string `msg:",omitempty"`
	Variables     string

	Namespace      string `json:",omitempty"`
	JobID          string `json:",omitempty"`
	Version        uint64 `json:",omitempty"`
	JobModifyIndex uint64 `json:",omitempty"`
}

// PeriodicConfig launches a child of the job at each time of a schedule.
type PeriodicConfig struct {
	Enabled         *bool
	Spec            string // one cron expression (legacy)
	Specs           []string
	SpecType        string // "cron"
	ProhibitOverlap *bool
	TimeZone        *string
	// Overlap is what a launch does while an instance still runs: allow, forbid or replace; empty follows ProhibitOverlap.
	// Beside the contract, as is the rest.
	Overlap string `json:",omitempty"`
	// CatchUp is what is done about missed launches: last or all.
	CatchUp string `json:",omitempty"`
	// StartDeadline is how late a launch may still be made; 0 without bound.
	StartDeadline time.Duration `json:",omitempty"`
	// KeepSuccessful and KeepFailed are how many launches that are over are kept, however long ago, of those that ended well and of the others;
	// nil leaves them to the servers' threshold.
	KeepSuccessful *int `json:",omitempty"`
	KeepFailed     *int `json:",omitempty"`
}

// ParameterizedJobConfig makes the job a template that is dispatched with a payload and meta.
type ParameterizedJobConfig struct {
	Payload      string // optional | required | forbidden
	MetaRequired []string
	MetaOptional []string
}

// Multiregion deploys one job to several regions.
type Multiregion struct {
	Strategy *MultiregionStrategy
	Regions  []*MultiregionRegion
}

// MultiregionStrategy orders the regions' deployments.
type MultiregionStrategy struct {
	MaxParallel *int
	OnFailure   *string // "" | fail_all | fail_local
}

// MultiregionRegion is one region of a multiregion job.
type MultiregionRegion struct {
	Name        string
	Count       *int
	Datacenters []string
	NodePool    string
	Meta        map[string]string `msg:",omitempty"`
}

// TaskGroup is a set of tasks that run together on one node: the unit of placement.
type TaskGroup struct {
	Name                      string
	Count                     *int
	Constraints               []*Constraint
	Affinities                []*Affinity
	Spreads                   []*Spread
	Peers                     []*Peer       `json:",omitempty"` // beside the contract
	Tolerations               []*Toleration `json:",omitempty"` // beside the contract
	Gang                      string        `json:",omitempty"` // beside the contract: groups of one gang are placed all or none
	Gates                     []string      `json:",omitempty"` // beside the contract: nothing is placed while there are some
	Completion                *Completion   `json:",omitempty"` // beside the contract
	Tasks                     []*Task
	Volumes                   map[string]*VolumeRequest `msg:",omitempty"`
	RestartPolicy             *RestartPolicy
	Disconnect                *DisconnectStrategy
	ReschedulePolicy          *ReschedulePolicy
	EphemeralDisk             *EphemeralDisk
	Update                    *UpdateStrategy
	Migrate                   *MigrateStrategy
	Disruption                *Disruption `json:",omitempty"` // beside the contract
	Networks                  []*NetworkResource
	Meta                      map[string]string `msg:",omitempty"`
	Services                  []*Service
	ShutdownDelay             *time.Duration
	StopAfterClientDisconnect *time.Duration
	MaxClientDisconnect       *time.Duration
	PreventRescheduleOnLost   *bool
	MaxRunDuration            *time.Duration
	Scaling                   *ScalingPolicy
	Consul                    *Consul
}

// Desired is how many allocations the group should have; zero for nil.
func (g *TaskGroup) Desired() int {
	if g == nil || g.Count == nil {
		return 0
	}
	return *g.Count
}

// LookupTask finds a task by name, nil if there is none.
func (g *TaskGroup) LookupTask(name string) *Task {
	if g == nil {
		return nil
	}
	for _, t := range g.Tasks {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// NetworkMode is the mode of the group's network: "host" when it has none.
func (g *TaskGroup) NetworkMode() string {
	if g == nil || len(g.Networks) == 0 || g.Networks[0].Mode == "" {
		return NetworkModeHost
	}
	return g.Networks[0].Mode
}

// Task is one process of a group.
type Task struct {
	Name            string
	Driver          string
	User            string
	Lifecycle       *TaskLifecycle
	Config          map[string]any `msg:",omitempty"`
	Constraints     []*Constraint
	Affinities      []*Affinity
	Env             map[string]string `msg:",omitempty"`
	Services        []*Service
	Resources       *Resources
	RestartPolicy   *RestartPolicy
	Meta            map[string]string `msg:",omitempty"`
	KillTimeout     *time.Duration
	LogConfig       *LogConfig
	Artifacts       []*TaskArtifact
	Vault           *Vault
	Consul          *Consul
	Templates       []*Template
	DispatchPayload *DispatchPayload
	VolumeMounts    []*VolumeMount
	CSIPluginConfig *TaskCSIPluginConfig
	Leader          bool
	ShutdownDelay   time.Duration
	KillSignal      string
	Kind            string
	ScalingPolicies []*ScalingPolicy
	Identity        *WorkloadIdentity
	Identities      []*WorkloadIdentity
	Actions         []*Action
	Schedule        *TaskSchedule
	Secrets         []*Secret
}

// Lifecycle hooks.
const (
	HookPrestart  = "prestart"
	HookPoststart = "poststart"
	HookPoststop  = "poststop"
)

// TaskLifecycle places a task before, beside or after the main tasks.
type TaskLifecycle struct {
	Hook    string
	Sidecar bool
}

// IsMain reports a task without a lifecycle hook.
func (t *Task) IsMain() bool { return t.Lifecycle == nil || t.Lifecycle.Hook == "" }

// LogConfig bounds the task's log files.
type LogConfig struct {
	MaxFiles      *int
	MaxFileSizeMB *int
	Disabled      *bool
	Enabled       *bool `json:",omitempty"` // legacy
}

// DispatchPayload is where the dispatched payload is written, below local/.
type DispatchPayload struct{ File string }

// Action is a named command to run in the task on request.
type Action struct {
	Name    string
	Command string
	Args    []string
}

// TaskSchedule runs the task only within times of day.
type TaskSchedule struct{ Cron *TaskScheduleCron }

// TaskScheduleCron opens and closes the task.
type TaskScheduleCron struct{ Start, End, Timezone string }
