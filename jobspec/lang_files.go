package jobspec

import "slices"

var langArtifact = &block{
	name: "artifact", field: "Artifacts", many: true, doc: "Files fetched before the task starts.",
	attrs: []attr{
		{name: "source", field: "GetterSource", kind: kindString, required: true, doc: "URL: http, https, git, s3 ..."},
		{name: "destination", field: "RelativeDest", kind: kindString, def: "local/", doc: "Path in the task's directory."},
		{name: "mode", field: "GetterMode", kind: kindString, def: "any", allowed: []string{"any", "file", "dir"}, doc: "Whether the source is a file, a directory or archive, or to be guessed."},
		{name: "insecure", field: "GetterInsecure", kind: kindBool, def: "false", doc: "Do not check TLS certificates."},
		{name: "chown", field: "Chown", kind: kindBool, def: "false", doc: "Give the files to the task's user."},
	},
	blocks: []*block{
		{name: "options", field: "GetterOptions", free: true, mapped: true, doc: `Options of the fetch: checksum ("sha256:..."), ref, depth, sshkey, archive ...`},
		{name: "headers", field: "GetterHeaders", free: true, mapped: true, doc: "HTTP headers."},
	},
}

var langTemplate = &block{
	name: "template", field: "Templates", many: true, doc: "A file made from a template before the task starts, and again when what it reads changes.",
	attrs: []attr{
		{name: "data", field: "EmbeddedTmpl", kind: kindString, doc: "The template itself; or source."},
		{name: "source", field: "SourcePath", kind: kindString, doc: "File with the template, in the task's directory."},
		{name: "destination", field: "DestPath", kind: kindString, required: true, doc: "File that is written, in the task's directory."},
		{name: "change_mode", field: "ChangeMode", kind: kindString, def: "restart", allowed: []string{"restart", "noop", "signal", "script"}, doc: "What happens to the task when the file changes."},
		{name: "change_signal", field: "ChangeSignal", kind: kindString, def: "SIGHUP", doc: "Signal of change_mode signal."},
		{name: "env", field: "Envvars", kind: kindBool, def: "false", doc: "Read the file as KEY=value lines into the task's environment."},
		{name: "perms", field: "Perms", kind: kindString, def: "0644", doc: "Mode of the file, octal."},
		{name: "uid", field: "Uid", kind: kindInt, doc: "Owner of the file."},
		{name: "gid", field: "Gid", kind: kindInt, doc: "Group of the file."},
		{name: "once", field: "Once", kind: kindBool, def: "false", doc: "Render once and never again."},
		{name: "splay", field: "Splay", kind: kindDuration, def: "5s", doc: "Random wait up to this before the change takes effect."},
		{name: "left_delimiter", field: "LeftDelim", kind: kindString, def: "{{", doc: "Opens an action."},
		{name: "right_delimiter", field: "RightDelim", kind: kindString, def: "}}", doc: "Closes an action."},
		{name: "error_on_missing_key", field: "ErrMissingKey", kind: kindBool, def: "false", doc: "Fail when a key is missing."},
		{name: "vault_grace", field: "VaultGrace", kind: kindDuration, doc: "Ignored.", deprecated: "remove it"},
	},
	blocks: []*block{
		{
			name: "change_script", field: "ChangeScript", doc: "Command of change_mode script, run in the task.",
			attrs: []attr{
				{name: "command", field: "Command", kind: kindString, required: true, doc: "Command."},
				{name: "args", field: "Args", kind: kindStrings, doc: "Arguments."},
				{name: "timeout", field: "Timeout", kind: kindDuration, def: "5s", doc: "Time it may take."},
				{name: "fail_on_error", field: "FailOnError", kind: kindBool, def: "false", doc: "Fail the task when it fails."},
				{name: "run_on_first_render", field: "RunOnFirstRender", kind: kindBool, def: "false", doc: "Run it after the first rendering too."},
			},
		},
		{
			name: "wait", field: "Wait", doc: "Lets changes settle.",
			attrs: []attr{
				{name: "min", field: "Min", kind: kindDuration, def: "5s", doc: "Least wait."},
				{name: "max", field: "Max", kind: kindDuration, def: "4 × min", doc: "Longest wait."},
			},
		},
	},
}

