package fleet

import (
	"strings"

	"berth/structs"
)

// Resolve reads a constraint target on a node: `${attr.kernel.name}`, `${meta.rack}`, `${node.class}`...; a text without
// `${` is itself. The second result is false when the node has no such thing.
func Resolve(target string, n *structs.Node) (string, bool) {
	inner, ok := strings.CutPrefix(target, "${")
	if !ok {
		return target, true
	}
	inner, ok = strings.CutSuffix(inner, "}")
	if !ok {
		return "", false
	}
	switch inner {
	case "node.unique.id":
		return n.ID.String(), true
	case "node.unique.name":
		return n.Name, true
	case "node.datacenter":
		return n.Datacenter, true
	case "node.class":
		return n.NodeClass, true
	case "node.pool":
		return n.NodePool, true
	}
	if key, ok := strings.CutPrefix(inner, "attr."); ok {
		v, ok := n.Attributes[key]
		return v, ok
	}
	if key, ok := strings.CutPrefix(inner, "meta."); ok {
		v, ok := n.Meta[key]
		return v, ok
	}
	return "", false
}
