package config

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// setting is what the reference says of one setting or block, under its path.
type setting struct{ path, fallback, text string }

// none is said of the default of a setting that has none, nothing of settings without effect.
const none, nothing = "–", "no effect"

var settings = []setting{
	{"region", "`global`", "The region of the servers, and of this node. Regions are clusters of their own that forward requests to each other."},
	{"datacenter", "`dc1`", "Where the node stands; jobs name it."},
	{"name", "the machine's name", "The agent's name among the members and nodes."},
	{"data_dir", none, "Where state, images and allocations are kept. Needed, but with `-dev`."},
	{"bind_addr", "`0.0.0.0`", "Where the cluster port and gossip listen. The API listens there as well when it is set, or when `tls { http = true }` protects it; else on 127.0.0.1."},
	{"join_token", none, "Lets a new machine into a cluster: `berth operator join-token create` prints it. Not looked at once the machine has joined."},
	{"log_level", "`INFO`", "TRACE, DEBUG, INFO, WARN or ERROR."},
	{"log_json", "false", "A JSON object a line."},
	{"log_file", none, "Lines go there as well as to standard error."},
	{"log_include_location", nothing, ""}, {"log_rotate_bytes", nothing, ""}, {"log_rotate_duration", nothing, ""}, {"log_rotate_max_files", nothing, ""},
	{"enable_syslog", nothing, "True is refused."}, {"syslog_facility", nothing, ""}, {"plugin_dir", nothing, ""},
	{"enable_debug", "false; true with `-dev`", "Answers `/debug/pprof`; and `/v1/agent/pprof` and `/v1/agent/host`, which `berth operator debug` collects, also without access control."},
	{"leave_on_interrupt", "false", "A server that is told to end leaves the cluster for good: the others go on as a smaller cluster. The same as leave_on_terminate."},
	{"leave_on_terminate", "false", "The same."},
	{"disable_update_check", nothing, "Updates are never looked for."}, {"disable_anonymous_signature", nothing, "Nothing is ever told to anybody."}, {"reporting", nothing, ""},
	{"http_api_response_headers", none, "Headers of every answer of the API."},
	{"http_allowed_hosts", none, "Names browsers may call the API by, besides the agent's own."},
	{"http_allowed_origins", none, "Origins of pages that may use the API."},
	{"ports", "", "The ports of the agent, TCP; gossip uses UDP as well."},
	{"ports.http", "4646", "The API."}, {"ports.rpc", "4647", "The cluster port: Raft, and calls between agents."}, {"ports.serf", "4648", "Gossip of servers."},
	{"addresses", "", "Where to listen, in place of bind_addr: IP addresses."},
	{"addresses.http", "see bind_addr", ""}, {"addresses.rpc", "bind_addr", ""}, {"addresses.serf", "bind_addr", ""},
	{"advertise", "", "What others are told, with or without a port: where the agent can be reached when it listens on every address or behind a translation."},
	{"advertise.http", nothing, ""}, {"advertise.rpc", "where it listens; the machine's private address when that is every one", ""}, {"advertise.serf", "the same", ""},
	{"limits", "", "Bounds of what callers may use."},
	{"limits.http_max_conns_per_client", "100", "Open connections of one address to the API; 0 is no limit."},
	{"limits.http_max_body_bytes", "67108864", "Size of a request."}, {"limits.http_max_image_bytes", "34359738368", "Size of an archive of images."},
	{"limits.https_handshake_timeout", "`5s`", "How long a connection to the API may take for its TLS handshake; `0s` is no limit."},
	{"limits.rpc_handshake_timeout", "`5s`", "How long a connection to the cluster port may take until it has proven who it is and said what for; `0s` is no limit."},
	{"limits.rpc_max_conns_per_client", "0", "Open connections of one address to the cluster port, ten times as many of an IPv6 /64; 20 or more, 0 is no limit. Without it connections are bounded by who has proven to open them, wherever from: 100 of a server, 16 of a node, and 32 of one address that have not said yet."},
	{"acl", "", "Access control. The same on every agent of a cluster."},
	{"acl.enabled", "false", "Callers of the API need a token. A node does as its servers do, whatever it is set to."},
	{"acl.token_ttl", "`30s`", "How long an agent that hears of no leader goes on with what it last knew of tokens; the least of the three counts."},
	{"acl.policy_ttl", "`30s`", "The same."}, {"acl.role_ttl", "`30s`", "The same."}, {"acl.replication_token", none, "The secret of a management token of `server.authoritative_region`, with which the leader reads there what it takes over. Keep the file for root alone."},
	{"acl.token_min_expiration_ttl", "`1m`", "The shortest life of a token that expires."}, {"acl.token_max_expiration_ttl", "`24h`", "The longest."},
	{"tls", "", "Certificates of your own in place of those the cluster makes. The files are read again on SIGHUP."},
	{"tls.http", "false", "TLS on the API."}, {"tls.rpc", "false", "The files are used on the cluster port. It speaks TLS 1.3 in any case."},
	{"tls.ca_file", none, "Who signs the certificates of others. PEM, as all three."}, {"tls.cert_file", none, ""}, {"tls.key_file", none, ""},
	{"tls.verify_server_hostname", "false", "A server's certificate must name `server.<region>.nomad`, a node's `client.<region>.nomad`."},
	{"tls.verify_https_client", "false", "Callers of the API must have a certificate. Needed beyond loopback, unless access control is on."},
	{"tls.tls_min_version", "`tls12`", "Of the API: tls12 or tls13."}, {"tls.tls_cipher_suites", "those Go takes for safe", "Of the API, for TLS 1.2: names with commas."},
	{"tls.tls_prefer_server_cipher_suites", nothing, ""}, {"tls.rpc_upgrade_mode", nothing, "True is refused."},
	{"server", "", "This agent keeps the cluster's state, with others."},
	{"server.enabled", "false", ""},
	{"server.data_dir", nothing, "The state is in data_dir."},
	{"server.bootstrap_expect", "1 without anybody to join, else 0", "How many servers form the cluster together at its first start: 1, 3 or 5 on each of them."},
	{"server.retry_join", none, "Addresses of the gossip of other servers. Asked until one answers."}, {"server.start_join", none, "The same."},
	{"server.retry_interval", "`3s`", "Between two rounds of asking."}, {"server.retry_max", "0", "Rounds; 0 has no end."},
	{"server.server_join", none, "A block with retry_join, start_join, retry_interval and retry_max, the same."},
	{"server.encrypt", "the cluster's own key", "Key of gossip, base64 of 16, 24 or 32 bytes."},
	{"server.rejoin_after_leave", "false", "A server that left joins again when it is started."},
	{"server.non_voting_server", "false", "Has the state and has no vote."},
	{"server.raft_multiplier", "1", "1 to 10: stretches the times after which a leader counts as gone, for slow networks."},
	{"server.raft_protocol", nothing, ""}, {"server.redundancy_zone", nothing, ""}, {"server.authoritative_region", "the own region", "The region that decides over policies, roles, global tokens, namespaces and node pools, of regions with access control; see [joining regions](../how-to/join-regions.md). The same on every server."},
	{"server.num_schedulers", nothing, ""}, {"server.enabled_schedulers", nothing, ""}, {"server.plan_rejection_tracker", nothing, ""}, {"server.search", nothing, ""},
	{"server.default_scheduler_config", nothing, "Refused: `berth operator scheduler set-config` sets it."},
	{"server.heartbeat_grace", "`10s`", "How much later than expected a node's heartbeat may come before the node counts as down."},
	{"server.min_heartbeat_ttl", "`10s`", "The shortest time between two heartbeats of a node."},
	{"server.max_heartbeats_per_second", "50", "Of all nodes; with many of them the time between two is stretched."},
	{"server.failover_heartbeat_ttl", "`30s`", "How long a new leader waits for nodes before it counts one as down."},
	{"server.job_gc_interval", "`5m`", "How often it is looked for what is old."},
	{"server.job_gc_threshold", "`4h`", "Age at which a job that is over is forgotten."}, {"server.eval_gc_threshold", "`1h`", "Of evaluations and their allocations."},
	{"server.batch_eval_gc_threshold", "`24h`", "Of those of batch jobs."}, {"server.deployment_gc_threshold", "`1h`", "Of deployments that are over."}, {"server.acl_token_gc_threshold", "`1h`", "Of tokens that have expired."},
	{"server.node_gc_threshold", "`24h`", "Of nodes that are down."},
	{"server.enable_event_broker", "true", "`/v1/event/stream` answers."}, {"server.event_buffer_size", "100", "Changes that are kept whatever their age; see [the events](events.md)."},
	{"server.at_rest", "", "How the log and the snapshots are encrypted; see [the key of the state](../how-to/keep-the-key-of-the-state.md)."},
	{"server.at_rest.enabled", "true", "False writes in clear."},
	{"server.at_rest.key_file", "`<data_dir>.key`", "The key; made when it is not there."}, {"server.at_rest.passphrase_file", none, "A file with a passphrase the key is made from."},
	{"server.at_rest.key_command", none, "A command that prints the key."},
	{"server.backup", "", "Snapshots by a schedule; see [backups](../how-to/back-up-a-cluster.md)."},
	{"server.backup.every", "`1h`", "How often; at least a minute."}, {"server.backup.directory", none, "Where to: an absolute path. Or s3."},
	{"server.backup.age_recipients", none, "Public keys of age; a snapshot is encrypted to them."},
	{"server.backup.s3", "", "A store that speaks S3."},
	{"server.backup.s3.endpoint", "that of AWS", "host, or a URL."}, {"server.backup.s3.bucket", none, "Needed."}, {"server.backup.s3.prefix", none, "Of the names of objects."},
	{"server.backup.s3.region", none, ""}, {"server.backup.s3.path_style", "false", "The bucket stands in the path, not in the host name."},
	{"server.backup.s3.access_key_id", "the environment, a file, the machine's role", ""}, {"server.backup.s3.secret_access_key", "the same", ""},
	{"server.backup.s3.session_token", none, ""}, {"server.backup.s3.ca_file", none, "Who signs the store's certificate."},
	{"server.backup.keep", "", "How many are kept; without the block 24 last, 7 daily, 4 weekly. What the block does not name is 0."},
	{"server.backup.keep.last", "0", ""}, {"server.backup.keep.hourly", "0", ""}, {"server.backup.keep.daily", "0", ""}, {"server.backup.keep.weekly", "0", ""}, {"server.backup.keep.monthly", "0", ""},
	{"client", "", "This agent runs work."},
	{"client.enabled", "false", ""},
	{"client.servers", none, "Cluster ports of servers. A node that joined with a token knows them."}, {"client.server_join", none, "A block with retry_join, the same."},
	{"client.node_class", none, "A word that constraints may ask for."}, {"client.node_pool", "`default`", ""}, {"client.meta", none, "Facts of the node, as a map or a block."},
	{"client.taints", none, "`key=value:effect`; see [keeping jobs off nodes](../how-to/keep-jobs-off-nodes.md)."},
	{"client.alloc_dir", "`<data_dir>/client/alloc`", "Directories of allocations."}, {"client.state_dir", nothing, ""},
	{"client.network_interface", "that of the default route", "Whose address tasks get ports on."}, {"client.network_speed", nothing, ""},
	{"client.host_network", none, "A named network of the machine: the label is its name."},
	{"client.host_network.cidr", none, "Addresses of the machine in it belong to the network."}, {"client.host_network.interface", none, "Addresses of the interface do."},
	{"client.host_network.reserved_ports", none, "Ports nobody gets: `22,8000-8100`."},
	{"client.bridge_network_name", "`berth0`", "The bridge of group networks."}, {"client.bridge_network_subnet", "`172.26.64.0/20`", "Their addresses."},
	{"client.bridge_network_hairpin_mode", "false", "An allocation may reach itself by its node's port."},
	{"client.cni_path", nothing, ""}, {"client.cni_config_dir", nothing, ""},
	{"client.cpu_total_compute", "as found", "MHz of the machine."}, {"client.memory_total_mb", "as found", ""}, {"client.disk_total_mb", "as found", ""},
	{"client.reserved", "", "What is not given to work."},
	{"client.reserved.cpu", "0", "MHz."}, {"client.reserved.cores", none, "`0-2,5`."}, {"client.reserved.memory", "0", "MB."}, {"client.reserved.disk", "0", "MB."},
	{"client.reserved.reserved_ports", none, "`22,8000-8100`."},
	{"client.min_dynamic_port", "20000", "The first of the ports given to whoever asks for any."}, {"client.max_dynamic_port", "32000", "The last."},
	{"client.host_volume", none, "A directory of the machine that jobs may mount: the label is its name."},
	{"client.host_volume.path", none, "Needed; absolute."}, {"client.host_volume.read_only", "false", ""},
	{"client.max_kill_timeout", "`30s`", "The longest time between asking a task to end and killing it."},
	{"client.gc_max_allocs", "50", "Directories of ended allocations that are kept."}, {"client.gc_disk_usage_threshold", "80", "Percent of the disk in use at which they go."},
	{"client.gc_interval", nothing, ""}, {"client.gc_parallel_destroys", nothing, ""}, {"client.gc_inode_usage_threshold", nothing, ""},
	{"client.disable_remote_exec", "false", "Nobody runs commands in tasks of this node by `berth alloc exec`."},
	{"client.cgroup_parent", "`berth.slice`", "The control group of all tasks."}, {"client.no_host_uuid", nothing, ""}, {"client.options", nothing, ""},
	{"client.drain_on_shutdown", none, "With leave_on_interrupt or leave_on_terminate: the node is drained before the agent ends; see [draining before a shutdown](../how-to/shut-a-node-down.md)."},
	{"client.drain_on_shutdown.deadline", "`1h`", "How long the agent's end waits for it."}, {"client.drain_on_shutdown.force", "false", "Work leaves at once, the least important first."},
	{"client.drain_on_shutdown.ignore_system_jobs", "false", "Allocations of system jobs stay."}, {"client.template", nothing, ""}, {"client.artifact", nothing, ""},
	{"plugin", none, "A driver's settings, `plugin \"containerd\"` or `plugin \"docker\"`: both names are the same driver."},
	{"plugin.args", nothing, ""}, {"plugin.config", "", ""},
	{"plugin.config.endpoint", "a containerd inside the agent", "The socket of a containerd of the host. Of `containerd` alone."}, {"plugin.config.runtime", "`runc`", "The OCI runtime."},
	{"plugin.config.allow_privileged", "false", "Tasks may be privileged."}, {"plugin.config.allow_host_network", "false", "A task may ask for `network_mode = \"host\"` in a group with a network of its own. A group on the machine's network needs no permission."},
	{"plugin.config.allow_caps", none, "Capabilities tasks may ask for beyond the usual ones of [the driver](driver.md)."}, {"plugin.config.allow_devices", none, "Paths of devices tasks may ask for; `*` stands for a part of a name."},
	{"plugin.config.pids_limit", "4096", "Processes of a task that says nothing, and the most it may ask for."}, {"plugin.config.image_pull_timeout", "`5m`", ""},
	{"plugin.config.volumes", "", "Directories of the machine in tasks."}, {"plugin.config.volumes.enabled", "false", "Beyond the allocation's own directory."},
	{"plugin.config.volumes.paths", none, "Only below these."}, {"plugin.config.volumes.selinuxlabel", nothing, ""},
	{"plugin.config.gc", nothing, ""}, {"plugin.config.auth", nothing, "Refused: credentials stand in the task's auth block."}, {"plugin.config.logging", nothing, ""}, {"plugin.config.extra_labels", nothing, ""},
	{"autopilot", "", "How servers that fail or come are treated, at the first start; `berth operator autopilot set-config` changes it later."},
	{"autopilot.cleanup_dead_servers", "true", "A server that failed is removed once another took its place."}, {"autopilot.last_contact_threshold", "`200ms`", "How long a healthy server may be out of touch."},
	{"autopilot.max_trailing_logs", "250", "How many entries a healthy server may be behind."}, {"autopilot.min_quorum", "0", "Voters that are never gone below."},
	{"autopilot.server_stabilization_time", "`10s`", "How long a new server must be healthy before it gets a vote."},
	{"autopilot.enable_redundancy_zones", nothing, ""}, {"autopilot.disable_upgrade_migration", nothing, ""}, {"autopilot.enable_custom_upgrades", nothing, ""},
	{"telemetry", "", "See [the metrics](metrics.md)."},
	{"telemetry.collection_interval", "`1s`", "How often states are looked at; at least 100ms."}, {"telemetry.prometheus_metrics", "false; true with `-dev`", "`/v1/metrics?format=prometheus` answers."},
	{"telemetry.publish_node_metrics", "false; true with `-dev`", "How busy the machine is."}, {"telemetry.publish_allocation_metrics", "false; true with `-dev`", "What tasks use."},
	{"telemetry.disable_hostname", "false", "No machine's name in the names of gauges that are sent."}, {"telemetry.use_node_name", "false", "The agent's name in place of the machine's."},
	{"telemetry.disable_dispatched_job_summary_metrics", "false", "Leaves out jobs that were dispatched."},
	{"telemetry.prefix_filter", none, "`+beginning` keeps, `-beginning` drops."}, {"telemetry.filter_default", "true", "Whether others are kept."},
	{"telemetry.statsd_address", none, ""}, {"telemetry.statsite_address", none, ""}, {"telemetry.datadog_address", none, ""}, {"telemetry.datadog_tags", none, ""},
	{"telemetry.traces", "", "Where spans of requests go, by OTLP over HTTP; see [following a request](../how-to/follow-a-request.md)."},
	{"telemetry.traces.endpoint", none, "Needed."}, {"telemetry.traces.headers", none, ""}, {"telemetry.traces.ca_file", none, ""}, {"telemetry.traces.sample_ratio", "1", "Of the requests that come without a trace of their own."},
	{"telemetry.disable_allocation_hook_metrics", nothing, ""}, {"telemetry.disable_rpc_rate_metrics_labels", nothing, ""},
	{"telemetry.include_alloc_metadata_in_metrics", nothing, ""}, {"telemetry.allowed_metadata_keys_in_metrics", nothing, ""},
	{"consul", nothing, ""}, {"vault", nothing, ""}, {"ui", nothing, ""}, {"audit", nothing, ""}, {"sentinel", nothing, ""}, {"rpc", nothing, ""},
}

