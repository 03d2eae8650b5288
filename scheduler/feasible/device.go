package feasible

import (
	"strconv"
	"strings"

	"berth/scheduler/fleet"
	"berth/structs"
)

// DeviceAsk is what one task wants of one kind of device.
type DeviceAsk struct {
	Task  string
	Count int
	Req   *structs.RequestedDevice
}

// DeviceAsks lists the devices a group wants, in the order written.
func DeviceAsks(g *structs.TaskGroup) []DeviceAsk {
	var asks []DeviceAsk
	for _, t := range g.Tasks {
		if t.Resources == nil {
			continue
		}
		for _, d := range t.Resources.Devices {
			count := 1
			if d.Count != nil {
				count = int(*d.Count)
			}
			asks = append(asks, DeviceAsk{Task: t.Name, Count: count, Req: d})
		}
	}
	return asks
}

// DeviceMatches reports that the node's device group is what the request names and that its constraints hold.
func DeviceMatches(d *structs.NodeDeviceResource, req *structs.RequestedDevice) bool {
	if !deviceNamed(d, req.Name) {
		return false
	}
	for _, c := range req.Constraints {
		if !DeviceHolds(d, c.LTarget, c.Operand, c.RTarget) {
			return false
		}
	}
	return true
}

// deviceNamed accepts type, vendor/type and vendor/type/model.
func deviceNamed(d *structs.NodeDeviceResource, name string) bool {
	first, rest, more := strings.Cut(name, "/")
	if !more {
		return d.Type == first
	}
	second, model, more := strings.Cut(rest, "/")
	return d.Vendor == first && d.Type == second && (!more || d.Name == model)
}

// DeviceHolds compares an attribute of the device group, `${device.attr.memory}`, `${device.model}`...
func DeviceHolds(d *structs.NodeDeviceResource, left, operand, right string) bool {
	l, lok := deviceTarget(d, left)
	r, rok := deviceTarget(d, right)
	switch operand {
	case structs.OpIsSet:
		return lok
	case structs.OpIsNotSet:
		return !lok
	}
	if holds, are := compareQuantities(l, operand, r); are {
		return holds
	}
	if operand == "!=" || operand == "not" {
		return l != r
	}
	return lok && rok && Holds(l, operand, r)
}

func deviceTarget(d *structs.NodeDeviceResource, target string) (string, bool) {
	inner, ok := strings.CutPrefix(target, "${")
	if !ok {
		return target, true
	}
	inner = strings.TrimSuffix(inner, "}")
	switch inner {
	case "device.model":
		return d.Name, true
	case "device.vendor":
		return d.Vendor, true
	case "device.type":
		return d.Type, true
	}
	if key, ok := strings.CutPrefix(inner, "device.attr."); ok {
		v, ok := d.Attributes[key]
		return v, ok
	}
	return "", false
}

// deviceStep wants enough healthy instances on the node, whoever holds them now.
func deviceStep(g *structs.TaskGroup) *Step {
	asks := DeviceAsks(g)
	if len(asks) == 0 {
		return nil
	}
	var key, wanted strings.Builder
	for _, a := range asks {
		if wanted.Len() > 0 {
			wanted.WriteString(", ")
		}
		wanted.WriteString(strconv.Itoa(a.Count) + " x " + a.Req.Name)
		key.WriteString("|" + strconv.Itoa(a.Count) + "|" + a.Req.Name)
		for _, c := range a.Req.Constraints {
			key.WriteString("|" + c.LTarget + " " + c.Operand + " " + c.RTarget)
		}
	}
	return &Step{
		Reason:  ReasonDevices,
		Observe: func(n *structs.Node) (string, string) { return devicesOf(n), wanted.String() },
		key:     fleet.FilterKey{Kind: "devices", A: key.String()},
		test: func() func(*structs.Node) bool {
			return func(n *structs.Node) bool { return devicesSuffice(n, asks) }
		},
	}
}

func devicesOf(n *structs.Node) string {
	if n.NodeResources == nil || len(n.NodeResources.Devices) == 0 {
		return "no devices"
	}
	var b strings.Builder
	for _, d := range n.NodeResources.Devices {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(healthy(d)) + " x " + d.Vendor + "/" + d.Type + "/" + d.Name)
	}
	return b.String()
}

func healthy(d *structs.NodeDeviceResource) int {
	n := 0
	for _, i := range d.Instances {
		if i.Healthy {
			n++
		}
	}
	return n
}

// devicesSuffice gives each ask instances of the first group that matches and has enough left.
func devicesSuffice(n *structs.Node, asks []DeviceAsk) bool {
	if n.NodeResources == nil {
		return false
	}
	left := make([]int, len(n.NodeResources.Devices))
	for i, d := range n.NodeResources.Devices {
		left[i] = healthy(d)
	}
	for _, a := range asks {
		given := false
		for i, d := range n.NodeResources.Devices {
			if left[i] >= a.Count && DeviceMatches(d, a.Req) {
				left[i] -= a.Count
				given = true
				break
			}
		}
		if !given {
			return false
		}
	}
	return true
}
