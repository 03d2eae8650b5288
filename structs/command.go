package structs

import (
	"time"

	"github.com/tinylib/msgp/msgp"
)

// CommandKind names what a log entry does. Append only: a number is never used again.
type CommandKind uint16

// The kinds of commands.
const (
	CmdNone                   CommandKind = iota
	CmdJobRegister                        // JobRegisterCommand
	CmdJobDeregister                      // JobDeregisterCommand
	CmdNodeRegister                       // NodeRegisterCommand
	CmdNodeDeregister                     // NodeDeregisterCommand
	CmdNodeStatus                         // NodeStatusCommand
	CmdNodeEligibility                    // NodeEligibilityCommand
	CmdNodeDrain                          // NodeDrainCommand
	CmdEvalUpsert                         // EvalUpsertCommand
	CmdPlanApply                          // PlanApplyCommand
	CmdAllocClientUpdate                  // AllocClientUpdateCommand
	CmdAllocTransition                    // AllocTransitionCommand
	CmdDeploymentUpdate                   // DeploymentUpdateCommand
	CmdReap                               // ReapCommand
	CmdSchedulerConfig                    // SchedulerConfigCommand
	CmdNamespaceUpsert                    // NamespaceUpsertCommand
	CmdNamespaceDelete                    // NameDeleteCommand
	CmdNodePoolUpsert                     // NodePoolUpsertCommand
	CmdNodePoolDelete                     // NameDeleteCommand
	CmdJobStability                       // JobStabilityCommand
	CmdJobVersionTag                      // JobVersionTagCommand
	CmdAuthorityRoot                      // AuthorityRootCommand
	CmdAuthorityRootDelete                // NameDeleteCommand
	CmdJoinToken                          // JoinTokenCommand
	CmdJoinTokenDelete                    // JoinTokenDeleteCommand
	CmdJoinTokenUse                       // JoinTokenUseCommand
	CmdPeriodicLaunch                     // PeriodicLaunchCommand
	CmdJobDispatch                        // JobDispatchCommand
	CmdNodeTaints                         // NodeTaintsCommand
	CmdRegion                             // RegionCommand
	CmdRegionForget                       // NameDeleteCommand
	CmdAutopilotConfig                    // AutopilotConfigCommand
	CmdPriorityClass                      // PriorityClassCommand
	CmdPriorityClassDelete                // NameDeleteCommand
	CmdDisruptionBudget                   // DisruptionBudgetCommand
	CmdDisruptionBudgetDelete             // DisruptionBudgetDeleteCommand
	CmdChainCheck                         // ChainCheckCommand
	CmdCertificateRevoke                  // CertificateRevokeCommand
	CmdCertificateReinstate               // NameDeleteCommand
	CmdACLPolicyUpsert                    // ACLPolicyUpsertCommand
	CmdACLPolicyDelete                    // NameDeleteCommand
	CmdACLRoleUpsert                      // ACLRoleUpsertCommand
	CmdACLRoleDelete                      // ACLRoleDeleteCommand
	CmdACLTokenUpsert                     // ACLTokenUpsertCommand
	CmdACLTokenDelete                     // ACLTokenDeleteCommand
	CmdACLBootstrap                       // ACLBootstrapCommand
	CmdOneTimeToken                       // OneTimeTokenCommand
	CmdOneTimeTokenUse                    // OneTimeTokenUseCommand
	CmdACLExpire                          // ACLExpireCommand
	CmdJobSuspend                         // JobSuspendCommand
	CmdQueue                              // QueueCommand
	CmdQueueDelete                        // NameDeleteCommand
	CmdNodeShutdown                       // NodeShutdownCommand

	// CmdLast is the newest kind this program knows. It moves with each kind that is added.
	CmdLast = iota - 1
)

// Body is a command's value, encoded. One that was decoded is a part of the bytes it was decoded from.
//
//msgp:ignore Body
type Body []byte

// MarshalMsg implements msgp.Marshaler.
func (b Body) MarshalMsg(to []byte) ([]byte, error) { return msgp.Raw(b).MarshalMsg(to) }

// UnmarshalMsg implements msgp.Unmarshaler.
func (b *Body) UnmarshalMsg(from []byte) ([]byte, error) {
	rest, err := msgp.Skip(from)
	if err != nil {
		return from, err
	}
	n := len(from) - len(rest)
	*b = from[:n:n]
	return rest, nil
}

