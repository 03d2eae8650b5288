package fleet

import (
	"encoding/hex"
	"hash"
	"hash/fnv"
	"io"
	"slices"
	"sort"
	"strings"

	"berth/structs"
)

// uniquePrefix marks attributes that name one node and take no part in its class.
const uniquePrefix = "unique."

// ComputedClass is a hash of what makes nodes alike for constraints: datacenter, pool, class, attributes, meta and
// devices, without what is unique to the node. Nodes of one class answer every captured constraint alike.
func ComputedClass(n *structs.Node) string {
	h := fnv.New128a()
	word(h, n.Datacenter)
	word(h, n.NodePool)
	word(h, n.NodeClass)
	pairs(h, n.Attributes)
	pairs(h, n.Meta)
	if n.NodeResources != nil {
		hashDevices(h, n.NodeResources.Devices)
	}
	return "v1:" + hex.EncodeToString(h.Sum(nil))
}

// ClassOf is the class of a node for what waits for room: its computed class, its taints where it has some, and what of it does not
// work now. Nodes of one class keep the same allocations away.
func ClassOf(n *structs.Node) string {
	class := n.ComputedClass
	if class == "" {
		class = ComputedClass(n)
	}
	for _, t := range n.Taints {
		class += " " + t.String()
	}
	for _, broken := range brokenParts(n) {
		class += " " + broken
	}
	return class
}

// brokenParts names the drivers and devices of a node that cannot be used now, in order.
func brokenParts(n *structs.Node) []string {
	var broken []string
	for name, d := range n.Drivers {
		if d != nil && (!d.Detected || !d.Healthy) {
			broken = append(broken, "driver "+name)
		}
	}
	if n.NodeResources != nil {
		for _, d := range n.NodeResources.Devices {
			for _, i := range d.Instances {
				if !i.Healthy {
					broken = append(broken, "device "+deviceName(d)+"/"+i.ID)
				}
			}
		}
	}
	slices.Sort(broken)
	return broken
}

// UniqueTarget reports a constraint target that reads something unique to a node, so that classes cannot capture it.
func UniqueTarget(target string) bool {
	return strings.HasPrefix(target, "${attr."+uniquePrefix) ||
		strings.HasPrefix(target, "${meta."+uniquePrefix) ||
		strings.HasPrefix(target, "${node."+uniquePrefix)
}

func hashDevices(h hash.Hash, devices []*structs.NodeDeviceResource) {
	sorted := slices.Clone(devices)
	sort.Slice(sorted, func(i, j int) bool { return deviceName(sorted[i]) < deviceName(sorted[j]) })
	for _, d := range sorted {
		word(h, deviceName(d))
		pairs(h, d.Attributes)
	}
}

func deviceName(d *structs.NodeDeviceResource) string { return d.Vendor + "/" + d.Type + "/" + d.Name }

func pairs(h hash.Hash, m map[string]string) {
	keys := make([]string, 0, len(m))
	for k := range m {
		if !strings.HasPrefix(k, uniquePrefix) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		word(h, k)
		word(h, m[k])
	}
	word(h, "")
}

// word separates parts so that no two different lists of words hash alike.
func word(h hash.Hash, s string) {
	n := len(s)
	_, _ = h.Write([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
	_, _ = io.WriteString(h, s)
}
