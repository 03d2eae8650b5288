package fleet

import (
	"strconv"
	"strings"

	"berth/structs"
)

// The dynamic port range where a node states none.
const (
	DefaultMinDynamicPort = 20000
	DefaultMaxDynamicPort = 32000
)

// DefaultHostNetwork is the alias of the addresses ports are given on unless a port says otherwise.
const DefaultHostNetwork = "default"

// portSet is a set of ports; pages of 1,024 ports are made when first used.
type portSet struct{ pages [64]*[16]uint64 }

func (s *portSet) has(port int) bool {
	p := s.pages[uint16(port)>>10]
	return p != nil && p[port>>6&15]&(1<<(uint(port)&63)) != 0
}

func (s *portSet) set(port int) {
	p := s.pages[uint16(port)>>10]
	if p == nil {
		p = new([16]uint64)
		s.pages[uint16(port)>>10] = p
	}
	p[port>>6&15] |= 1 << (uint(port) & 63)
}

func (s *portSet) clear(port int) {
	if p := s.pages[uint16(port)>>10]; p != nil {
		p[port>>6&15] &^= 1 << (uint(port) & 63)
	}
}

// address is one address of a node and the ports taken on it.
type address struct {
	ip, alias string
	reserved  portSet // kept by the node, never given
	used      portSet // held by allocations
}

func (a *address) taken(port int) bool { return a.used.has(port) || a.reserved.has(port) }

// addressesOf lists the addresses a node gives ports on. A node that tells of none has one without a name.
func addressesOf(n *structs.Node) []address {
	var as []address
	seen := map[[2]string]bool{}
	add := func(ip, alias, reserved string) {
		if alias == "" {
			alias = DefaultHostNetwork
		}
		if seen[[2]string{ip, alias}] {
			return
		}
		seen[[2]string{ip, alias}] = true
		as = append(as, address{ip: ip, alias: alias})
		reservePorts(&as[len(as)-1], reserved)
	}
	if n.NodeResources != nil {
		for _, nw := range n.NodeResources.NodeNetworks {
			for _, a := range nw.Addresses {
				add(a.Address, a.Alias, a.ReservedPorts)
			}
		}
		if len(as) == 0 {
			for _, nw := range n.NodeResources.Networks {
				if nw.IP != "" {
					add(nw.IP, "", "")
				}
			}
		}
	}
	if len(as) == 0 {
		add("", "", "")
	}
	if n.ReservedResources != nil {
		for i := range as {
			reservePorts(&as[i], n.ReservedResources.Networks.ReservedHostPorts)
		}
	}
	return as
}

func reservePorts(a *address, list string) {
	for _, p := range ParsePorts(list) {
		a.reserved.set(p)
	}
}

// maxPorts is how many ports there are; a list that names more repeats itself.
const maxPorts = 1 << 16

// ParsePorts reads "22,80,8500-8600"; parts that are not ports are left out, and so is what follows when that many were named
// as there are.
func ParsePorts(list string) []int {
	var ports []int
	for part := range strings.SplitSeq(list, ",") {
		lo, hi, isRange := strings.Cut(strings.TrimSpace(part), "-")
		first, err := strconv.ParseUint(lo, 10, 16)
		if err != nil {
			continue
		}
		last := first
		if isRange {
			if last, err = strconv.ParseUint(hi, 10, 16); err != nil || last < first {
				continue
			}
		}
		for p := first; p <= last; p++ {
			if len(ports) == maxPorts {
				return ports
			}
			ports = append(ports, int(p))
		}
	}
	return ports
}

// HasHostNetwork reports that the node offers addresses under the alias.
func HasHostNetwork(n *structs.Node, alias string) bool {
	if alias == "" || alias == DefaultHostNetwork {
		return true
	}
	if n.NodeResources == nil {
		return false
	}
	for _, nw := range n.NodeResources.NodeNetworks {
		for _, a := range nw.Addresses {
			if a.Alias == alias {
				return true
			}
		}
	}
	return false
}

// PortAsk is one port an allocation wants.
type PortAsk struct {
	Label           string
	Static          int // 0: any of the dynamic range
	To              int
	HostNetwork     string
	IgnoreCollision bool
}

