package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What asks for the absence of something that Berth does not do is granted without a word.
var granted = map[string]bool{"disable_update_check": true, "disable_anonymous_signature": true, "reporting": true, "syslog_facility": true}

// A setting that is read from files is looked at by some code: it takes effect, or it is refused or warned of.
func TestNoSettingIsPassedOver(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	}
	settings := regexp.MustCompile("(?m)^\\t(\\w+) +\\S+ +`hcl:\"(\\w+)").FindAllStringSubmatch(code.String(), -1)
	if len(settings) < 150 {
		t.Fatalf("%d settings are found", len(settings))
	}
	for _, s := range settings {
		if used := regexp.MustCompile(`\.` + s[1] + `\b`).MatchString(code.String()); used == granted[s[2]] {
			t.Errorf("%s (%s): looked at %v, granted without a word %v", s[2], s[1], used, granted[s[2]])
		}
	}
}

func TestWhatHasNoEffectIsSaid(t *testing.T) {
	const text = `
data_dir = "/var/lib/x"
log_include_location = true
advertise { http = "10.0.0.1" }
server {
  enabled = true
  data_dir = "/var/lib/y"
  raft_protocol = 3
  search { fuzzy_enabled = true }
}
client {
  state_dir = "/x"
  gc_interval = "1m"
  artifact { http_read_timeout = "30m" }
}
plugin "docker" {
  config {
    extra_labels = ["job_name"]
    gc { image = true }
  }
}
disable_update_check = true
`
	path := filepath.Join(t.TempDir(), "a.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Flags{ConfigPaths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(c.Warnings, "\n")
	for _, want := range []string{"log_include_location has", "server.raft_protocol has", "server.data_dir has", "advertise.http has", "server.search has", "client.state_dir has",
		"client.gc_interval,", "client.artifact has", `plugin "docker": extra_labels has`, `plugin "docker": gc has`} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing is said of %s:\n%s", want, said)
		}
	}
	if len(c.Warnings) != 10 {
		t.Errorf("warnings:\n%s", said)
	}
	if err := os.WriteFile(path, []byte("data_dir = \"/d\"\nserver {\n enabled = true\n bootstrap_expect = 1\n}\nclient {\n enabled = true\n drain_on_shutdown { deadline = \"1m\" }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = Load(Flags{ConfigPaths: []string{path}}); err != nil || c.Client.Drain != nil || !strings.Contains(strings.Join(c.Warnings, "\n"), "client.drain_on_shutdown has no effect without leave_on_interrupt") {
		t.Errorf("%v, %+v", err, c)
	}
	for text, want := range map[string]Drain{"": {Deadline: time.Hour}, `deadline = "90s"
 force = true
 ignore_system_jobs = true`: {90 * time.Second, true, true}} {
		text = "leave_on_terminate = true\ndata_dir = \"/d\"\nserver {\n enabled = true\n bootstrap_expect = 1\n}\nclient {\n enabled = true\n drain_on_shutdown {\n" + text + "\n}\n}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := Load(Flags{ConfigPaths: []string{path}}); err != nil || c.Client.Drain == nil || *c.Client.Drain != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, deadline := range []string{"0s", "169h"} {
		text := "client {\n enabled = true\n drain_on_shutdown {\n deadline = \"" + deadline + "\"\n}\n}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(Flags{ConfigPaths: []string{path}}); err == nil || !strings.Contains(err.Error(), "client.drain_on_shutdown.deadline is "+deadline[:1]) {
			t.Errorf("%s: %v", deadline, err)
		}
	}
}