var langVault = &block{
	name: "vault", field: "Vault", doc: "Access to Vault: refused, because Berth talks to no Vault. Keep secrets as variables and read them with a secret block or in a template.",
	attrs: []attr{
		{name: "role", field: "Role", kind: kindString, doc: "Vault role."},
		{name: "policies", field: "Policies", kind: kindStrings, doc: "Vault policies."},
		{name: "namespace", field: "Namespace", kind: kindString, doc: "Vault namespace."},
		{name: "cluster", field: "Cluster", kind: kindString, def: "default", doc: "Vault cluster."},
		{name: "env", field: "Env", kind: kindBool, def: "true", doc: "Put the token into the environment."},
		{name: "disable_file", field: "DisableFile", kind: kindBool, def: "false", doc: "Write no token file."},
		{name: "change_mode", field: "ChangeMode", kind: kindString, def: "restart", allowed: []string{"restart", "noop", "signal"}, doc: "What happens when the token changes."},
		{name: "change_signal", field: "ChangeSignal", kind: kindString, def: "SIGHUP", doc: "Signal of change_mode signal."},
		{name: "allow_token_expiration", field: "AllowTokenExpiration", kind: kindBool, def: "false", doc: "Do not renew the token."},
	},
}

var langSecret = &block{
	name: "secret", field: "Secrets", label: "name", labelField: "Name", many: true,
	doc: "A value fetched before the task starts and used as ${secret.<name>.<key>}.",
	attrs: []attr{
		{name: "provider", field: "Provider", kind: kindString, required: true, doc: `"nomad" reads Berth's variables; another name is a plugin of the node.`},
		{name: "path", field: "Path", kind: kindString, required: true, doc: "Path of the variable or secret."},
	},
	blocks: []*block{
		{name: "config", field: "Config", free: true, mapped: true, doc: "Settings of a built-in provider: namespace."},
		{name: "env", field: "Env", free: true, mapped: true, doc: "Environment of a plugin."},
	},
}

var identityAttrs = []attr{
	{name: "name", field: "Name", kind: kindString, def: "default", doc: "Name of the identity."},
	{name: "aud", field: "Audience", kind: kindStrings, doc: "Who may use the token."},
	{name: "change_mode", field: "ChangeMode", kind: kindString, allowed: []string{"noop", "signal", "restart"}, doc: "What happens to the task when the token is renewed."},
	{name: "change_signal", field: "ChangeSignal", kind: kindString, def: "SIGHUP", doc: "Signal of change_mode signal."},
	{name: "env", field: "Env", kind: kindBool, def: "false", doc: "Put the token into the environment as NOMAD_TOKEN_<name>."},
	{name: "file", field: "File", kind: kindBool, def: "false", doc: "Write the token to a file."},
	{name: "filepath", field: "Filepath", kind: kindString, def: "secrets/nomad_<name>.jwt", doc: "Which file; needs file."},
	{name: "ttl", field: "TTL", kind: kindDuration, doc: "Life of a token; it is renewed before. Not for the default identity."},
	{name: "service_name", field: "ServiceName", kind: kindString, doc: "Service the token is for."},
	{name: "extra_claims", field: "ExtraClaims", kind: kindStrings, doc: "Further claims the namespace allows."},
}

var langIdentity = &block{
	name: "identity", field: "Identities", many: true,
	doc:   "A signed token that says which task holds it. Without a name it is the default one, made for this cluster's own API.",
	attrs: identityAttrs,
}

var langIdentityOfService = &block{
	name: "identity", field: "Identity", doc: "Token of the service, for its registry.", attrs: serviceIdentityAttrs(),
}

// serviceIdentityAttrs are those of an identity, of which a service has one: without a name of its own, and never the default one.
func serviceIdentityAttrs() []attr {
	attrs := slices.Clone(identityAttrs)
	for i := range attrs {
		switch attrs[i].name {
		case "name":
			attrs[i].def, attrs[i].doc = "", "Name of the identity; a service has one, so it needs none."
		case "aud":
			attrs[i].required = true
		case "service_name":
			attrs[i].def, attrs[i].doc = "the service's name", "Service the token is for: always this one."
		case "filepath":
			attrs[i].def = ""
		case "ttl":
			attrs[i].doc = "Life of a token; it is renewed before."
		}
	}
	return attrs
}