func (p *PortAsk) network() string {
	if p.HostNetwork == "" {
		return DefaultHostNetwork
	}
	return p.HostNetwork
}

// StaticPortsFree reports that every static port asked for is free on some address of its network; otherwise the first
// that is not. It allocates nothing.
func (f *Fleet) StaticPortsFree(row int32, asks []PortAsk) (bool, int) {
	as := f.ports[row]
	for i := range asks {
		ask := &asks[i]
		if ask.Static == 0 || ask.IgnoreCollision {
			continue
		}
		free := false
		for j := range as {
			if as[j].alias == ask.network() && !as[j].taken(ask.Static) {
				free = true
				break
			}
		}
		if !free {
			return false, ask.Static
		}
	}
	return true, 0
}

// AssignPorts chooses the ports of an allocation on a row: dynamic ones start at a place the seed decides and take the
// next that is free. ok is false when some port cannot be had.
func (f *Fleet) AssignPorts(row int32, asks []PortAsk, seed uint64) (given []structs.AllocatedPortMapping, ok bool) {
	if len(asks) == 0 {
		return nil, true
	}
	as := f.ports[row]
	given = make([]structs.AllocatedPortMapping, len(asks))
	taken := func(a *address, port int) bool {
		if a.taken(port) {
			return true
		}
		for i := range given {
			if given[i].Value == port && given[i].HostIP == a.ip { // not given yet: 0
				return true
			}
		}
		return false
	}
	lo, hi := f.dynamicRange(row)
	give := func(i int, a *address, port int) {
		ask := &asks[i]
		to := ask.To
		if to == -1 {
			to = port
		}
		given[i] = structs.AllocatedPortMapping{
			Label: ask.Label, Value: port, To: to, HostIP: a.ip, IgnoreCollision: ask.IgnoreCollision,
		}
	}
	// Static ports first, so that no dynamic one takes theirs.
	for i := range asks {
		ask := &asks[i]
		if ask.Static == 0 {
			continue
		}
		if !f.giveOn(as, asks, i, func(a *address) (int, bool) {
			return ask.Static, ask.IgnoreCollision || !taken(a, ask.Static)
		}, give) {
			return nil, false
		}
	}
	for i := range asks {
		ask := &asks[i]
		if ask.Static != 0 {
			continue
		}
		if !f.giveOn(as, asks, i, func(a *address) (int, bool) {
			span := uint64(hi - lo + 1)
			start := mix(seed+uint64(i)) % span
			for k := range span {
				port := lo + int((start+k)%span)
				if !taken(a, port) && !askedStatic(asks, ask, port) {
					return port, true
				}
			}
			return 0, false
		}, give) {
			return nil, false
		}
	}
	return given, true
}

func (f *Fleet) giveOn(as []address, asks []PortAsk, i int, find func(*address) (int, bool), give func(int, *address, int)) bool {
	for j := range as {
		if as[j].alias != asks[i].network() {
			continue
		}
		if port, ok := find(&as[j]); ok {
			give(i, &as[j], port)
			return true
		}
	}
	return false
}

func askedStatic(asks []PortAsk, self *PortAsk, port int) bool {
	for i := range asks {
		if asks[i].Static == port && asks[i].network() == self.network() {
			return true
		}
	}
	return false
}

func (f *Fleet) dynamicRange(row int32) (lo, hi int) {
	lo, hi = DefaultMinDynamicPort, DefaultMaxDynamicPort
	if r := f.nodes[row].NodeResources; r != nil && r.MinDynamicPort > 0 && r.MinDynamicPort < maxPorts && r.MaxDynamicPort >= r.MinDynamicPort {
		lo, hi = r.MinDynamicPort, min(r.MaxDynamicPort, maxPorts-1)
	}
	return lo, hi
}

// claimPorts takes or gives back the ports of a use on its row.
func (f *Fleet) claimPorts(row int32, ports []Port, take bool) {
	as := f.ports[row]
	for _, p := range ports {
		for j := range as {
			if p.IP != "" && p.IP != "0.0.0.0" && p.IP != "::" && as[j].ip != "" && as[j].ip != p.IP {
				continue
			}
			if take {
				as[j].used.set(p.Port)
			} else {
				as[j].used.clear(p.Port)
			}
		}
	}
}
