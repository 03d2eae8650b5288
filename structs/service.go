package structs

import "time"

// Service providers.
const (
	ProviderConsul = "consul"
	ProviderNomad  = "nomad"
)

// Service is a name under which the group or task is found.
type Service struct {
	ID                string `json:",omitempty"`
	Name              string
	Tags              []string
	CanaryTags        []string
	EnableTagOverride bool
	PortLabel         string
	AddressMode       string
	Address           string
	Checks            []*ServiceCheck
	CheckRestart      *CheckRestart
	Connect           *Connect
	Meta              map[string]string `msg:",omitempty"`
	CanaryMeta        map[string]string `msg:",omitempty"`
	TaggedAddresses   map[string]string `msg:",omitempty"`
	TaskName          string
	OnUpdate          string
	Identity          *WorkloadIdentity
	Weights           *ServiceWeights
	Kind              string
	Provider          string
	Cluster           string
}

// ServiceWeights weigh an instance in answers.
type ServiceWeights struct{ Passing, Warning int }

// ServiceCheck probes a service instance.
type ServiceCheck struct {
	ID                     string `json:",omitempty"`
	Name                   string
	Type                   string
	Command                string
	Args                   []string
	Path                   string
	Protocol               string
	PortLabel              string
	Expose                 bool
	AddressMode            string
	Interval               time.Duration
	Timeout                time.Duration
	InitialStatus          string
	Notes                  string
	TLSServerName          string
	TLSSkipVerify          bool
	Header                 map[string][]string `msg:",omitempty"`
	Method                 string
	CheckRestart           *CheckRestart
	GRPCService            string
	GRPCUseTLS             bool
	TaskName               string
	SuccessBeforePassing   int
	FailuresBeforeCritical int
	FailuresBeforeWarning  int
	Body                   string
	OnUpdate               string
}

// CheckRestart restarts the task after Limit failures in a row.
type CheckRestart struct {
	Limit          int
	Grace          *time.Duration
	IgnoreWarnings bool
}

// Connect is Consul's service mesh block: parsed, and answered with what Berth does instead.
type Connect struct {
	Native         bool
	SidecarService map[string]any `msg:",omitempty"`
	SidecarTask    map[string]any `msg:",omitempty"`
	Gateway        map[string]any `msg:",omitempty"`
}
