package jobspec

var langGroup = &block{
	name: "group", field: "TaskGroups", label: "name", labelField: "Name", many: true, sugar: sugarGroup,
	doc: "Tasks that run together on one node. It is the unit that is placed, counted and updated.",
	attrs: []attr{
		{name: "count", field: "Count", kind: kindInt, def: "1, or scaling.min", doc: "How many allocations run. A system job has 0 or 1."},
		{name: "shutdown_delay", field: "ShutdownDelay", kind: kindDuration, def: "0s", doc: "Time between leaving the registry and stopping the tasks."},
		{name: "max_run_duration", field: "MaxRunDuration", kind: kindDuration, doc: "The longest an allocation of a batch or sysbatch job may run, from the start of its first task. Then its tasks are killed and it has failed."},
		{name: "gang", field: "Gang", kind: kindString, doc: "Groups of the job with the same gang are placed all at once or not at all. Berth's own."},
		{name: "gates", field: "Gates", kind: kindStrings, doc: "While there are names here, nothing of the group is placed; what runs goes on. Berth's own."},
		{name: "stop_after_client_disconnect", field: "StopAfterClientDisconnect", kind: kindDuration, doc: "Ignored.", deprecated: "disconnect { stop_on_client_after }"},
		{name: "max_client_disconnect", field: "MaxClientDisconnect", kind: kindDuration, doc: "Ignored.", deprecated: "disconnect { lost_after }"},
		{name: "prevent_reschedule_on_lost", field: "PreventRescheduleOnLost", kind: kindBool, doc: "Ignored.", deprecated: "disconnect { replace }"},
	},
	blocks: []*block{
		langMeta, langConstraint, langAffinity, langSpread, langPeer, langToleration, langVolume, langRestart, langDisconnect, langReschedule, langCompletion, langEphemeralDisk,
		langUpdate, langMigrate, langDisruption, langNetwork, langService, langScaling, langConsul, langVault, langSecret, langTask,
	},
}

var langVolume = &block{
	name: "volume", field: "Volumes", label: "name", labelField: "Name", many: true,
	doc: "A volume the group needs; tasks make it visible with volume_mount.",
	attrs: []attr{
		{name: "type", field: "Type", kind: kindString, required: true, allowed: []string{"host", "csi"}, doc: "Who provides it."},
		{name: "source", field: "Source", kind: kindString, required: true, doc: "Name of the host volume on the node, or id of the CSI volume."},
		{name: "read_only", field: "ReadOnly", kind: kindBool, def: "false", doc: "Mount it read-only in every task."},
		{name: "access_mode", field: "AccessMode", kind: kindString, allowed: []string{"single-node-reader-only", "single-node-writer", "single-node-single-writer", "single-node-multi-writer", "multi-node-reader-only", "multi-node-single-writer", "multi-node-multi-writer"}, doc: "Who may write at the same time. Required for CSI; host volumes have the single-node modes only."},
		{name: "attachment_mode", field: "AttachmentMode", kind: kindString, allowed: []string{"file-system", "block-device"}, doc: "How it is attached. Required for CSI."},
		{name: "per_alloc", field: "PerAlloc", kind: kindBool, def: "false", doc: "Append [index] to the source, so that every allocation has a volume of its own."},
		{name: "sticky", field: "Sticky", kind: kindBool, def: "false", doc: "Stay on the node where the volume is (host volumes)."},
	},
	blocks: []*block{{
		name: "mount_options", field: "MountOptions", doc: "Options of the file system (CSI).",
		attrs: []attr{
			{name: "fs_type", field: "FSType", kind: kindString, doc: "File system."},
			{name: "mount_flags", field: "MountFlags", kind: kindStrings, doc: "Flags of mount."},
		},
	}},
}

var langDisconnect = &block{
	name: "disconnect", field: "Disconnect", doc: "What happens to allocations whose node cannot be reached.",
	attrs: []attr{
		{name: "lost_after", field: "LostAfter", kind: kindDuration, def: "0s", doc: "Wait this long before the allocations count as lost; until then they are unknown. 0 is off."},
		{name: "stop_on_client_after", field: "StopOnClientAfter", kind: kindDuration, doc: "The node stops them itself after this time without servers. Not together with lost_after."},
		{name: "replace", field: "Replace", kind: kindBool, def: "true", doc: "Start replacements meanwhile. Without, nothing takes the place of an allocation until its node is back or someone stops the allocation."},
		{name: "reconcile", field: "Reconcile", kind: kindString, def: "best_score", allowed: []string{"best_score", "keep_original", "keep_replacement", "longest_running"}, doc: "Which of the two stays when the node comes back."},
	},
}

var langEphemeralDisk = &block{
	name: "ephemeral_disk", field: "EphemeralDisk", doc: "Scratch space of the allocation, logs included.",
	attrs: []attr{
		{name: "size", field: "SizeMB", kind: kindInt, def: "300", unit: "MB", doc: "Size to reserve."},
		{name: "sticky", field: "Sticky", kind: kindBool, def: "false", doc: "Try to place the next version on the same node and keep the data."},
		{name: "migrate", field: "Migrate", kind: kindBool, def: "false", doc: "Move the data to another node when the allocation moves."},
	},
}

