package structs

import "time"

// NodeStatus is where a node stands in its life.
type NodeStatus string

// Node statuses.
const (
	NodeStatusInit         NodeStatus = "initializing"
	NodeStatusReady        NodeStatus = "ready"
	NodeStatusDown         NodeStatus = "down"
	NodeStatusDisconnected NodeStatus = "disconnected"
)

// Scheduling eligibility.
const (
	NodeEligible   = "eligible"
	NodeIneligible = "ineligible"
)

// Node is a client as the cluster sees it.
type Node struct {
	ID                    ID
	SecretID              ID `json:"-"`
	Datacenter            string
	Name                  string
	HTTPAddr              string
	TLSEnabled            bool
	Attributes            map[string]string `msg:",omitempty"`
	NodeResources         *NodeResources
	ReservedResources     *NodeReservedResources
	Links                 map[string]string `msg:",omitempty"`
	Meta                  map[string]string `msg:",omitempty"`
	NodeClass             string
	NodePool              string
	ComputedClass         string
	CgroupParent          string
	DrainStrategy         *DrainStrategy
	SchedulingEligibility string
	Taints                []*Taint `json:",omitempty" msg:",omitempty"` // beside the contract
	TaintsIndex           uint64   `json:",omitempty" msg:",omitempty"` // when the operator last changed them
	Status                NodeStatus
	StatusDescription     string
	StatusUpdatedAt       int64 // Unix seconds
	Events                []*NodeEvent
	Drivers               map[string]*DriverInfo        `msg:",omitempty"`
	HostVolumes           map[string]*HostVolumeConfig  `msg:",omitempty"`
	HostNetworks          map[string]*HostNetworkConfig `msg:",omitempty"`
	LastDrain             *DrainMetadata
	LastMissedHeartbeat   uint64 `json:"LastMissedHeartbeatIndex"`
	LastAllocUpdateIndex  uint64
	NodeMaxAllocs         int
	CreateIndex           uint64
	ModifyIndex           uint64
}

// Ready reports that the scheduler may place on the node.
func (n *Node) Ready() bool {
	return n.Status == NodeStatusReady && n.DrainStrategy == nil && n.SchedulingEligibility == NodeEligible
}

// NodeResources is what the node has in all.
type NodeResources struct {
	Cpu            NodeCPUResources //nolint:revive // contract name
	Memory         NodeMemoryResources
	Disk           NodeDiskResources
	Networks       []*NetworkResource
	NodeNetworks   []*NodeNetworkResource
	Devices        []*NodeDeviceResource
	MinDynamicPort int
	MaxDynamicPort int
}

// NodeCPUResources is compute in MHz and cores.
type NodeCPUResources struct {
	CpuShares          int64
	TotalCpuCores      uint16
	ReservableCpuCores []uint16
}

// NodeMemoryResources is in MB.
type NodeMemoryResources struct{ MemoryMB int64 }

// NodeDiskResources is in MB.
type NodeDiskResources struct{ DiskMB int64 }

// NodeNetworkResource is an interface with the addresses ports are given on.
type NodeNetworkResource struct {
	Mode       string
	Device     string
	MacAddress string
	Speed      int
	Addresses  []NodeNetworkAddress
}

// NodeNetworkAddress is one address, and the host network alias it serves.
type NodeNetworkAddress struct {
	Family        string // ipv4 | ipv6
	Alias         string
	Address       string
	ReservedPorts string
	Gateway       string
}

// NodeDeviceResource is a group of like devices.
type NodeDeviceResource struct {
	Vendor, Type, Name string
	Instances          []*NodeDevice
	Attributes         map[string]string `msg:",omitempty"`
}

// NodeDevice is one device instance.
type NodeDevice struct {
	ID                string
	Healthy           bool
	HealthDescription string
}

// NodeReservedResources is kept from the scheduler for the host itself.
type NodeReservedResources struct {
	Cpu      NodeReservedCPU //nolint:revive // contract name
	Memory   NodeMemoryResources
	Disk     NodeDiskResources
	Networks NodeReservedNetworks
}

// NodeReservedCPU is MHz and cores kept for the host.
type NodeReservedCPU struct {
	CpuShares        int64
	ReservedCpuCores []uint16
}

// NodeReservedNetworks lists ports kept for the host, as "22,80,8500-8600".
type NodeReservedNetworks struct{ ReservedHostPorts string }

// DriverInfo is one driver's state on the node.
type DriverInfo struct {
	Attributes        map[string]string `msg:",omitempty"`
	Detected          bool
	Healthy           bool
	HealthDescription string
	UpdateTime        time.Time
}

// HostVolumeConfig is a directory the node offers.
type HostVolumeConfig struct {
	Name, Path string
	ReadOnly   bool
	ID         string
}

// HostNetworkConfig names addresses of the node.
type HostNetworkConfig struct{ Name, CIDR, Interface, ReservedPorts string }

// NodeEvent is one line of a node's history; ten are kept.
type NodeEvent struct {
	Message     string
	Subsystem   string
	Details     map[string]string `msg:",omitempty"`
	Timestamp   time.Time
	CreateIndex uint64
}

// MaxNodeEvents is how many events a node keeps.
const MaxNodeEvents = 10

// DrainSpec is how a drain was asked for. Deadline -1 forces at once, 0 waits for ever.
type DrainSpec struct {
	Deadline         time.Duration
	IgnoreSystemJobs bool
}

// DrainStrategy is a drain under way.
type DrainStrategy struct {
	DrainSpec
	ForceDeadline time.Time
	StartedAt     time.Time
	// Shutdown is set when the node's agent asked for it because it ends: allocations leave by the priority of their jobs, the lowest
	// first. Beside the contract.
	Shutdown bool `json:",omitempty"`
}

// DrainMetadata remembers the last drain.
type DrainMetadata struct {
	StartedAt, UpdatedAt time.Time
	Status               string // draining | complete | canceled
	AccessorID           string
	Meta                 map[string]string `msg:",omitempty"`
	Shutdown             bool              `json:",omitempty"` // as in DrainStrategy; beside the contract
}

// NodePool groups nodes for jobs.
type NodePool struct {
	Name                   string
	Description            string
	Meta                   map[string]string `msg:",omitempty"`
	SchedulerConfiguration *NodePoolSchedulerConfiguration
	CreateIndex            uint64
	ModifyIndex            uint64
}

// NodePoolSchedulerConfiguration overrides the cluster's for one pool.
type NodePoolSchedulerConfiguration struct {
	SchedulerAlgorithm            string
	MemoryOversubscriptionEnabled *bool
}

// Namespace separates names and permissions.
type Namespace struct {
	Name        string
	Description string
	Quota       string
	// Capabilities are what its jobs may use; nil is everything.
	Capabilities *NamespaceCapabilities
	Meta         map[string]string `msg:",omitempty"`
	CreateIndex  uint64
	ModifyIndex  uint64
}
