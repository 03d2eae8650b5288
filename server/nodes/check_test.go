package nodes

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"berth/structs"
)

func honest() *structs.Node {
	return &structs.Node{ID: one, SecretID: mine, Name: "one", Datacenter: "dc1", Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
		NodeResources: &structs.NodeResources{Cpu: structs.NodeCPUResources{CpuShares: 4000}, Memory: structs.NodeMemoryResources{MemoryMB: 8192},
			Disk: structs.NodeDiskResources{DiskMB: 100}, MinDynamicPort: 20000, MaxDynamicPort: 32000}}
}

func TestNodesThatCannotBeAreRefused(t *testing.T) {
	if err := Check(honest()); err != nil {
		t.Fatal(err)
	}
	addresses := make([]structs.NodeNetworkAddress, maxAddresses+1)
	for i := range addresses {
		addresses[i].Address = fmt.Sprint(i)
	}
	for _, c := range []struct {
		name, says string
		lie        func(*structs.Node)
	}{
		{"more CPU than sums can hold", "MHz; 0 to 1099511627776 are possible", func(n *structs.Node) { n.NodeResources.Cpu.CpuShares = math.MaxInt64 }},
		{"less than no memory", "-1 MB of memory", func(n *structs.Node) { n.NodeResources.Memory.MemoryMB = -1 }},
		{"a disk of less than nothing", "MB of disk", func(n *structs.Node) { n.NodeResources.Disk.DiskMB = math.MinInt64 }},
		{"it reserves less than nothing", "reserved MHz", func(n *structs.Node) {
			n.ReservedResources = &structs.NodeReservedResources{Cpu: structs.NodeReservedCPU{CpuShares: -1}}
		}},
		{"allocations below none", "allocations at most", func(n *structs.Node) { n.NodeMaxAllocs = -1 }},
		{"ports beyond the last", "65536 to 65536 are no range", func(n *structs.Node) { n.NodeResources.MinDynamicPort, n.NodeResources.MaxDynamicPort = 65536, 65536 }},
		{"ports from high to low", "3 to 2 are no range", func(n *structs.Node) { n.NodeResources.MinDynamicPort, n.NodeResources.MaxDynamicPort = 3, 2 }},
		{"more addresses than can be", "the node has 1025 addresses", func(n *structs.Node) {
			n.NodeResources.NodeNetworks = []*structs.NodeNetworkResource{nil, {Addresses: addresses}}
		}},
		{"a description without end", "1048576 are allowed", func(n *structs.Node) { n.Attributes = map[string]string{"a": strings.Repeat("x", maxNodeBytes)} }},
		{"a status that is none", `"excellent" is no status`, func(n *structs.Node) { n.Status = "excellent" }},
		{"an eligibility that is none", `"perhaps" is neither`, func(n *structs.Node) { n.SchedulingEligibility = "perhaps" }},
		{"nothing it has", "does not say what it has", func(n *structs.Node) { n.NodeResources = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := honest()
			c.lie(n)
			err := Check(n)
			if err == nil || structs.KindOf(err) != structs.KindInvalid || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestReportsThatCannotBeAreRefused(t *testing.T) {
	good := &structs.AllocClientUpdate{ID: mine, ClientStatus: structs.AllocClientRunning}
	if err := CheckReports([]*structs.AllocClientUpdate{good}); err != nil {
		t.Fatal(err)
	}
	for says, bad := range map[string]*structs.AllocClientUpdate{
		"a report is empty":   nil,
		"4194304 are allowed": {ID: mine, ClientDescription: strings.Repeat("x", maxReport)},
	} {
		if err := CheckReports([]*structs.AllocClientUpdate{good, bad}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want one that says %q", err, says)
		}
	}
}
