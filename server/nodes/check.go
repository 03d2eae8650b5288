package nodes

import (
	"errors"
	"fmt"

	"berth/structs"
)

// Bounds of what a node may say of itself.
const (
	// maxNodeBytes bounds a description; that of a large machine takes some 20 KiB.
	maxNodeBytes = 1 << 20
	// maxAddresses bounds the addresses that ports are given on: each has its own set of ports.
	maxAddresses = 1024
	// maxReport bounds what is told of one allocation, in bytes.
	maxReport = 4 << 20
)

// Check refuses descriptions of nodes that the scheduler could not work with.
func Check(n *structs.Node) error {
	bad := func(format string, args ...any) error {
		return &structs.Error{Op: "register node", Kind: structs.KindInvalid, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case n == nil:
		return bad("there is no description of the node in the request")
	case n.ID.IsZero() || n.SecretID.IsZero():
		return bad("the node has no id or no secret")
	case n.Name == "":
		return bad("the node has no name")
	case n.Datacenter == "":
		return bad("the node has no datacenter")
	case n.NodePool == structs.NodePoolAll:
		return bad(`"all" is not a pool a node can be in: it stands for all of them`)
	case n.NodeResources == nil:
		return bad("the node does not say what it has")
	case n.Msgsize() > maxNodeBytes:
		return bad("the description of the node takes %d bytes; %d are allowed", n.Msgsize(), maxNodeBytes)
	case n.SchedulingEligibility != "" && n.SchedulingEligibility != structs.NodeEligible && n.SchedulingEligibility != structs.NodeIneligible:
		return bad("the scheduling eligibility %.40q is neither %q nor %q", n.SchedulingEligibility, structs.NodeEligible, structs.NodeIneligible)
	}
	if err := CheckStatus(n.Status); err != nil {
		return bad("%w", err)
	}
	if err := checkAmounts(n); err != nil {
		return bad("%w", err)
	}
	if err := checkPorts(n.NodeResources); err != nil {
		return bad("%w", err)
	}
	return nil
}

// CheckStatus refuses a status no node has; "" says nothing of it.
func CheckStatus(s structs.NodeStatus) error {
	switch s {
	case "", structs.NodeStatusInit, structs.NodeStatusReady, structs.NodeStatusDown, structs.NodeStatusDisconnected:
		return nil
	}
	return &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf("%.40q is no status of a node", string(s))}
}

func checkAmounts(n *structs.Node) error {
	type amount struct {
		what string
		is   int64
	}
	r := n.NodeResources
	amounts := []amount{{"MHz", r.Cpu.CpuShares}, {"MB of memory", r.Memory.MemoryMB}, {"MB of disk", r.Disk.DiskMB}, {"allocations at most", int64(n.NodeMaxAllocs)}}
	if r := n.ReservedResources; r != nil {
		amounts = append(amounts, amount{"reserved MHz", r.Cpu.CpuShares}, amount{"reserved MB of memory", r.Memory.MemoryMB}, amount{"reserved MB of disk", r.Disk.DiskMB})
	}
	for _, a := range amounts {
		if a.is < 0 || a.is > structs.MaxAmount {
			return fmt.Errorf("the node says that it has %d %s; 0 to %d are possible", a.is, a.what, int64(structs.MaxAmount))
		}
	}
	return nil
}

func checkPorts(r *structs.NodeResources) error {
	addresses := len(r.Networks)
	for _, nw := range r.NodeNetworks {
		if nw != nil {
			addresses += len(nw.Addresses)
		}
	}
	lo, hi := r.MinDynamicPort, r.MaxDynamicPort
	switch {
	case addresses > maxAddresses:
		return fmt.Errorf("the node has %d addresses; %d are allowed", addresses, maxAddresses)
	case lo == 0 && hi == 0: // it takes the default
	case lo < 1 || hi > 65535 || lo > hi:
		return fmt.Errorf("the dynamic ports %d to %d are no range within 1 to 65535", lo, hi)
	}
	return nil
}

// CheckReports refuses what no node tells of an allocation.
func CheckReports(updates []*structs.AllocClientUpdate) error {
	for _, u := range updates {
		var err error
		switch {
		case u == nil:
			err = errors.New("a report is empty")
		case u.Msgsize() > maxReport:
			err = fmt.Errorf("what is told of allocation %s takes %d bytes; %d are allowed", u.ID, u.Msgsize(), maxReport)
		}
		if err != nil {
			return &structs.Error{Op: "update allocations", Kind: structs.KindInvalid, Err: err}
		}
	}
	return nil
}

// CheckShutdown refuses a drain that would never end.
func CheckShutdown(r *structs.NodeShutdownRequest) error {
	if !r.Back && (r.Deadline <= 0 || r.Deadline > structs.ShutdownDrainMax) {
		return &structs.Error{Op: "drain node", Kind: structs.KindInvalid, Err: fmt.Errorf("the deadline is %s; it must be above 0 and at most %s", r.Deadline, structs.ShutdownDrainMax)}
	}
	return nil
}
