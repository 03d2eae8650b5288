package config

import (
	"encoding/base64"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2/gohcl"

	"berth/internal/pki"
	"berth/server/events"
)

// maxExpect bounds bootstrap_expect: more voters make every write slower and nothing safer.
const maxExpect = 9

func (b *builder) server(s *serverBlock) {
	c := &b.c.Server
	set(&c.Enabled, s.Enabled)
	if s.BootstrapExpect != nil {
		if *s.BootstrapExpect < 0 || *s.BootstrapExpect > maxExpect {
			b.fail("server.bootstrap_expect = %d: use 1, 3 or 5 (0 for a server that joins a cluster which is there)", *s.BootstrapExpect)
		} else {
			c.Expect = *s.BootstrapExpect
			b.expectSet = true
			if c.Expect > 0 && c.Expect%2 == 0 {
				b.warn("server.bootstrap_expect = %d: an even number of servers survives no more failures than one less", c.Expect)
			}
		}
	}
	c.Join = append(c.Join, b.gossipAddrs("server.retry_join", s.RetryJoin)...)
	c.Join = append(c.Join, b.gossipAddrs("server.start_join", s.StartJoin)...)
	for _, j := range s.ServerJoin {
		b.serverJoin("server.server_join", j, func(addrs []string) { c.Join = append(c.Join, b.gossipAddrs("server.server_join", addrs)...) })
	}
	if r := s.AuthoritativeRegion; r != nil {
		if err := pki.CheckRegion(*r); err != nil {
			b.fail("server.authoritative_region: %v", err)
		}
		c.AuthoritativeRegion = *r
	}
	b.duration(&c.RetryInterval, s.RetryInterval, "server.retry_interval")
	set(&c.RetryMax, s.RetryMax)
	if s.Encrypt != nil {
		key, err := base64.StdEncoding.DecodeString(*s.Encrypt)
		if n := len(key); err != nil || n != 16 && n != 24 && n != 32 {
			b.fail("server.encrypt is not a base64 key of 16, 24 or 32 bytes: `berth operator gossip keyring generate` makes one")
		}
		c.Encrypt = key
	}
	if s.AtRest != nil {
		b.atRest(s.AtRest)
	}
	if s.Backup != nil {
		b.backup(s.Backup)
	}
	set(&c.NonVoter, s.NonVotingServer)
	set(&c.Rejoin, s.RejoinAfterLeave)
	if s.RaftMultiplier != nil {
		if *s.RaftMultiplier < 1 || *s.RaftMultiplier > 10 {
			b.fail("server.raft_multiplier = %d: use 1 (fast) to 10 (for slow networks)", *s.RaftMultiplier)
		} else {
			c.RaftMultiplier = *s.RaftMultiplier
		}
	}
	b.duration(&c.Heartbeat.Grace, s.HeartbeatGrace, "server.heartbeat_grace")
	b.duration(&c.Heartbeat.MinTTL, s.MinHeartbeatTTL, "server.min_heartbeat_ttl")
	b.duration(&c.Heartbeat.FailoverTTL, s.FailoverHeartbeatTTL, "server.failover_heartbeat_ttl")
	set(&c.Heartbeat.MaxPerSecond, s.MaxHeartbeatsPerSec)
	b.duration(&c.GC.Node, s.NodeGC, "server.node_gc_threshold")
	b.duration(&c.GC.Interval, s.JobGCInterval, "server.job_gc_interval")
	b.duration(&c.GC.Job, s.JobGC, "server.job_gc_threshold")
	b.duration(&c.GC.Eval, s.EvalGC, "server.eval_gc_threshold")
	b.duration(&c.GC.BatchEval, s.BatchEvalGC, "server.batch_eval_gc_threshold")
	b.duration(&c.GC.Deployment, s.DeploymentGC, "server.deployment_gc_threshold")
	b.duration(&c.GC.ACLToken, s.ACLTokenGC, "server.acl_token_gc_threshold")
	if s.EnableEventBroker != nil {
		c.Events.Off = !*s.EnableEventBroker
	}
	if n := s.EventBufferSize; n != nil {
		if *n < 1 || *n > events.MaxKeep {
			b.fail("server.event_buffer_size = %d: use 1 to %d", *n, events.MaxKeep)
		} else {
			c.Events.Keep = *n
		}
	}
	if s.NumSchedulers != nil || len(s.EnabledSchedulers) > 0 {
		b.warn("server.num_schedulers and enabled_schedulers have no effect: one scheduler places everything")
	}
	if s.RedundancyZone != nil {
		b.warn("server.redundancy_zone has no effect: every voter counts alike")
	}
	if len(s.DefaultSchedulerBlock) > 0 {
		b.fail("server.default_scheduler_config: set it with `berth operator scheduler set-config` once the server runs")
	}
}