// Msgsize is how many bytes MarshalMsg writes at most.
func (b Body) Msgsize() int { return msgp.Raw(b).Msgsize() }

// Commands are those of an entry.
//
//msgp:ignore Commands
type Commands []Command

// MarshalMsg implements msgp.Marshaler.
func (c Commands) MarshalMsg(to []byte) ([]byte, error) {
	to = msgp.AppendArrayHeader(to, uint32(len(c)))
	var err error
	for i := range c {
		if to, err = c[i].MarshalMsg(to); err != nil {
			return to, err
		}
	}
	return to, nil
}

// UnmarshalMsg implements msgp.Unmarshaler. Nothing is allocated for commands there are no bytes for.
func (c *Commands) UnmarshalMsg(from []byte) ([]byte, error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(from)
	if err != nil {
		return from, err
	}
	if int(n) > len(rest) {
		return from, msgp.ErrShortBytes
	}
	*c = make(Commands, n)
	for i := range *c {
		if rest, err = (*c)[i].UnmarshalMsg(rest); err != nil {
			return from, msgp.WrapError(err, i)
		}
	}
	return rest, nil
}

// Msgsize is how many bytes MarshalMsg writes at most.
func (c Commands) Msgsize() int {
	n := msgp.ArrayHeaderSize
	for i := range c {
		n += c[i].Msgsize()
	}
	return n
}

// Command is one proposal. It carries everything its application needs; applying it reads no clock and no randomness.
// One log entry holds one or more commands (group commit).
type Command struct {
	Kind    CommandKind
	Version uint8 // of the body's meaning, 0 for the first
	// At is the proposer's time, Unix ns: the only clock the state machine knows.
	At   int64
	Body Body
}

// LogEntry is the payload of one Raft log entry: commands applied in order in one transaction. A command that cannot be
// applied answers an error to its proposer and changes nothing; the others are applied.
type LogEntry struct {
	Commands Commands
	// Writer is the version of the program that wrote it, for the message of one that does not understand it.
	Writer string `msg:",omitempty"`
}

// ChainCheckCommand tells every replica the leader's rolling hash at an index, to compare with its own. The first one of a log begins
// the hash.
type ChainCheckCommand struct {
	Server ID // the leader that had it
	Origin uint64
	Index  uint64
	Hash   []byte
}

// NewCommand encodes a body.
func NewCommand(kind CommandKind, at int64, body msgp.Marshaler) (Command, error) {
	return NewCommandIn(nil, kind, at, body)
}

// NewCommandIn is NewCommand in memory of the caller's, which the body takes if it has room in it.
func NewCommandIn(memory []byte, kind CommandKind, at int64, body msgp.Marshaler) (Command, error) {
	raw, err := body.MarshalMsg(memory[:0])
	if err != nil {
		return Command{}, &Error{Op: "encode command", Kind: KindInternal, Err: err}
	}
	return Command{Kind: kind, At: at, Body: raw}, nil
}

// JobRegisterCommand stores a job version and the evaluation that will act on it.
type JobRegisterCommand struct {
	Job        *Job
	Eval       *Evaluation // nil for periodic and parameterized jobs
	Submission *JobSubmission
	// EnforceIndex refuses the command unless the stored job's JobModifyIndex is Index (0: no such job).
	EnforceIndex bool
	Index        uint64
	// PreserveCounts keeps the running version's group counts, PreserveResources the task resources.
	PreserveCounts    bool
	PreserveResources bool
}

// JobDeregisterCommand stops a job; with Purge it removes it once nothing of it is left.
type JobDeregisterCommand struct {
	Namespace       string
	JobID           string
	Purge           bool
	NoShutdownDelay bool
	Eval            *Evaluation
}

// NodeRegisterCommand stores a node's own description; eligibility and drain are kept.
type NodeRegisterCommand struct {
	Node  *Node
	Evals []*Evaluation // for system jobs and jobs with allocations there
}

// NodeDeregisterCommand forgets a node.
type NodeDeregisterCommand struct {
	NodeID ID
	Evals  []*Evaluation
}

// NodeStatusCommand moves a node to another status.
type NodeStatusCommand struct {
	NodeID      ID
	Status      NodeStatus
	Description string
	Event       *NodeEvent
	Evals       []*Evaluation
}

// NodeEligibilityCommand opens or closes a node for placements.
type NodeEligibilityCommand struct {
	NodeID      ID
	Eligibility string
	Event       *NodeEvent
	Evals       []*Evaluation
}