var langRestart = &block{
	name: "restart", field: "RestartPolicy", doc: "Restarts of failed tasks on their node. A task's block wins over its group's.",
	attrs: []attr{
		{name: "attempts", field: "Attempts", kind: kindInt, def: "2 (batch: 3)", doc: "Restarts within the interval."},
		{name: "interval", field: "Interval", kind: kindDuration, def: "30m (batch: 24h)", doc: "Window in which attempts count; at least 5s."},
		{name: "delay", field: "Delay", kind: kindDuration, def: "15s", doc: "Wait before a restart; up to a quarter is added at random."},
		{name: "mode", field: "Mode", kind: kindString, def: "fail", allowed: []string{"fail", "delay"}, doc: "When attempts are used up: fail the allocation, or wait for the next interval."},
		{name: "render_templates", field: "RenderTemplates", kind: kindBool, def: "false", doc: "Render templates again before a restart."},
	},
}

var langReschedule = &block{
	name: "reschedule", field: "ReschedulePolicy", sugar: sugarReschedule, doc: "Replacement of failed allocations, on another node where possible. Not for system jobs. A group's block wins over the job's.",
	attrs: []attr{
		{name: "attempts", field: "Attempts", kind: kindInt, def: "0 (batch: 1)", doc: "Replacements within the interval; setting it switches unlimited off."},
		{name: "interval", field: "Interval", kind: kindDuration, def: "0s (batch: 24h)", doc: "Window in which attempts count."},
		{name: "delay", field: "Delay", kind: kindDuration, def: "30s (batch: 5s)", doc: "Wait before the first replacement; at least 5s."},
		{name: "delay_function", field: "DelayFunction", kind: kindString, def: "exponential (batch: constant)", allowed: []string{"constant", "exponential", "fibonacci"}, doc: "How the delay grows."},
		{name: "max_delay", field: "MaxDelay", kind: kindDuration, def: "1h (batch: 0s)", doc: "Longest delay, where it grows."},
		{name: "unlimited", field: "Unlimited", kind: kindBool, def: "true (batch: false)", doc: "Never give up."},
	},
}

var langJobReschedule = &block{
	name: "reschedule", field: "Reschedule", sugar: sugarReschedule, doc: langReschedule.doc, attrs: langReschedule.attrs,
}

var langUpdate = &block{
	name: "update", field: "Update", doc: "How a new version rolls out (service and system jobs). A group's block wins over the job's.",
	attrs: []attr{
		{name: "max_parallel", field: "MaxParallel", kind: kindInt, def: "1", doc: "Allocations replaced at a time; 0 replaces all at once without a deployment."},
		{name: "health_check", field: "HealthCheck", kind: kindString, def: "checks", allowed: []string{"checks", "task_states", "manual"}, doc: "What makes an allocation healthy: its checks, its tasks running, or an operator."},
		{name: "min_healthy_time", field: "MinHealthyTime", kind: kindDuration, def: "10s", doc: "How long it must stay healthy."},
		{name: "healthy_deadline", field: "HealthyDeadline", kind: kindDuration, def: "5m", doc: "By when it must be healthy. A late one counts as healthy once no rollout waits for it: `progress_deadline` after this."},
		{name: "progress_deadline", field: "ProgressDeadline", kind: kindDuration, def: "10m", doc: "By when the next allocation must be healthy, or the deployment fails; 0 fails at the first unhealthy one."},
		{name: "stagger", field: "Stagger", kind: kindDuration, def: "30s", doc: "Wait between steps of a system job or a drain."},
		{name: "canary", field: "Canary", kind: kindInt, def: "0", doc: "New allocations started beside the old ones first."},
		{name: "auto_promote", field: "AutoPromote", kind: kindBool, def: "false", doc: "Go on by itself when all canaries are healthy."},
		{name: "auto_revert", field: "AutoRevert", kind: kindBool, def: "false", doc: "Go back to the last stable version when the deployment fails."},
	},
}

var langMigrate = &block{
	name: "migrate", field: "Migrate", doc: "How a drain moves allocations (service jobs). A group's block wins over the job's.",
	attrs: []attr{
		{name: "max_parallel", field: "MaxParallel", kind: kindInt, def: "1", doc: "Allocations moved at a time."},
		{name: "health_check", field: "HealthCheck", kind: kindString, def: "checks", allowed: []string{"checks", "task_states"}, doc: "What makes a moved allocation healthy."},
		{name: "min_healthy_time", field: "MinHealthyTime", kind: kindDuration, def: "10s", doc: "How long it must stay healthy."},
		{name: "healthy_deadline", field: "HealthyDeadline", kind: kindDuration, def: "5m", doc: "By when it must be healthy. A late one counts as healthy from when it is."},
	},
}

var langScaling = &block{
	name: "scaling", field: "Scaling", doc: "Bounds of the group's count, for people and autoscalers.",
	attrs: []attr{
		{name: "min", field: "Min", kind: kindInt, def: "the count", doc: "Least count."},
		{name: "max", field: "Max", kind: kindInt, required: true, doc: "Greatest count."},
		{name: "enabled", field: "Enabled", kind: kindBool, def: "true", doc: "Whether an autoscaler may act."},
		{name: "type", field: "Type", kind: kindString, def: "horizontal", allowed: []string{"horizontal"}, doc: "Kind of policy."},
	},
	blocks: []*block{{name: "policy", field: "Policy", free: true, doc: "Passed to the autoscaler as it is."}},
}

var langConsul = &block{
	name: "consul", field: "Consul", doc: "Taken without effect: Berth talks to no Consul.",
	attrs: []attr{
		{name: "namespace", field: "Namespace", kind: kindString, doc: "Consul namespace."},
		{name: "cluster", field: "Cluster", kind: kindString, def: "default", doc: "Consul cluster."},
		{name: "partition", field: "Partition", kind: kindString, doc: "Consul admin partition."},
	},
}
