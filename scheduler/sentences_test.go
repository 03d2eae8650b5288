package scheduler_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sentence is something the cluster promises about placing work and keeping it placed.
type sentence struct {
	id, says string
	// by are the proofs: "file/title" of a scenario in testdata, or the name of a test anywhere in the project.
	by []string
	// lacks says what of the sentence does not hold in this version, and why; empty when all of it does.
	lacks string
}

var sentences = []sentence{
	{id: "SCH-1", says: "Hard constraints are never violated; a job with no feasible node waits and is tried again when a node appears or changes.",
		by: []string{"constraints/equal and not equal", "constraints/order of numbers and of texts", "constraints/regular expressions", "constraints/versions",
			"constraints/sets", "constraints/set and not set", "constraints/a node that changes so that it fits is used",
			"service/an empty cluster leaves the job waiting and a node wakes it", "TestNothingBreaksTheRules", "TestABlockedJobIsPlacedWhenANodeComes"}},
	{id: "SCH-2", says: "An affinity shifts and never blocks; anti-affinity spreads the replicas of one service.",
		by: []string{"constraints/affinity prefers and never blocks", "service/allocations of one group spread over nodes that are alike"}},
	{id: "SCH-3", says: "Affinity and anti-affinity between jobs over any topology key, required or preferred.",
		by: []string{"together/near another job, on the same node", "together/near another job by rack, waits until it is there",
			"together/apart from another job by rack", "together/apart holds both ways", "together/a wish to be near is no rule"}},
	{id: "SCH-4", says: "Topology spread with a largest skew, hard or soft.",
		by: []string{"together/a hard spread keeps its skew whatever the room", "together/a hard spread over three zones",
			"spread/evenly over the values of an attribute", "spread/spread weighs, room decides"}},
	{id: "SCH-5", says: "Taints and tolerations; a taint removed in time cancels the eviction.",
		by: []string{"taints/a taint keeps off what does not tolerate it", "taints/PreferNoSchedule comes last", "taints/NoExecute moves what runs",
			"taints/a toleration for a time ends", "taints/the taint's end in time cancels the eviction"}},
	{id: "SCH-6", says: "Priority orders the queue and preempts: as few and as low as will do, never an equal one, sparing budgets where it can.",
		by: []string{"TestOrder", "preempt/as few and as low as will do", "preempt/a priority that is hardly lower is left alone",
			"preempt/a budget is spared where another can leave", "preempt/a service job does not unless told so", "TestPreemptedAllocationsAreStoppedWithTheirPreemptor"}},
	{id: "SCH-7", says: "A disruption budget is kept by what is done on purpose: drains, preemption, rebalancing.",
		by: []string{"TestServiceMovesAFewAtATime", "TestEveryDrainKeepsItsBudgetAndEnds", "preempt/a budget is spared where another can leave"}},
	{id: "SCH-8", says: "Who cannot be placed is told how many nodes failed each filter.",
		by: []string{"constraints/a constraint nobody satisfies is told of by its text", "constraints/each node counts under the first rule it fails",
			"room/every dimension is counted by its own name", "room/the smallest change is told: less of an amount", "TestAPlanTellsWhyNotAndTheSmallestChange"}},
	{id: "SCH-9", says: "A set of groups is placed whole or not at all.",
		by: []string{"together/a gang is placed whole", "together/a gang that does not fit whole is not placed at all"}},
	{id: "SCH-10", says: "A gate holds a group out of the queue until it is removed.",
		by: []string{"together/a gate holds a group back until it is gone", "together/what runs goes on behind a new gate"}},
	{id: "SCH-11", says: "Packing or spreading is chosen for the cluster and for each pool.",
		by: []string{"service/spread algorithm chooses the emptier node, binpack the fuller", "rank/a pool chooses for itself"}},
	{id: "SCH-12", says: "A node where a job keeps failing is used last for that job.",
		by: []string{"together/a node where the job keeps failing is placed on last", "together/and is like any other some minutes later", "together/four failures are not enough"}},
	{id: "SCH-13", says: "Poor placement is mended by moves, few at a time and within budgets.",
		by: []string{"TestRebalance", "TestRebalanceLeavesWhatIsWell"}},
	{id: "SCH-14", says: "Nothing is booked twice; a refused plan is decided anew.",
		by: []string{"TestNodesRefuseWhatTheyCannotHold", "TestARefusedPlanIsTakenOffTheFleetAndDecidedAnew", "TestPlansOfOneCommandSeeEachOther", "TestClustersKeepTheirPromises"}},
	{id: "SCH-15", says: "Queues share fairly by their weights, lend what they do not use and get it back, and keep their limits.",
		by: []string{"TestSharesBecomeAsTheWeightsAre", "TestSharesOrderQueues", "queues/a guarantee is lent while nobody asks, and taken back",
			"queues/no more is taken back than is guaranteed", "queues/a queue that waits for what it lent evicts nobody", "queues/what is not lent stays free",
			"queues/a queue has no more than its limit", "queues/at the limit, the first comes first", "queues/what was told to stop and has not ended keeps out what is new",
			"TestWhatLeavesCountsAgainstItsLimit", "TestWhatWasLentIsTakenBack", "TestQueuesKeepTheirBounds", "TestGuaranteesAreKept", "TestNobodyWaitsForEver"}},
	{id: "DEP-1", says: "A change rolls gradually, never below the count less max_parallel and never above the count and the canaries.",
		by: []string{"updates/a destructive change replaces under the same names", "updates/max_parallel limits what is replaced at a time",
			"updates/what is not healthy yet counts against max_parallel", "TestDEP1EachHealthyAllocationLetsTheNextFollow", "TestNothingBreaksTheRules"}},
	{id: "DEP-2", says: "A revert returns to an earlier version.",
		by: []string{"updates/going back to the first version replaces again", "TestDeploymentStatusStabilityAndRevert"}},
	{id: "DEP-3", says: "Pause and resume; a stuck rollout has failed after its deadline.",
		by: []string{"updates/a paused deployment goes no further until it is resumed", "rollout/a rollout that makes no progress has failed", "TestDEPSteps",
			"TestARolloutThatWaitsForItsQueueHasTime"}},
	{id: "DEP-4", says: "A rollout that fails goes back by itself.",
		by: []string{"TestDEPSteps", "TestDeploymentStatusStabilityAndRevert"}},
	{id: "DEP-5", says: "Canaries, promoted by hand or by themselves; blue and green when there are as many as the count.",
		by: []string{"updates/canaries run beside the old ones until they are promoted", "updates/canaries that promote themselves",
			"updates/blue and green: as many canaries as the count", "TestPromotionNeedsHealthyCanaries"},
		lacks: "weighing of traffic between canaries and others: this version has no services"},
	{id: "DEP-6", says: "A changed configuration or secret rolls the job out.",
		lacks: "this version keeps no variables and renders no templates, so a job refers to none"},
	{id: "DEP-7", says: "Scaling is immediate, replaces nothing, stops first what fails, and keeps the spread.",
		by: []string{"service/scaling up fills the free names", "service/scaling down stops the highest names", "service/scaling down stops what is failing first",
			"spread/scaling down keeps what is left spread"}},
	{id: "DEP-8", says: "A control plane that falls in the middle of a rollout goes on where it was.",
		by: []string{"TestClustersKeepTheirPromises", "TestAPlanKeepsWhatHappenedInItsDeployment"}},
	{id: "DMN-1", says: "One on each eligible node; it comes with the node and goes with it; updates roll.",
		by: []string{"system/one on every node", "system/only on nodes that satisfy the constraints", "system/a node that is lost is forgotten and served again when it is back",
			"system/an update goes node by node", "system/a node that joins gets the system job, others stay"}},
	{id: "DMN-2", says: "Daemons outlive a drain's other work and tolerate what is told of a node's health.",
		by: []string{"TestBatchWaitsForTheDeadlineAndSystemForTheRest", "taints/a system job tolerates what is told of a node's health", "taints/a system job comes to unhealthy nodes too"}},
	{id: "JOB-1", says: "As many as asked for run to their end; failures are tried again, less and less often, up to a limit.",
		by: []string{"batch/what completed is never placed again", "batch/what failed is tried again as the policy allows", "system/sysbatch that failed is left alone until somebody wants it tried again", "trouble/delays double up to their maximum",
			"trouble/attempts are limited"}},
	{id: "JOB-2", says: "Each index runs once to success, is told its index, and has a budget of attempts of its own.",
		by: []string{"batch/what completed is never placed again", "batch/each index is finished once", "completion/each index has a budget of its own",
			"completion/failures long ago count as well", "completion/some may fail for good, one more gives the job up"}},
	{id: "JOB-3", says: "Exit codes decide whether to try again; being evicted is no failure; enough that ended well are enough.",
		by: []string{"preempt/what was evicted moves elsewhere", "completion/being lost is no failure, and forgives none", "completion/being preempted is no failure",
			"completion/an exit code fails its index at once", "completion/an exit code gives the job up", "completion/an exit code that does not count",
			"completion/enough ended well", "TestWhatFollowsFromAFailure", "TestJudge", "TestExitCodesDecideWhetherAnIndexIsTriedAgain"}},
	{id: "JOB-4", says: "What is over is removed after a time, of each job's own if it says one; a job has a time limit; it is suspended and goes on under the same indexes.",
		by: []string{"TestWhatIsOverGoesWhenItIsOldEnough", "TestJobsGoWhenTheirTimeIsOver", "TestAnAllocationThatRunsTooLongFails",
			"suspend/a suspended job releases what it holds and resumes under the same indexes", "suspend/a service comes back as it was",
			"TestASuspendedJobStaysSoUntilItIsResumedOrStopped", "TestNothingIsLaunchedOfASuspendedJob", "TestAJobRunsWhenTheOneBeforeItHasFinished"}},
	{id: "JOB-5", says: "A parameterized job is dispatched with payload, meta and token.",
		by: []string{"TestJOB5ADispatchMakesAnInstance", "TestJOB5AnIdempotencyTokenMakesOneInstance", "TestJOB5WhatATemplateDoesNotAllowIsRefused", "TestJOB5DispatchOverHTTP"}},
	{id: "JOB-6", says: "Jobs that depend on jobs.",
		by: []string{"TestAJobRunsWhenTheOneBeforeItHasFinished", "depend/a job waits until another is complete", "depend/a job waits until another is healthy", "depend/what has begun does not look back",
			"depend/a new version that replaces waits again", "depend/a failed job is waited for, and mended", "depend/or fails the job that depends on it",
			"depend/a wait takes nothing off the time a rollout has", "TestAJobThatWouldWaitForItselfIsRefused", "TestAJobIsPlacedWhenTheOneBeforeItIsComplete",
			"TestNothingBreaksTheRules", "TestTroublesEnd"}},
	{id: "CRN-1", says: "Launches that overlap are allowed, forbidden or replace each other.", by: []string{"TestCRN1Overlap", "TestClustersKeepTheirPromises"}},
	{id: "CRN-2", says: "Time zones and several schedules; nothing is launched twice or lost over changes of the leader; so many launches that are over are kept.",
		by: []string{"TestCRN2HistoryLimits", "TestCRN2LaunchesBeyondTheLimitsGoSoon", "TestCRN2SeveralSchedulesLaunchInstances", "TestCRN2NoLaunchIsMadeTwiceNorLostOverChangesOfTheLeader", "TestCRN2WhatWasMissedIsMadeUpFor"}},
	{id: "NOD-1", says: "A drain stops placing, moves within its deadline and budgets, leaves daemons for last, shows progress and can be cancelled.",
		by: []string{"trouble/a drain moves what may leave", "TestServiceMovesAFewAtATime", "TestAForcedDrainAsksForAllAtOnce", "TestDrainsBeginChangeAndEnd", "TestEveryDrainKeepsItsBudgetAndEnds"}},
	{id: "NOD-2", says: "What runs on a node out of touch is kept, stopped or replaced as the job says, and one of two is left when it is back.",
		by: []string{"disconnect/without a replacement it stays unknown however long", "disconnect/what is stopped by its node is replaced when that is over, and each time",
			"disconnect/what is unknown is lost when its time is over", "disconnect/a node that is back and tells late is heard",
			"trouble/an allocation that comes back wins or loses as wished: original", "TestNOD2ASilentNodeIsDownOrOutOfTouch",
			"TestWhatTheServersLostSightOfIsToldAgain", "TestCutOff", "TestCutOffCountsOverRestarts", "TestClustersKeepTheirPromises"}},
	{id: "NOD-3", says: "An agent is exchanged without a restart of what it runs.", by: []string{"TestAgentDiesAndTasksGoOn", "TestTasksSurviveAnAgentThatIsKilled",
		"TestARollingUpgradeLosesNothing"}},
	{id: "NOD-4", says: "A machine that goes down lets its work end in order of priority.",
		by: []string{"TestAShutdownGoesByPriority", "TestAShutdownsDeadline", "TestADrainWaitsForWhatLeaves", "TestADrainIsOverAtOnce", "TestANodeIsDrainedBeforeItsAgentEnds"}},
	{id: "NOD-5", says: "A machine joins with a token over mutually authenticated TLS, with certificates that are issued and renewed by themselves.",
		by: []string{"TestJoiningWithTokens", "TestTokensThatDoNotOpen", "TestAnotherClustersCertificateIsRefused", "TestACertificateIsRenewedAtHalfItsLifeForAYear",
			"TestARotationReachesAMachineWhileItRuns"}},
}

