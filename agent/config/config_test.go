package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/internal/pki"
	"berth/structs"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const full = `
data_dir  = "/var/lib/berth"
bind_addr = "127.0.0.1"
log_level = "WARN"
ports { http = 5646 }
server {
  enabled          = true
  bootstrap_expect = 1
  heartbeat_grace  = "20s"
  eval_gc_threshold = "2h"
}
client {
  enabled    = true
  node_class = "fast"
  meta { rack = "r1" }
  reserved { 
    cpu = 100
    cores = "0-1,3"
  }
}
plugin "docker" {
  config {
    allow_caps = ["net_raw"]
    volumes { enabled = true }
  }
}
`

func TestFilesAndFlagsAreLaidOverEachOther(t *testing.T) {
	second := write(t, "b.json", `{"client":{"node_class":"slow","meta":{"zone":"z"}},"region":"eu"}`)
	c, err := Load(Flags{ConfigPaths: []string{write(t, "a.hcl", full), second}, LogLevel: "ERROR"})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPAddr != "127.0.0.1:5646" || c.LogLevel != "ERROR" || c.Region != "eu" || c.DataDir != "/var/lib/berth" {
		t.Errorf("%+v", c)
	}
	k := c.Client
	if k.NodeClass != "slow" || k.Meta["rack"] != "r1" || k.Meta["zone"] != "z" || k.Reserved.Cpu.CpuShares != 100 || len(k.Reserved.Cpu.ReservedCpuCores) != 3 {
		t.Errorf("%+v", k)
	}
	if c.Server.Heartbeat.Grace != 20*time.Second || c.Server.GC.Eval != 2*time.Hour {
		t.Errorf("%+v", c.Server)
	}
	if len(c.Driver.AllowCaps) != 1 || c.Driver.AllowCaps[0] != "NET_RAW" || !c.Driver.VolumesEnabled {
		t.Errorf("%+v", c.Driver)
	}
}

// in puts a setting into the server block.
func in(base, setting string) string {
	return strings.Replace(base, "enabled = true", "enabled = true\n  "+setting, 1)
}

