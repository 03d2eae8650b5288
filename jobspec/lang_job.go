package jobspec

// langFile is the top of a job file.
var langFile = &block{
	name: "the file", doc: "A job file: one job, and any number of variables and locals.",
	blocks: []*block{langJob, langVariable, langVariables, langLocals},
}

var langVariable = &block{
	name: "variable", label: "name", many: true,
	doc: "An input of the job file, read as `var.<name>`. Its value comes, from weakest to strongest, from the default, the " +
		"environment (NOMAD_VAR_<name> or BERTH_VAR_<name>), -var-file files in order, and -var flags.",
	attrs: []attr{
		{name: "type", kind: kindAny, doc: "Type the value must have: string, number, bool, list(...), map(...), set(...), object({...}), tuple([...]) or any."},
		{name: "default", kind: kindAny, doc: "Value when none is given. Without one, a value must be given."},
		{name: "description", kind: kindString, doc: "What the variable is for."},
	},
	blocks: []*block{{
		name: "validation", many: true, doc: "A rule the value must keep.",
		attrs: []attr{
			{name: "condition", kind: kindAny, required: true, doc: "Expression over `var.<name>` that is true for good values."},
			{name: "error_message", kind: kindString, required: true, doc: "What to say about others."},
		},
	}},
}

var langVariables = &block{name: "variables", many: true, free: true, doc: "Several variables with their defaults, without types (older form)."}

var langLocals = &block{name: "locals", many: true, free: true, doc: "Names for expressions, read as `local.<name>`. They may use variables and each other."}

var langJob = &block{
	name: "job", label: "name", labelField: "ID", sugar: sugarJob,
	doc: "What to run. The label is the job's id; running a job again under the same id updates it.",
	attrs: []attr{
		{name: "id", field: "ID", kind: kindString, def: "the label", doc: "Identity of the job in its namespace: no white space."},
		{name: "name", field: "Name", kind: kindString, def: "the id", doc: "Name shown to people."},
		{name: "region", field: "Region", kind: kindString, def: "global", doc: "Region to run in."},
		{name: "namespace", field: "Namespace", kind: kindString, def: "default", doc: "Namespace the job belongs to; it must exist."},
		{name: "type", field: "Type", kind: kindString, def: "service", allowed: []string{"service", "batch", "system", "sysbatch"}, doc: "service: runs on; batch: runs to its end; system and sysbatch: the same once on every fitting node."},
		{name: "priority", field: "Priority", kind: kindInt, def: "50", doc: "1 to 100; higher is placed first and may displace lower."},
		{name: "priority_class", field: "PriorityClass", kind: kindString, doc: "Name of a priority class, whose value is the priority: see berth priority-class. Berth's own."},
		{name: "all_at_once", field: "AllAtOnce", kind: kindBool, def: "false", doc: "Place everything at once or nothing."},
		{name: "datacenters", field: "Datacenters", kind: kindStrings, def: `["*"]`, doc: "Datacenters to run in; * and ? match."},
		{name: "node_pool", field: "NodePool", kind: kindString, def: "default", doc: `Pool of nodes to run on; "all" is every node.`},
		{name: "ttl_after_finished", field: "TTLAfterFinished", kind: kindDuration, def: "the servers' job_gc_threshold", doc: "How long a batch or sysbatch job that is over is kept, with its allocations and logs. Launches and dispatches take it from their parent. Berth's own."},
		{name: "consul_token", field: "ConsulToken", kind: kindString, doc: "Taken and ignored: Berth talks to no Consul.", deprecated: "remove it"},
		{name: "vault_token", field: "VaultToken", kind: kindString, doc: "Taken and ignored: Berth talks to no Vault.", deprecated: "remove it"},
	},
	blocks: []*block{
		langMeta, langConstraint, langAffinity, langSpread, langToleration, langDependency, langGroup, langUpdate, langMigrate, langJobReschedule, langPeriodic,
		langParameterized, langMultiregion, langUI, langVault, langSecret, langTask,
	},
}

var langMeta = &block{
	name: "meta", field: "Meta", free: true, mapped: true,
	doc: "Key-value pairs of your own. Tasks see them as NOMAD_META_<key>; a task's win over its group's, those over the job's. Changing them replaces allocations.",
}

