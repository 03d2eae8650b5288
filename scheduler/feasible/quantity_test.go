package feasible

import (
	"testing"

	"berth/structs"
)

func TestDevicesAreComparedByQuantity(t *testing.T) {
	d := &structs.NodeDeviceResource{Vendor: "nvidia", Type: "gpu", Name: "t4", Attributes: map[string]string{
		"memory": "11 GiB", "clock": "1.5 GHz", "power": "70 W", "bar": "256 MiB", "cores": "2560", "driver": "535.1.2", "speed": "10 GB/s",
	}}
	for _, c := range []struct {
		left, op, right string
		want            bool
	}{
		{"${device.attr.memory}", ">=", "2048 MiB", true},
		{"${device.attr.memory}", ">", "11264 MiB", false},
		{"${device.attr.memory}", ">=", "11264 MiB", true},
		{"${device.attr.memory}", "=", "11264MiB", true},
		{"${device.attr.memory}", "!=", "11264 MiB", false},
		{"${device.attr.memory}", "<", "12 GB", true},
		{"${device.attr.memory}", "<=", "11 GB", false}, // a GiB is more
		{"${device.attr.clock}", ">", "900 MHz", true},
		{"${device.attr.power}", "<", "75000 mW", true},
		{"${device.attr.speed}", ">", "900 MB/s", true},
		{"${device.attr.memory}", "=", "11 GHz", false}, // not of one kind
		{"${device.attr.bar}", "<", "${device.attr.memory}", true},
		{"${device.attr.cores}", ">", "999", true},
		{"${device.attr.driver}", "version", ">= 535, < 536", true},
		{"${device.attr.none}", ">", "1 GiB", false},
		{"${device.attr.none}", "is_not_set", "", true},
		{"${device.attr.memory}", "is_set", "", true},
		{"${device.model}", "regexp", "^t", true},
		{"${device.vendor}", "=", "nvidia", true},
		{"${device.type}", "!=", "gpu", false},
	} {
		if got := DeviceHolds(d, c.left, c.op, c.right); got != c.want {
			t.Errorf("%s %s %s: %t", c.left, c.op, c.right, got)
		}
	}
}

func TestWhatIsBrokenIsNotUsed(t *testing.T) {
	n := &structs.Node{
		Drivers: map[string]*structs.DriverInfo{"gone": {Healthy: true}, "sick": {Detected: true}, "well": {Detected: true, Healthy: true}},
		NodeResources: &structs.NodeResources{Devices: []*structs.NodeDeviceResource{
			{Vendor: "nvidia", Type: "gpu", Name: "t4", Instances: []*structs.NodeDevice{{ID: "a", Healthy: true}, {ID: "b"}}}}},
	}
	for driver, usable := range map[string]bool{"gone": false, "sick": false, "well": true, "none": false} {
		if state := driverState(n, driver); (state == "") != usable {
			t.Errorf("driver %s: %q", driver, state)
		}
	}
	for count, enough := range map[int]bool{1: true, 2: false} {
		if got := devicesSuffice(n, []DeviceAsk{{Count: count, Req: &structs.RequestedDevice{Name: "gpu"}}}); got != enough {
			t.Errorf("%d healthy devices: %t", count, got)
		}
	}
}
