package config

// ignored warns of settings that are understood and have no effect. Those that ask for what Berth never does anyway (looking for
// updates, telling of itself) are kept as they are.
func (b *builder) ignored(f *file) {
	s, k := orEmpty(f.Server), orEmpty(f.Client)
	for _, x := range []struct {
		there bool
		text  string
	}{
		{len(f.Consul) > 0, "consul has no effect: Berth talks to no Consul"},
		{len(f.Vault) > 0, "vault has no effect: Berth talks to no Vault"},
		{len(f.UI) > 0, "ui has no effect: there is no web interface"},
		{len(f.Audit) > 0, "audit has no effect: there is no audit log"},
		{len(f.Sentinel) > 0, "sentinel has no effect: there are no such policies"},
		{orEmpty(f.Advertise).HTTP != nil, "advertise.http has no effect: agents are called by the cluster port"},
		{f.PluginDir != nil, "plugin_dir has no effect: drivers are part of the program"},
		{f.LogRotateBytes != nil || f.LogRotateDuration != nil || f.LogRotateMaxFiles != nil, "log_rotate_* have no effect: let logrotate do it"},
		{f.LogLocation != nil && *f.LogLocation, "log_include_location has no effect: lines name their part of the program"},
		{s.DataDir != nil, "server.data_dir has no effect: the state is in data_dir/server"},
		{s.RaftProtocol != nil, "server.raft_protocol has no effect: there is one"},
		{len(s.PlanRejection) > 0, "server.plan_rejection_tracker has no effect: a node that refuses plans is not shut out for it"},
		{len(s.Search) > 0, "server.search has no effect: the bounds of searches are fixed"},
		{k.StateDir != nil, "client.state_dir has no effect: the node's state is in data_dir"},
		{k.NetworkSpeed != nil, "client.network_speed has no effect: bandwidth is not shared out"},
		{k.GCInterval != nil || k.GCParallel != nil || k.GCInodeUsage != nil,
			"client.gc_interval, gc_parallel_destroys and gc_inode_usage_threshold have no effect: gc_max_allocs and gc_disk_usage_threshold say when directories go"},
		{k.NoHostUUID != nil && !*k.NoHostUUID, "client.no_host_uuid = false has no effect: a node's id is drawn once and kept in data_dir"},
		{len(k.Template) > 0, "client.template has no effect in this version"},
		{len(k.Artifact) > 0, "client.artifact has no effect in this version"},
	} {
		if x.there {
			b.warn("%s", x.text)
		}
	}
	for _, p := range f.Plugins {
		b.ignoredOfPlugin(p)
	}
}

func (b *builder) ignoredOfPlugin(p pluginBlock) {
	k := orEmpty(p.Config)
	for _, x := range []struct {
		there bool
		name  string
	}{
		{len(p.Args) > 0, "args"}, {len(k.GC) > 0, "gc"}, {len(k.Logging) > 0, "logging"}, {len(k.ExtraLabels) > 0, "extra_labels"},
		{orEmpty(k.Volumes).Label != nil, "volumes.selinuxlabel"},
	} {
		if x.there {
			b.warn("plugin %q: %s has no effect", p.Name, x.name)
		}
	}
}

func orEmpty[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
