package containerd

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/cgroups/v3/cgroup1"
	"github.com/containerd/cgroups/v3/cgroup2"

	"berth/drivers"
	"berth/drivers/containerd/internal/cgroup"
)

// Stats reads the task's cgroup once. It asks neither containerd nor the shim.
func (d *Driver) Stats(_ context.Context, taskID string) (*drivers.Usage, error) {
	m, err := d.load(taskID)
	if err != nil {
		return nil, err
	}
	if !cgroup.Exists(m.Cgroup) {
		return nil, fmt.Errorf("stats of task %s: it is not running", taskID)
	}
	read := usageV1
	if cgroup.Unified() {
		read = usageV2
	}
	u, err := read(m.Cgroup)
	if err != nil {
		return nil, fmt.Errorf("stats of task %s: %w", taskID, err)
	}
	u.At = time.Now()
	return u, nil
}

func usageV1(group string) (*drivers.Usage, error) {
	const root = "/sys/fs/cgroup"
	hierarchy := func() ([]cgroup1.Subsystem, error) {
		return []cgroup1.Subsystem{cgroup1.NewMemory(root), cgroup1.NewCpuacct(root), cgroup1.NewCpu(root), cgroup1.NewPids(root)}, nil
	}
	cg, err := cgroup1.Load(cgroup1.StaticPath(group), cgroup1.WithHierarchy(hierarchy))
	if err != nil {
		return nil, err
	}
	s, err := cg.Stat(cgroup1.IgnoreNotExist)
	if err != nil {
		return nil, err
	}
	u := &drivers.Usage{}
	if c := s.GetCPU(); c != nil {
		u.CPUTotalNS, u.CPUUserNS, u.CPUSystemNS = c.GetUsage().GetTotal(), c.GetUsage().GetUser(), c.GetUsage().GetKernel()
		u.ThrottledPeriods, u.ThrottledNS = c.GetThrottling().GetThrottledPeriods(), c.GetThrottling().GetThrottledTime()
	}
	if mem := s.GetMemory(); mem != nil {
		u.MemoryRSS, u.MemoryCache = mem.GetTotalRSS(), mem.GetTotalCache()
		u.MemoryUsage, u.MemoryMaxUsage = mem.GetUsage().GetUsage(), mem.GetUsage().GetMax()
		if swap := mem.GetSwap().GetUsage(); swap > u.MemoryUsage {
			u.MemorySwap = swap - u.MemoryUsage // the kernel counts both together
		}
	}
	u.Pids = s.GetPids().GetCurrent()
	return u, nil
}

func usageV2(group string) (*drivers.Usage, error) {
	cg, err := cgroup2.Load(group)
	if err != nil {
		return nil, err
	}
	s, err := cg.StatFiltered(cgroup2.StatCPU | cgroup2.StatMemory | cgroup2.StatPids)
	if err != nil {
		return nil, err
	}
	u := &drivers.Usage{}
	if c := s.GetCPU(); c != nil {
		u.CPUTotalNS, u.CPUUserNS, u.CPUSystemNS = c.GetUsageUsec()*1000, c.GetUserUsec()*1000, c.GetSystemUsec()*1000
		u.ThrottledPeriods, u.ThrottledNS = c.GetNrThrottled(), c.GetThrottledUsec()*1000
	}
	if mem := s.GetMemory(); mem != nil {
		u.MemoryRSS, u.MemoryCache, u.MemorySwap = mem.GetAnon(), mem.GetFile(), mem.GetSwapUsage()
		u.MemoryUsage, u.MemoryMaxUsage = mem.GetUsage(), mem.GetMaxUsage()
	}
	u.Pids = s.GetPids().GetCurrent()
	return u, nil
}
