package structs

// Resources is what a task asks for.
type Resources struct {
	CPU         *int // MHz
	Cores       *int // whole cores; exclusive with CPU
	MemoryMB    *int
	MemoryMaxMB *int // -1: unlimited
	DiskMB      *int
	Networks    []*NetworkResource
	Devices     []*RequestedDevice
	NUMA        *NUMAResource
	SecretsMB   *int
	IOPS        *int `json:",omitempty"` // accepted and ignored
}

// RequestedDevice asks for device instances by type, vendor/type or vendor/type/model.
type RequestedDevice struct {
	Name        string
	Count       *uint64
	Constraints []*Constraint
	Affinities  []*Affinity
}

// NUMAResource asks for cores and devices of one memory domain.
type NUMAResource struct {
	Affinity string // none | prefer | require
	Devices  []string
}

// Network modes; "cni/<name>" is the fourth form.
const (
	NetworkModeHost   = "host"
	NetworkModeBridge = "bridge"
	NetworkModeNone   = "none"
)

// NetworkResource is a group's (or, legacy, a task's) network: asked for in a job, given in an allocation.
type NetworkResource struct {
	Mode          string
	Device        string
	CIDR          string
	IP            string
	Hostname      string
	DNS           *DNSConfig
	ReservedPorts []Port
	DynamicPorts  []Port
	MBits         *int
	CNI           *CNIConfig
}

// Port is one labelled port.
type Port struct {
	Label           string
	Value           int // on the host; 0 asks for a dynamic one
	To              int // in the allocation; -1: same as Value
	HostNetwork     string
	IgnoreCollision bool
}

// DNSConfig is the allocation's resolver configuration.
type DNSConfig struct{ Servers, Searches, Options []string }

// CNIConfig passes arguments to CNI plugins.
type CNIConfig struct{ Args map[string]string }

// AllocatedResources is what an allocation was given. Allocations alike share it: never change it in place.
type AllocatedResources struct {
	Tasks          map[string]*AllocatedTaskResources `msg:",omitempty"`
	TaskLifecycles map[string]*TaskLifecycle          `msg:",omitempty"`
	Shared         AllocatedSharedResources
}

// AllocatedTaskResources is one task's part.
type AllocatedTaskResources struct {
	Cpu      AllocatedCPUResources //nolint:revive // contract name
	Memory   AllocatedMemoryResources
	Networks []*NetworkResource
	Devices  []*AllocatedDeviceResource
}

// AllocatedCPUResources is a share of the node's MHz and, if asked, whole cores.
type AllocatedCPUResources struct {
	CpuShares     int64 //nolint:revive // contract name
	ReservedCores []uint16
}

// AllocatedMemoryResources is in MB.
type AllocatedMemoryResources struct{ MemoryMB, MemoryMaxMB int64 }

// AllocatedDeviceResource names device instances.
type AllocatedDeviceResource struct {
	Vendor, Type, Name string
	DeviceIDs          []string
}

// AllocatedSharedResources is what the tasks of an allocation share.
type AllocatedSharedResources struct {
	DiskMB   int64
	Networks []*NetworkResource
	Ports    []AllocatedPortMapping
}

// AllocatedPortMapping is one port of the allocation on its host.
type AllocatedPortMapping struct {
	Label           string
	Value           int
	To              int
	HostIP          string
	IgnoreCollision bool `json:",omitempty"`
}

// ComparableResources is an amount that can be added and compared: the currency of fit and score.
type ComparableResources struct {
	CPU      int64 // MHz
	MemoryMB int64
	// MemoryMaxMB counts instead of MemoryMB where oversubscription is on.
	MemoryMaxMB int64
	DiskMB      int64
	Cores       int64
}

// Add adds o in place.
func (r *ComparableResources) Add(o ComparableResources) {
	r.CPU += o.CPU
	r.MemoryMB += o.MemoryMB
	r.MemoryMaxMB += o.MemoryMaxMB
	r.DiskMB += o.DiskMB
	r.Cores += o.Cores
}

// Sub subtracts o in place.
func (r *ComparableResources) Sub(o ComparableResources) {
	r.CPU -= o.CPU
	r.MemoryMB -= o.MemoryMB
	r.MemoryMaxMB -= o.MemoryMaxMB
	r.DiskMB -= o.DiskMB
	r.Cores -= o.Cores
}

// Comparable sums the allocation's resources with its lifecycle: prestart tasks are gone when the main ones run, so the
// peak of the phases counts, not their sum. Reserved cores are always summed.
func (a *AllocatedResources) Comparable() ComparableResources {
	var prestart, sidecar, main, poststop, total ComparableResources
	if a == nil {
		return total
	}
	for name, t := range a.Tasks {
		peak := t.Memory.MemoryMaxMB
		if peak == 0 {
			peak = t.Memory.MemoryMB
		}
		c := ComparableResources{CPU: t.Cpu.CpuShares, MemoryMB: t.Memory.MemoryMB, MemoryMaxMB: peak}
		total.Cores += int64(len(t.Cpu.ReservedCores))
		lc := a.TaskLifecycles[name]
		switch {
		case lc == nil || lc.Hook == "" || lc.Hook == HookPoststart:
			main.Add(c)
		case lc.Sidecar:
			sidecar.Add(c)
		case lc.Hook == HookPrestart:
			prestart.Add(c)
		case lc.Hook == HookPoststop:
			poststop.Add(c)
		}
	}
	prestart.Add(sidecar)
	main.Add(sidecar)
	total.CPU = max(prestart.CPU, main.CPU, poststop.CPU)
	total.MemoryMB = max(prestart.MemoryMB, main.MemoryMB, poststop.MemoryMB)
	total.MemoryMaxMB = max(prestart.MemoryMaxMB, main.MemoryMaxMB, poststop.MemoryMaxMB)
	total.DiskMB = a.Shared.DiskMB
	return total
}
