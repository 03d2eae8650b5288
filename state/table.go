package state

// Table names one table of the state.
type Table uint8

// The tables. Append only: snapshots hold their numbers.
const (
	TableJobs Table = iota
	TableJobVersions
	TableJobSubmissions
	TableJobSummaries
	TableNodes
	TableAllocs
	TableEvals
	TableDeployments
	TableSchedulerConfig
	TableNamespaces
	TableNodePools
	TableAuthorityRoots
	TableJoinTokens
	TablePeriodicLaunches
	TableRegions
	TableAutopilotConfig
	TablePriorityClasses
	TableDisruptionBudgets
	TableCertificateRevocations
	TableACLPolicies
	TableACLRoles
	TableACLTokens
	TableACLBootstrap
	TableOneTimeTokens
	TableQueues

	// TableCount is how many tables there are.
	TableCount = int(TableQueues) + 1
)

// String is the table's name as told to people.
func (t Table) String() string {
	if int(t) >= TableCount {
		return "unknown table"
	}
	return [TableCount]string{
		"jobs", "job versions", "job submissions", "job summaries", "nodes", "allocations", "evaluations", "deployments",
		"scheduler configuration", "namespaces", "node pools", "authority roots", "join tokens",
		"periodic launches", "regions", "autopilot configuration", "priority classes", "disruption budgets", "certificate revocations",
		"ACL policies", "ACL roles", "ACL tokens", "ACL bootstrap", "one-time tokens", "queues",
	}[t]
}
