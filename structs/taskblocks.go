package structs

import "time"

// TaskArtifact is fetched before the task starts.
type TaskArtifact struct {
	GetterSource   *string
	GetterOptions  map[string]string `msg:",omitempty"`
	GetterHeaders  map[string]string `msg:",omitempty"`
	GetterMode     *string
	GetterInsecure *bool
	RelativeDest   *string
	Chown          bool
}

// Template is rendered before the task starts, and again when what it reads changes.
type Template struct {
	SourcePath    *string
	DestPath      *string
	EmbeddedTmpl  *string
	ChangeMode    *string
	ChangeScript  *ChangeScript
	ChangeSignal  *string
	Once          bool
	Splay         *time.Duration
	Perms         *string
	Uid           *int //nolint:revive // contract name
	Gid           *int //nolint:revive // contract name
	LeftDelim     *string
	RightDelim    *string
	Envvars       *bool
	VaultGrace    *time.Duration
	Wait          *WaitConfig
	ErrMissingKey *bool
}

// ChangeScript is run in the task when a template changed.
type ChangeScript struct {
	Command          *string
	Args             []string
	Timeout          *time.Duration
	FailOnError      *bool
	RunOnFirstRender *bool
}

// WaitConfig lets changes settle before a template is rendered.
type WaitConfig struct{ Min, Max *time.Duration }

// Vault is the task's access to Vault.
type Vault struct {
	Policies             []string
	Role                 string
	Namespace            *string
	Cluster              string
	Env                  *bool
	DisableFile          *bool
	ChangeMode           *string
	ChangeSignal         *string
	AllowTokenExpiration *bool
}

// Consul is the group's or task's Consul cluster.
type Consul struct{ Namespace, Cluster, Partition string }

// WorkloadIdentity is a signed token for the task.
type WorkloadIdentity struct {
	Name         string
	Audience     []string `json:"Audience"`
	ChangeMode   string
	ChangeSignal string
	Env          bool
	File         bool
	Filepath     string
	ServiceName  string
	TTL          time.Duration
	ExtraClaims  []string
}

// Secret is fetched before the task starts and used as ${secret.<name>.<key>}.
type Secret struct {
	Name     string
	Provider string
	Path     string
	Config   map[string]any    `msg:",omitempty"`
	Env      map[string]string `msg:",omitempty"`
}

// VolumeRequest is a volume the group needs.
type VolumeRequest struct {
	Name           string
	Type           string // host | csi
	Source         string
	ReadOnly       bool
	AccessMode     string
	AttachmentMode string
	MountOptions   *CSIMountOptions
	PerAlloc       bool
	Sticky         bool
}

// CSIMountOptions are for the file system of a CSI volume.
type CSIMountOptions struct {
	FSType     string
	MountFlags []string
}

// VolumeMount makes a volume of the group visible in the task.
type VolumeMount struct {
	Volume          *string
	Destination     *string
	ReadOnly        *bool
	PropagationMode *string
	SELinuxLabel    *string
}

// TaskCSIPluginConfig makes the task a CSI plugin.
type TaskCSIPluginConfig struct {
	ID                  string
	Type                string
	MountDir            string
	StagePublishBaseDir string
	HealthTimeout       time.Duration
}
