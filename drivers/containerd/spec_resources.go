package containerd

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"berth/drivers"
	"berth/drivers/containerd/internal/cgroup"
)

// checkMemory refuses a hard limit that contradicts what was placed, or that would be none on this node.
func (in *specInput) checkMemory() error {
	hard, r := in.tc.MemoryHardLimitMB, in.cfg.Resources
	if hard == 0 {
		return nil
	}
	node := in.policy.nodeMemoryMB()
	switch {
	case hard < r.MemoryMB:
		return &drivers.StartError{Reason: fmt.Sprintf("memory_hard_limit is %d MB, less than the task's memory of %d MB", hard, r.MemoryMB),
			Hint: "raise it, or lower memory in the task's resources"}
	case r.MemoryMaxMB > 0 && hard > r.MemoryMaxMB:
		return &drivers.StartError{Reason: fmt.Sprintf("memory_hard_limit is %d MB, more than the task's memory_max of %d MB", hard, r.MemoryMaxMB),
			Hint: "remove memory_hard_limit: memory_max is the task's hard limit"}
	case node > 0 && hard > node:
		return &drivers.StartError{Reason: fmt.Sprintf("memory_hard_limit is %d MB, more than this node has (%d MB)", hard, node),
			Hint: "lower it, or use memory_max in the task's resources"}
	}
	return nil
}

// nodeMemoryMB is what tasks can have at most; 0 is unknown.
func (d *Driver) nodeMemoryMB() int64 {
	if d.cfg.NodeMemoryMB > 0 {
		return d.cfg.NodeMemoryMB
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return int64(info.Totalram * uint64(info.Unit) >> 20)
}

// memoryBytes is the hard limit.
func (in *specInput) memoryBytes() int64 {
	mb := max(in.cfg.Resources.MemoryMB, in.cfg.Resources.MemoryMaxMB, in.tc.MemoryHardLimitMB)
	return mb << 20
}

func (in *specInput) resources(s *specs.Spec) error {
	r := in.cfg.Resources
	if err := in.checkMemory(); err != nil {
		return err
	}
	if in.memoryBytes() <= 0 {
		return fmt.Errorf("task %s has no memory limit", in.cfg.ID)
	}
	limit := in.memoryBytes()
	res := s.Linux.Resources
	res.Memory = &specs.LinuxMemory{Limit: &limit}
	if swapAccounting() {
		res.Memory.Swap = &limit // memory and swap together: no swap
	}
	if soft := r.MemoryMB << 20; soft > 0 && soft < limit {
		res.Memory.Reservation = &soft
	}
	pids, err := in.pids()
	if err != nil {
		return err
	}
	res.Pids = &specs.LinuxPids{Limit: &pids}
	res.CPU = in.cpu()
	s.Linux.CgroupsPath = cgroupPath(in.cfg)
	return nil
}

func (in *specInput) pids() (int64, error) {
	want := max(in.cfg.Resources.PidsLimit, in.tc.PidsLimit)
	if want == 0 {
		return in.policy.cfg.PidsLimit, nil
	}
	if most := in.policy.cfg.PidsLimitMax; want > most {
		return 0, &drivers.StartError{Reason: fmt.Sprintf("pids_limit %d is more than this node allows (%d)", want, most),
			Hint: "lower it, or ask the operator to raise pids_limit of the driver"}
	}
	return want, nil
}

// cpu is a weight in proportion to MHz, the cores given to the task alone, and, if the task wants it, a hard limit.
func (in *specInput) cpu() *specs.LinuxCPU {
	r := in.cfg.Resources
	c := &specs.LinuxCPU{}
	if r.CPUShares > 0 {
		shares := uint64(min(max(r.CPUShares, 2), 262144))
		c.Shares = &shares
	}
	if len(r.Cores) > 0 {
		cores := make([]string, len(r.Cores))
		for i, n := range r.Cores {
			cores[i] = strconv.Itoa(int(n))
		}
		c.Cpus = strings.Join(cores, ",")
	} else {
		c.Cpus = in.tc.CPUSetCPUs
	}
	if total := in.policy.nodeCPUMHz(); in.tc.CPUHardLimit && total > 0 && r.CPUShares > 0 {
		period := uint64(100_000)
		if in.tc.CPUCFSPeriodUS > 0 {
			period = uint64(in.tc.CPUCFSPeriodUS)
		}
		quota := max(r.CPUShares*int64(runtime.NumCPU())*int64(period)/total, 1000) // the kernel's least
		c.Quota, c.Period = &quota, &period
	}
	return c
}

func (d *Driver) nodeCPUMHz() int64 {
	if d.cfg.NodeCPUMHz == nil {
		return 0
	}
	return d.cfg.NodeCPUMHz()
}

// swapAccounting tells whether swap can be limited. Where it cannot, setting it would fail the start.
func swapAccounting() bool {
	if cgroup.Unified() {
		return true
	}
	_, err := os.Stat("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
	return err == nil
}

// cgroupPath is the task's own group, below the parent the caller chose.
func cgroupPath(cfg *drivers.TaskConfig) string {
	return "/" + strings.Trim(firstSet(strings.Trim(cfg.CgroupParent, "/"), "berth"), "/") + "/" + containerID(cfg.ID)
}
