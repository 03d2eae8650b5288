package jobspec

var langService = &block{
	name: "service", field: "Services", many: true,
	doc: "A name under which the group or task is found. Both providers mean Berth's own registry; provider \"consul\" (the default of the language) also allows the checks Consul has.",
	attrs: []attr{
		{name: "name", field: "Name", kind: kindString, def: "<job>-<group>[-<task>]", doc: "Letters, digits and hyphens; ${JOB}, ${TASKGROUP}, ${TASK} and ${BASE} are replaced."},
		{name: "provider", field: "Provider", kind: kindString, def: "consul", allowed: []string{"nomad", "consul"}, doc: "All services of a group have the same."},
		{name: "port", field: "PortLabel", kind: kindPort, doc: "Label of a port of the network block, or a number."},
		{name: "tags", field: "Tags", kind: kindStrings, doc: "Tags shown with the service."},
		{name: "canary_tags", field: "CanaryTags", kind: kindStrings, doc: "Tags while the allocation is a canary."},
		{name: "address_mode", field: "AddressMode", kind: kindString, def: "auto", allowed: []string{"auto", "host", "alloc", "alloc_ipv6", "driver"}, doc: "Which address is shown: the node's, the allocation's, or the driver's (services of tasks only)."},
		{name: "address", field: "Address", kind: kindString, doc: "Fixed address instead."},
		{name: "on_update", field: "OnUpdate", kind: kindString, def: "require_healthy", allowed: []string{"require_healthy", "ignore_warnings", "ignore"}, doc: "Which check results count during a deployment."},
		{name: "task", field: "TaskName", kind: kindString, doc: "Task that script checks run in (services of groups)."},
		{name: "enable_tag_override", field: "EnableTagOverride", kind: kindBool, def: "false", doc: "Let others change the tags."},
		{name: "cluster", field: "Cluster", kind: kindString, def: "default", doc: "Consul cluster; without effect."},
		{name: "kind", field: "Kind", kind: kindString, doc: "Used by Consul's gateways."},
	},
	blocks: []*block{
		{name: "meta", field: "Meta", free: true, mapped: true, doc: "Key-value pairs shown with the service."},
		{name: "canary_meta", field: "CanaryMeta", free: true, mapped: true, doc: "Key-value pairs while the allocation is a canary."},
		{name: "tagged_addresses", field: "TaggedAddresses", free: true, mapped: true, doc: "Further addresses by name."},
		langCheck, langCheckRestart, langIdentityOfService,
		{
			name: "weights", field: "Weights", sugar: sugarWeights, doc: "Weight of the instance in answers.",
			attrs: []attr{
				{name: "passing", field: "Passing", kind: kindInt, def: "1", doc: "While its checks pass."},
				{name: "warning", field: "Warning", kind: kindInt, def: "1", doc: "While a check warns."},
			},
		},
		{
			name: "connect", field: "Connect", doc: "Consul's service mesh: refused, because Berth does not run it.",
			attrs: []attr{{name: "native", field: "Native", kind: kindBool, def: "false", doc: "The task speaks to the mesh itself."}},
			blocks: []*block{
				{name: "sidecar_service", field: "SidecarService", free: true, doc: "Sidecar proxy."},
				{name: "sidecar_task", field: "SidecarTask", free: true, doc: "Task of the proxy."},
				{name: "gateway", field: "Gateway", free: true, doc: "Gateway."},
			},
		},
	},
}

var langCheckRestart = &block{
	name: "check_restart", field: "CheckRestart", doc: "Restarts the task when a check keeps failing. A check's block wins over its service's.",
	attrs: []attr{
		{name: "limit", field: "Limit", kind: kindInt, def: "0", doc: "Failures in a row; 0 is off."},
		{name: "grace", field: "Grace", kind: kindDuration, def: "1s", doc: "Time after a start in which failures do not count."},
		{name: "ignore_warnings", field: "IgnoreWarnings", kind: kindBool, def: "false", doc: "Warnings are no failures."},
	},
}

var langCheck = &block{
	name: "check", field: "Checks", many: true, doc: "Probes the service again and again.",
	attrs: []attr{
		{name: "type", field: "Type", kind: kindString, required: true, allowed: []string{"http", "tcp", "grpc", "script"}, doc: "How it probes; provider \"nomad\" has http and tcp."},
		{name: "interval", field: "Interval", kind: kindDuration, required: true, doc: "Time between probes; at least 1s."},
		{name: "timeout", field: "Timeout", kind: kindDuration, required: true, doc: "Time a probe may take; at least 1s."},
		{name: "name", field: "Name", kind: kindString, def: `service: "<service>" check`, doc: "Name of the check."},
		{name: "port", field: "PortLabel", kind: kindPort, def: "the service's", doc: "Port that is probed."},
		{name: "address_mode", field: "AddressMode", kind: kindString, allowed: []string{"host", "alloc", "alloc_ipv6", "driver"}, doc: "Address that is probed."},
		{name: "path", field: "Path", kind: kindString, doc: "Path of an http check."},
		{name: "protocol", field: "Protocol", kind: kindString, def: "http", allowed: []string{"http", "https"}, doc: "Protocol of an http check."},
		{name: "method", field: "Method", kind: kindString, def: "GET", doc: "Method of an http check."},
		{name: "body", field: "Body", kind: kindString, doc: "Body of an http check."},
		{name: "command", field: "Command", kind: kindString, doc: "Command of a script check, run inside the task."},
		{name: "args", field: "Args", kind: kindStrings, doc: "Arguments of the command."},
		{name: "task", field: "TaskName", kind: kindString, doc: "Task a script check runs in."},
		{name: "grpc_service", field: "GRPCService", kind: kindString, doc: "Service name of a grpc check."},
		{name: "grpc_use_tls", field: "GRPCUseTLS", kind: kindBool, def: "false", doc: "TLS for a grpc check."},
		{name: "tls_server_name", field: "TLSServerName", kind: kindString, doc: "Name expected in the certificate."},
		{name: "tls_skip_verify", field: "TLSSkipVerify", kind: kindBool, def: "false", doc: "Take any certificate."},
		{name: "expose", field: "Expose", kind: kindBool, def: "false", doc: "Reach the check through the mesh proxy."},
		{name: "initial_status", field: "InitialStatus", kind: kindString, allowed: []string{"passing", "warning", "critical", "success", "failure", "pending"}, doc: "Status before the first probe; of provider \"nomad\" success, failure or pending."},
		{name: "success_before_passing", field: "SuccessBeforePassing", kind: kindInt, def: "0", doc: "Successes in a row before it passes."},
		{name: "failures_before_critical", field: "FailuresBeforeCritical", kind: kindInt, def: "0", doc: "Failures in a row before it is critical."},
		{name: "failures_before_warning", field: "FailuresBeforeWarning", kind: kindInt, def: "0", doc: "Failures in a row before it warns."},
		{name: "notes", field: "Notes", kind: kindString, doc: "At most 255 characters for people."},
		{name: "on_update", field: "OnUpdate", kind: kindString, def: "the service's", allowed: []string{"require_healthy", "ignore_warnings", "ignore"}, doc: "Whether it counts during a deployment."},
	},
	blocks: []*block{
		{name: "header", field: "Header", free: true, mapped: true, doc: "Headers of an http check: lists of values by name."},
		langCheckRestart,
	},
}
