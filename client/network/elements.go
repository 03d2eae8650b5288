package network

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"sigs.k8s.io/knftables"
)

// The sets and maps that grow with the allocations. Everything else in the tables is written once.
const (
	// mapPortsAny: protocol . port -> address . port, for ports published on every local address.
	mapPortsAny = "ports_any"
	// mapPortsAddr: address . protocol . port -> address . port, for ports published on one address.
	mapPortsAddr = "ports_addr"
	// setVeths: the bridge ports that are allocations.
	setVeths = "veths"
	// setEndpoints: bridge port . hardware address . address: the only senders an allocation may be.
	setEndpoints = "endpoints"
)

// element is one entry of a set (value "") or a map. It is comparable, so that wanted and present can be compared.
type element struct {
	family     knftables.Family
	name       string
	key, value string
}

// object is the element as nft wants it.
func (e element) object(table, allocID string) *knftables.Element {
	out := &knftables.Element{Family: e.family, Table: table, Key: []string{e.key}, Comment: &allocID}
	if e.value == "" {
		out.Set = e.name
		return out
	}
	out.Map, out.Value = e.name, []string{e.value}
	return out
}

// elementsOf are the entries an allocation in bridge mode has, sorted, each once.
func elementsOf(allocIP netip.Addr, veth string, ports []Port) []element {
	mac := hardwareAddr(allocIP)
	out := []element{
		{family: knftables.BridgeFamily, name: setVeths, key: strconv.Quote(veth)},
		{family: knftables.BridgeFamily, name: setEndpoints, key: fmt.Sprintf("%q . %s . %s", veth, mac, allocIP)},
	}
	for _, p := range ports {
		value := fmt.Sprintf("%s . %d", allocIP, p.inside())
		// Invariant: ports were validated, so the address parses.
		addr, _ := p.hostAddr()
		for _, proto := range p.protocols() {
			e := element{family: knftables.InetFamily, name: mapPortsAny, key: fmt.Sprintf("%s . %d", proto, p.Host), value: value}
			if addr.IsValid() {
				e.name, e.key = mapPortsAddr, fmt.Sprintf("%s . %s", addr, e.key)
			}
			out = append(out, e)
		}
	}
	slices.SortFunc(out, compareElements)
	return slices.Compact(out)
}

func compareElements(a, b element) int {
	return slices.Compare([]string{string(a.family), a.name, a.key, a.value}, []string{string(b.family), b.name, b.key, b.value})
}

// hardwareAddr is the Ethernet address of an allocation's interface. Why from the address: when the address goes to a new
// allocation, what its neighbours remember stays true.
func hardwareAddr(ip netip.Addr) net.HardwareAddr {
	b := ip.As4()
	return net.HardwareAddr{0x02, 0xbe, b[0], b[1], b[2], b[3]}
}