// TestSentences holds every promise to its proofs: each must exist, and a promise without one must say why.
func TestSentences(t *testing.T) {
	known := scenarioTitles(t)
	for name := range testNames(t) {
		known[name] = true
	}
	seen := map[string]bool{}
	for _, s := range sentences {
		if seen[s.id] || s.says == "" {
			t.Errorf("%s stands twice or says nothing", s.id)
		}
		seen[s.id] = true
		if len(s.by) == 0 && s.lacks == "" {
			t.Errorf("%s is neither proven nor said to be lacking", s.id)
		}
		for _, proof := range s.by {
			if !known[proof] {
				t.Errorf("%s: there is no scenario or test %q", s.id, proof)
			}
		}
	}
}

func scenarioTitles(t *testing.T) map[string]bool {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	titles := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		for line := range strings.SplitSeq(string(text), "\n") {
			title, ok := strings.CutPrefix(line, "== ")
			if ok && titles[name+"/"+title] {
				t.Errorf("%s: the title %q stands twice, and only one of the two runs", file, title)
			}
			if ok {
				titles[name+"/"+title] = true
			}
		}
	}
	return titles
}

var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// testNames are the tests of the whole project.
func testNames(t *testing.T) map[string]bool {
	names := map[string]bool{}
	for _, folder := range []string{"structs", "scheduler", "server", "client", "sim", "e2e", "agent", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range testFunction.FindAllSubmatch(text, -1) {
				names[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}
