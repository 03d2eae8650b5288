package acl

import (
	"maps"
	"math/bits"
	"slices"
)

// Caps is a set of capabilities of one kind: of a namespace, of node pools, host volumes, variables or the operator.
type Caps uint64

// Deny is in every kind, and beats the others.
const Deny Caps = 1

// Capabilities of a namespace, by the contract.
const (
	ListJobs Caps = 1 << (iota + 1)
	ParseJob
	ReadJob
	CSIListVolume
	CSIReadVolume
	ReadJobScaling
	ListScalingPolicies
	ReadScalingPolicy
	HostVolumeRead
	ScaleJob
	SubmitJob
	DispatchJob
	ReadLogs
	ReadFS
	AllocExec
	AllocLifecycle
	CSIMountVolume
	CSIWriteVolume
	SubmitRecommendation
	HostVolumeCreate
	AllocNodeExec
	CSIRegisterPlugin
	HostVolumeRegister
	HostVolumeWrite
	HostVolumeDelete
	SentinelOverride
	RegisterJob
	RevertJob
	DeregisterJob
	PurgeJob
	EvaluateJob
	PlanJob
	TagJobVersion
	StableJob
	FailDeployment
	PauseDeployment
	PromoteDeployment
	UnblockDeployment
	CancelDeployment
	SetAllocHealthDeployment
	GCAllocation
	PauseAllocation
	ForcePeriodicJob
	DeleteServiceRegistration
)

// Capabilities of node pools.
const (
	PoolRead Caps = 1 << (iota + 1)
	PoolWrite
	PoolDelete
)

// Capabilities of host volumes.
const (
	MountReadOnly Caps = 1 << (iota + 1)
	MountReadWrite
)

// Capabilities of paths of variables.
const (
	VariableList Caps = 1 << (iota + 1)
	VariableRead
	VariableWrite
	VariableDestroy
)

// Capabilities of the operator, beside its policy.
const (
	SnapshotSave Caps = 1 << (iota + 1)
	LicenseRead
	KeyringRotate
	KeyringRead
	KeyringDelete
)

// kind is one kind of capabilities: their names, and what the words of "policy" stand for.
type kind struct {
	words  map[string]Caps
	policy map[string]Caps
}

const (
	readNamespace = ListJobs | ParseJob | ReadJob | CSIListVolume | CSIReadVolume | ReadJobScaling | ListScalingPolicies | ReadScalingPolicy | HostVolumeRead
	scale         = ListScalingPolicies | ReadScalingPolicy | ReadJobScaling | ScaleJob
	writeMore     = ScaleJob | SubmitJob | DispatchJob | ReadLogs | ReadFS | AllocExec | AllocLifecycle | CSIMountVolume | CSIWriteVolume |
		SubmitRecommendation | HostVolumeCreate
)

var namespaceKind = kind{
	words: map[string]Caps{
		"deny": Deny, "list-jobs": ListJobs, "parse-job": ParseJob, "read-job": ReadJob, "csi-list-volume": CSIListVolume,
		"csi-read-volume": CSIReadVolume, "read-job-scaling": ReadJobScaling, "list-scaling-policies": ListScalingPolicies,
		"read-scaling-policy": ReadScalingPolicy, "host-volume-read": HostVolumeRead, "scale-job": ScaleJob, "submit-job": SubmitJob,
		"dispatch-job": DispatchJob, "read-logs": ReadLogs, "read-fs": ReadFS, "alloc-exec": AllocExec, "alloc-lifecycle": AllocLifecycle,
		"csi-mount-volume": CSIMountVolume, "csi-write-volume": CSIWriteVolume, "submit-recommendation": SubmitRecommendation,
		"host-volume-create": HostVolumeCreate, "alloc-node-exec": AllocNodeExec, "csi-register-plugin": CSIRegisterPlugin,
		"host-volume-register": HostVolumeRegister, "host-volume-write": HostVolumeWrite, "host-volume-delete": HostVolumeDelete,
		"sentinel-override": SentinelOverride, "register-job": RegisterJob, "revert-job": RevertJob, "deregister-job": DeregisterJob,
		"purge-job": PurgeJob, "evaluate-job": EvaluateJob, "plan-job": PlanJob, "tag-job-version": TagJobVersion, "stable-job": StableJob,
		"fail-deployment": FailDeployment, "pause-deployment": PauseDeployment, "promote-deployment": PromoteDeployment,
		"unblock-deployment": UnblockDeployment, "cancel-deployment": CancelDeployment,
		"set-alloc-health-deployment": SetAllocHealthDeployment, "gc-allocation": GCAllocation, "pause-allocation": PauseAllocation,
		"force-periodic-job": ForcePeriodicJob, "delete-service-registration": DeleteServiceRegistration,
	},
	policy: map[string]Caps{"deny": Deny, "read": readNamespace, "write": readNamespace | writeMore, "scale": scale},
}

var poolKind = kind{
	words:  map[string]Caps{"deny": Deny, "read": PoolRead, "write": PoolWrite, "delete": PoolDelete},
	policy: map[string]Caps{"deny": Deny, "read": PoolRead, "write": PoolRead | PoolWrite | PoolDelete},
}

var hostVolumeKind = kind{
	words:  map[string]Caps{"deny": Deny, "mount-readonly": MountReadOnly, "mount-readwrite": MountReadWrite},
	policy: map[string]Caps{"deny": Deny, "read": MountReadOnly, "write": MountReadOnly | MountReadWrite},
}

var variableKind = kind{
	words: map[string]Caps{"deny": Deny, "list": VariableList, "read": VariableRead | VariableList, "write": VariableWrite, "destroy": VariableDestroy},
}

var operatorKind = kind{
	words: map[string]Caps{"deny": Deny, "snapshot-save": SnapshotSave, "license-read": LicenseRead, "keyring-rotate": KeyringRotate,
		"keyring-read": KeyringRead, "keyring-delete": KeyringDelete},
}

// Level is what a policy without names grants: on nodes, agents, the operator's routes, plugins or quotas.
type Level uint8

// The levels; each grants what is before it, but for LevelDeny, which beats them.
const (
	LevelNone Level = iota
	LevelList
	LevelRead
	LevelWrite
	LevelDeny
)

// at reports whether a level grants another.
func (l Level) at(asked Level) bool { return l != LevelDeny && l >= asked }

var levels = map[string]Level{"deny": LevelDeny, "read": LevelRead, "write": LevelWrite}

var pluginLevels = map[string]Level{"deny": LevelDeny, "list": LevelList, "read": LevelRead, "write": LevelWrite}

// Of gives the names of a set of capabilities of namespaces, sorted.
func (c Caps) Of() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(namespaceKind.words)) {
		if bit := namespaceKind.words[name]; c&bit != 0 {
			out = append(out, name)
		}
	}
	return out
}

// has reports whether a set that denies nothing has one of those asked for.
func (c Caps) has(any Caps) bool { return c&Deny == 0 && c&any != 0 }

// Len is how many capabilities there are in the set.
func (c Caps) Len() int { return bits.OnesCount64(uint64(c)) }
