package fleet

import (
	"slices"

	"berth/structs"
)

// DeviceGroup is one group of alike devices of a node, and which of them are free.
type DeviceGroup struct {
	Of *structs.NodeDeviceResource
	// Free is how many healthy instances nobody holds.
	Free int

	keys  []string // see DeviceKey
	taken []bool
}

// DeviceKey names an instance of a node's device group.
func DeviceKey(vendor, kind, name, id string) string {
	return vendor + "/" + kind + "/" + name + "/" + id
}

// DevicesAt are the row's groups of devices, in the order of the node. Do not change them.
func (f *Fleet) DevicesAt(row int32) []DeviceGroup { return f.devices[row] }

// Pick gives up to count free instances, those left out that are given already: their keys and ids.
func (g *DeviceGroup) Pick(count int, given []string) (keys, ids []string) {
	for i, instance := range g.Of.Instances {
		if len(ids) == count {
			break
		}
		if instance.Healthy && !g.taken[i] && !slices.Contains(given, g.keys[i]) {
			keys, ids = append(keys, g.keys[i]), append(ids, instance.ID)
		}
	}
	return keys, ids
}

// Has reports a healthy instance of the group.
func (g *DeviceGroup) Has(key string) bool {
	i := slices.Index(g.keys, key)
	return i >= 0 && g.Of.Instances[i].Healthy
}

func (f *Fleet) setDevices(row int32, n *structs.Node) {
	f.devices[row] = nil
	if n.NodeResources == nil {
		return
	}
	for _, d := range n.NodeResources.Devices {
		g := DeviceGroup{Of: d, keys: make([]string, len(d.Instances)), taken: make([]bool, len(d.Instances))}
		for i, instance := range d.Instances {
			g.keys[i] = DeviceKey(d.Vendor, d.Type, d.Name, instance.ID)
			if instance.Healthy {
				g.Free++
			}
		}
		f.devices[row] = append(f.devices[row], g)
	}
	for _, u := range f.uses[row] {
		f.claimDevices(row, u.Devices, true)
	}
}

// claimDevices notes that instances are held, or no longer. Those the node does not have are nobody's.
func (f *Fleet) claimDevices(row int32, keys []string, take bool) {
	for _, key := range keys {
		for gi := range f.devices[row] {
			g := &f.devices[row][gi]
			i := slices.Index(g.keys, key)
			if i < 0 || g.taken[i] == take {
				continue
			}
			g.taken[i] = take
			switch {
			case !g.Of.Instances[i].Healthy:
			case take:
				g.Free--
			default:
				g.Free++
			}
		}
	}
}
