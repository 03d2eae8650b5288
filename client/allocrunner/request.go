package allocrunner

import (
	"berth/client/network"
	"berth/structs"
)

// Request is the network the allocation asks for.
func (r *Runner) Request() network.Request {
	a := r.Alloc()
	req := requestOf(a)
	if req.Hostname != "" {
		if env := r.cfg.Place(a, a.Group().Tasks[0].Name, nil).Env; env != nil {
			req.Hostname = env.Replace(req.Hostname)
		}
	}
	return req
}

func requestOf(a *structs.Allocation) network.Request {
	g := a.Group()
	req := network.Request{AllocID: a.ID.String(), Mode: g.NetworkMode()}
	if len(g.Networks) > 0 {
		n := g.Networks[0]
		req.Hostname = n.Hostname
		if n.DNS != nil {
			req.DNS = network.DNS{Servers: n.DNS.Servers, Searches: n.DNS.Searches, Options: n.DNS.Options}
		}
	}
	if a.AllocatedResources != nil && req.Mode == network.ModeBridge {
		for _, p := range a.AllocatedResources.Shared.Ports {
			port := network.Port{Label: p.Label, HostIP: p.HostIP, Host: p.Value, To: p.To}
			if onDefaultNetwork(g, p.Label) {
				port.HostIP = "" // every address of the machine, loopback too, as the contract's agents do by default
			}
			req.Ports = append(req.Ports, port)
		}
	}
	return req
}

// onDefaultNetwork reports that the job asked for no particular network of the machine for a port.
func onDefaultNetwork(g *structs.TaskGroup, label string) bool {
	for _, n := range g.Networks {
		for _, ports := range [2][]structs.Port{n.ReservedPorts, n.DynamicPorts} {
			for _, p := range ports {
				if p.Label == label {
					return p.HostNetwork == "" || p.HostNetwork == "default"
				}
			}
		}
	}
	return true
}
