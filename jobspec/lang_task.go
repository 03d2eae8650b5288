package jobspec

var langTask = &block{
	name: "task", field: "Tasks", label: "name", labelField: "Name", many: true,
	doc: "One process of a group. A task directly in a job makes a group of its own name.",
	attrs: []attr{
		{name: "driver", field: "Driver", kind: kindString, required: true, doc: `What runs it: "docker" or "containerd" (containers), "exec", "raw_exec" ...`},
		{name: "user", field: "User", kind: kindString, def: "the driver's", doc: "User inside the task."},
		{name: "kill_timeout", field: "KillTimeout", kind: kindDuration, def: "5s", doc: "Time between the kill signal and killing; nodes cap it (30s)."},
		{name: "kill_signal", field: "KillSignal", kind: kindString, def: "the image's or driver's", doc: "Signal that asks the task to end."},
		{name: "shutdown_delay", field: "ShutdownDelay", kind: kindDuration, def: "0s", doc: "Time between leaving the registry and the kill signal."},
		{name: "leader", field: "Leader", kind: kindBool, def: "false", doc: "When it ends, the other tasks of the group are stopped."},
		{name: "kind", field: "Kind", kind: kindString, doc: "Used by Consul's mesh; refused."},
	},
	blocks: []*block{
		{name: "config", field: "Config", free: true, doc: "Settings of the driver: for docker and containerd, image, command, args, entrypoint, ports, volumes, mount and so on. They are checked when the job is submitted."},
		{name: "env", field: "Env", free: true, mapped: true, doc: "Environment variables. Values may use ${NOMAD_...}, ${attr...}, ${node...} and ${meta...}."},
		langMeta, langConstraint, langAffinity, langResources, langRestart, langLifecycle, langArtifact, langTemplate, langService,
		langLogs, langVolumeMount, langCSIPlugin, langDispatchPayload, langVault, langConsul, langIdentity, langSecret, langAction,
		langSchedule, langTaskScaling,
	},
}

var langResources = &block{
	name: "resources", field: "Resources", doc: "What the task asks for.",
	attrs: []attr{
		{name: "cpu", field: "CPU", kind: kindInt, def: "100", unit: "MHz", doc: "Share of the node's processors."},
		{name: "cores", field: "Cores", kind: kindInt, def: "0", doc: "Whole cores for this task alone, instead of cpu."},
		{name: "memory", field: "MemoryMB", kind: kindInt, def: "300", unit: "MB", doc: "Memory reserved; the limit unless memory_max is more."},
		{name: "memory_max", field: "MemoryMaxMB", kind: kindInt, def: "0", unit: "MB", doc: "Limit of memory where the cluster allows more than is reserved; -1 is none."},
		{name: "secrets", field: "SecretsMB", kind: kindInt, def: "1", unit: "MB", doc: "Size of the secrets directory, counted in memory."},
		{name: "disk", field: "DiskMB", kind: kindInt, doc: "Refused: disk belongs to the group.", deprecated: "ephemeral_disk of the group"},
		{name: "iops", field: "IOPS", kind: kindInt, doc: "Ignored.", deprecated: "remove it"},
	},
	blocks: []*block{
		{
			name: "device", field: "Devices", label: "name", labelField: "Name", many: true, doc: "Devices by type, vendor/type or vendor/type/model. An instance is one task's alone. A part of a device, as a slice of a GPU, is an instance of its own: the node lists such parts as a group with attributes of their own (say its memory), and a task asks for them by count and constraint.",
			attrs:  []attr{{name: "count", field: "Count", kind: kindInt, def: "1", doc: "How many."}},
			blocks: []*block{langConstraint, langAffinity},
		},
		{
			name: "numa", field: "NUMA", doc: "Wishes about memory domains; needs cores.",
			attrs: []attr{
				{name: "affinity", field: "Affinity", kind: kindString, def: "none", allowed: []string{"none", "prefer", "require"}, doc: "Whether all cores come from one domain."},
				{name: "devices", field: "Devices", kind: kindStrings, doc: "Devices that must share the domain."},
			},
		},
		langNetwork,
	},
}

var langLifecycle = &block{
	name: "lifecycle", field: "Lifecycle", doc: "Runs the task before, beside or after the main tasks.",
	attrs: []attr{
		{name: "hook", field: "Hook", kind: kindString, required: true, allowed: []string{"prestart", "poststart", "poststop"}, doc: "When it starts."},
		{name: "sidecar", field: "Sidecar", kind: kindBool, def: "false", doc: "It keeps running beside the main tasks; otherwise it ends first (an init task)."},
	},
}