// serverJoin reads a server_join block.
func (b *builder) serverJoin(name string, f free, join func([]string)) {
	for _, key := range slices.Sorted(maps.Keys(f.Rest)) {
		attr := f.Rest[key]
		var err error
		switch key {
		case "retry_join", "start_join":
			var addrs []string
			if diags := gohcl.DecodeExpression(attr.Expr, nil, &addrs); diags.HasErrors() {
				err = diags
			}
			join(addrs)
		case "retry_interval":
			var text string
			if diags := gohcl.DecodeExpression(attr.Expr, nil, &text); diags.HasErrors() {
				err = diags
			}
			b.duration(&b.c.Server.RetryInterval, &text, name+".retry_interval")
		case "retry_max":
			if diags := gohcl.DecodeExpression(attr.Expr, nil, &b.c.Server.RetryMax); diags.HasErrors() {
				err = diags
			}
		default:
			b.fail("%s.%s is not known: retry_join, start_join, retry_interval and retry_max are", name, key)
		}
		if err != nil {
			b.fail("%s.%s: %v", name, key, err)
		}
	}
}

// gossipAddrs checks addresses of gossip: a host, perhaps with a port.
func (b *builder) gossipAddrs(name string, addrs []string) []string {
	var out []string
	for _, a := range addrs {
		if addr, ok := b.address(name, a, 0); ok {
			out = append(out, addr)
		}
	}
	return out
}

// address checks a host with or without a port; with a default port it adds that.
func (b *builder) address(name, text string, port int) (string, bool) {
	if host, p, err := net.SplitHostPort(text); err == nil {
		if n, err := strconv.ParseUint(p, 10, 16); err == nil && n > 0 && host != "" {
			return text, true
		}
		b.fail("%s: %q is not an address such as \"10.0.0.1\" or \"10.0.0.1:4648\"", name, text)
		return "", false
	}
	if !hostname(text) {
		b.fail("%s: %q is not an address such as \"10.0.0.1\" or \"server1.example\" (cloud providers are not asked)", name, text)
		return "", false
	}
	if port > 0 {
		text = net.JoinHostPort(text, strconv.Itoa(port))
	}
	return text, true
}

// hostname reports whether a text can be a host.
func hostname(s string) bool {
	if net.ParseIP(s) != nil {
		return true
	}
	if s == "" || len(s) > 253 {
		return false
	}
	for _, c := range s {
		if c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

func (b *builder) autopilot(a *autopilotBlock) {
	c := &b.c.Server.Autopilot
	if a.CleanupDeadServers != nil {
		c.KeepDeadServers = !*a.CleanupDeadServers
	}
	b.duration(&c.LastContactThreshold, a.LastContactThreshold, "autopilot.last_contact_threshold")
	b.duration(&c.ServerStabilizationTime, a.ServerStabilizationTime, "autopilot.server_stabilization_time")
	if a.MaxTrailingLogs != nil {
		if *a.MaxTrailingLogs < 1 {
			b.fail("autopilot.max_trailing_logs = %d: use 1 or more", *a.MaxTrailingLogs)
		} else {
			c.MaxTrailingLogs = uint64(*a.MaxTrailingLogs)
		}
	}
	if a.MinQuorum != nil {
		if *a.MinQuorum < 0 {
			b.fail("autopilot.min_quorum = %d: use 0 or more", *a.MinQuorum)
		} else {
			c.MinQuorum = uint(*a.MinQuorum)
		}
	}
	if a.RedundancyZones != nil && *a.RedundancyZones || a.CustomUpgrades != nil && *a.CustomUpgrades || a.UpgradeMigration != nil {
		b.warn("autopilot: redundancy zones and upgrade migrations have no effect")
	}
}
