package allocrunner

import (
	"time"

	"berth/structs"
)

// healthQuestion is what a deployment, or a drain that moves allocations, wants to know of an allocation.
type healthQuestion struct {
	minHealthy time.Duration
	// deadline is when the answer is no unless it was yes before.
	deadline time.Time
}

// questionOf derives the question; false when nobody asks or a person answers. began is when the allocation came to life
// on the node.
func questionOf(a *structs.Allocation, began time.Time) (healthQuestion, bool) {
	g := a.Group()
	if g == nil {
		return healthQuestion{}, false
	}
	ask := func(minHealthy, deadline *time.Duration, check *string) (healthQuestion, bool) {
		if check != nil && *check == "manual" || minHealthy == nil || deadline == nil {
			return healthQuestion{}, false
		}
		return healthQuestion{minHealthy: *minHealthy, deadline: began.Add(*deadline)}, true
	}
	switch {
	case !a.DeploymentID.IsZero() && g.Update != nil:
		return ask(g.Update.MinHealthyTime, g.Update.HealthyDeadline, g.Update.HealthCheck)
	case a.DeploymentID.IsZero() && a.Job.Type == structs.JobTypeService && g.Migrate != nil:
		return ask(g.Migrate.MinHealthyTime, g.Migrate.HealthyDeadline, g.Migrate.HealthCheck)
	}
	return healthQuestion{}, false
}

// standsUntil is how long a no stands: as long as the deployment may look at it. Where no deployment asks it stands only until the
// tasks are as they should, and so it does when a deployment is over: whoever waits for the allocation to serve, a budget or another
// job, would wait for ever. A yes stands always.
func standsUntil(a *structs.Allocation, said *structs.AllocDeploymentStatus) time.Time {
	g := a.Group()
	if a.DeploymentID.IsZero() || g == nil || g.Update == nil || g.Update.ProgressDeadline == nil {
		return said.Timestamp
	}
	return said.Timestamp.Add(*g.Update.ProgressDeadline)
}

// healthAgain looks whether what was not healthy has come to be so.
func healthAgain(q healthQuestion, tasks []taskView, stands, now time.Time) (healthy bool, again time.Time) {
	if now.Before(stands) {
		return false, stands
	}
	q.deadline = now.Add(q.minHealthy + 1) // it was missed already: only a yes is news
	healthy, decided, again := healthOf(q, tasks, now)
	if !decided && again.Equal(q.deadline) {
		again = time.Time{} // a task has to change first
	}
	return decided && healthy, again
}

// healthOf answers: healthy once every task has been as it should for the wanted time, unhealthy when one failed or the
// deadline has passed. Until then it is undecided, and again is when to look next if no task changes.
func healthOf(q healthQuestion, tasks []taskView, now time.Time) (healthy, decided bool, again time.Time) {
	var since time.Time
	good := true
	for _, t := range tasks {
		switch {
		case t.part == partPoststop:
		case t.dead() && t.state.Failed:
			return false, true, time.Time{}
		case t.part == partPrestart, t.part == partPoststart:
			if !t.dead() {
				good = good && t.part == partPoststart && t.running()
			} else if t.state.FinishedAt.After(since) {
				since = t.state.FinishedAt
			}
		case !t.running():
			good = false
		case t.state.StartedAt.After(since):
			since = t.state.StartedAt
		}
	}
	if good {
		if at := since.Add(q.minHealthy); !now.Before(at) {
			return true, true, time.Time{}
		} else if at.Before(q.deadline) {
			return false, false, at
		}
	}
	if !now.Before(q.deadline) {
		return false, true, time.Time{}
	}
	return false, false, q.deadline
}
