package fleet_test

import (
	"testing"

	"berth/scheduler/fleet"
	"berth/structs"
)

// Of the instances that others leave those count that can be given again.
func TestADeviceGroupHasItsHealthyInstances(t *testing.T) {
	f := fleet.New()
	f.SetNode(&structs.Node{ID: structs.ID{1}, Name: "n", Status: structs.NodeStatusReady, SchedulingEligibility: structs.NodeEligible,
		NodeResources: &structs.NodeResources{Devices: []*structs.NodeDeviceResource{
			{Vendor: "acme", Type: "gpu", Name: "one", Instances: []*structs.NodeDevice{{ID: "x", Healthy: true}, {ID: "y"}}},
			{Vendor: "acme", Type: "gpu", Name: "two", Instances: []*structs.NodeDevice{{ID: "z", Healthy: true}}}}}})
	row, _ := f.Row(structs.ID{1})
	group := f.DevicesAt(row)[0]
	for key, want := range map[string]bool{fleet.DeviceKey("acme", "gpu", "one", "x"): true, fleet.DeviceKey("acme", "gpu", "one", "y"): false,
		fleet.DeviceKey("acme", "gpu", "two", "z"): false} {
		if group.Has(key) != want {
			t.Errorf("%s: %v", key, !want)
		}
	}
}