var langLogs = &block{
	name: "logs", field: "LogConfig", doc: "Size of the task's log files; all together must fit the ephemeral_disk.",
	attrs: []attr{
		{name: "max_files", field: "MaxFiles", kind: kindInt, def: "10", doc: "Files kept for each of stdout and stderr."},
		{name: "max_file_size", field: "MaxFileSizeMB", kind: kindInt, def: "10", unit: "MB", doc: "Size of one file."},
		{name: "disabled", field: "Disabled", kind: kindBool, def: "false", doc: "Keep no logs."},
		{name: "enabled", field: "Enabled", kind: kindBool, doc: "Older form.", deprecated: "disabled"},
	},
}

var langVolumeMount = &block{
	name: "volume_mount", field: "VolumeMounts", many: true, doc: "Makes a volume of the group visible in the task.",
	attrs: []attr{
		{name: "volume", field: "Volume", kind: kindString, required: true, doc: "Name of a volume block of the group."},
		{name: "destination", field: "Destination", kind: kindString, required: true, doc: "Path inside the task."},
		{name: "read_only", field: "ReadOnly", kind: kindBool, def: "false", doc: "Read-only here."},
		{name: "propagation_mode", field: "PropagationMode", kind: kindString, def: "private", allowed: []string{"private", "host-to-task", "bidirectional"}, doc: "Whether mounts below it are passed on."},
		{name: "selinux_label", field: "SELinuxLabel", kind: kindString, doc: "SELinux label."},
	},
}

var langCSIPlugin = &block{
	name: "csi_plugin", field: "CSIPluginConfig", doc: "Makes the task a CSI plugin.",
	attrs: []attr{
		{name: "id", field: "ID", kind: kindString, required: true, doc: "Name of the plugin."},
		{name: "type", field: "Type", kind: kindString, required: true, allowed: []string{"node", "controller", "monolith"}, doc: "Which part it is."},
		{name: "mount_dir", field: "MountDir", kind: kindString, def: "/csi", doc: "Directory of its socket."},
		{name: "stage_publish_base_dir", field: "StagePublishBaseDir", kind: kindString, def: "/local/csi", doc: "Directory of staged volumes."},
		{name: "health_timeout", field: "HealthTimeout", kind: kindDuration, def: "30s", doc: "By when it must answer."},
	},
}

var langDispatchPayload = &block{
	name: "dispatch_payload", field: "DispatchPayload", doc: "Where the payload of a dispatch is written.",
	attrs: []attr{{name: "file", field: "File", kind: kindString, required: true, doc: "Path below the task's local directory."}},
}

var langAction = &block{
	name: "action", field: "Actions", label: "name", labelField: "Name", many: true, doc: "A command people can run in the task by name.",
	attrs: []attr{
		{name: "command", field: "Command", kind: kindString, required: true, doc: "Command."},
		{name: "args", field: "Args", kind: kindStrings, doc: "Arguments."},
	},
}

var langSchedule = &block{
	name: "schedule", field: "Schedule", doc: "Runs the task only between two times.",
	blocks: []*block{{
		name: "cron", field: "Cron", doc: "The times.",
		attrs: []attr{
			{name: "start", field: "Start", kind: kindString, required: true, doc: "Schedule of the start."},
			{name: "end", field: "End", kind: kindString, required: true, doc: "Minute and hour of the end."},
			{name: "timezone", field: "Timezone", kind: kindString, def: "UTC", doc: "Time zone."},
		},
	}},
}

var langTaskScaling = &block{
	name: "scaling", field: "ScalingPolicies", label: "cpu or mem", many: true, sugar: sugarTaskScaling,
	doc: "Bounds of the task's cpu or memory, for autoscalers.",
	attrs: []attr{
		{name: "min", field: "Min", kind: kindInt, def: "0", doc: "Least MHz or MB."},
		{name: "max", field: "Max", kind: kindInt, required: true, doc: "Most MHz or MB."},
		{name: "enabled", field: "Enabled", kind: kindBool, def: "true", doc: "Whether an autoscaler may act."},
		{name: "type", field: "Type", kind: kindString, def: "the label's", doc: "Kind of policy: the label says it."},
	},
	blocks: langScaling.blocks,
}
