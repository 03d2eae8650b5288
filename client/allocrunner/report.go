package allocrunner

import "berth/structs"

// Report is the allocation as the servers shall see it. The version grows whenever the report may have changed.
func (r *Runner) Report() (u *structs.AllocClientUpdate, version uint64) {
	r.mu.Lock()
	version = r.version
	net, released, health, alloc := r.net, r.released, r.health, r.alloc
	r.mu.Unlock()
	tasks := r.taskViews()
	u = &structs.AllocClientUpdate{ID: alloc.ID, NodeID: r.cfg.NodeID, DeploymentStatus: health, TaskStates: map[string]*structs.TaskState{}}
	for _, t := range tasks {
		u.TaskStates[t.name] = t.state
	}
	u.ClientStatus, u.ClientDescription = statusOf(tasks, released)
	if net != nil && net.IP != "" {
		u.NetworkStatus = &structs.AllocNetworkStatus{InterfaceName: net.Interface, Address: net.IP}
		if g := alloc.Group(); g != nil && len(g.Networks) > 0 {
			u.NetworkStatus.DNS = g.Networks[0].DNS
		}
	}
	return u, version
}

// Ended reports that Run has nothing left to do.
func (r *Runner) Ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.released
}
