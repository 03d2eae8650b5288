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
			req.Ports = append(req.Ports, network.Port{Label: p.Label, HostIP: p.HostIP, Host: p.Value, To: p.To})
		}
	}
	return req
}
