package fingerprint

import (
	"context"
	"maps"
	"sync"

	"berth/drivers"
	"berth/internal/version"
	"berth/structs"
)

// Network tells whether allocations can have a network of their own here; *network.Manager is one.
type Network interface {
	Fingerprint(ctx context.Context) (problems []string, attrs map[string]string)
}

// Config says where to look, and what to say instead of what is found.
type Config struct {
	// Root is where the kernel's files are read from; "" is "/".
	Root string
	// DataDir is a directory on the disk that allocations use.
	DataDir string
	// NetworkInterface gives the node's address; "" is that of the default route, or loopback without one.
	NetworkInterface string
	Network          Network // nil: no networks of their own
	Drivers          []drivers.Driver
	// CPUTotalMHz, MemoryTotalMB and DiskTotalMB replace what is found; 0 takes what is found.
	CPUTotalMHz, MemoryTotalMB, DiskTotalMB int64
	// Reserved is what the machine keeps for itself: it makes the usable part of the processors smaller. Resources are always
	// the whole, as in the contract: who schedules takes the reserved away.
	Reserved structs.NodeReservedResources
}

// Result is what was found.
type Result struct {
	Attributes map[string]string
	Links      map[string]string
	Resources  *structs.NodeResources
	Drivers    map[string]*structs.DriverInfo
	// Problems are sentences a person should read: what does not work here, and the fix.
	Problems []string
}

// prober finds a part of the result. It is given a result of its own.
type prober func(ctx context.Context, cfg Config, r *Result)

// Collect looks at everything at once.
func Collect(ctx context.Context, cfg Config) *Result {
	if cfg.Root == "" {
		cfg.Root = "/"
	}
	probers := []prober{cpu, memory, kernel, operatingSystem, host, storage, cgroups, addresses, bridge}
	for _, d := range cfg.Drivers {
		probers = append(probers, driver(d))
	}
	parts := make([]*Result, len(probers))
	var wg sync.WaitGroup
	for i, probe := range probers {
		parts[i] = newResult()
		wg.Go(func() { probe(ctx, cfg, parts[i]) })
	}
	wg.Wait()
	all := newResult()
	all.Attributes["nomad.version"] = version.String()
	if rev := version.Revision(); rev != "" {
		all.Attributes["nomad.revision"] = rev
	}
	all.Attributes["nomad.service_discovery"] = "true"
	for _, p := range parts {
		all.add(p)
	}
	return all
}

func newResult() *Result {
	return &Result{Attributes: map[string]string{}, Links: map[string]string{}, Resources: &structs.NodeResources{},
		Drivers: map[string]*structs.DriverInfo{}}
}

// add takes over another result's part; probers write different fields.
func (r *Result) add(p *Result) {
	maps.Copy(r.Attributes, p.Attributes)
	maps.Copy(r.Links, p.Links)
	maps.Copy(r.Drivers, p.Drivers)
	r.Problems = append(r.Problems, p.Problems...)
	if p.Resources.Cpu.CpuShares != 0 || p.Resources.Cpu.TotalCpuCores != 0 {
		r.Resources.Cpu = p.Resources.Cpu
	}
	r.Resources.Memory.MemoryMB += p.Resources.Memory.MemoryMB
	r.Resources.Disk.DiskMB += p.Resources.Disk.DiskMB
	r.Resources.Networks = append(r.Resources.Networks, p.Resources.Networks...)
	r.Resources.NodeNetworks = append(r.Resources.NodeNetworks, p.Resources.NodeNetworks...)
}