// read are the paths of the settings and blocks that files may have, with their Go types.
func read(t reflect.Type, prefix string, to map[string]string) {
	for f := range t.Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get("hcl"), ",")
		if tag == "" || strings.HasSuffix(f.Tag.Get("hcl"), ",label") {
			continue
		}
		kind := f.Type
		for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct {
			kind = kind.Elem()
		}
		name := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "bool", reflect.Int: "number", reflect.Int64: "number", reflect.Float64: "number",
			reflect.Slice: "list of strings", reflect.Map: "map of strings", reflect.Struct: "block"}[kind.Kind()]
		to[prefix+tag] = name
		if kind.Kind() == reflect.Struct {
			read(kind, prefix+tag+".", to)
		}
	}
}

//go:generate env BERTH_UPDATE=1 go test -count=1 -run TestTheReferenceOfSettingsIsFresh .

// TestTheReferenceOfSettingsIsFresh compares the reference with what is read from files; `make generate` writes it.
func TestTheReferenceOfSettingsIsFresh(t *testing.T) {
	types := map[string]string{}
	read(reflect.TypeFor[file](), "", types)
	var b bytes.Buffer
	b.WriteString(`# The agent's configuration

Made from the program by ` + "`make generate`" + `; do not edit. Files are HCL or JSON, given by ` + "`-config`" + ` once or more, each a file or a directory whose
` + "`.hcl` and `.json`" + ` files are read in the order of their names; later ones are laid over earlier ones, flags over all. ` + "`berth config validate`" + ` finds
faults. Durations are written as ` + "`\"30s\"`" + `. A setting that is not in this list is an error; one "without effect" is understood, because configurations of
Nomad have it, and the agent says at its start that it does nothing.

A smallest server, and a node that works for it:

    data_dir = "/var/lib/berth"
    server { enabled = true }

    data_dir = "/var/lib/berth"
    client {
      enabled = true
      servers = ["10.0.0.1"]
    }
`)
	var without []string
	top := false
	for _, s := range settings {
		kind, there := types[s.path]
		if !there {
			t.Errorf("%s is in the reference and not read, or twice in it", s.path)
			continue
		}
		delete(types, s.path)
		switch {
		case s.fallback == nothing:
			text := "`" + s.path + "`"
			if s.text != "" {
				text += " (" + strings.ToLower(s.text[:1]) + strings.TrimSuffix(s.text[1:], ".") + ")"
			}
			without = append(without, text)
		case kind == "block" && s.fallback == "":
			fmt.Fprintf(&b, "\n## %s\n", s.path)
			if s.text != "" {
				fmt.Fprintf(&b, "\n%s\n", s.text)
			}
			b.WriteString("\n| Setting | Type | Default | |\n|---|---|---|---|\n")
		default:
			if !top {
				top = true
				b.WriteString("\n## At the top\n\n| Setting | Type | Default | |\n|---|---|---|---|\n")
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.path[strings.LastIndexByte(s.path, '.')+1:], kind, s.fallback, s.text)
		}
	}
	slices.Sort(without)
	fmt.Fprintf(&b, "\n## Without effect\n\n%s.\n", strings.Join(without, ", "))
	for path := range types {
		t.Errorf("%s is read and not in the reference: add it to the settings of this test", path)
	}
	got := b.String()
	const path = "../../docs/reference/configuration.md"
	if os.Getenv("BERTH_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || string(want) != got {
		t.Errorf("docs/reference/configuration.md is not what is read (%v): run make generate", err)
	}
}
