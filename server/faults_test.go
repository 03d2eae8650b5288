package server

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// trouble is something that happens to servers, and what holds then.
type trouble struct {
	what, holds string
	// by are the proofs: names of tests anywhere in the project.
	by []string
	// lacks says what of it is not shown, and why; empty when all of it is.
	lacks string
}

var troubles = []trouble{
	{what: "kill -9 of the leader, a follower, all at once", holds: "what was acknowledged is there; another leads within seconds",
		by: []string{"TestAcknowledgedWritesSurviveKilledLeaders", "TestHistoriesOfRealServersAreLinearizable", "TestHistoriesAreLinearizable", "TestWhatWasAcknowledgedIsThereAfterARestart"}},
	{what: "a death at each point of a server's life", holds: "nothing acknowledged is lost, nothing is there by half, it comes back with what it left",
		by: []string{"TestNothingIsLostWhereverAServerDies", "TestAServerDiesAtNamedMoments"}},
	{what: "power loss: what was not synced vanishes, pages are torn", holds: "what was acknowledged is durable, a torn page is told",
		by: []string{"TestThePowerGoesInAFirstStart", "TestThePowerGoesUnderLoad", "TestThePowerGoesInARecovery", "TestPowerAndDisksOfThreeServersFail",
			"TestWhatIsMadeOutlivesALossOfPower", "TestTheStateKeepsWhatItStored", "TestNoDamageOfTheLogEndsTheProgram", "TestVerifyNamesDamage"}},
	{what: "a failed fsync that succeeds the next time", holds: "the server ends and says that its disk is failing", by: []string{"TestAServerWhoseDiskFailsEndsAndSaysSo", "TestPowerAndDisksOfThreeServersFail"}},
	{what: "a full disk", holds: "it is named, another leads, reads go on, the server goes on by itself when there is space",
		by: []string{"TestAFullDiskIsNamedAndLeftBehindWhenThereIsSpace", "TestAServerEndsWhileItsDiskIsFull", "TestAPlanTheLogRefusedIsMadeAgain",
			"TestTheLeadersDiskFillsUpUnderWrites"}},
	{what: "a slow disk, a disk that stalls", holds: "a slow one costs nobody leadership; a leader whose disk does not answer is replaced",
		by: []string{"TestSlowDisksCostNobodyLeadership", "TestALeaderWhoseDiskStallsIsReplaced", "TestPowerAndDisksOfThreeServersFail"}},
	{what: "a damaged log, snapshot or id", holds: "the file is named, the server does not start with it, the others go on, it rejoins",
		by: []string{"TestADamagedOrLostLogIsToldAndNeverReplaced", "TestNoDamageOfTheLogEndsTheProgram", "TestADamagedServerOfThreeRejoins", "TestADamagedServerRejoins",
			"TestADamagedIdentityIsNotReplaced"}},
	{what: "a state that differs from the others'", holds: "who is right is asked of all; the one that differs ends and rejoins",
		by: []string{"TestAServerWhoseStateDiffersEndsAndRejoins", "TestTheMajoritySaysWhoIsRight"}},
	{what: "an old copy of one server's directory", holds: "it catches up and has what the others have",
		by: []string{"TestAServerWithAnOldCopyOfItsDirectoryCatchesUp"},
		lacks: "it is not told apart from a server that was away: an entry that only it and a server that is lost had confirmed is gone. " +
			"docs/how-to/recover-a-cluster.md says to rejoin instead"},
	{what: "clocks that jump or differ", holds: "certificates and tokens name both times; nothing is launched twice; deadlines go by elapsed time",
		by: []string{"TestClocksThatAreOff", "TestAnExpiredTokenNamesBothTimes", "TestWhoIsRefusedIsToldWhy", "TestAMachineThatMayNotJoinIsToldWhy",
			"TestAClockSetBackLaunchesNothingAgain", "TestDeadlinesAreALaw"}},
	{what: "a year passes", holds: "certificates renew, roots rotate with two trusted, servers that were all off come back, who was away too long is told",
		by: []string{"TestACertificateIsRenewedAtHalfItsLifeForAYear", "TestAllServersWereOffForAYear", "TestRotationRetiresTheOldRootWhenItsLastCertificateHasEnded",
			"TestRootsAreReplacedBeforeTheyEnd", "TestAMachineThatWasAwayComesBack", "TestASessionEndsWithItsCertificate"}},
	{what: "a machine is stolen", holds: "its certificates are refused everywhere and what stands with it ends",
		by:    []string{"TestRevokedCertificatesShutTheirMachinesOut", "TestARevokedMachineGetsNoCertificate", "TestMachinesThatAreShutOut"},
		lacks: "nodes have no list of what is revoked: they trust a stolen server's certificate for the day it lasts"},
	{what: "a process that is stopped for a while", holds: "an old leader answers no consistent read with what is old",
		by: []string{"TestHistoriesOfRealServersAreLinearizable", "TestATermThatIsOverVouchesForNothing"}},
	{what: "a network that is cut in parts", holds: "the minority takes no change, the majority goes on, what was refused is nowhere",
		by: []string{"TestACutServerComesBack", "TestThreeServersFormOneClusterAndKeepWhatWasAcknowledged", "TestHistoriesOfRealServersAreLinearizable", "TestTwoRegions"}},
	{what: "a network that carries one way only", holds: "a leader that is not heard, or does not hear, is replaced", by: []string{"TestHistoriesOfRealServersAreLinearizable"}},
	{what: "a link that comes and goes", holds: "at most an election for each time, none for a follower's, one leader soon after", by: []string{"TestAFlappingLinkSettles"}},
	{what: "connections that are slow, half open, or lose what they carry", holds: "bounded time and memory, requests are not made twice",
		by: []string{"TestLimits", "TestStrangersOnThePort", "TestAReaderThatTakesNothingIsCutOff", "TestASlowReaderIsToldWhatItLost", "TestHistoriesAreLinearizable",
			"TestHistoriesOverABadNetworkAreLinearizable"}},
	{what: "a server that has another address", holds: "it is found again; when all have, one command makes them the cluster they were",
		by: []string{"TestAServerWithANewAddressIsFoundAgain", "TestAllServersComeBackWithNewAddresses", "TestServersWithNewAddressesAreRecovered"}},
	{what: "little memory, little processor time", holds: "with a fifth more memory than it takes it lives on, killed for memory it comes back with what was acknowledged; " +
		"no change of the leader, or it is told",
		by: []string{"TestServersWithLittleMemoryAndLittleProcessorTime", "TestTheLimitOfTheControlGroupIsKept"}},
	{what: "no file descriptor left, many connections, many reads that wait", holds: "refused with a sentence, elections are not touched, it goes on by itself",
		by: []string{"TestAServerWithoutFileDescriptors", "TestConnectionsOfOneAddressAreLimited", "TestTooManyReadsThatWaitAreRefused", "TestLimits"}},
	{what: "a snapshot is restored under load, or a bad one", holds: "every server and loop has it; a bad one changes nothing",
		by: []string{"TestARestoreReachesEveryServerAndEveryLoop", "TestABadSnapshotChangesNothing", "TestASnapshotMakesANewCluster", "TestOnlyTheLeaderRestoresAndOneAtATime"}},
	{what: "a server dies in the middle of a restore, or of a recovery", holds: "it comes back with the whole state of before, or of after; the cluster goes on with one of both",
		by: []string{"TestARestoreThatWasNotConfirmedIsTakenBack", "TestALeaderOfThreeDiesInARestore", "TestARecoveryThatDiesIsBegunAgain",
			"TestAFollowerHasARestoreThatTheOthersGaveUp", "TestALeaderDiesInTheMiddleOfARestore", "TestServersWithNewAddressesAreRecovered"},
		lacks: "a server where neither the log nor a snapshot has what was before the restore any more says so, removes nothing, and must rejoin"},
	{what: "servers of different versions", holds: "what one of them does not know is refused; an entry that is not known ends a server instead of being skipped; old logs replay",
		by: []string{"TestARollingUpgradeLosesNothing", "TestNewKindsWaitForEveryServer", "TestAClusterRefusesWhatOneOfItDoesNotKnow", "TestAServerEndsAtAnEntryItDoesNotUnderstand",
			"TestAnEntryOfANewerProgramHaltsTheReplica", "TestRecordedLogsAndSnapshots"},
		lacks: "a new field of a known noun is not gated: a server of before drops it"},
	{what: "servers come, go, are replaced, the majority is lost", holds: "never below the quorum by itself, nothing acknowledged is lost",
		by: []string{"TestServersComeAndGo", "TestEveryServerIsReplacedUnderLoad", "TestTheLastServerOfThreeGoesOn", "TestTheLastServerIsRecovered"}},
	{what: "the leader changes in the middle of a plan, a rollout, a launch", holds: "it goes on where it was, nothing is made twice",
		by: []string{"TestAPlannedStopHandsLeadershipOver", "TestNothingIsLostWhereverAServerDies", "TestCRN2NoLaunchIsMadeTwiceNorLostOverChangesOfTheLeader", "TestClustersKeepTheirPromises"}},
	{what: "all nodes come back at once, or seem silent after a change of the leader", holds: "none is lost that lives",
		by: []string{"TestANodeHeardAgainIsNotDeclaredLost", "TestTTLGrowsWithTheCluster", "TestMonitorReportsSilentNodesAndTriesAgain"}},
	{what: "a request that is made twice", holds: "it is one: by token, or by the index it names",
		by: []string{"TestJOB5AnIdempotencyTokenMakesOneInstance", "TestWritesThatNameAnIndex"}},
	{what: "the key of the state cannot be had", holds: "the server does not start, and says which key it wants",
		by: []string{"TestWhereKeysComeFrom", "TestTheLogAndSnapshotsAreSealed"}},
	{what: "nodes that lie of what they have and run", holds: "what cannot be is refused with a sentence, and the scheduler lives through it all the same",
		by: []string{"TestNodesThatCannotBeAreRefused", "TestReportsThatCannotBeAreRefused", "TestPortsOfALyingNode", "TestListsOfPortsAreBounded", "TestScoresAreNumbersWhateverNodesSay"}},
	{what: "thousands of nodes come or change at once", holds: "a job is looked at once for all of them, and other jobs keep their turn",
		by: []string{"TestTheNewsOfManyNodesIsLookedAtOnce", "TestTTLGrowsWithTheCluster"}},
	{what: "a store or directory of snapshots that is hostile", holds: "bounded memory, what is not ours is left alone, the fault is told",
		by: []string{"TestHostileStores", "TestADirectoryOfHostileNames", "TestAnObjectWithoutEnd", "TestOneThatCannotBeRemovedKeepsNoOther"}},
	{what: "hostile commands, bodies and questions", holds: "no replica dies of one, and all stay alike", by: []string{"TestALeaderLivesThroughHostileCommands", "TestHolesAreFound"}},
}

var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// TestTroubles holds every row to its proofs: each must exist, and a row without one must say why.
func TestTroubles(t *testing.T) {
	known := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunction.FindAllSubmatch(text, -1) {
			known[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, row := range troubles {
		if seen[row.what] || row.what == "" || row.holds == "" {
			t.Errorf("%q stands twice or says nothing", row.what)
		}
		seen[row.what] = true
		if len(row.by) == 0 && row.lacks == "" {
			t.Errorf("%s: neither shown nor said to be lacking", row.what)
		}
		for _, name := range row.by {
			if !known[name] {
				t.Errorf("%s: there is no test %s", row.what, name)
			}
		}
	}
}