func TestServersOfACluster(t *testing.T) {
	c, err := Load(Flags{ConfigPaths: []string{write(t, "a.hcl", `
data_dir = "/x"
bind_addr = "10.1.2.3"
addresses { http = "127.0.0.1" }
advertise { rpc = "10.9.9.9" }
leave_on_terminate = true
ports { serf = 5000 }
server {
  enabled = true
  bootstrap_expect = 3
  retry_join = ["10.1.2.4", "db.example:5000"]
  encrypt = "MDEyMzQ1Njc4OTAxMjM0NQ=="
  non_voting_server = true
  raft_multiplier = 2
  enable_event_broker = false
  event_buffer_size = 500
  server_join {
    retry_join = ["10.1.2.5"]
    retry_interval = "1s"
    retry_max = 4
  }
}
autopilot {
  cleanup_dead_servers = false
  server_stabilization_time = "3s"
}
`)}, Servers: []string{"10.1.1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	s := c.Server
	if s.Expect != 3 || strings.Join(s.Join, " ") != "10.1.2.4 db.example:5000 10.1.2.5" || string(s.Encrypt) != "0123456789012345" || !s.NonVoter || s.RaftMultiplier != 2 ||
		!s.Events.Off || s.Events.Keep != 500 ||
		s.RetryInterval != time.Second || s.RetryMax != 4 || !s.LeaveOnStop || !s.Autopilot.KeepDeadServers || s.Autopilot.ServerStabilizationTime != 3*time.Second {
		t.Errorf("%+v", s)
	}
	if c.RPCBind != "10.1.2.3:4647" || c.RPCAddr != "10.9.9.9:4647" || c.SerfBind != "10.1.2.3:5000" || c.SerfAddr != "10.1.2.3:5000" || c.HTTPAddr != "127.0.0.1:4646" {
		t.Errorf("%+v", c)
	}
	if len(c.Client.Servers) != 1 || c.Client.Servers[0] != "10.1.1.1:4647" {
		t.Errorf("%v", c.Client.Servers)
	}
}

func TestWhoFormsAClusterAlone(t *testing.T) {
	for name, x := range map[string]struct {
		flags Flags
		want  int
	}{
		"nothing said":      {Flags{}, 1},
		"someone to join":   {Flags{RetryJoin: []string{"10.0.0.1"}}, 0},
		"said on the line":  {Flags{BootstrapExpect: 3, RetryJoin: []string{"10.0.0.1"}}, 3},
		"one, and to join":  {Flags{BootstrapExpect: 1, RetryJoin: []string{"10.0.0.1"}}, 1},
		"three, none known": {Flags{BootstrapExpect: 3}, 3},
	} {
		x.flags.Server, x.flags.DataDir, x.flags.BindAddr = true, "/x", "127.0.0.1"
		c, err := Load(x.flags)
		if err != nil {
			t.Fatal(name, err)
		}
		if c.Server.Expect != x.want {
			t.Errorf("%s: %d, want %d", name, c.Server.Expect, x.want)
		}
	}
}

func TestADirectoryIsReadByName(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"10.hcl": full, "20.hcl": `datacenter = "second"`, "30.txt": "junk", ".hidden.hcl": "junk"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(Flags{ConfigPaths: []string{dir}})
	if err != nil || c.Datacenter != "second" || len(c.Files) != 2 {
		t.Fatal(c, err)
	}
}

func TestDev(t *testing.T) {
	c, err := Load(Flags{Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPAddr != "127.0.0.1:4646" || !c.Server.Enabled || !c.Client.Enabled || c.DataDir != "" {
		t.Errorf("%+v", c)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	base := "data_dir = \"/x\"\nbind_addr = \"127.0.0.1\"\nserver {\n  enabled = true\n}\n"
	for name, c := range map[string]struct{ text, want string }{
		"unknown setting":   {base + "datdir = 1\n", "6:1"},
		"nearest":           {"data_dri = \"/x\"\n", "data_dir"},
		"wrong kind":        {base + "ports { http = \"many\" }\n", "number"},
		"no role":           {"data_dir = \"/x\"\nbind_addr = \"127.0.0.1\"\n", "neither server nor client"},
		"no data dir":       {"bind_addr = \"127.0.0.1\"\nserver { enabled = true }\n", "data_dir is not set"},
		"open to the world": {"data_dir = \"/x\"\nbind_addr = \"10.0.0.1\"\nserver { enabled = true }\n", "without encryption"},
		"too many servers":  {in(base, "bootstrap_expect = 99"), "bootstrap_expect = 99"},
		"a bad key":         {in(base, "encrypt = \"c2hvcnQ=\""), "keyring generate"},
		"a bad address":     {in(base, "retry_join = [\"provider=aws tag_key=x\"]"), "cloud providers are not asked"},
		"a bad port":        {in(base, "retry_join = [\"10.0.0.1:99999\"]"), "10.0.0.1:99999"},
		"a bad multiplier":  {in(base, "raft_multiplier = 0"), "raft_multiplier = 0"},
		"a bad buffer":      {in(base, "event_buffer_size = 0"), "event_buffer_size = 0: use 1 to 100000"},
		"unknown join word": {in(base, "server_join {\n retry_joins = []\n}"), "server_join.retry_joins"},
		"bad advertise":     {base + "advertise { rpc = \"me\" }\n", "advertise.rpc"},
		"bad rpc address":   {base + "addresses { rpc = \"eth0\" }\n", "addresses.rpc"},
		"a lonely client":   {"data_dir = \"/x\"\nbind_addr = \"127.0.0.1\"\nclient { enabled = true }\n", "knows nobody to work for"},
		"bad autopilot":     {base + "autopilot { min_quorum = -1 }\n", "min_quorum"},
		"a bad ttl":         {base + "acl { token_ttl = \"soon\" }\n", "acl.token_ttl = \"soon\" is not a duration"},
		"acl bounds":        {base + "acl {\n token_min_expiration_ttl = \"48h\"\n}\n", "token_min_expiration_ttl 48h0m0s is above token_max_expiration_ttl 24h0m0s"},
		"unknown acl word":  {base + "acl { enable = true }\n", "enable"},
		"tls":               {base + "tls { http = true }\n", "need ca_file"},
		"tls version":       {base + "tls { tls_min_version = \"ssl3\" }\n", "tls12 and tls13"},
		"at rest twice":     {"data_dir = \"/x\"\nserver {\n enabled = true\n at_rest {\n key_file = \"a\"\n passphrase_file = \"b\"\n }\n}\n", "name one of"},
		"tls for everybody": {"data_dir = \"/x\"\nbind_addr = \"10.0.0.1\"\nserver {\n enabled = true\n}\ntls {\n http = true\n ca_file = \"a\"\n cert_file = \"b\"\n key_file = \"c\"\n}\n", "verify_https_client = true"},
		"tls suites":        {base + "tls { tls_cipher_suites = \"RC4\" }\n", "not known or not safe"},
		"tls upgrade":       {base + "tls { rpc_upgrade_mode = true }\n", "never speaks without TLS"},
		"a bad duration":    {strings.Replace(base, "enabled = true", "enabled = true\n  eval_gc_threshold = \"soon\"", 1), "soon"},
		"a foreign plugin":  {base + "plugin \"qemu\" {}\n", "qemu"},
		"a bad level":       {base + "log_level = \"LOUD\"\n", "LOUD"},
		"not closed":        {base + "client {\n", "no closing brace"},
		"deep":              {base + "x = " + strings.Repeat("(", 100_000), "nested"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "agent.hcl", c.text)
			_, err := Load(Flags{ConfigPaths: []string{path}})
			if err == nil {
				t.Fatal("accepted")
			}
			text := err.Error()
			var e *Error
			if errors.As(err, &e) {
				var b strings.Builder
				_ = e.Render(&b, false)
				text += b.String()
			}
			if !strings.Contains(strings.ToLower(text), strings.ToLower(c.want)) {
				t.Errorf("%q is not told in: %s", c.want, text)
			}
		})
	}
	if _, err := Load(Flags{ConfigPaths: []string{"/no/such/file.hcl"}}); err == nil || !strings.Contains(err.Error(), "/no/such/file.hcl") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestWhatHasNoEffectIsWarnedOf(t *testing.T) {
	c, err := Load(Flags{ConfigPaths: []string{write(t, "a.hcl", full+"\nconsul { address = \"x\" }\ntelemetry {\nprometheus_metrics = true\ncirconus_api_token = \"x\"\n}\n")}})
	if err != nil || len(c.Warnings) != 2 {
		t.Fatal(c, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a.hcl", []byte(full))
	f.Add("a.json", []byte(`{"client":{"enabled":true}}`))
	f.Fuzz(func(t *testing.T, name string, src []byte) {
		parsed, err := parse(name, src)
		if err == nil {
			b := &builder{c: Default(), at: defaultAddresses()}
			b.apply(name, parsed)
			_ = b.c.finish(b.at)
			b.c.validate()
		}
	})
}

func TestAMachineThatJoinedKnowsWhatItIs(t *testing.T) {
	dir := t.TempDir()
	root, err := pki.NewRoot("global", time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	key, der, err := pki.NewRequest()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	id := structs.MustID("0b5c6a30-1111-4222-8333-444455556666")
	chain, err := root.Issue(csr, pki.Identity{Role: pki.RoleServer, Region: "global", ID: id}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := pki.NewCredentials(chain, key, pki.NewBundle(root.Cert))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := pki.NewToken(id, pki.RoleClient, time.Now(), root.Digest(), []string{"10.0.0.1:4647"})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Load(Flags{DataDir: dir, JoinToken: tok.Text()}); err != nil || c.Server.Enabled || !c.Client.Enabled {
		t.Errorf("with a client's token: %v", err)
	}
	between, err := pki.NewToken(id, pki.RoleRegion, time.Now(), root.Digest(), []string{"10.0.0.1:4647"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{between.Text(): "berth server join", "foo": "does not begin with", tok.Text()[:40]: "mistyped"} {
		if _, err := Load(Flags{DataDir: dir, JoinToken: text}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("token %s: %v", text, err)
		}
	}
	if err := creds.Save(PKIDir(dir)); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(Flags{DataDir: dir}); err != nil || !c.Server.Enabled || c.Client.Enabled {
		t.Errorf("after it joined as a server: %v", err)
	}
	if _, err := Load(Flags{DataDir: t.TempDir(), JoinToken: tok.Text()[:60]}); err == nil || !strings.Contains(err.Error(), "join token") {
		t.Errorf("a token that was cut off: %v", err)
	}
}
