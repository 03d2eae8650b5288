package structs

import "time"

// RestartPolicy restarts tasks on the same node. Nil fields take the default of the job's type.
type RestartPolicy struct {
	Interval        *time.Duration
	Attempts        *int
	Delay           *time.Duration
	Mode            *string // fail | delay
	RenderTemplates *bool
}

// Restart modes.
const (
	RestartModeFail  = "fail"
	RestartModeDelay = "delay"
)

// ReschedulePolicy replaces failed allocations, on another node where possible.
type ReschedulePolicy struct {
	Attempts      *int
	Interval      *time.Duration
	Delay         *time.Duration
	DelayFunction *string // constant | exponential | fibonacci
	MaxDelay      *time.Duration
	Unlimited     *bool
}

// UpdateStrategy rolls a changed job out.
type UpdateStrategy struct {
	Stagger          *time.Duration
	MaxParallel      *int
	HealthCheck      *string // checks | task_states | manual
	MinHealthyTime   *time.Duration
	HealthyDeadline  *time.Duration
	ProgressDeadline *time.Duration
	Canary           *int
	AutoRevert       *bool
	AutoPromote      *bool
}

// Rolling reports a strategy that limits how much changes at once.
func (u *UpdateStrategy) Rolling() bool {
	return u != nil && u.MaxParallel != nil && *u.MaxParallel > 0
}

// MigrateStrategy limits how much a drain moves at once.
type MigrateStrategy struct {
	MaxParallel     *int
	HealthCheck     *string
	MinHealthyTime  *time.Duration
	HealthyDeadline *time.Duration
}

// DisconnectStrategy says what happens to allocations whose node cannot be reached.
type DisconnectStrategy struct {
	LostAfter         *time.Duration
	StopOnClientAfter *time.Duration
	Replace           *bool
	Reconcile         *string // keep_original | keep_replacement | best_score | longest_running
}

// EphemeralDisk is the allocation's scratch space.
type EphemeralDisk struct {
	Sticky  *bool
	Migrate *bool
	SizeMB  *int
}

// ScalingPolicy bounds the group's count (horizontal) or the task's resources (vertical).
type ScalingPolicy struct {
	ID          string
	Namespace   string
	Target      map[string]string `msg:",omitempty"`
	Type        string
	Min         *int64
	Max         *int64
	Policy      map[string]any `msg:",omitempty"`
	Enabled     *bool
	CreateIndex uint64
	ModifyIndex uint64
}