// NodeDrainCommand starts, changes or ends a drain.
type NodeDrainCommand struct {
	NodeID       ID
	Strategy     *DrainStrategy // nil ends it
	MarkEligible bool
	Complete     bool              // the drain ended by being done
	Meta         map[string]string `msg:",omitempty"`
	Event        *NodeEvent
	Evals        []*Evaluation
}

// NodeShutdownCommand drains a node whose agent ends, or opens it again when the agent is back. A drain of the operator goes on as it is.
type NodeShutdownCommand struct {
	NodeID           ID
	Back             bool
	Deadline         time.Duration // until allocations leave whatever is in their way
	Force            bool          // they do at once, in their order
	IgnoreSystemJobs bool
	Event            *NodeEvent
	Evals            []*Evaluation
}

// EvalUpsertCommand stores evaluations.
type EvalUpsertCommand struct{ Evals []*Evaluation }

// PlanApplyCommand applies plans and the evaluations' outcomes together.
type PlanApplyCommand struct {
	Plans []*Plan
	// Evals are the outcomes, blocked and follow-up evaluations that belong to the plans.
	Evals []*Evaluation
}

// AllocClientUpdateCommand stores what clients report.
type AllocClientUpdateCommand struct {
	Updates []*AllocClientUpdate
	Evals   []*Evaluation
}

// AllocClientUpdate is a client's report on one allocation.
type AllocClientUpdate struct {
	ID                ID
	NodeID            ID
	ClientStatus      string
	ClientDescription string
	TaskStates        map[string]*TaskState `msg:",omitempty"`
	NetworkStatus     *AllocNetworkStatus
	DeploymentStatus  *AllocDeploymentStatus // only Healthy and Timestamp are read
}

// AllocTransitionCommand asks for allocations to be moved.
type AllocTransitionCommand struct {
	Transitions map[string]*DesiredTransition `msg:",omitempty"` // by allocation id text
	Evals       []*Evaluation
}

// DeploymentUpdateCommand advances deployments: status, promotion, health, and the job to go back to.
type DeploymentUpdateCommand struct {
	Updates    []*DeploymentStatusUpdate
	Promote    *DeploymentPromotion
	Health     *DeploymentHealth
	Progress   []*DeploymentProgress
	RevertJob  *Job
	StableJobs []*JobStabilityCommand
	Evals      []*Evaluation
}

// DeploymentPromotion promotes the canaries of groups.
type DeploymentPromotion struct {
	DeploymentID ID
	All          bool
	Groups       []string
}

// DeploymentHealth sets the health of allocations by hand or by rule.
type DeploymentHealth struct {
	DeploymentID ID
	Healthy      []ID
	Unhealthy    []ID
}

// DeploymentProgress moves a group's progress deadline.
type DeploymentProgress struct {
	DeploymentID      ID
	Group             string
	RequireProgressBy int64 // Unix ns
}

// JobSuspendCommand sets a job aside, or takes it up again.
type JobSuspendCommand struct {
	Namespace string
	JobID     string
	Suspend   bool
	Eval      *Evaluation // nil for a job whose instances run, not itself
}

// JobStabilityCommand marks a job version as known to work, or not.
type JobStabilityCommand struct {
	Namespace string
	JobID     string
	Version   uint64
	Stable    bool
}

// JobVersionTagCommand names a job version; an empty Tag.Name removes the tag named Name.
type JobVersionTagCommand struct {
	Namespace string
	JobID     string
	Name      string
	Version   uint64
	Tag       *JobVersionTag
}

// ReapCommand removes what is over.
type ReapCommand struct {
	Evals       []ID
	Allocs      []ID
	Deployments []ID
	Jobs        []JobRef
	Nodes       []ID
}

// JobRef names a job on the wire.
type JobRef struct{ Namespace, ID string }

// SchedulerConfigCommand replaces the scheduler configuration; with Check only at Index.
type SchedulerConfigCommand struct {
	Config *SchedulerConfiguration
	Check  bool
	Index  uint64
}

// NamespaceUpsertCommand stores namespaces.
type NamespaceUpsertCommand struct{ Namespaces []*Namespace }

// NodePoolUpsertCommand stores node pools.
type NodePoolUpsertCommand struct{ Pools []*NodePool }

// NameDeleteCommand removes named objects.
type NameDeleteCommand struct{ Names []string }