var langPeriodic = &block{
	name: "periodic", field: "Periodic", doc: "Launches a batch or sysbatch job by a schedule.",
	attrs: []attr{
		{name: "crons", field: "Specs", kind: kindStrings, required: true, doc: "Schedules: minute, hour, day of month, month, day of week; a sixth field is the year, of seven the first is the second. @daily and the like work too."},
		{name: "cron", field: "Spec", kind: kindString, doc: "One schedule (older form).", deprecated: "crons", told: true},
		{name: "prohibit_overlap", field: "ProhibitOverlap", kind: kindBool, def: "false", doc: "Skip a launch while the last one still runs."},
		{name: "time_zone", field: "TimeZone", kind: kindString, def: "UTC", doc: "Time zone of the schedules."},
		{name: "overlap", field: "Overlap", kind: kindString, allowed: []string{"allow", "forbid", "replace"}, doc: "What a launch does while the last one still runs: run beside it, leave itself out, or stop it. Without it prohibit_overlap decides."},
		{name: "catch_up", field: "CatchUp", kind: kindString, def: "last", allowed: []string{"last", "all"}, doc: "Which launches that were missed, as while no server led, are made up for: the latest, or each (at most 100)."},
		{name: "start_deadline", field: "StartDeadline", kind: kindDuration, def: "0s", doc: "How late a launch may still be made; 0 sets no bound."},
		{name: "keep_successful", field: "KeepSuccessful", kind: kindInt, doc: "How many launches that ended well are kept, however old; more go, oldest first (at most 1000). Without it they go after the servers' job_gc_threshold. Berth's own."},
		{name: "keep_failed", field: "KeepFailed", kind: kindInt, doc: "How many launches that did not end well are kept (they failed, were given up or stopped), however old; more go, oldest first (at most 1000). Without it they go after the servers' job_gc_threshold. Berth's own."},
		{name: "enabled", field: "Enabled", kind: kindBool, def: "true", doc: "Whether the schedule launches anything."},
	},
}

var langParameterized = &block{
	name: "parameterized", field: "ParameterizedJob", doc: "Makes a batch or sysbatch job a template, started with `job dispatch`.",
	attrs: []attr{
		{name: "payload", field: "Payload", kind: kindString, def: "optional", allowed: []string{"optional", "required", "forbidden"}, doc: "Whether a dispatch carries a payload (at most 16 KiB)."},
		{name: "meta_required", field: "MetaRequired", kind: kindStrings, doc: "Meta keys a dispatch must give."},
		{name: "meta_optional", field: "MetaOptional", kind: kindStrings, doc: "Meta keys a dispatch may give."},
	},
}

var langMultiregion = &block{
	name: "multiregion", field: "Multiregion", doc: "Deploys the job to several regions.",
	blocks: []*block{
		{
			name: "strategy", field: "Strategy", doc: "Order of the regions.",
			attrs: []attr{
				{name: "max_parallel", field: "MaxParallel", kind: kindInt, def: "0", doc: "Regions at a time; 0 means all."},
				{name: "on_failure", field: "OnFailure", kind: kindString, allowed: []string{"fail_all", "fail_local"}, doc: "Which regions fail when one does."},
			},
		},
		{
			name: "region", field: "Regions", label: "name", labelField: "Name", many: true, doc: "One region.",
			attrs: []attr{
				{name: "count", field: "Count", kind: kindInt, def: "1", doc: "Count of groups that have count 0."},
				{name: "datacenters", field: "Datacenters", kind: kindStrings, doc: "Datacenters there."},
				{name: "node_pool", field: "NodePool", kind: kindString, doc: "Node pool there."},
			},
			blocks: []*block{langMeta},
		},
	},
}

var langUI = &block{
	name: "ui", field: "UI", doc: "Text and links shown with the job.",
	attrs: []attr{{name: "description", field: "Description", kind: kindString, doc: "Markdown, at most 1000 characters."}},
	blocks: []*block{{
		name: "link", field: "Links", many: true, doc: "One link.",
		attrs: []attr{
			{name: "label", field: "Label", kind: kindString, required: true, doc: "Text of the link."},
			{name: "url", field: "URL", kind: kindString, required: true, doc: "Where it leads."},
		},
	}},
}
