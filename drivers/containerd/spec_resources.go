package containerd

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"berth/drivers"
	"berth/drivers/containerd/internal/cgroup"
)

// memoryBytes is the hard limit.
func (in *specInput) memoryBytes() int64 {
	mb := max(in.cfg.Resources.MemoryMB, in.cfg.Resources.MemoryMaxMB, in.tc.MemoryHardLimitMB)
	return mb << 20
}

func (in *specInput) resources(s *specs.Spec) error {
	r := in.cfg.Resources
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
	if total := in.policy.cfg.NodeCPUMHz; in.tc.CPUHardLimit && total > 0 && r.CPUShares > 0 {
		period := uint64(100_000)
		if in.tc.CPUCFSPeriodUS > 0 {
			period = uint64(in.tc.CPUCFSPeriodUS)
		}
		quota := max(r.CPUShares*int64(runtime.NumCPU())*int64(period)/total, 1000) // the kernel's least
		c.Quota, c.Period = &quota, &period
	}
	return c
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
