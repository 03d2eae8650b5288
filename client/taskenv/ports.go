package taskenv

import (
	"slices"
	"strconv"
	"strings"

	"berth/structs"
)

// ports sets the variables of the allocation's ports. Those of the group are every task's; those a task asked for itself (the
// older form) are its own, and the others see them under its name.
func (e *Env) ports(in Input) {
	if in.Alloc.AllocatedResources == nil {
		return
	}
	left := slices.Clone(in.Alloc.AllocatedResources.Shared.Ports)
	var own []structs.AllocatedPortMapping
	if g := in.Alloc.Group(); g != nil {
		for _, t := range g.Tasks {
			for _, label := range labels(t) {
				i := slices.IndexFunc(left, func(p structs.AllocatedPortMapping) bool { return p.Label == label })
				if i < 0 {
					continue
				}
				p := left[i]
				left = slices.Delete(left, i, i+1)
				if t.Name == in.Task.Name {
					own = append(own, p)
				} else {
					e.hostSide(clean(t.Name)+"_"+clean(label), p, inside(p))
				}
			}
		}
	}
	for _, p := range left {
		e.port(in, p)
	}
	for _, p := range own { // last: a task's own hides the group's of the same name
		e.port(in, p)
		version := "NOMAD_IPv4_"
		if strings.Contains(p.HostIP, ":") {
			version = "NOMAD_IPv6_"
		}
		e.vars[version+clean(p.Label)] = p.HostIP
	}
}

// labels are the ports a task asked for itself.
func labels(t *structs.Task) (out []string) {
	if t.Resources == nil {
		return nil
	}
	for _, nw := range t.Resources.Networks {
		for _, list := range [][]structs.Port{nw.ReservedPorts, nw.DynamicPorts} {
			for _, p := range list {
				out = append(out, p.Label)
			}
		}
	}
	return out
}

// inside is the port a task listens on: the mapped one, or without a map the one of the host.
func inside(p structs.AllocatedPortMapping) string {
	if p.To > 0 {
		return strconv.Itoa(p.To)
	}
	return strconv.Itoa(p.Value)
}

func (e *Env) port(in Input, p structs.AllocatedPortMapping) {
	label, to, host := clean(p.Label), inside(p), strconv.Itoa(p.Value)
	e.hostSide(label, p, to)
	e.vars["NOMAD_HOST_IP_"+label], e.vars["NOMAD_HOST_PORT_"+label] = p.HostIP, host
	e.vars["NOMAD_HOST_ADDR_"+label] = address(p.HostIP, host)
	if in.AllocIP != "" {
		e.vars["NOMAD_ALLOC_IP_"+label], e.vars["NOMAD_ALLOC_PORT_"+label] = in.AllocIP, to
		e.vars["NOMAD_ALLOC_ADDR_"+label], e.vars["NOMAD_ALLOC_INTERFACE_"+label] = address(in.AllocIP, to), in.AllocInterface
	}
}

func (e *Env) hostSide(name string, p structs.AllocatedPortMapping, to string) {
	e.vars["NOMAD_IP_"+name], e.vars["NOMAD_PORT_"+name] = p.HostIP, to
	e.vars["NOMAD_ADDR_"+name] = address(p.HostIP, strconv.Itoa(p.Value))
}

// address joins host and port; an IPv6 address gets brackets.
func address(ip, port string) string {
	if strings.Contains(ip, ":") {
		return "[" + ip + "]:" + port
	}
	return ip + ":" + port
}
