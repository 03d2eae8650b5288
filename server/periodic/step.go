package periodic

import (
	"fmt"
	"iter"
	"time"

	"berth/internal/cron"
	"berth/structs"
)

// State is what a step reads.
type State interface {
	PeriodicLaunches() iter.Seq[*structs.PeriodicLaunch]
	Job(namespace, id string) *structs.Job
	Children(namespace, parent string) iter.Seq[*structs.Job]
}

// IDs makes ids for evaluations.
type IDs interface{ NewID() structs.ID }

// Memory are the schedules read so far. Losing it costs reading them again.
type Memory map[structs.JobKey]*read

type read struct {
	index    uint64 // of the job's specification
	schedule *cron.Schedule
	err      error
}

// Actions are what a step wants done.
type Actions struct {
	Launches []*structs.PeriodicLaunchCommand
	// Next is when something is due again; zero when nothing is waited for.
	Next time.Time
	// Unreadable are jobs whose schedule could not be read, with the reason; each is told once.
	Unreadable []Unreadable
}

// Unreadable is a job whose schedule makes no sense to this program.
type Unreadable struct {
	Job structs.JobKey
	Err error
}

// Step decides what is due at a time: of each job one launch, the earliest that is still to be made.
func Step(st State, now time.Time, ids IDs, mem Memory) Actions {
	var out Actions
	there := map[structs.JobKey]bool{}
	for l := range st.PeriodicLaunches() {
		job := st.Job(l.Namespace, l.JobID)
		if !job.FollowsSchedule() {
			continue
		}
		key := job.Key()
		there[key] = true
		r := mem[key]
		if r == nil || r.index != job.JobModifyIndex {
			r = &read{index: job.JobModifyIndex}
			if r.schedule, r.err = cron.New(job.Periodic); r.err != nil {
				out.Unreadable = append(out.Unreadable, Unreadable{key, r.err})
			}
			mem[key] = r
		}
		if r.err != nil {
			continue
		}
		at, due := next(job.Periodic, r.schedule, time.Unix(0, l.Launch), now)
		if due {
			out.Launches = append(out.Launches, launch(st, job, at, ids))
			continue // and looked at again when that is applied
		}
		if !at.IsZero() && (out.Next.IsZero() || at.Before(out.Next)) {
			out.Next = at
		}
	}
	for key := range mem {
		if !there[key] {
			delete(mem, key)
		}
	}
	return out
}

// next is the launch to be made at now, or else the next time; zero when there is none ever again.
func next(p *structs.PeriodicConfig, s *cron.Schedule, done, now time.Time) (at time.Time, due bool) {
	n := 1
	if p.CatchUp == structs.CatchUpAll {
		n = structs.CatchUpMax
	}
	for _, missed := range s.Latest(done, now, n) {
		if p.StartDeadline <= 0 || now.Sub(missed) <= p.StartDeadline {
			return missed, true
		}
	}
	if now.Before(done) { // the clock was set back: what was launched is not launched again
		return s.Next(done), false
	}
	return s.Next(now), false
}

func launch(st State, job *structs.Job, at time.Time, ids IDs) *structs.PeriodicLaunchCommand {
	c := &structs.PeriodicLaunchCommand{Namespace: job.Namespace, JobID: job.ID, Launch: at.UnixNano(), EvalID: ids.NewID()}
	if job.Periodic.OverlapPolicy() != structs.OverlapReplace {
		return c
	}
	for child := range st.Children(job.Namespace, job.ID) {
		if child.Status != structs.JobStatusDead && !child.Stop {
			c.Replaces = append(c.Replaces, structs.PeriodicReplace{JobID: child.ID, EvalID: ids.NewID()})
		}
	}
	return c
}

// Force is the command that launches a job at once, whatever its schedule and the overlap policy say.
func Force(job *structs.Job, now time.Time, ids IDs) (*structs.PeriodicLaunchCommand, error) {
	if !job.IsPeriodic() || job.IsParameterized() {
		return nil, fmt.Errorf("can't force launch non-periodic job %q", job.ID)
	}
	if job.Stop {
		return nil, fmt.Errorf("can't force launch of stopped job %q", job.ID)
	}
	return &structs.PeriodicLaunchCommand{Namespace: job.Namespace, JobID: job.ID, Launch: now.Truncate(time.Second).UnixNano(), Forced: true, EvalID: ids.NewID()}, nil
}
